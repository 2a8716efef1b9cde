// What goes to the client (a Refusal) and what goes to the log (a Fault) are different types.
#pragma once

#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace haat {

/// One thing wrong with the input: `items[2].quantity`, `too_small`, `{"min":1}`.
struct Problem {
    std::string path;
    std::string_view code;
    std::string params; // a JSON object, or empty
};
using Problems = std::vector<Problem>;

/// The sentence for people: "must be at least 1".
std::string sentence_of(Problem const&);

/// Declared once, as a value: `inline RefusalKind brand_slug_taken{409, "BRAND_SLUG_TAKEN", "…"};`
/// Links itself into the list from which docs/errors.md and the tests are made.
class RefusalKind {
public:
    struct More {
        std::string_view constraint = {}; // the database constraint that means this refusal
        std::string_view field = {};      // the input field it is about, in camelCase
    };

    RefusalKind(int status, std::string_view code, std::string_view sentence)
        : RefusalKind(status, code, sentence, More{}) {}
    RefusalKind(int status, std::string_view code, std::string_view sentence, More more);
    RefusalKind(RefusalKind const&) = delete;

    int status() const { return status_; }
    std::string_view code() const { return code_; }
    std::string_view sentence() const { return sentence_; }
    std::string_view constraint() const { return more_.constraint; }
    std::string_view field() const { return more_.field; }

    RefusalKind const* next() const { return next_; }
    static RefusalKind const* first();
    static RefusalKind const* by_constraint(std::string_view name);

private:
    int status_;
    std::string_view code_;
    std::string_view sentence_;
    More more_;
    RefusalKind const* next_;
};

/// Thrown by commands and handlers, shallow; the edge renders it.
class Refusal : public std::exception {
public:
    explicit Refusal(RefusalKind const& kind);

    /// Details under a field's path, or numbers a client wants: with("allowed", R"(["shipped"])").
    Refusal&& with(std::string_view key, std::string json) &&;
    Refusal&& about(Problems problems) &&;
    /// Another sentence than the kind's, when the facts of the case help.
    Refusal&& saying(std::string sentence) &&;
    Refusal&& retry_after(int seconds) &&;

    bool is(RefusalKind const& kind) const { return kind_ == &kind; }
    int status() const { return kind_->status(); }
    std::string_view code() const { return code_.empty() ? kind_->code() : code_; }
    std::string_view sentence() const { return sentence_.empty() ? kind_->sentence() : sentence_; }
    Problems const& problems() const { return problems_; }
    std::string const& extras() const { return extras_; } // `"key":json,…`, ready for an object
    int retry_after() const { return retry_after_seconds_; }
    char const* what() const noexcept override { return kind_->code().data(); }

    /// 404 BRAND_NOT_FOUND for noun "brand".
    static Refusal not_found(std::string_view noun);

private:
    RefusalKind const* kind_;
    std::string code_;
    std::string sentence_;
    std::string extras_;
    Problems problems_;
    int retry_after_seconds_ = 0;
};

template <class Noun> Refusal not_found() { return Refusal::not_found(Noun::noun); }

/// For the log only; its text never leaves the process.
class Fault : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// The refusals every route may give.
extern RefusalKind const malformed_json;      // 400
extern RefusalKind const bad_request;         // 400
extern RefusalKind const unauthenticated;     // 401
extern RefusalKind const token_invalid;       // 401
extern RefusalKind const token_expired;       // 401
extern RefusalKind const forbidden;           // 403
extern RefusalKind const resource_not_found;  // 404
extern RefusalKind const route_not_found;     // 404
extern RefusalKind const method_not_allowed;  // 405
extern RefusalKind const duplicate_resource;  // 409, when no kind names the constraint
extern RefusalKind const still_referenced;    // 409
extern RefusalKind const precondition_failed; // 412
extern RefusalKind const body_too_large;      // 413
extern RefusalKind const unsupported_media;   // 415
extern RefusalKind const validation_error;    // 422
extern RefusalKind const too_many_requests;   // 429
extern RefusalKind const internal_error;      // 500
extern RefusalKind const unavailable;         // 503, the database is away or the server drains
extern RefusalKind const overloaded;          // 503, queues are full

} // namespace haat
