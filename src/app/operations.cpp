#include <app/operations.hpp>

#include <base/clock.hpp>
#include <http/headers.hpp>
#include <loop/loop.hpp>
#include <pg/database.hpp>

#include <sodium/utils.h>

namespace haat::app {

char const* const version_text = "0.1.0";

namespace {

struct Health {
    std::string status = "healthy";
    std::string service = "haat";
    std::string version = version_text;
    Timestamp timestamp;
    std::int64_t uptime = 0;
};
HAAT_DESCRIBE(Health, status, service, version, timestamp, uptime)
HAAT_NOTES(Health, {.field = "uptime", .text = "Seconds since the start."})

struct Part {
    std::string name;
    bool ready = false;
    std::string why; // empty when it is ready
};
HAAT_DESCRIBE(Part, name, ready, why)

struct Readiness {
    bool ready = true;
    std::vector<Part> parts;
};
HAAT_DESCRIBE(Readiness, ready, parts)

RefusalKind const metrics_hidden{404, "METRICS_HIDDEN",
                                 "Metrics are for this machine, or for those with the token."};

Task<Reply<Health>> health(Operations& operations, Call<>&) {
    auto const up = std::chrono::steady_clock::now() - operations.started;
    Health const view{.timestamp = now(),
                      .uptime = std::chrono::duration_cast<std::chrono::seconds>(up).count()};
    co_return ok(view);
}

Task<Reply<Readiness>> ready(Operations& operations, Call<>& call) {
    Readiness view;
    auto add = [&view](std::string name, bool is_ready, std::string why) {
        view.ready = view.ready && is_ready;
        view.parts.push_back({std::move(name), is_ready, is_ready ? "" : std::move(why)});
    };
    add("serving", !operations.draining, "the server is stopping");
    add("migrations", operations.migrated, "migrations have not been run");
    add("database", call.database().up(), call.database().last_error());
    for (Helper const& helper : operations.helpers) {
        std::string why = helper.trouble();
        view.parts.push_back({helper.name, why.empty(), std::move(why)});
    }
    co_return reply(view.ready ? 200 : 503, view);
}

bool same_secret(std::string_view given, std::string_view expected) {
    return given.size() == expected.size() &&
           sodium_memcmp(given.data(), expected.data(), expected.size()) == 0;
}

Task<Reply<None>> show_metrics(Operations& operations, Call<>& call) {
    std::string const& token = operations.metrics_token;
    std::string_view const given = http::bearer_in(call.request().header("authorization"));
    bool const allowed = token.empty() ? call.request().from_loopback : same_secret(given, token);
    if (!allowed && !call.request().from_loopback) throw Refusal(metrics_hidden);
    Reply<None> answer;
    auto render = [&operations] { return operations.registry.render(); };
    answer.data = co_await on(operations.workers, render);
    answer.content_type = "text/plain; version=0.0.4";
    co_return answer;
}

Task<Reply<None>> show_openapi(Operations& operations, Call<>&) {
    Reply<None> answer;
    answer.data = operations.openapi;
    co_return answer;
}

Task<Reply<None>> show_asyncapi(Operations& operations, Call<>&) {
    Reply<None> answer;
    answer.data = operations.asyncapi;
    co_return answer;
}

} // namespace

void add_operation_routes(Routes& routes, Operations& operations) {
    Routes root = routes.root("Operations");
    root.get("/health", &health, operations, "Whether the process is alive")
        .open()
        .bare()
        .limited(RateClass::none);
    root.get("/ready", &ready, operations, "Whether it can take requests, and what is missing")
        .open()
        .bare()
        .limited(RateClass::none);
    root.get("/metrics", &show_metrics, operations, "Numbers in the Prometheus text format")
        .open()
        .bare("text/plain")
        .limited(RateClass::none)
        .refuses(metrics_hidden);
    root.get("/openapi.json", &show_openapi, operations, "The description of this API")
        .open()
        .bare();
    root.get("/asyncapi.json", &show_asyncapi, operations, "The description of its events")
        .open()
        .bare();
}

} // namespace haat::app
