// Links that carry their own right: who holds one may do what it says until it expires.
#pragma once

#include <string>
#include <string_view>

#include <base/refusal.hpp>
#include <base/words.hpp>

namespace haat::files {

extern RefusalKind const link_invalid; // 404
extern RefusalKind const link_expired; // 410

class Links {
public:
    /// The key is made of the secret, so that a token and a link never prove each other.
    explicit Links(std::string_view secret);

    /// `what` names the act and everything it depends on; the time is in seconds since 1970.
    std::string sign(std::string_view what, std::int64_t expires) const;
    /// Throws one of the two refusals, after a time that does not tell how wrong it was.
    void check(std::string_view what, std::int64_t expires, std::string_view signature) const;

private:
    std::string key_;
};

} // namespace haat::files
