#include <base/refusal.hpp>

#include <algorithm>

namespace haat {

namespace {
// A pointer with constant initialisation: kinds in other files may be made before main().
constinit RefusalKind const* first_kind = nullptr;
} // namespace

RefusalKind::RefusalKind(int status, std::string_view code, std::string_view sentence, More more)
    : status_(status), code_(code), sentence_(sentence), more_(more), next_(first_kind) {
    first_kind = this;
}
RefusalKind const* RefusalKind::first() { return first_kind; }

RefusalKind const* RefusalKind::by_constraint(std::string_view name) {
    for (RefusalKind const* kind = first_kind; kind; kind = kind->next())
        if (!name.empty() && kind->constraint() == name) return kind;
    return nullptr;
}

RefusalKind const malformed_json{400, "MALFORMED_JSON", "The body is not valid JSON."};
RefusalKind const bad_request{400, "BAD_REQUEST", "The request cannot be understood."};
RefusalKind const unauthenticated{401, "AUTHENTICATION_REQUIRED", "Sign in first."};
RefusalKind const token_invalid{401, "TOKEN_INVALID", "The access token is not valid."};
RefusalKind const token_expired{401, "TOKEN_EXPIRED", "The access token has expired."};
RefusalKind const forbidden{403, "FORBIDDEN", "You may not do this."};
RefusalKind const resource_not_found{404, "RESOURCE_NOT_FOUND", "It is not there."};
RefusalKind const route_not_found{404, "ROUTE_NOT_FOUND", "There is no such route."};
RefusalKind const method_not_allowed{405, "METHOD_NOT_ALLOWED",
                                     "This route does not take this method."};
RefusalKind const duplicate_resource{409, "DUPLICATE_RESOURCE", "It exists already."};
RefusalKind const still_referenced{409, "STILL_REFERENCED", "Something else still refers to it."};
RefusalKind const precondition_failed{412, "PRECONDITION_FAILED",
                                      "It has changed since you read it. Read it again."};
RefusalKind const body_too_large{413, "BODY_TOO_LARGE", "The body is too large for this route."};
RefusalKind const unsupported_media{415, "UNSUPPORTED_MEDIA_TYPE",
                                    "This route does not take this content type."};
RefusalKind const validation_error{422, "VALIDATION_ERROR", "Validation failed."};
RefusalKind const too_many_requests{429, "RATE_LIMIT_EXCEEDED",
                                    "Too many requests. Wait a little."};
RefusalKind const internal_error{500, "INTERNAL_ERROR", "Something went wrong on our side."};
RefusalKind const unavailable{503, "SERVICE_UNAVAILABLE", "Not available just now. Try again."};
RefusalKind const overloaded{503, "OVERLOADED", "Too busy just now. Try again."};

Refusal::Refusal(RefusalKind const& kind) : kind_(&kind) {}

Refusal&& Refusal::with(std::string_view key, std::string json) && {
    if (!extras_.empty()) extras_ += ',';
    extras_.append("\"").append(key).append("\":").append(json);
    return std::move(*this);
}
Refusal&& Refusal::about(Problems problems) && {
    problems_ = std::move(problems);
    return std::move(*this);
}
Refusal&& Refusal::saying(std::string sentence) && {
    sentence_ = std::move(sentence);
    return std::move(*this);
}
Refusal&& Refusal::retry_after(int seconds) && {
    retry_after_seconds_ = seconds;
    return std::move(*this);
}

Refusal Refusal::not_found(std::string_view noun) {
    Refusal refusal(resource_not_found);
    refusal.code_.reserve(noun.size() + 10);
    for (char c : noun) refusal.code_ += c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
    refusal.code_ += "_NOT_FOUND";
    refusal.sentence_.append("There is no such ").append(noun).append(".");
    std::replace(refusal.sentence_.begin(), refusal.sentence_.end(), '_', ' ');
    return refusal;
}

} // namespace haat
