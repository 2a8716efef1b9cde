// One call of a route, as its handler sees it. Call<Body> for writes, Ask<Query> for reads.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <access/access.hpp>
#include <base/task.hpp>
#include <http/idempotency.hpp>
#include <http/message.hpp>
#include <http/reply.hpp>
#include <pg/pg.hpp>

namespace haat {

namespace http {
struct RouteSpec;
}
template <class Self, class Body, class Query, class Out, class... A> struct StoredCall;

class RawCall {
public:
    RawCall(http::Request& request, http::RouteSpec const& route, pg::Database& database,
            Actor actor, std::string_view request_id);
    ~RawCall();
    RawCall(RawCall const&) = delete;

    Actor const& actor() const { return actor_; }
    http::Request& request() { return request_; }
    http::RouteSpec const& route() const { return route_; }
    std::string_view request_id() const { return request_id_; }
    pg::Database& database() { return database_; }

    /// Reads with the caller's row-level security: `co_await call.read(sql::find_brand, id)`,
    /// `co_await call.read.list(sql::list_brands, call.query())`.
    pg::Reader read;

    /// A transaction with the caller's row-level security. On an idempotent route it carries the
    /// key: a repeat is answered by the edge with the first success.
    Tx begin();

    /// Writes the audit row, keeps the answer for the idempotency key, and commits: all or nothing.
    /// Ends every writing handler.
    template <class Out> Task<Reply<Out>> commit(Tx& tx, Reply<Out> answer) {
        return commit_raw(tx, std::move(answer)).template slice<Reply<Out>>();
    }

    /// For the audit row of a change: what it was and what it became.
    template <class Row> void changed(Row const& before, Row const& after) {
        personal_.clear();
        changes_ = describe::diff(describe::shape_of<Row>, &before, &after, personal_);
    }

    /// The same of what is new and of what is gone.
    template <class Row> void made(Row const& after) {
        lone_change("after", describe::shape_of<Row>, &after);
    }
    template <class Row> void removed(Row const& before) {
        lone_change("before", describe::shape_of<Row>, &before);
    }

    /// If-Match: 412 unless the client's ETag is that of this view (or it sent none).
    template <class View> void expect(View const& current) {
        if (has_if_match()) expect_json(describe::to_json(current));
    }

    /// The value of a cookie, or empty.
    std::string_view cookie(std::string_view name) const;

protected:
    Task<RawReply> commit_raw(Tx& tx, RawReply answer);
    bool has_if_match() const;
    void expect_json(std::string const& data) const;
    void lone_change(std::string_view side, describe::Shape const& shape, void const* row);
    /// The row of the audit log, and what an idempotent request is answered with when it comes
    /// again.
    void keep_audit(Tx& tx, RawReply const& answer);
    void keep_for_repeats(Tx& tx, RawReply& answer);
    Uuid on_behalf_of() const;

private:
    friend class Edge;
    http::Request& request_;
    http::RouteSpec const& route_;
    pg::Database& database_;
    Actor actor_;
    std::string_view request_id_;
    pg::Settings settings_;
    std::optional<http::IdempotencyKey> key_;
    std::string changes_;
    describe::PersonalParts personal_; // of the changes
};

/// `Call<NewBrand>` for a body, `Call<None, BrandFilter>` (Ask) for a query, `Call<>` for neither.
template <class Body = None, class Query = None> class Call : public RawCall {
public:
    using RawCall::RawCall;
    Body const& body() const { return body_; }
    Query const& query() const { return query_; }

private:
    template <class S, class B, class Q, class O, class... A> friend struct StoredCall;
    Body body_{};
    Query query_{};
};
template <class Query> using Ask = Call<None, Query>;

} // namespace haat
