#include <app/application.hpp>

#include <future>
#include <mutex>
#include <thread>

#include <app/backstage.hpp>
#include <app/file_house.hpp>
#include <app/modules.hpp>
#include <app/open_database.hpp>
#include <app/operations.hpp>
#include <app/run_on.hpp>
#include <app/webhook_options.hpp>
#include <base/clock.hpp>
#include <events/catalogue.hpp>
#include <http/edge.hpp>
#include <http/openapi.hpp>
#include <loop/loop.hpp>
#include <modules/admin/admin.hpp>
#include <modules/admin/maintenance.hpp>
#include <modules/documents/documents.hpp>
#include <modules/identity/identity.hpp>
#include <modules/notify/notify.hpp>
#include <pg/migrate.hpp>
#include <pg/plain.hpp>
#include <privacy/keyring.hpp>
#include <settings/values.hpp>
#include <telemetry/log.hpp>
#include <telemetry/watchdog.hpp>

namespace haat {

namespace {

using app::run_on;

Task<void> connect(pg::Database& database) {
    bool const up = co_await database.start();
    if (!up) throw std::runtime_error("the database does not answer: " + database.last_error());
}

Task<void> stop_limits(http::SharedLimits& limits) {
    limits.stop();
    co_return;
}

Task<void> seed_and_close(pg::Database& owner) {
    co_await connect(owner);
    co_await app::seed_demo(owner);
    co_await owner.stop(std::chrono::seconds(5));
}

std::vector<metrics::RequestMetrics::Route> route_names(Routes const& routes) {
    std::vector<metrics::RequestMetrics::Route> names;
    for (http::RouteSpec const& route : routes.all())
        names.push_back({std::string(http::name_of(route.method)), route.path});
    return names;
}

identity::IdentityOptions identity_options(app::Config const& config) {
    using std::chrono::duration_cast;
    using std::chrono::seconds;
    app::SignInConfig const& from = config.sign_in;
    identity::IdentityOptions options;
    options.token_secrets = {from.jwt_secret};
    options.access_lifetime = duration_cast<seconds>(from.access_lifetime);
    options.refresh_lifetime = duration_cast<seconds>(from.refresh_lifetime);
    options.secure_cookies = config.production();
    options.password_policy = static_cast<identity::PasswordPolicy>(from.password_policy);
    options.failures_per_pair_max = from.lockout_failures;
    options.failures_per_address_max = from.lockout_address_failures;
    options.failure_window = duration_cast<seconds>(from.lockout_window);
    return options;
}

notify::NotifyFacts message_facts(app::Config const& config) {
    app::MessagesConfig const& from = config.messages;
    notify::NotifyFacts facts;
    facts.production = config.production();
    if (from.push.ready()) facts.push_key = from.push.keys.public_key;
    // A request's signature is made with the account's own token, which an API key is not.
    if (from.twilio.ready() && from.twilio.api_key_sid.empty())
        facts.twilio_auth_token.value = from.twilio.auth_token.value;
    facts.public_url = from.public_url;
    facts.msg91_callback_key.value = from.msg91_callback_key.value;
    facts.whatsapp_app_secret.value = from.whatsapp_app_secret.value;
    facts.whatsapp_verify_token.value = from.whatsapp_verify_token.value;
    return facts;
}

/// What administrators ask of the process as a whole.
class WholeProcess final : public admin::System {
public:
    WholeProcess(app::Operations& operations, admin::Maintenance const& maintenance)
        : operations_(operations), maintenance_(maintenance) {}
    std::string version() const override { return app::version_text; }
    std::chrono::steady_clock::time_point started() const override { return operations_.started; }
    bool in_maintenance() const override { return maintenance_.closed(); }
    std::string metrics() const override { return operations_.registry.render(); }
    Workers& workers() override { return operations_.workers; }

private:
    app::Operations& operations_;
    admin::Maintenance const& maintenance_;
};

} // namespace

struct Application::Inside {
    explicit Inside(app::Config c)
        : config(std::move(c)), workers(config.worker_count()), stores(config.stores),
          limiter(config.rates), limits(limiter, stores), operations(workers),
          identity(identity_options(config), workers), webhooks(app::webhook_options(config)),
          files(config, workers),
          documents(app::documents_options(config), files.store(), workers) {}

    app::Config config;
    Workers workers;
    app::OpenDatabase database;
    kv::Stores stores;
    http::RateLimiter limiter;
    http::SharedLimits limits;
    std::string const node = to_string(new_uuid());
    http::CacheTags cache_tags;
    app::Operations operations;
    identity::Identity identity;
    webhooks::Webhooks webhooks;
    app::FileHouse files;
    documents::Documents documents;
    SettingValues settings;
    admin::Maintenance maintenance;
    WholeProcess whole{operations, maintenance};
    notify::NotifyFacts messages{message_facts(config)};
    Routes routes;
    std::optional<http::Router> router;
    std::optional<metrics::RequestMetrics> metrics;
    std::optional<EdgeShared> shared;

    // One of each per loop; a loop's parts live and die on its thread.
    std::vector<std::unique_ptr<Loop>> loops;
    std::vector<std::thread> threads;
    std::vector<std::unique_ptr<pg::Database>> databases;
    std::vector<std::unique_ptr<Edge>> edges;
    std::optional<app::Backstage> backstage;
    std::optional<Watchdog> watchdog;
    std::optional<http::Server> server;
    std::once_flag drained;
    bool listening = false;
    bool stopped = false;

    void open_database();
    void make_loops();
    void start_loops();
    void heard_drop(std::string_view announcement);
    void seed();
    void serve();
    void add_metrics();
    double sum_of(std::uint64_t (http::ResponseCache::*figure)() const) const;
    void drain();
    void stop();
};

void Application::Inside::open_database() {
    auto const say = [](std::string_view text) { log::info(text); };
    database = app::open_database(config, app::Sharing::alone, say);
    app::migrate_or_refuse(database.urls.owner, config.migrate, say);
    operations.migrated = true;
    config.database.keyring = std::make_shared<privacy::Keyring>(config.secret_of_data());
}

void Application::Inside::make_loops() {
    for (int i = 0; i < config.loop_count(); ++i) {
        Loop& loop = *loops.emplace_back(std::make_unique<Loop>(i));
        pg::DatabaseOptions options = config.database_options(database.urls.request);
        options.on_slow = [](std::string_view query, std::chrono::microseconds took) {
            auto const ms = static_cast<double>(took.count()) / 1'000.0;
            log::warn("slow query").field("query", query).field("ms", ms);
        };
        options.on_trouble = [](std::string_view text) {
            log::warn("database").field("why", text);
        };
        pg::Database& mine =
            *databases.emplace_back(std::make_unique<pg::Database>(loop, std::move(options)));
        identity.serve(mine);
        settings.hear(mine);
        mine.listen("haat_cache",
                    [this](std::string_view announcement) { heard_drop(announcement); });
        stores.add(loop);
    }
    privacy::hear_erasures(*databases.front());
}

// "node tag", and nothing after a loss: then what was missed is unknown.
void Application::Inside::heard_drop(std::string_view announcement) {
    if (announcement.empty()) {
        cache_tags.drop_all();
        return stores.heard_drop({});
    }
    auto const space = announcement.find(' ');
    if (announcement.substr(0, space) == node) return; // done before it was announced
    std::string_view const tag = announcement.substr(space + 1);
    cache_tags.drop(tag);
    stores.heard_drop(tag);
}

void Application::Inside::start_loops() {
    for (auto& loop : loops) threads.emplace_back([&loop] { loop->run(); });
    for (auto& each : databases) {
        pg::Database& mine = *each;
        run_on(mine.loop(), [&mine] { return connect(mine); });
        run_on(mine.loop(), [this, &mine] { return stores.start(mine.loop()); });
    }
    loops.front()->post([this] { limits.start(*loops.front()); });
    pg::Database& first = *databases.front();
    run_on(first.loop(), [this, &first] { return maintenance.watch(first); });
}

// Demo data is written with the owner's rights: nobody becomes an administrator by a request.
void Application::Inside::seed() {
    pg::DatabaseOptions options;
    options.url = database.urls.owner;
    options.keyring = config.database.keyring;
    options.read_connections = options.write_connections = options.slow_connections = 1;
    pg::Database owner(*loops.front(), std::move(options));
    run_on(*loops.front(), [&owner] { return seed_and_close(owner); });
    pg::PlainConnection(database.urls.owner).run("analyze");
}

void Application::Inside::serve() {
    EdgeOptions const options{.production = config.production(),
                              .cache = config.cache,
                              .cache_bytes_max = config.cache_bytes_max,
                              .node = node,
                              .allowed_origins = config.allowed_origins,
                              .allow_lan_origins = !config.production(),
                              .json_depth_max = config.json_depth_max};
    shared.emplace(EdgeShared{options, *router, limits, stores, cache_tags, *metrics,
                              identity.authenticator(), &maintenance});
    std::vector<Loop*> all_loops;
    std::vector<http::Service*> services;
    for (std::size_t i = 0; i < loops.size(); ++i) {
        edges.push_back(std::make_unique<Edge>(*shared, static_cast<int>(i), *databases[i]));
        all_loops.push_back(loops[i].get());
        services.push_back(edges.back().get());
    }
    server.emplace(config.server, all_loops, services, workers);
    if (config.jobs.run) {
        backstage.emplace(config, database.urls.worker);
        files.serve(*backstage);
        backstage->start();
        for (Loop* const loop : backstage->loops()) all_loops.push_back(loop);
    }
    add_metrics();
    WatchdogOptions watch;
    watch.limit = config.watchdog_limit;
    watchdog.emplace(all_loops, watch, &operations.registry);
    server->listen();
    listening = true;
}

void Application::Inside::add_metrics() {
    metrics::Registry& registry = operations.registry;
    metrics::add_process_metrics(registry, app::version_text);
    registry.collect([this](std::string& out) { metrics->render(out); });
    registry.collect([this](std::string& out) { app::render_server(out, server->counters()); });
    registry.collect([this](std::string& out) {
        std::vector<pg::Database const*> all;
        all.reserve(databases.size());
        for (auto const& each : databases) all.push_back(each.get());
        app::render_databases(out, all);
    });
    registry.collect([this](std::string& out) { stores.render(out); });
    if (backstage) registry.collect([this](std::string& out) { backstage->render(out); });
    registry.count_of("haat_cache_hits_total", "Answers from the response cache.",
                      [this] { return sum_of(&http::ResponseCache::hits); });
    registry.count_of("haat_cache_misses_total", "Answers that had to be made.",
                      [this] { return sum_of(&http::ResponseCache::misses); });
}

double Application::Inside::sum_of(std::uint64_t (http::ResponseCache::*figure)() const) const {
    double sum = 0;
    for (auto const& edge : edges) sum += static_cast<double>((edge->cache().*figure)());
    return sum;
}

void Application::Inside::drain() {
    std::call_once(drained, [this] {
        operations.draining = true;
        if (!listening) return;
        std::promise<void> finished;
        server->drain([&finished] { finished.set_value(); });
        finished.get_future().wait();
    });
}

void Application::Inside::stop() {
    if (std::exchange(stopped, true)) return;
    drain();
    watchdog.reset();
    if (backstage) backstage->stop();
    if (!threads.empty()) {
        files.leave(loops);
        run_on(*loops.front(), [this] { return stop_limits(limits); });
        run_on(databases.front()->loop(), [this] { return maintenance.stop(); });
        for (auto& each : databases) {
            pg::Database& mine = *each;
            run_on(mine.loop(), [this, &mine] { return stores.stop(mine.loop()); });
            run_on(mine.loop(), [&mine] { return mine.stop(std::chrono::seconds(2)); });
        }
    }
    for (auto& loop : loops) loop->stop();
    for (auto& thread : threads) thread.join();
    server.reset();
    backstage.reset();
    edges.clear();
    stores.forget_loops();
    databases.clear();
    loops.clear();
    if (database.cluster) database.cluster->stop();
}

Application::Application(app::Config config)
    : inside_(std::make_unique<Inside>(std::move(config))) {
    Inside& in = *inside_;
    in.operations.metrics_token = in.config.metrics_token;
    if (in.stores.shared())
        in.operations.helpers.push_back({"redis", [&in] { return in.stores.trouble(); }});
    app::add_operation_routes(in.routes, in.operations);
    app::Parts const parts{in.identity, in.settings, in.maintenance, in.whole,
                           in.messages, in.webhooks, in.documents};
    app::add_module_routes(in.routes, parts);
    in.operations.openapi = http::openapi(in.routes.all(), app::version_text);
    in.operations.asyncapi = events::asyncapi(app::version_text);
    in.router.emplace(in.routes.all());
    in.metrics.emplace(in.config.loop_count(), route_names(in.routes));
}
Application::~Application() { stop(); }

void Application::start() {
    inside_->open_database();
    inside_->make_loops();
    inside_->start_loops();
    if (inside_->config.demo) inside_->seed();
    inside_->serve();
}
void Application::drain() { inside_->drain(); }
void Application::stop() { inside_->stop(); }

std::uint16_t Application::port() const { return inside_->server->port(); }
Routes const& Application::routes() const { return inside_->routes; }
pg::DatabaseUrls const& Application::database_urls() const { return inside_->database.urls; }
std::string const& Application::openapi() const { return inside_->operations.openapi; }
pg::Database& Application::database(int loop) {
    return *inside_->databases.at(static_cast<std::size_t>(loop));
}

} // namespace haat
