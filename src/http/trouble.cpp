#include <http/trouble.hpp>

namespace haat::http {

namespace {
RefusalKind const target_too_long{414, "TARGET_TOO_LONG",
                                  "The address of the request is too long."};
RefusalKind const headers_too_large{431, "HEADERS_TOO_LARGE", "The headers are too large."};
RefusalKind const too_many_headers{431, "TOO_MANY_HEADERS", "There are too many headers."};
RefusalKind const header_timeout{408, "HEADER_TIMEOUT", "The headers took too long to arrive."};
RefusalKind const body_timeout{408, "BODY_TIMEOUT", "The body took too long to arrive."};
RefusalKind const connections_exhausted{503, "TOO_MANY_CONNECTIONS",
                                        "There are too many connections just now."};
RefusalKind const address_exhausted{429, "TOO_MANY_CONNECTIONS_FROM_ADDRESS",
                                    "There are too many connections from your address."};
RefusalKind const unsupported_expectation{417, "EXPECTATION_FAILED",
                                          "Only the expectation 100-continue is known."};
RefusalKind const unsupported_transfer{501, "TRANSFER_CODING_UNSUPPORTED",
                                       "Only the transfer coding chunked is known."};
RefusalKind const unsupported_version{505, "HTTP_VERSION_UNSUPPORTED",
                                      "Only HTTP/1.0 and HTTP/1.1 are spoken here."};
RefusalKind const draining{503, "DRAINING", "This server is stopping. Ask another one."};
} // namespace

RefusalKind const& refusal_of(Trouble trouble) {
    switch (trouble) {
    case Trouble::bad_request: return bad_request;
    case Trouble::target_too_long: return target_too_long;
    case Trouble::headers_too_large: return headers_too_large;
    case Trouble::too_many_headers: return too_many_headers;
    case Trouble::body_too_large: return body_too_large;
    case Trouble::header_timeout: return header_timeout;
    case Trouble::body_timeout: return body_timeout;
    case Trouble::too_many_connections: return connections_exhausted;
    case Trouble::too_many_from_address: return address_exhausted;
    case Trouble::unsupported_expectation: return unsupported_expectation;
    case Trouble::unsupported_transfer: return unsupported_transfer;
    case Trouble::unsupported_version: return unsupported_version;
    case Trouble::draining: return draining;
    case Trouble::failed: return internal_error;
    }
    return internal_error;
}

} // namespace haat::http
