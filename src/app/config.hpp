// What haat runs with. One table (settings.cpp) says for each setting its names, its default and
// what it is for; the environment wins over haat.toml, and that over the default.
#pragma once

#include <chrono>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include <events/kafka.hpp>
#include <files/pictures.hpp>
#include <files/s3_store.hpp>
#include <http/rate_limit.hpp>
#include <http/server.hpp>
#include <kv/stores.hpp>
#include <outbound/client.hpp>
#include <outbound/sms_msg91.hpp>
#include <outbound/sms_twilio.hpp>
#include <outbound/smtp.hpp>
#include <outbound/web_push.hpp>
#include <outbound/whatsapp_cloud.hpp>
#include <pg/database.hpp>
#include <telemetry/log.hpp>

namespace haat::app {

using namespace std::chrono_literals;

enum class Environment : std::uint8_t { development, production };
enum class PasswordPolicy : std::uint8_t { length, mixed, strong };

struct SignInConfig {
    std::string jwt_secret;
    std::chrono::milliseconds access_lifetime = 15min;
    std::chrono::milliseconds refresh_lifetime = 7 * 24h;
    PasswordPolicy password_policy = PasswordPolicy::mixed;
    bool require_email_verification = false;
    int lockout_failures = 5;          // per e-mail and address, then 423
    int lockout_address_failures = 20; // per address, then 429
    std::chrono::milliseconds lockout_window = 15min;
};

/// Where files are kept, and what is taken.
struct FilesConfig {
    std::filesystem::path directory; // empty: "files" in the data directory
    std::size_t image_bytes_max = 10 * 1024 * 1024;
    std::size_t document_bytes_max = 5 * 1024 * 1024;
    int batch_max = 10; // files of one request
    std::chrono::milliseconds link_lifetime = 15min;
    files::S3Options s3; // used instead of the directory when it has a bucket
    files::PictureOptions pictures;
};

/// Who delivers what; each is used when it is set up.
struct MessagesConfig {
    outbound::SmtpOptions smtp;
    outbound::SmtpOptions smtp_fallback; // its host, port, user, password and security
    bool msg91_first = false;
    std::string public_url; // as providers see this server; empty: they cannot report
    Secret<0, 255> msg91_callback_key;
    Secret<0, 255> whatsapp_app_secret;
    Secret<0, 255> whatsapp_verify_token;
    outbound::TwilioOptions twilio;
    outbound::Msg91Options msg91;
    outbound::WhatsAppOptions whatsapp;
    outbound::WebPushOptions push;
    outbound::Options client; // of each loop, for everything that calls other servers
};

/// How the events of organizations go out.
struct WebhooksConfig {
    int endpoints_max = 20; // of one organization
    int at_once_max = 8;    // requests to one endpoint
    int attempts_max = 0;   // of one delivery; 0: as many as fit into `patience`
    std::chrono::milliseconds timeout = 15s;
    std::chrono::milliseconds retry_first = 30s;
    std::chrono::milliseconds retry_max = 6h;
    std::chrono::milliseconds patience = 72h;      // with a delivery
    std::chrono::milliseconds disable_after = 72h; // an endpoint that only fails
    std::chrono::milliseconds keep = 30 * 24h;     // the log
    std::size_t body_bytes_max = 256 * 1024;       // of an event that is sent and kept
    std::size_t answer_bytes_kept = 4 * 1024;
};

struct JobsConfig {
    bool run = true; // in `haat serve` as well
    int loops = 1;
    int connections = 4; // of each loop, for the transactions of handlers
    std::string time_zone = "Asia/Kolkata";
    std::chrono::milliseconds drain_timeout = 30s;
    std::chrono::milliseconds lease = 30s; // silent for longer: others take the jobs
};

struct Config {
    Environment environment = Environment::development;
    std::filesystem::path data_directory = "var";
    bool demo = false;
    bool migrate = true;
    int loops = 0;   // 0: one per core
    int workers = 0; // 0: one per core

    http::ServerOptions server;
    http::RateLimitOptions rates;
    std::size_t body_bytes_max = 1024 * 1024; // where a route says nothing else
    int json_depth_max = 32;
    bool cache = true;                              // of public answers
    std::size_t cache_bytes_max = 32 * 1024 * 1024; // per loop
    std::vector<std::string> allowed_origins;
    std::string metrics_token; // empty: /metrics answers loopback only

    std::string database_url; // empty: the private cluster
    std::string database_request_url;
    std::string database_worker_url;
    pg::DatabaseOptions database; // of each loop; the URL is filled when the database is there
    int database_pool_size = 0;   // over all loops; 0: as `database` says

    kv::StoresOptions stores; // in process, unless Redis has a URL

    SignInConfig sign_in;
    std::string data_secret; // empty: the one that signs tokens
    MessagesConfig messages;
    FilesConfig files;
    JobsConfig jobs;
    std::chrono::milliseconds events_keep = 14 * 24h;
    std::chrono::milliseconds events_lease = 15s; // silent for longer: others deliver
    WebhooksConfig webhooks;
    events::KafkaOptions kafka;
    log::LogOptions log;
    std::chrono::milliseconds watchdog_limit = 50ms;

    bool production() const { return environment == Environment::production; }
    /// `loops` and `workers` as numbers, the pool's size shared out.
    int loop_count() const;
    int worker_count() const;
    /// With which secrets and the keys of persons are sealed in the database.
    std::string const& secret_of_data() const;
    std::filesystem::path files_directory() const;
    pg::DatabaseOptions database_options(std::string request_url) const;
};

/// Where a value came from.
enum class Source : std::uint8_t { standard, file, environment, made };
std::string_view name_of(Source);

/// One line of `haat config`.
struct Effective {
    std::string key;
    std::string value; // masked when it is a secret
    Source source = Source::standard;
    std::string from; // the variable's or the file's name; empty: the default
};

struct Loaded {
    Config config;
    std::vector<Effective> effective;
    std::vector<std::string> notes; // recognised but without effect, or perhaps mistyped
    std::filesystem::path file;     // the haat.toml that was read; empty: none
};

/// What the outside says. A test gives its own.
struct Outside {
    std::map<std::string, std::string> environment;
    std::filesystem::path directory; // where ./haat.toml would be
};
Outside outside();

/// Holds every problem, one a line.
class ConfigError : public std::runtime_error {
public:
    explicit ConfigError(std::vector<std::string> problems);
    std::vector<std::string> const& problems() const { return problems_; }

private:
    std::vector<std::string> problems_;
};

/// Reads everything and reports all problems at once. Writes nothing: a development secret that is
/// still missing stays empty until make_missing_secrets().
Loaded load_config(Outside const& = outside());

/// docs/config.md.
std::string render_config_page();

} // namespace haat::app
