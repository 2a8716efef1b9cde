#include <test/harness/server.hpp>

#include <cstdlib>
#include <filesystem>

#include <pg/database.hpp>
#include <telemetry/log.hpp>
#include <test/harness/house.hpp>

namespace haat::test {

char const* const test_secret = "a secret of sixty-four letters that only the tests know and use!";

namespace {

// A test that fails is read better without a thousand lines of log; HAAT_TEST_LOG=1 shows them.
void silence_the_log() {
    log::LogOptions options;
    options.level = std::getenv("HAAT_TEST_LOG") != nullptr ? log::Level::debug : log::Level::off;
    log::configure(options);
}

app::Config over(TestDatabase const& db, TestServer::Adjust const& adjust) {
    silence_the_log();
    app::Config config = test_config();
    config.database_url = db.url(pg::Role::owner);
    config.database_request_url = db.url(pg::Role::request);
    config.database_worker_url = db.url(pg::Role::worker);
    if (adjust) adjust(config);
    return config;
}

} // namespace

app::Config test_config() {
    app::Config config;
    config.data_directory = std::filesystem::temp_directory_path() / "var";
    config.loops = TestServer::loops;
    config.workers = 2;
    config.server.address = "127.0.0.1";
    config.server.port = 0;
    for (http::Rate& rate : config.rates.rates) rate.limit = 1'000'000;
    config.sign_in.jwt_secret = test_secret;
    config.database.read_connections = 1;
    config.database.write_connections = 4;
    config.database.slow_connections = 1;
    config.jobs.run = false;
    return config;
}

TestServer::TestServer(TestDatabase& db, Adjust const& adjust) : application_(over(db, adjust)) {
    application_.start();
}

Client TestServer::client(Caller caller) const {
    Client client(port());
    client.as(std::move(caller));
    return client;
}

std::uint64_t TestServer::statements() {
    std::uint64_t sum = 0;
    for (int i = 0; i < loops; ++i) sum += application_.database(i).counters().statements;
    return sum;
}

} // namespace haat::test
