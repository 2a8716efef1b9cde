// What every test of a store needs: a loop, and the store in process or in a Redis of its own.
#pragma once

#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <kv/memory.hpp>
#include <kv/redis.hpp>
#include <loop/loop.hpp>
#include <pg/test/run_loop.hpp>
#include <test/harness/redis.hpp>
#include <test/harness/wait.hpp>

namespace haat::kv::test {

using namespace std::chrono_literals;
using haat::test::all_of;
using haat::test::RedisServer;
using haat::test::run;
using haat::test::soon;

inline RedisOptions options_for(std::string url) {
    RedisOptions options;
    options.url = std::move(url);
    options.timeout = 5s; // a test that is frozen for a moment is no test of time-outs
    return options;
}

/// One Redis for all tests of this process; each test takes a prefix of its own.
inline RedisServer& shared_redis() {
    static RedisServer server;
    return server;
}

class RedisOnLoop {
public:
    RedisOnLoop(Loop& loop, RedisOptions options) : loop_(loop), redis_(loop, std::move(options)) {
        started_ = run(loop_, redis_.start(10s));
    }
    ~RedisOnLoop() {
        loop_.context().restart();
        loop_.post([this] {
            redis_.stop(); // whoever waited goes on
            loop_.stop();
        });
        loop_.run();
    }
    bool started() const { return started_; }
    Redis& operator*() { return redis_; }
    Redis* operator->() { return &redis_; }

private:
    Loop& loop_;
    Redis redis_;
    bool started_ = false;
};

} // namespace haat::kv::test
