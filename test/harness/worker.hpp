// `haat worker` as a child process over a test database, for tests that kill it.
//
//     auto worker = start_worker(db, {{"HAAT_JOB_LEASE", "3s"}});
//     kill(*worker);
#pragma once

#include <csignal>
#include <map>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include <test/harness/database.hpp>
#include <test/harness/house.hpp>
#include <test/harness/process.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {

/// Runs when this returns; its leases are short.
inline std::unique_ptr<Process> start_worker(TestDatabase& db,
                                             std::map<std::string, std::string> const& more = {}) {
    ProcessOptions options;
    options.words = {"worker"};
    options.environment = {{"DATABASE_URL", db.url(pg::Role::owner)},
                           {"DATABASE_REQUEST_URL", db.url(pg::Role::request)},
                           {"DATABASE_WORKER_URL", db.url(pg::Role::worker)},
                           {"JWT_SECRET", test_secret},
                           {"HAAT_JOB_LEASE", "3s"},
                           {"HAAT_EVENTS_LEASE", "3s"},
                           {"HAAT_DATA_DIR", temporary_directory("worker").string()}};
    options.environment.insert(more.begin(), more.end());
    auto worker = std::make_unique<Process>(options);
    EXPECT_TRUE(soon([&] { return worker->output().find("runs jobs") != std::string::npos; }, 60s))
        << worker->errors();
    return worker;
}

inline void kill(Process& worker) {
    worker.signal(SIGKILL);
    EXPECT_EQ(worker.wait(), 128 + SIGKILL);
}

} // namespace haat::test
