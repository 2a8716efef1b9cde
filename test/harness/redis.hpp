// A Redis of its own, without persistence, on a socket and a free port of 127.0.0.1; gone with the
// object, or with the thread that started it. Killed and
// started again on the same address, it has forgotten everything.
//
//     RedisServer redis;
//     … a store at redis.url() …
//     redis.kill();  redis.start();
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <test/harness/process.hpp>

namespace haat::test {

struct RedisServerOptions {
    std::string password = {};
    /// PEM files: then its port speaks TLS alone.
    std::string certificate_file = {};
    std::string key_file = {};
    std::vector<std::string> words = {}; // further settings
};

class RedisServer {
public:
    explicit RedisServer(RedisServerOptions options = {});
    ~RedisServer();
    RedisServer(RedisServer const&) = delete;

    std::string url() const; // by the socket; without a password
    std::string tcp_url() const;
    std::uint16_t port() const { return port_; }

    void start(); // and waits until it answers
    void kill();
    void pause(); // it takes what is sent, and answers nothing
    void go_on();
    /// What redis-cli shows for this command.
    std::string ask(std::vector<std::string> words) const;

private:
    RedisServerOptions options_;
    std::filesystem::path directory_;
    std::uint16_t port_ = 0;
    std::unique_ptr<Process> process_;
};

} // namespace haat::test
