// The table of routes. A route says everything about itself; the same table makes dispatch,
// OpenAPI, metrics labels, rate limits, the access matrix and `haat routes`.
//
//     Routes brands = r.group("/brands", "Brands");
//     brands.get ("",      &list_brands,  "Search brands").open().cached(60s, "brands");
//     brands.post("",      &create_brand, "Add a brand").needs(Permit::catalog_write).idempotent();
//     brands.get ("/{id}", &get_brand,    "One brand").open();
#pragma once

#include <array>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include <http/call.hpp>

namespace haat {

using namespace std::chrono_literals;

/// Which allowance a request draws on; see rate_limit.hpp for the numbers.
enum class RateClass : std::uint8_t {
    by_method,
    auth,
    sensitive,
    upload,
    order_create,
    order_query,
    none
};

namespace http {

class CallHolder {
public:
    virtual ~CallHolder() = default;
    virtual RawCall& call() = 0;
    virtual void* body() = 0;
    virtual void* query() = 0;
    virtual void* path_argument(std::size_t index) = 0;
    virtual Task<RawReply> run(void (*handler)(), void* self) = 0;
};

struct CallContext {
    Request& request;
    struct RouteSpec const& route;
    pg::Database& database;
    Actor actor;
    std::string_view request_id;
};

/// What the types of a handler say.
struct Signature {
    describe::Shape const* body = nullptr;  // nullptr: None
    describe::Shape const* query = nullptr; // nullptr: None
    describe::Shape const* out = nullptr;   // nullptr: None; of a page: the item
    bool paged = false;
    std::vector<describe::Shape const*> path_arguments;
    std::unique_ptr<CallHolder> (*make)(CallContext const&) = nullptr;
    void* self = nullptr; // the object that the handler takes first, if it does
};

struct RouteSpec {
    Method method;
    std::string path; // "/api/v1/brands/{id}"
    std::string tag;
    std::string_view summary;
    Signature signature;
    void (*handler)() = nullptr;

    bool open = true;
    Permit permit = Permit::signed_in;
    bool idempotent = false;
    RateClass rate_class = RateClass::by_method;
    std::chrono::seconds cache_for{0}; // of open GETs
    std::string_view cache_tag;        // what writes drop
    std::vector<std::string_view> drops;
    std::vector<RefusalKind const*> refusals;
    std::size_t body_bytes_max = 1 << 20;
    bool streams_body = false;   // multipart or raw: the handler reads request().stream
    bool audited = true;         // of writes
    std::string_view action;     // of audit rows; empty: by the method
    bool in_maintenance = false; // may be asked while everything else is closed
    std::string_view message;    // of the envelope
    std::string description;
    bool bare = false;                                // no envelope
    std::string_view media_type = "application/json"; // of a bare answer
    int success_status = 200;                         // as documented
    bool deprecated = false;
    RouteSpec const* alias_of = nullptr;
    int number = 0;
    std::string operation; // "getBrandsById"

    /// An alias behaves as the route it stands for, in everything but its path.
    RouteSpec const& canonical() const { return alias_of ? *alias_of : *this; }

    /// The envelope's message: the reply's own, else the route's, else the status's.
    std::string_view message_for(RawReply const& reply) const;
};

} // namespace http

class Routes;

/// Optional extras; may be dropped.
class Route {
public:
    /// Shared caches and ours may keep the answer; writes that `drops(tag)` end it at once.
    Route& cached(std::chrono::seconds how_long, std::string_view tag);
    Route& drops(std::string_view tag);
    /// The same handler under another path (a seed's spelling); marked deprecated.
    Route& alias(std::string_view path);
    Route& alias(http::Method method, std::string_view path);
    Route& idempotent();
    Route& limited(RateClass);
    Route& body_max(std::size_t bytes);
    Route& streams();
    /// The data is the whole answer, without the envelope.
    Route& bare(std::string_view media_type = "application/json");
    /// The status of success, for the documents; POST is 201 when nothing is said.
    Route& answers(int status);
    Route& unaudited();
    /// What audit rows call it, where CREATE, UPDATE and DELETE do not fit: "LOGIN".
    Route& audited_as(std::string_view action);
    /// Stays open during maintenance, see gate.hpp.
    Route& in_maintenance();
    Route& says(std::string_view message);
    Route& describes(std::string text);
    template <class... Kinds> Route& refuses(Kinds const&... kinds) {
        (add_refusal(kinds), ...);
        return *this;
    }

private:
    friend class Unguarded;
    Route(std::deque<http::RouteSpec>& all, std::size_t index) : all_(&all), index_(index) {}
    http::RouteSpec& spec() { return (*all_)[index_]; }
    void add_refusal(RefusalKind const& kind) { spec().refusals.push_back(&kind); }
    std::deque<http::RouteSpec>* all_;
    std::size_t index_;
};

class [[nodiscard("say who may call it: end with .open() or .needs(Permit::…)")]] Unguarded {
public:
    Route open() &&;
    Route needs(Permit) &&;
    Unguarded(Unguarded const&) = delete;

private:
    friend class Routes;
    Unguarded(std::deque<http::RouteSpec>& all, http::RouteSpec spec)
        : all_(&all), spec_(std::move(spec)) {}
    Route add();
    std::deque<http::RouteSpec>* all_;
    http::RouteSpec spec_;
};

class Routes {
public:
    Routes();

    /// Routes below a common path, under one tag of the documentation.
    Routes group(std::string_view path, std::string_view tag) const;
    /// Of this group: its open GETs are cached, and its writes end what was cached.
    Routes cached(std::chrono::seconds how_long, std::string_view tag) const;
    /// Routes outside /api/v1: health, metrics, documents.
    Routes root(std::string_view tag) const;

    // get("/{id}", &get_brand, "One brand"), where
    //     Task<Reply<Brand>> get_brand(Call<>& call, BrandId id)
    // or get("", &health, operations, "Health"), where the handler takes Operations& first.
    template <class... Rest> Unguarded get(std::string_view path, Rest&&... rest) {
        return add(http::Method::get, path, rest...);
    }
    template <class... Rest> Unguarded post(std::string_view path, Rest&&... rest) {
        return add(http::Method::post, path, rest...);
    }
    template <class... Rest> Unguarded put(std::string_view path, Rest&&... rest) {
        return add(http::Method::put, path, rest...);
    }
    template <class... Rest> Unguarded patch(std::string_view path, Rest&&... rest) {
        return add(http::Method::patch, path, rest...);
    }
    template <class... Rest> Unguarded remove(std::string_view path, Rest&&... rest) {
        return add(http::Method::del, path, rest...);
    }

    std::deque<http::RouteSpec> const& all() const { return *all_; }

private:
    template <class B, class Q, class Out, class... A>
    Unguarded add(http::Method method, std::string_view path,
                  Task<Reply<Out>> (*handler)(Call<B, Q>&, A...), std::string_view summary);
    template <class Self, class B, class Q, class Out, class... A>
    Unguarded add(http::Method method, std::string_view path,
                  Task<Reply<Out>> (*handler)(Self&, Call<B, Q>&, A...), Self& self,
                  std::string_view summary);
    template <class Self, class B, class Q, class Out, class... A>
    static http::Signature signature_of(Self* self);
    Unguarded add_erased(http::Method, std::string_view path, void (*handler)(),
                         http::Signature signature, std::string_view summary);

    std::shared_ptr<std::deque<http::RouteSpec>> all_; // one table for all groups
    std::string prefix_;
    std::string tag_;
    std::chrono::seconds cache_for_{0};
    std::string_view cache_tag_;
};

// ---- below: how a handler's types become a Signature

/// Body, query and path arguments of one call, made in one allocation. Self is void for a handler
/// that stands alone.
template <class Self, class Body, class Query, class Out, class... A>
struct StoredCall final : http::CallHolder {
    explicit StoredCall(http::CallContext const& c)
        : call_(c.request, c.route, c.database, c.actor, c.request_id) {}
    RawCall& call() override { return call_; }
    void* body() override { return &call_.body_; }
    void* query() override { return &call_.query_; }
    void* path_argument(std::size_t index) override {
        void* found = nullptr;
        std::size_t at = 0;
        std::apply([&](auto&... each) { ((at++ == index ? found = &each : nullptr), ...); }, path_);
        return found;
    }
    Task<RawReply> run(void (*handler)(), void* self) override {
        return std::apply([&](A const&... path) { return start(handler, self, path...); }, path_);
    }

private:
    Task<RawReply> start(void (*handler)(), [[maybe_unused]] void* self, A const&... path) {
        if constexpr (std::is_void_v<Self>) {
            auto const typed =
                reinterpret_cast<Task<Reply<Out>> (*)(Call<Body, Query>&, A...)>(handler);
            return typed(call_, path...).template slice<RawReply>();
        } else {
            auto const typed =
                reinterpret_cast<Task<Reply<Out>> (*)(Self&, Call<Body, Query>&, A...)>(handler);
            return typed(*static_cast<Self*>(self), call_, path...).template slice<RawReply>();
        }
    }
    Call<Body, Query> call_;
    std::tuple<A...> path_;
};

namespace detail {
template <class T> struct Item {
    using type = T;
    static constexpr bool paged = false;
};
template <class T> struct Item<Page<T>> {
    using type = T;
    static constexpr bool paged = true;
};
template <class T> constexpr describe::Shape const* shape_or_none() {
    if constexpr (std::is_same_v<T, None>)
        return nullptr;
    else
        return &describe::shape_of<T>;
}
} // namespace detail

template <class Self, class B, class Q, class Out, class... A>
http::Signature Routes::signature_of(Self* self) {
    http::Signature signature;
    signature.body = detail::shape_or_none<B>();
    signature.query = detail::shape_or_none<Q>();
    signature.out = detail::shape_or_none<typename detail::Item<Out>::type>();
    signature.paged = detail::Item<Out>::paged;
    signature.path_arguments = {&describe::shape_of<A>...};
    signature.self = self;
    signature.make = [](http::CallContext const& c) -> std::unique_ptr<http::CallHolder> {
        return std::make_unique<StoredCall<Self, B, Q, Out, A...>>(c);
    };
    return signature;
}
template <class B, class Q, class Out, class... A>
Unguarded Routes::add(http::Method method, std::string_view path,
                      Task<Reply<Out>> (*handler)(Call<B, Q>&, A...), std::string_view summary) {
    return add_erased(method, path, reinterpret_cast<void (*)()>(handler),
                      signature_of<void, B, Q, Out, A...>(nullptr), summary);
}
template <class Self, class B, class Q, class Out, class... A>
Unguarded Routes::add(http::Method method, std::string_view path,
                      Task<Reply<Out>> (*handler)(Self&, Call<B, Q>&, A...), Self& self,
                      std::string_view summary) {
    return add_erased(method, path, reinterpret_cast<void (*)()>(handler),
                      signature_of<Self, B, Q, Out, A...>(&self), summary);
}

} // namespace haat
