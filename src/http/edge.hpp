// Between the engine and the handlers: limits, route, cache, who calls and whether they may,
// decoding, the run (again after a deadlock), the envelope, headers, log and metrics.
// One per loop; what all loops share is EdgeShared.
#pragma once

#include <atomic>
#include <string>
#include <string_view>
#include <vector>

#include <access/authenticator.hpp>
#include <http/gate.hpp>
#include <http/response_cache.hpp>
#include <http/router.hpp>
#include <http/server.hpp>
#include <http/shared_limits.hpp>
#include <http/static_files.hpp>
#include <pg/database.hpp>
#include <telemetry/metrics.hpp>

namespace haat {

struct EdgeOptions {
    bool production = false;
    bool cache = true;
    std::size_t cache_bytes_max = 32 * 1024 * 1024;
    std::string node = {}; // this one's name, so that it knows its own announcements
    std::vector<std::string> allowed_origins;
    bool allow_lan_origins = false; // development only
    int json_depth_max = 32;
    int runs_max = 3; // of a handler that meets a deadlock or a serialization failure
};

struct EdgeShared {
    EdgeOptions options;
    http::Router const& router;
    http::SharedLimits& limits;
    kv::Stores& stores;
    http::CacheTags& cache_tags;
    metrics::RequestMetrics& metrics;
    Authenticator& authenticator;
    http::Gate const* gate = nullptr; // nothing: always open
};

class Edge final : public http::Service {
public:
    Edge(EdgeShared& shared, int loop, pg::Database& database);
    ~Edge() override;

    Plan plan(http::Request const& head) override;
    Task<http::Response> answer(http::Request& request) override;
    http::Response refuse(http::Request const& request, http::Trouble trouble) override;
    void finished(http::Request const&, http::Response const&, http::Exchange const&) override;
    void broke(http::Request const&, std::exception_ptr) override;

    http::ResponseCache const& cache() const { return cache_; }

private:
    struct Visit;
    Task<void> serve(Visit& visit);
    Task<void> call(Visit& visit);
    Task<void> admit(Visit& visit);
    Task<void> identify(Visit& visit);
    Task<bool> turned_away(Visit& visit);
    Task<void> cached(Visit& visit);
    Task<void> drop(http::RouteSpec const& route);
    void announce(std::string_view tag);
    Task<void> announce_all();
    Task<bool> replay(Visit& visit, RawCall& call);
    void decode(Visit& visit, http::CallHolder& holder);
    void take_allowance(Visit& visit, http::Allowance allowance, std::string_view key);
    void limit(Visit& visit);
    Task<void> confirm(Visit& visit);
    bool serve_preflight(Visit& visit);
    bool serve_page(Visit& visit);
    void no_route(Visit& visit);
    void render(Visit& visit, RawReply& reply);
    void render(Visit& visit, Refusal const& refusal);
    void respond(Visit& visit, http::CachedResponse const& cached);
    void add_common_headers(Visit& visit);
    void add_cors(http::Request const& request, std::string& head) const;
    bool origin_allowed(std::string_view origin) const;

    EdgeShared& shared_;
    pg::Database& database_;
    http::ResponseCache cache_;
    http::StaticFiles pages_;
    std::vector<std::string_view> to_announce_;
    bool announcing_ = false;
    int loop_;
};

} // namespace haat
