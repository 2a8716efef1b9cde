#include <outbound/error.hpp>

namespace haat::outbound {

std::string_view name_of(ErrorKind kind) {
    static constexpr std::string_view names[error_kinds] = {
        "bad_request", "dns",       "forbidden_address", "refused", "tls",    "timeout",
        "closed",      "too_large", "breaker_open",      "busy",    "status", "bad_reply",
        "stopped"};
    return names[static_cast<std::size_t>(kind)];
}

bool Error::temporary() const {
    switch (kind_) {
    case ErrorKind::bad_request:
    case ErrorKind::forbidden_address:
    case ErrorKind::too_large:
    case ErrorKind::bad_reply: return false;
    case ErrorKind::status:
        return status == 408 || status == 425 || status == 429 ||
               (status >= 500 && status != 501 && status != 505);
    case ErrorKind::dns:
    case ErrorKind::refused:
    case ErrorKind::tls:
    case ErrorKind::timeout:
    case ErrorKind::closed:
    case ErrorKind::breaker_open:
    case ErrorKind::busy:
    case ErrorKind::stopped: return true;
    }
    return false;
}

} // namespace haat::outbound
