#include <app/settings.hpp>

#include <charconv>
#include <limits>

#include <fmt/format.h>

#include <app/settings_files.hpp>
#include <app/settings_messages.hpp>
#include <app/settings_webhooks.hpp>
#include <kv/redis_url.hpp>

namespace haat::app {

namespace {

using std::chrono::milliseconds;

std::int64_t whole_number(std::string_view text, std::string_view what) {
    std::int64_t number = 0;
    auto const end = text.data() + text.size();
    auto const [at, error] = std::from_chars(text.data(), end, number);
    if (text.empty() || error != std::errc() || at != end)
        throw BadValue{fmt::format("must be {}", what)};
    return number;
}

struct Unit {
    std::string_view name;
    std::int64_t size;
};
constexpr Unit durations[] = {
    {"d", 86'400'000}, {"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}};
constexpr Unit sizes[] = {{"GB", 1 << 30}, {"MB", 1 << 20}, {"KB", 1 << 10}, {"B", 1}};

// "15m" in the smallest unit of the table; a number without a unit counts `plain` each.
std::int64_t measured(std::string_view text, std::span<Unit const> units, std::int64_t plain,
                      std::string_view what) {
    auto const digits = std::min(text.find_first_not_of("0123456789"), text.size());
    std::int64_t const number = whole_number(text.substr(0, digits), what);
    std::string_view name = text.substr(digits);
    while (name.starts_with(' ')) name.remove_prefix(1);
    std::int64_t size = name.empty() ? plain : 0;
    for (auto const& unit : units)
        if (unit.name == name) size = unit.size;
    if (size == 0 || number > std::numeric_limits<std::int64_t>::max() / size)
        throw BadValue{fmt::format("must be {}", what)};
    return number * size;
}

std::string in_units(std::int64_t value, std::span<Unit const> units) {
    for (auto const& unit : units)
        if (value != 0 && value % unit.size == 0)
            return fmt::format("{}{}", value / unit.size, unit.name);
    return fmt::format("0{}", units.back().name);
}

// ---- one pair of functions for each type of member

void read(std::string& into, std::string_view text, bool) { into = text; }
std::string show(std::string const& value) { return value; }

void read(std::filesystem::path& into, std::string_view text, bool) {
    if (text.empty()) throw BadValue{"must be a path"};
    into = text;
}
std::string show(std::filesystem::path const& value) { return value.string(); }

void read(bool& into, std::string_view text, bool) {
    if (text == "1" || text == "true" || text == "yes" || text == "on")
        into = true;
    else if (text == "0" || text == "false" || text == "no" || text == "off" || text.empty())
        into = false;
    else
        throw BadValue{"must be true or false"};
}
std::string show(bool value) { return value ? "true" : "false"; }

void read(milliseconds& into, std::string_view text, bool plain_is_milliseconds) {
    into = milliseconds(measured(text, durations, plain_is_milliseconds ? 1 : 1'000,
                                 "a duration such as 500ms, 30s, 15m, 12h or 7d"));
}
std::string show(milliseconds value) { return in_units(value.count(), durations); }

void read(std::size_t& into, std::string_view text, bool) {
    into = static_cast<std::size_t>(measured(text, sizes, 1, "a size such as 64KB or 1MB"));
}
std::string show(std::size_t value) { return in_units(static_cast<std::int64_t>(value), sizes); }

void read(int& into, std::string_view text, bool) {
    auto const number = whole_number(text, "a whole number");
    if (number < 0 || number > 1'000'000'000) throw BadValue{"must be from 0 to 1000000000"};
    into = static_cast<int>(number);
}
std::string show(int value) { return std::to_string(value); }

void read(std::uint16_t& into, std::string_view text, bool) {
    auto const number = whole_number(text, "a port number");
    if (number < 0 || number > 65'535) throw BadValue{"must be a port from 0 to 65535"};
    into = static_cast<std::uint16_t>(number);
}
std::string show(std::uint16_t value) { return std::to_string(value); }

void read(std::vector<std::string>& into, std::string_view text, bool) {
    into.clear();
    for (std::size_t at = 0; at <= text.size();) {
        auto const comma = std::min(text.find(',', at), text.size());
        std::string_view word = text.substr(at, comma - at);
        while (word.starts_with(' ')) word.remove_prefix(1);
        while (word.ends_with(' ')) word.remove_suffix(1);
        if (!word.empty()) into.emplace_back(word);
        at = comma + 1;
    }
}
std::string show(std::vector<std::string> const& value) {
    return fmt::format("{}", fmt::join(value, ","));
}

void read(http::Rate& into, std::string_view text, bool) {
    auto const slash = text.find('/');
    std::string_view const what = "so many in a time, such as 100/15m";
    if (slash == std::string_view::npos) throw BadValue{fmt::format("must be {}", what)};
    auto const limit = whole_number(text.substr(0, slash), what);
    milliseconds window{};
    read(window, text.substr(slash + 1), false);
    if (limit < 1 || limit > 1'000'000'000 || window < 1s)
        throw BadValue{fmt::format("must be {}, of at least 1 and 1s", what)};
    into = {static_cast<int>(limit), std::chrono::duration_cast<std::chrono::seconds>(window)};
}
std::string show(http::Rate const& value) {
    return fmt::format("{}/{}", value.limit, show(milliseconds(value.window)));
}

void read(std::chrono::seconds& into, std::string_view text, bool plain_is_milliseconds) {
    milliseconds window{};
    read(window, text, plain_is_milliseconds);
    if (window < 1s) throw BadValue{"must be at least one second"};
    into = std::chrono::duration_cast<std::chrono::seconds>(window);
}
std::string show(std::chrono::seconds value) { return show(milliseconds(value)); }

template <class Enum> struct Word {
    std::string_view name;
    Enum value;
};
template <class Enum>
void read_word(Enum& into, std::string_view text, std::span<Word<Enum> const> words) {
    std::string known;
    for (auto const& word : words) {
        if (word.name == text) {
            into = word.value;
            return;
        }
        known += (known.empty() ? "" : ", ") + std::string(word.name);
    }
    throw BadValue{"must be one of " + known};
}
template <class Enum> std::string show_word(Enum value, std::span<Word<Enum> const> words) {
    for (auto const& word : words)
        if (word.value == value) return std::string(word.name);
    return {};
}

// The first name of a value is the one that is shown.
constexpr Word<Environment> environments[] = {{"development", Environment::development},
                                              {"production", Environment::production},
                                              {"test", Environment::development},
                                              {"staging", Environment::production}};
constexpr Word<PasswordPolicy> policies[] = {{"length", PasswordPolicy::length},
                                             {"mixed", PasswordPolicy::mixed},
                                             {"strong", PasswordPolicy::strong}};
constexpr Word<log::Level> levels[] = {
    {"debug", log::Level::debug}, {"info", log::Level::info},    {"warn", log::Level::warn},
    {"error", log::Level::error}, {"off", log::Level::off},      {"warning", log::Level::warn},
    {"trace", log::Level::debug}, {"verbose", log::Level::debug}};
constexpr Word<log::Form> forms[] = {{"automatic", log::Form::automatic},
                                     {"json", log::Form::json},
                                     {"coloured", log::Form::coloured}};
constexpr Word<bool> migrate_words[] = {{"auto", true}, {"off", false}};

void read(Environment& into, std::string_view text, bool) {
    read_word<Environment>(into, text, environments);
}
std::string show(Environment value) { return show_word<Environment>(value, environments); }
void read(PasswordPolicy& into, std::string_view text, bool) {
    read_word<PasswordPolicy>(into, text, policies);
}
std::string show(PasswordPolicy value) { return show_word<PasswordPolicy>(value, policies); }
void read(log::Level& into, std::string_view text, bool) {
    read_word<log::Level>(into, text, levels);
}
std::string show(log::Level value) { return show_word<log::Level>(value, levels); }
void read(log::Form& into, std::string_view text, bool) { read_word<log::Form>(into, text, forms); }
std::string show(log::Form value) { return show_word<log::Form>(value, forms); }

std::string_view form_of(std::string const&) { return "text"; }
std::string_view form_of(std::filesystem::path const&) { return "path"; }
std::string_view form_of(bool) { return "true or false"; }
std::string_view form_of(milliseconds) { return "duration"; }
std::string_view form_of(std::chrono::seconds) { return "duration"; }
std::string_view form_of(std::size_t) { return "size"; }
std::string_view form_of(int) { return "number"; }
std::string_view form_of(std::uint16_t) { return "port"; }
std::string_view form_of(std::vector<std::string> const&) { return "list, comma-separated"; }
std::string_view form_of(http::Rate const&) { return "rate"; }
std::string_view form_of(Environment) { return "development, production"; }
std::string_view form_of(PasswordPolicy) { return "length, mixed, strong"; }
std::string_view form_of(log::Level) { return "debug, info, warn, error, off"; }
std::string_view form_of(log::Form) { return "automatic, json, coloured"; }

struct Names {
    std::string_view key;
    std::string_view variables;
    std::string_view text;
    bool secret = false;
};

// `where` is a lambda without captures that finds the member, so each setting costs two functions.
template <class Where> Setting make(Names names, Where) {
    Config const standard;
    return {names.key,
            names.variables,
            names.text,
            names.secret,
            form_of(Where{}(standard)),
            [](Config& config, std::string_view text, bool plain_is_milliseconds) {
                read(Where{}(config), text, plain_is_milliseconds);
            },
            [](Config const& config) { return show(Where{}(config)); }};
}

// A setting of at least 1: "without limit" and "nothing at all" are never meant.
template <class Where> Setting at_least_one(Names names, Where where) {
    Setting setting = make(names, where);
    setting.read = [](Config& config, std::string_view text, bool plain_is_milliseconds) {
        auto& member = Where{}(config);
        read(member, text, plain_is_milliseconds);
        if (member < std::remove_reference_t<decltype(member)>(1))
            throw BadValue{"must be more than nothing"};
    };
    return setting;
}

#define AT(member) [](auto& config) -> auto& { return config.member; }

void add_general(std::vector<Setting>& all) {
    all.push_back(make({"environment", "HAAT_ENV NODE_ENV",
                        "Production refuses weak secrets and forgetful databases, and tells "
                        "clients nothing of what went wrong inside. `test` counts as development, "
                        "`staging` as production."},
                       AT(environment)));
    all.push_back(make({"data_directory", "HAAT_DATA_DIR",
                        "Where everything is kept that must last: the private database, the "
                        "secrets made in development. One haat at a time."},
                       AT(data_directory)));
    all.push_back(make({"demo", "HAAT_DEMO", "Load demo data at the start."}, AT(demo)));
    Setting migrate = make({"migrate", "HAAT_MIGRATE",
                            "`auto`: pending migrations run at the start; `off`: the start is "
                            "refused while some are pending, and `haat migrate` runs them."},
                           AT(migrate));
    migrate.form = "auto, off";
    migrate.read = [](Config& config, std::string_view text, bool) {
        read_word<bool>(config.migrate, text, migrate_words);
    };
    migrate.show = [](Config const& config) {
        return show_word<bool>(config.migrate, migrate_words);
    };
    all.push_back(migrate);
    all.push_back(make({"loops", "HAAT_LOOPS",
                        "Threads that serve requests, each with its own database connections; 0: "
                        "one per core."},
                       AT(loops)));
    all.push_back(make({"workers", "HAAT_WORKERS",
                        "Threads for work that would block a loop, such as hashing passwords; 0: "
                        "one per core."},
                       AT(workers)));
    all.push_back(at_least_one({"watchdog_limit", "HAAT_WATCHDOG_LIMIT",
                                "A loop that is blocked for longer is logged with its route."},
                               AT(watchdog_limit)));
}

void add_server(std::vector<Setting>& all) {
    all.push_back(
        make({"server.address", "HAAT_ADDRESS", "The address to listen on."}, AT(server.address)));
    all.push_back(make({"server.port", "PORT", "The port to listen on; 0: any that is free."},
                       AT(server.port)));
    all.push_back(make({"server.certificate_file", "HAAT_TLS_CERTIFICATE",
                        "A PEM file with the certificate and its chain; TLS is served when it and "
                        "the key are given."},
                       AT(server.certificate_file)));
    all.push_back(make({"server.private_key_file", "HAAT_TLS_KEY", "The certificate's key, PEM."},
                       AT(server.private_key_file)));
    all.push_back(make({"server.trusted_proxies", "TRUSTED_PROXIES",
                        "Addresses or CIDR blocks whose Forwarded and X-Forwarded-* headers are "
                        "believed."},
                       AT(server.trusted_proxies)));
    all.push_back(make({"server.allowed_origins", "ALLOWED_ORIGINS CLIENT_URL",
                        "Origins whose pages may call the API (CORS). In development, those of "
                        "the local network may as well."},
                       AT(allowed_origins)));
    all.push_back(
        make({"server.metrics_token", "METRICS_TOKEN",
              "The bearer token for /metrics; without one it answers this machine only.", true},
             AT(metrics_token)));
    all.push_back(make({"server.cache", "HAAT_CACHE",
                        "Whether finished public responses are kept and given again."},
                       AT(cache)));
    all.push_back(at_least_one({"server.cache_bytes_max", "HAAT_CACHE_BYTES_MAX",
                                "Memory of each loop for finished public responses."},
                               AT(cache_bytes_max)));
}

void add_limits(std::vector<Setting>& all) {
    auto const add = [&](Names names, auto where) { all.push_back(at_least_one(names, where)); };
    add({"limits.header_bytes_max", "HAAT_HEADER_BYTES_MAX", "All headers together; then 431."},
        AT(server.header_bytes_max));
    add({"limits.header_count_max", "HAAT_HEADER_COUNT_MAX", "Headers; then 431."},
        AT(server.header_count_max));
    add({"limits.target_bytes_max", "HAAT_TARGET_BYTES_MAX", "Path and query; then 414."},
        AT(server.target_bytes_max));
    add({"limits.body_bytes_max", "HAAT_BODY_BYTES_MAX",
         "A body, where its route sets no other limit; then 413."},
        AT(body_bytes_max));
    add({"limits.json_depth_max", "HAAT_JSON_DEPTH_MAX", "Nesting of JSON; then 400."},
        AT(json_depth_max));
    add({"limits.header_timeout", "HAAT_HEADER_TIMEOUT",
         "From a request's first byte to the end of its headers; then 408."},
        AT(server.header_timeout));
    add({"limits.body_timeout", "HAAT_BODY_TIMEOUT", "For a body; then 408."},
        AT(server.body_timeout));
    add({"limits.write_timeout", "HAAT_WRITE_TIMEOUT",
         "For a client to take its answer; then the connection is closed."},
        AT(server.write_timeout));
    add({"limits.idle_timeout", "HAAT_IDLE_TIMEOUT",
         "Between two requests; then the connection is closed."},
        AT(server.idle_timeout));
    add({"limits.connections_per_address_max", "HAAT_CONNECTIONS_PER_ADDRESS_MAX",
         "Connections of one address; then 429."},
        AT(server.connections_per_address_max));
    add({"limits.connections_max", "HAAT_CONNECTIONS_MAX", "Connections in all; then 503."},
        AT(server.connections_max));
    add({"limits.compress_bytes_min", "HAAT_COMPRESS_BYTES_MIN",
         "Smaller answers are not compressed."},
        AT(server.compress_bytes_min));
    add({"limits.drain_timeout", "HAAT_DRAIN_TIMEOUT",
         "How long running requests may take to finish after SIGTERM."},
        AT(server.drain_timeout));
}

#define RATE(name)                                                                                 \
    [](auto& config) -> auto& {                                                                    \
        return config.rates.rates[static_cast<std::size_t>(http::Allowance::name)];                \
    }

void add_rates(std::vector<Setting>& all) {
    auto const add = [&](Names names, auto where) { all.push_back(make(names, where)); };
    add({"rates.public_read", "HAAT_RATE_PUBLIC_READ", "Reads without sign-in, per address."},
        RATE(public_read));
    add({"rates.signed_in", "HAAT_RATE_SIGNED_IN", "Requests of one user."}, RATE(signed_in));
    add({"rates.auth", "HAAT_RATE_AUTH", "Failed sign-ins and the like, per address."}, RATE(auth));
    add({"rates.sensitive", "HAAT_RATE_SENSITIVE", "Failures of sensitive routes, per address."},
        RATE(sensitive));
    add({"rates.upload", "HAAT_RATE_UPLOAD", "Uploads, per user or address."}, RATE(upload));
    add({"rates.order_create", "HAAT_RATE_ORDER_CREATE", "Orders made, per user or address."},
        RATE(order_create));
    add({"rates.order_query", "HAAT_RATE_ORDER_QUERY", "Orders read, per user or address."},
        RATE(order_query));
    add({"rates.anonymous_write", "HAAT_RATE_ANONYMOUS_WRITE",
         "Writes without sign-in, per address."},
        RATE(anonymous_write));
    add({"rates.administrator", "HAAT_RATE_ADMINISTRATOR", "Administrators and API keys."},
        RATE(administrator));
    all.push_back(at_least_one(
        {"rates.max_requests", "RATE_LIMIT_MAX_REQUESTS RATE_LIMIT_MAX",
         "The number of `rates.anonymous_write` by itself."},
        [](auto& config) -> auto& {
            return config.rates.rates[std::size_t(http::Allowance::anonymous_write)].limit;
        }));
    all.push_back(make(
        {"rates.window", "RATE_LIMIT_WINDOW_MS", "The time of `rates.anonymous_write` by itself."},
        [](auto& config) -> auto& {
            return config.rates.rates[std::size_t(http::Allowance::anonymous_write)].window;
        }));
}

void add_database(std::vector<Setting>& all) {
    all.push_back(make({"database.url", "DATABASE_URL",
                        "The owner's URL of a PostgreSQL 15 database; without one, haat makes and "
                        "minds a private cluster in the data directory.",
                        true},
                       AT(database_url)));
    all.push_back(
        make({"database.request_url", "DATABASE_REQUEST_URL",
              "The role that serves requests; without one, the owner makes haat_request.", true},
             AT(database_request_url)));
    all.push_back(make({"database.worker_url", "DATABASE_WORKER_URL",
                        "The role that runs jobs; without one, the owner makes haat_worker.", true},
                       AT(database_worker_url)));
    all.push_back(make({"database.pool_size", "DATABASE_POOL_SIZE",
                        "Write connections over all loops; 0: as write_connections says."},
                       AT(database_pool_size)));
    auto const add = [&](Names names, auto where) { all.push_back(at_least_one(names, where)); };
    add({"database.read_connections", "HAAT_READ_CONNECTIONS",
         "Pipelined connections of each loop for reads; more than two are slower."},
        AT(database.read_connections));
    add({"database.write_connections", "HAAT_WRITE_CONNECTIONS",
         "Connections of each loop for transactions."},
        AT(database.write_connections));
    add({"database.slow_connections", "HAAT_SLOW_CONNECTIONS",
         "Connections of each loop for slow queries."},
        AT(database.slow_connections));
    add({"database.read_queue_max", "HAAT_READ_QUEUE_MAX",
         "Reads in flight of each loop; then 503."},
        AT(database.read_queue_max));
    add({"database.write_queue_max", "HAAT_WRITE_QUEUE_MAX",
         "Transactions that wait for a connection; then 503."},
        AT(database.write_queue_max));
    add({"database.slow_queue_max", "HAAT_SLOW_QUEUE_MAX",
         "Slow queries that wait for a connection; then 503."},
        AT(database.slow_queue_max));
    add({"database.read_timeout", "HAAT_READ_TIMEOUT",
         "A read that takes longer is run again on the slow connections."},
        AT(database.read_timeout));
    add({"database.statement_timeout", "HAAT_STATEMENT_TIMEOUT", "A statement of a transaction."},
        AT(database.write_timeout));
    add({"database.slow_timeout", "HAAT_SLOW_TIMEOUT", "A slow query."}, AT(database.slow_timeout));
    add({"database.connect_timeout", "HAAT_CONNECT_TIMEOUT", "Making a connection."},
        AT(database.connect_timeout));
    add({"database.acquire_timeout", "HAAT_ACQUIRE_TIMEOUT", "Waiting for a connection; then 503."},
        AT(database.acquire_timeout));
}

void add_sign_in(std::vector<Setting>& all) {
    all.push_back(
        make({"sign_in.jwt_secret", "JWT_SECRET",
              "Signs access tokens; at least 32 random bytes. Development makes its own.", true},
             AT(sign_in.jwt_secret)));
    all.push_back(make({"data_secret", "HAAT_DATA_SECRET",
                        "Seals persons' keys and webhooks' secrets; empty: as JWT_SECRET.", true},
                       AT(data_secret)));
    all.push_back(at_least_one({"sign_in.access_lifetime", "JWT_EXPIRES_IN JWT_EXPIRY",
                                "How long an access token is good."},
                               AT(sign_in.access_lifetime)));
    all.push_back(
        at_least_one({"sign_in.refresh_lifetime", "REFRESH_TOKEN_EXPIRY JWT_REFRESH_EXPIRES_IN",
                      "How long a sign-in lasts when it is not used."},
                     AT(sign_in.refresh_lifetime)));
    all.push_back(make({"sign_in.password_policy", "PASSWORD_POLICY",
                        "`length`: 8 characters; `mixed`: with upper, lower and a digit; `strong`: "
                        "and a special character. Common passwords never pass."},
                       AT(sign_in.password_policy)));
    all.push_back(make({"sign_in.require_email_verification", "REQUIRE_EMAIL_VERIFICATION",
                        "Nobody is signed in before the e-mail address was confirmed."},
                       AT(sign_in.require_email_verification)));
    all.push_back(at_least_one({"sign_in.lockout_failures", "HAAT_LOCKOUT_FAILURES",
                                "Failures for one e-mail from one address; then 423."},
                               AT(sign_in.lockout_failures)));
    all.push_back(at_least_one({"sign_in.lockout_address_failures", "HAAT_LOCKOUT_ADDRESS_FAILURES",
                                "Failures from one address; then 429."},
                               AT(sign_in.lockout_address_failures)));
    all.push_back(at_least_one({"sign_in.lockout_window", "HAAT_LOCKOUT_WINDOW",
                                "The time in which failures are counted."},
                               AT(sign_in.lockout_window)));
}

void add_jobs(std::vector<Setting>& all) {
    all.push_back(make({"jobs.run", "HAAT_JOBS",
                        "Whether `haat serve` runs jobs; `off` where `haat worker` does."},
                       AT(jobs.run)));
    all.push_back(at_least_one(
        {"jobs.loops", "HAAT_JOB_LOOPS", "Threads that run jobs, apart from those that serve."},
        AT(jobs.loops)));
    all.push_back(at_least_one({"jobs.connections", "HAAT_JOB_CONNECTIONS",
                                "Connections of each of them for the transactions of jobs."},
                               AT(jobs.connections)));
    all.push_back(make({"jobs.time_zone", "HAAT_TIME_ZONE",
                        "In which the hours of scheduled work are meant, by its IANA name."},
                       AT(jobs.time_zone)));
    all.push_back(make({"jobs.drain_timeout", "HAAT_JOB_DRAIN_TIMEOUT",
                        "How long running jobs may take to finish after SIGTERM; then they are "
                        "run again elsewhere."},
                       AT(jobs.drain_timeout)));
}

void add_events(std::vector<Setting>& all) {
    all.push_back(at_least_one({"events.keep", "HAAT_EVENTS_KEEP",
                                "How long delivered events stay in the outbox, for replays."},
                               AT(events_keep)));
    all.push_back(make({"kafka.brokers", "KAFKA_BROKERS",
                        "host:port, several with commas; events go there too when it is given."},
                       AT(kafka.brokers)));
    all.push_back(
        make({"kafka.client_id", "KAFKA_CLIENT_ID", "As brokers log it."}, AT(kafka.client_id)));
    all.push_back(make({"kafka.group_id", "KAFKA_GROUP_ID",
                        "The consumer group in which all nodes take events in."},
                       AT(kafka.group_id)));
    all.push_back(make({"kafka.topic_prefix", "KAFKA_TOPIC_PREFIX", "In front of every topic."},
                       AT(kafka.topic_prefix)));
    all.push_back(make({"kafka.security_protocol", "KAFKA_SECURITY_PROTOCOL",
                        "plaintext, ssl, sasl_plaintext or sasl_ssl."},
                       AT(kafka.security_protocol)));
    all.push_back(make(
        {"kafka.sasl_mechanism", "KAFKA_SASL_MECHANISM", "PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."},
        AT(kafka.sasl_mechanism)));
    all.push_back(make({"kafka.username", "KAFKA_USERNAME KAFKA_SASL_USERNAME", "For SASL."},
                       AT(kafka.username)));
    all.push_back(make({"kafka.password", "KAFKA_PASSWORD KAFKA_SASL_PASSWORD", "For SASL.", true},
                       AT(kafka.password)));
    all.push_back(make({"kafka.ca_file", "KAFKA_CA_FILE", "A PEM file; without one, the system's."},
                       AT(kafka.ca_file)));
}

void add_log(std::vector<Setting>& all) {
    all.push_back(make({"log.level", "LOG_LEVEL", "What is logged."}, AT(log.level)));
    all.push_back(
        make({"log.form", "HAAT_LOG_FORM", "`automatic`: coloured on a terminal, else JSON."},
             AT(log.form)));
    all.push_back(
        make({"log.file", "LOG_FILE", "A file for every line as JSON, rotated."}, AT(log.file)));
    all.push_back(make({"log.error_file", "HAAT_LOG_ERROR_FILE", "A file for errors alone."},
                       AT(log.error_file)));
    all.push_back(at_least_one(
        {"log.rotate_bytes", "HAAT_LOG_ROTATE_BYTES", "The size at which a file is rotated."},
        AT(log.rotate_bytes)));
    all.push_back(
        at_least_one({"log.rotate_files", "HAAT_LOG_ROTATE_FILES", "How many files are kept."},
                     AT(log.rotate_files)));
}

void add_stores(std::vector<Setting>& all) {
    Setting url = make({"redis.url", "REDIS_URL",
                        "A Redis 7 that all nodes share: redis://[user]:[password]@host:6379/0, "
                        "rediss:// for TLS, or unix:///path. Without one, values, limits and locks "
                        "are kept in process. One that is away makes haat slower, no more.",
                        true},
                       AT(stores.redis.url));
    url.read = [](Config& config, std::string_view text, bool) {
        try {
            if (!text.empty()) kv::parse_redis_url(text);
        } catch (kv::RedisUrlError const&) {
            throw BadValue{"must be redis://[user]:[password]@host:6379/0, rediss:// for TLS, or "
                           "unix:///path"};
        }
        config.stores.redis.url = text;
    };
    all.push_back(url);
    all.push_back(
        make({"redis.password", "REDIS_PASSWORD", "Redis's password, when the URL has none.", true},
             AT(stores.redis.password)));
    all.push_back(make({"redis.ca_file", "HAAT_REDIS_CA",
                        "A PEM file of authorities whose certificates are believed besides the "
                        "system's."},
                       AT(stores.redis.ca_file)));
    all.push_back(make({"redis.prefix", "HAAT_REDIS_PREFIX",
                        "What all keys begin with, so that others may use the same Redis."},
                       AT(stores.redis.prefix)));
    all.push_back(at_least_one({"redis.timeout", "HAAT_REDIS_TIMEOUT",
                                "An answer that takes longer ends the connection; haat goes on "
                                "without until there is another."},
                               AT(stores.redis.timeout)));
    all.push_back(at_least_one(
        {"kv.bytes_max", "HAAT_KV_BYTES_MAX", "Memory for values that are kept in process."},
        AT(stores.memory.bytes_max)));
}

#undef AT
#undef RATE

} // namespace

void read_size(std::size_t& into, std::string_view text) { read(into, text, false); }
std::string show_size(std::size_t value) { return show(value); }
void read_duration(milliseconds& into, std::string_view text, bool plain_is_ms) {
    read(into, text, plain_is_ms);
}
std::string show_duration(milliseconds value) { return show(value); }

std::span<Setting const> settings() {
    static std::vector<Setting> const all = [] {
        std::vector<Setting> made;
        add_general(made);
        add_server(made);
        add_limits(made);
        add_rates(made);
        add_database(made);
        add_stores(made);
        add_sign_in(made);
        add_message_settings(made);
        add_file_settings(made);
        add_jobs(made);
        add_lease_settings(made);
        add_events(made);
        add_webhook_settings(made);
        add_log(made);
        return made;
    }();
    return all;
}

} // namespace haat::app
