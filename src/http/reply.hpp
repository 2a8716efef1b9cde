// What a handler returns. The data is encoded at once; the edge adds the envelope.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <base/words.hpp>
#include <describe/codec.hpp>
#include <http/message.hpp>

namespace haat {

struct None {};

namespace http {
/// Bytes that never sit in memory as a whole: a file, or a source. Closes the file unless the
/// engine took it.
struct Payload {
    FileBody file;
    std::shared_ptr<BodySource> source;

    Payload() = default;
    Payload(Payload const&) = delete;
    ~Payload();
};
} // namespace http

/// A reply of any type, as the edge sees it.
struct RawReply {
    int status = 200;
    std::string data;                 // JSON; empty: null
    describe::PersonalParts personal; // of the data
    std::string message;              // empty: the route's or the status's own
    std::string pagination;           // JSON of meta.pagination, or empty
    std::string head;                 // further headers, as "Name: value\r\n"
    Uuid entity;                      // what was created or changed, for Location and the audit row
    std::string rendered; // the whole body, when it had to be kept for an idempotency key
    bool bare = false;    // data is the whole body (health, openapi.json), without the envelope
    std::string_view content_type = "application/json"; // of what lives for ever
    std::shared_ptr<http::Payload> payload;             // the whole body, instead of data

    void header(std::string_view name, std::string_view value) {
        head.append(name).append(": ").append(value).append("\r\n");
    }
};

template <class Out> struct Reply : RawReply {
    using stored = RawReply; // Task<Reply<Out>> keeps a RawReply in its frame
    Reply() = default;
    explicit Reply(RawReply&& raw) : RawReply(std::move(raw)) {}

    Reply&& saying(std::string text) && {
        message = std::move(text);
        return std::move(*this);
    }
};

/// The body of a DELETE's answer.
struct Deleted {
    Uuid id;
    bool is_deleted = true;
};
HAAT_DESCRIBE(Deleted, id, is_deleted)

namespace http {
std::string pagination_json(Page<int> const& facts);
}

template <class Out> Reply<Out> reply(int status, Out const& view) {
    Reply<Out> answer;
    answer.status = status;
    describe::encode(answer.data, describe::shape_of<Out>, &view, answer.personal);
    if constexpr (requires { view.id.uuid; }) answer.entity = view.id.uuid;
    return answer;
}
template <class Out> Reply<Out> ok(Out const& view) { return reply(200, view); }
template <class Out> Reply<Out> created(Out const& view) { return reply(201, view); }
inline Reply<None> nothing() { return {}; }
template <class Noun> Reply<Deleted> deleted(Id<Noun> id) {
    Reply<Deleted> answer = reply(200, Deleted{id.uuid});
    answer.entity = id.uuid;
    return answer;
}
template <class Out> Reply<Page<Out>> listed(Page<Out> const& page) {
    Reply<Page<Out>> answer;
    describe::to_json(answer.data, page.items);
    Page<int> const facts{{},        page.total,       page.total_is_exact, page.limit,
                          page.skip, page.next_cursor, page.prev_cursor,    page.has_more};
    answer.pagination = http::pagination_json(facts);
    return answer;
}

} // namespace haat
