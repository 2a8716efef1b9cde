// Every illness the doctor knows, injected; and the real world asked once.
#include <app/doctor.hpp>

#include <filesystem>
#include <fstream>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <pg/cluster.hpp>
#include <pg/plain.hpp>
#include <pg/process.hpp>

namespace haat::app {
namespace {

namespace files = std::filesystem;
using testing::HasSubstr;
using Mark = Finding::Mark;
using std::chrono::system_clock;

constexpr std::uint64_t gigabyte = 1024ULL * 1024 * 1024;
constexpr char const* good_secret = "vN3rT8qLw0Zk5XcYb7HfJ2mPd9SgAe4uRo6iQx1t";

class Doctor : public testing::Test {
protected:
    void SetUp() override {
        loaded_.config.sign_in.jwt_secret = good_secret;
        facts_.migrations = {{1, "0001_a", pg::MigrationStatus::State::applied, "then", 1}};
        world_.now = [this] { return now_; };
        world_.disk = [](auto const&) { return DiskSpace{50 * gigabyte, 100 * gigabyte}; };
        world_.writing_fails = [](auto const&) { return std::string(); };
        world_.server_may_enter = [](auto const&) { return true; };
        world_.listening_fails = [](auto const&, auto) { return std::string(); };
        world_.haat_runs = [](auto const&) { return false; };
        world_.database = [this](auto const&) { return std::optional(facts_); };
        world_.exists = [](auto const&) { return true; };
        world_.certificate_end = [this](auto const&) {
            return std::optional<system_clock::time_point>(now_ + 24h * 90);
        };
        world_.open_files_max = [] { return 1'000'000ULL; };
        world_.redis_fails = [](auto const&) { return std::string(); };
    }

    std::vector<Finding> findings() const { return examine(loaded_, problems_, world_); }
    /// What is not good; empty for a healthy machine.
    std::vector<Finding> ills() const {
        auto all = findings();
        std::erase_if(all, [](auto const& finding) { return finding.mark == Mark::good; });
        return all;
    }
    void expect_only(Mark mark, std::string const& check, std::string const& cause,
                     std::string const& cure) const {
        auto const found = ills();
        ASSERT_EQ(found.size(), 1U);
        EXPECT_EQ(found[0].mark, mark) << found[0].cause;
        EXPECT_EQ(found[0].check, check);
        EXPECT_THAT(found[0].cause, HasSubstr(cause));
        EXPECT_THAT(found[0].cure, HasSubstr(cure));
    }
    template <class Error> void database_throws(Error error) {
        world_.database = [error](auto const&) -> std::optional<DatabaseFacts> { throw error; };
    }

    Loaded loaded_;
    std::vector<std::string> problems_;
    DoctorWorld world_;
    system_clock::time_point now_ = system_clock::from_time_t(1'800'000'000);
    DatabaseFacts facts_;
};

TEST_F(Doctor, FindsRedisAwayOrClosed) {
    loaded_.config.stores.redis.url = "redis://cache.test";
    EXPECT_TRUE(ills().empty());
    world_.redis_fails = [](auto const&) { return std::string("no connection: refused"); };
    expect_only(Mark::warning, "redis", "refused", "start it");
    world_.redis_fails = [](auto const&) { return std::string("it refuses the password"); };
    expect_only(Mark::bad, "redis", "password", "REDIS_PASSWORD");
}

TEST_F(Doctor, FindsAHealthyMachineWell) {
    EXPECT_TRUE(ills().empty());
    EXPECT_GE(findings().size(), 9U);
    for (auto const& finding : findings()) EXPECT_EQ(finding.cure, "") << finding.check;
}

TEST_F(Doctor, PortTaken) {
    world_.listening_fails = [](auto const&, auto) { return "Address already in use"; };
    expect_only(Mark::bad, "port", "port 8080", "set PORT to another");
}

TEST_F(Doctor, PortTakenByThisHaatIsWell) {
    world_.listening_fails = [](auto const&, auto) { return "Address already in use"; };
    world_.haat_runs = [](auto const&) { return true; };
    EXPECT_TRUE(ills().empty());
}

TEST_F(Doctor, DatabaseAway) {
    loaded_.config.database_url = "postgresql://x";
    database_throws(pg::ConnectError(pg::ConnectError::Cause::away, "Connection refused"));
    expect_only(Mark::bad, "database", "Connection refused", "start it");
}

TEST_F(Doctor, PrivateClusterThatDoesNotStart) {
    database_throws(pg::ClusterError("PostgreSQL did not start: no space; free the disk"));
    expect_only(Mark::bad, "database", "PostgreSQL did not start: no space", "free the disk");
}

TEST_F(Doctor, WrongPassword) {
    loaded_.config.database_url = "postgresql://x";
    database_throws(
        pg::ConnectError(pg::ConnectError::Cause::refused_password, "authentication failed"));
    expect_only(Mark::bad, "database", "authentication failed", "password in DATABASE_URL");
}

TEST_F(Doctor, DatabaseNotMadeYetIsWell) {
    world_.database = [](auto const&) { return std::optional<DatabaseFacts>(); };
    EXPECT_TRUE(ills().empty());
}

TEST_F(Doctor, MigrationsBehind) {
    facts_.migrations.push_back({2, "0002_b", pg::MigrationStatus::State::pending, "", 0});
    expect_only(Mark::warning, "migrations", "1 not applied yet: 0002_b", "haat migrate");
    loaded_.config.migrate = false;
    expect_only(Mark::bad, "migrations", "0002_b", "run: haat migrate");
}

TEST_F(Doctor, MigrationsEditedOrFromTheFuture) {
    facts_.migrations[0].state = pg::MigrationStatus::State::edited;
    expect_only(Mark::bad, "migrations", "0001_a was edited", "put it back");
    facts_.migrations[0].state = pg::MigrationStatus::State::unknown;
    expect_only(Mark::bad, "migrations", "0001_a", "run the newer haat");
}

TEST_F(Doctor, DiskFullAndNearly) {
    world_.disk = [](auto const&) { return DiskSpace{gigabyte / 10, 100 * gigabyte}; };
    expect_only(Mark::bad, "disk", "102 MB of 102400 MB", "free some");
    world_.disk = [](auto const&) { return DiskSpace{gigabyte, 20 * gigabyte}; };
    expect_only(Mark::warning, "disk", "1024 MB", "free some");
}

TEST_F(Doctor, ClockAwayFromTheDatabases) {
    facts_.clock_ahead = -5s;
    expect_only(Mark::bad, "clock", "5.0 s apart", "NTP");
    facts_.clock_ahead = 5s;
    expect_only(Mark::bad, "clock", "5.0 s apart", "NTP");
    facts_.clock_ahead = 1s;
    EXPECT_TRUE(ills().empty());
}

TEST_F(Doctor, WeakSecret) {
    loaded_.config.sign_in.jwt_secret = "changeme";
    expect_only(Mark::warning, "secret", "JWT_SECRET is weak", "openssl rand");
    loaded_.config.environment = Environment::production;
    expect_only(Mark::bad, "secret", "JWT_SECRET is weak", "openssl rand");
}

TEST_F(Doctor, DataDirectoryNotWritable) {
    world_.writing_fails = [](auto const&) { return "Permission denied"; };
    expect_only(Mark::bad, "data directory", "var: Permission denied", "HAAT_DATA_DIR");
}

TEST_F(Doctor, DataDirectoryThatPostgresCannotEnter) {
    world_.server_may_enter = [](auto const&) { return false; };
    expect_only(Mark::warning, "data directory", "cannot be entered by the user postgres",
                "HAAT_DATA_DIR");
}

TEST_F(Doctor, Certificates) {
    loaded_.config.server.certificate_file = "cert.pem";
    loaded_.config.server.private_key_file = "key.pem";
    EXPECT_TRUE(ills().empty());
    world_.certificate_end = [this](auto const&) { return std::optional(now_ - 1h); };
    expect_only(Mark::bad, "certificate", "has ended", "renew");
    world_.certificate_end = [this](auto const&) { return std::optional(now_ + 24h * 3); };
    expect_only(Mark::warning, "certificate", "ends in 3 days", "renew");
    world_.certificate_end = [](auto const&) { return std::optional<system_clock::time_point>(); };
    expect_only(Mark::bad, "certificate", "cannot be read", "HAAT_TLS_CERTIFICATE");
}

TEST_F(Doctor, TooFewFilesAndNoTimeZones) {
    world_.open_files_max = [] { return 4'096ULL; };
    expect_only(Mark::warning, "open files", "4096 may be open", "LimitNOFILE");
    world_.open_files_max = [] { return 1'000'000ULL; };
    world_.exists = [](auto const&) { return false; };
    expect_only(Mark::warning, "time zones", "no time zone data", "tzdata");
}

TEST_F(Doctor, ABrokenConfigurationIsAllThatIsLookedAt) {
    problems_ = {"PORT must be a port number, not \"x\"", "JWT_SECRET is not set; make one"};
    auto const found = findings();
    ASSERT_EQ(found.size(), 2U);
    EXPECT_EQ(found[0].cause, "PORT must be a port number, not \"x\"");
    EXPECT_THAT(found[0].cure, HasSubstr("docs/config.md"));
    EXPECT_EQ(found[1].cure, "make one");
}

TEST_F(Doctor, NotesAreWarnings) {
    loaded_.notes = {"SESSION_SECRET is without effect: no"};
    expect_only(Mark::warning, "configuration", "SESSION_SECRET", "remove");
}

// The real world, as far as a test may break it.
TEST(DoctorWorldTest, SeesAPortThatIsTaken) {
    pg::Descriptor const socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof address;
    auto* const raw = reinterpret_cast<sockaddr*>(&address);
    ASSERT_EQ(::bind(socket.get(), raw, length), 0);
    ASSERT_EQ(::listen(socket.get(), 1), 0);
    ASSERT_EQ(::getsockname(socket.get(), raw, &length), 0);
    auto const world = real_world();
    EXPECT_THAT(world.listening_fails("127.0.0.1", ntohs(address.sin_port)), HasSubstr("in use"));
    EXPECT_EQ(world.listening_fails("127.0.0.1", 0), "");
    EXPECT_NE(world.listening_fails("not an address", 0), "");
}

TEST(DoctorWorldTest, SeesDirectoriesAndDisks) {
    auto const world = real_world();
    EXPECT_EQ(world.writing_fails(files::temp_directory_path() / "not" / "made" / "yet"), "");
    EXPECT_NE(world.writing_fails("/proc/nothing"), "");
    EXPECT_GT(world.disk(files::temp_directory_path()).total_bytes, 0U);
    EXPECT_GT(world.open_files_max(), 100U);
    EXPECT_FALSE(world.certificate_end("/nowhere/cert.pem"));
}

TEST(DoctorWorldTest, AsksARunningCluster) {
    pg::Cluster const cluster = pg::Cluster::throw_away();
    Config config;
    config.data_directory = cluster.directory().parent_path();
    auto const world = real_world();
    EXPECT_TRUE(world.haat_runs(config.data_directory));
    auto const facts = world.database(config);
    ASSERT_TRUE(facts);
    EXPECT_LT(std::chrono::abs(facts->clock_ahead), 1s);
    for (auto const& migration : facts->migrations)
        EXPECT_EQ(migration.state, pg::MigrationStatus::State::pending);
}

TEST(DoctorWorldTest, AWrongUrlIsAway) {
    Config config;
    config.database_url = "postgresql://user:hush@127.0.0.1:1/x";
    try {
        real_world().database(config);
        FAIL();
    } catch (pg::ConnectError const& error) {
        EXPECT_EQ(error.cause(), pg::ConnectError::Cause::away);
        EXPECT_EQ(std::string(error.what()).find("hush"), std::string::npos);
    }
}

} // namespace
} // namespace haat::app
