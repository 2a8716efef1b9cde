#include <test/harness/redis.hpp>

#include <csignal>
#include <stdexcept>

#include <test/harness/house.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {

RedisServer::RedisServer(RedisServerOptions options)
    : options_(std::move(options)), directory_(temporary_directory("redis")) {
    port_ = free_port();
    start();
}

RedisServer::~RedisServer() {
    kill();
    std::error_code ignored;
    std::filesystem::remove_all(directory_, ignored);
}

std::string RedisServer::url() const { return "unix://" + (directory_ / "s").string(); }
std::string RedisServer::tcp_url() const {
    return (options_.key_file.empty() ? "redis://127.0.0.1:" : "rediss://localhost:") +
           std::to_string(port_);
}

void RedisServer::start() {
    // Through setpriv, so that it ends with us even when a test crashes.
    ProcessOptions how{.program = "/usr/bin/setpriv", .words = {}, .environment = {}};
    std::string const port = std::to_string(port_);
    bool const tls = !options_.key_file.empty();
    how.words = {"--pdeathsig",
                 "KILL",
                 "/usr/bin/redis-server",
                 "--port",
                 tls ? "0" : port,
                 "--bind",
                 "127.0.0.1",
                 "--save",
                 "",
                 "--appendonly",
                 "no",
                 "--dir",
                 directory_.string(),
                 "--unixsocket",
                 (directory_ / "s").string(),
                 "--loglevel",
                 "warning"};
    if (tls)
        for (std::string const& word :
             {std::string("--tls-port"), port, std::string("--tls-cert-file"),
              options_.certificate_file, std::string("--tls-key-file"), options_.key_file,
              std::string("--tls-auth-clients"), std::string("no")})
            how.words.push_back(word);
    if (!options_.password.empty()) {
        how.words.push_back("--requirepass");
        how.words.push_back(options_.password);
    }
    how.words.insert(how.words.end(), options_.words.begin(), options_.words.end());
    process_ = std::make_unique<Process>(std::move(how));
    if (!soon([this] { return ask({"ping"}).starts_with("PONG") || !process_->running(); }) ||
        !process_->running())
        throw std::runtime_error("redis-server does not start: " + process_->output());
}

void RedisServer::kill() {
    if (!process_) return;
    process_->signal(SIGKILL);
    process_->wait();
    process_.reset();
}

void RedisServer::pause() { process_->signal(SIGSTOP); }
void RedisServer::go_on() { process_->signal(SIGCONT); }

std::string RedisServer::ask(std::vector<std::string> words) const {
    ProcessOptions how{.program = "/usr/bin/redis-cli", .words = {}, .environment = {}};
    how.words = {"-s", (directory_ / "s").string()};
    if (!options_.password.empty()) how.environment["REDISCLI_AUTH"] = options_.password;
    how.words.insert(how.words.end(), words.begin(), words.end());
    return run_process(std::move(how), 10s).output;
}

} // namespace haat::test
