// The private cluster on real directories and real processes.
#include <pg/cluster.hpp>

#include <csignal>
#include <fstream>
#include <set>
#include <thread>

#include <sys/stat.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <pg/bootstrap.hpp>
#include <pg/cluster_home.hpp>
#include <pg/plain.hpp>
#include <pg/process.hpp>

namespace haat::pg {
namespace {

namespace files = std::filesystem;

class ClusterTest : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = files::temp_directory_path() / "haat-cluster-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
        files::permissions(root_, files::perms(0711));
    }
    void TearDown() override { files::remove_all(root_); }

    ClusterOptions options(std::string const& name = "var", bool durable = false) {
        ClusterOptions made;
        made.durable = durable;
        made.data_directory = root_ / name;
        made.say = [this](std::string_view line) { said_.append(line).append("\n"); };
        return made;
    }
    static std::string ask(Cluster const& cluster, Role role, std::string const& sql) {
        return PlainConnection(cluster.url(role)).word(sql);
    }
    static mode_t mode(files::path const& path) {
        struct stat found {};
        return ::stat(path.c_str(), &found) == 0 ? found.st_mode & 07777 : 0;
    }
    /// Whether `done` becomes true before the deadline.
    template <class Condition> static bool soon(Condition done) {
        auto const until = std::chrono::steady_clock::now() + 20s;
        while (std::chrono::steady_clock::now() < until) {
            if (done()) return true;
            std::this_thread::yield();
        }
        return false;
    }

    files::path root_;
    std::string said_;
};

TEST_F(ClusterTest, IsMadeKeptAndFoundAgain) {
    {
        Cluster cluster = Cluster::open(options("var", true));
        PlainConnection owner(cluster.url(Role::owner));
        owner.run("create schema kept; create table kept.word (w text);"
                  "insert into kept.word values ('still here')");
    }
    EXPECT_NE(said_.find("making a PostgreSQL cluster"), std::string::npos);
    said_.clear();
    Cluster cluster = Cluster::open(options("var", true));
    EXPECT_EQ(said_, "");
    EXPECT_EQ(ask(cluster, Role::owner, "select w from kept.word"), "still here");
}

TEST_F(ClusterTest, IsDurablePrivateAndOfOneKind) {
    Cluster cluster = Cluster::open(options("var", true));
    std::pair<char const*, char const*> const settings[] = {
        {"fsync", "on"},           {"full_page_writes", "on"}, {"synchronous_commit", "on"},
        {"listen_addresses", ""},  {"data_checksums", "on"},   {"server_encoding", "UTF8"},
        {"lc_collate", "C.UTF-8"}, {"timezone", "UTC"},        {"search_path", "pg_catalog"}};
    for (auto const& [name, value] : settings)
        EXPECT_EQ(ask(cluster, Role::request, std::string("show ") + name), value) << name;
    EXPECT_EQ(mode(cluster.directory()), 0700U);
    EXPECT_EQ(mode(root_ / "var" / "cluster"), 0600U);
    EXPECT_EQ(mode(root_ / "var" / "run"), 0700U);
}

TEST_F(ClusterTest, RolesCannotStepOverPolicies) {
    Cluster cluster = Cluster::open(options());
    for (Role const role : {Role::owner, Role::request, Role::worker})
        EXPECT_EQ(ask(cluster, role,
                      "select (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb)::text"
                      " from pg_roles where rolname = current_user"),
                  "false");
}

TEST_F(ClusterTest, AWrongPasswordIsRefusedOverTheSocketToo) {
    Cluster cluster = Cluster::open(options());
    std::string const url = with_role(cluster.url(Role::request), "haat_request", "guess");
    try {
        PlainConnection connection(url);
        FAIL() << "was let in";
    } catch (ConnectError const& error) {
        EXPECT_EQ(error.cause(), ConnectError::Cause::refused_password);
        EXPECT_EQ(std::string(error.what()).find("guess"), std::string::npos);
    }
}

TEST_F(ClusterTest, ASecondHaatIsRefusedByName) {
    Cluster cluster = Cluster::open(options());
    try {
        Cluster second = Cluster::open(options());
        FAIL() << "two at once";
    } catch (ClusterInUse const& error) {
        std::string const text = error.what();
        EXPECT_NE(text.find("process " + std::to_string(::getpid())), std::string::npos) << text;
        EXPECT_NE(text.find("HAAT_DATA_DIR"), std::string::npos) << text;
    }
    EXPECT_TRUE(Cluster::url_of_running(root_ / "var", Role::owner));
}

TEST_F(ClusterTest, StopEndsTheServer) {
    Cluster cluster = Cluster::open(options("var", true));
    auto const process = cluster.process();
    PlainConnection busy(cluster.url(Role::request));
    cluster.stop();
    EXPECT_EQ(::kill(process, 0), -1);
    EXPECT_FALSE(files::exists(cluster.directory() / "postmaster.pid"));
    EXPECT_FALSE(Cluster::url_of_running(root_ / "var", Role::owner));
}

// A haat that is killed cannot stop its server: a child process plays it.
TEST_F(ClusterTest, OneLeftRunningByACrashIsTakenOver) {
    auto const opened = options("var", true);
    pid_t const haat = ::fork();
    if (haat == 0) {
        try {
            Cluster cluster = Cluster::open(opened);
            ::kill(::getpid(), SIGKILL);
        } catch (std::exception const&) {
            ::_exit(1);
        }
    }
    ASSERT_TRUE(wait_for_end(haat, 30s));
    auto const left = Cluster::url_of_running(root_ / "var", Role::owner);
    ASSERT_TRUE(left);
    auto const process = PlainConnection(*left).word("select pg_postmaster_start_time()");
    Cluster cluster = Cluster::open(options("var", true));
    EXPECT_NE(said_.find("took over"), std::string::npos) << said_;
    EXPECT_EQ(ask(cluster, Role::owner, "select pg_postmaster_start_time()"), process);
    cluster.stop();
    EXPECT_FALSE(Cluster::url_of_running(root_ / "var", Role::owner));
}

TEST_F(ClusterTest, AServerThatIsKilledIsStartedAgain) {
    Cluster cluster = Cluster::open(options("var", true));
    auto const first = cluster.process();
    PlainConnection held(cluster.url(Role::owner)); // its process outlives the postmaster a moment
    ASSERT_EQ(::kill(first, SIGKILL), 0);
    ASSERT_TRUE(soon([&] {
        try {
            return cluster.process() != first && ask(cluster, Role::owner, "select 1") == "1";
        } catch (PlainError const&) {
            return false;
        }
    }));
    EXPECT_GE(cluster.restarts(), 1);
}

TEST_F(ClusterTest, AStaleNumberOfAStrangerIsNoObstacle) {
    Cluster::open(options()).stop();
    auto const directory = read_state(root_ / "var")->directory;
    // The machine was restarted, and the postmaster's number is now this test's.
    std::ofstream(directory / "postmaster.pid")
        << ::getpid() << "\n"
        << directory.string() << "\n1\n20000\n/tmp\n\n1 1\nready\n";
    Cluster cluster = Cluster::open(options());
    EXPECT_EQ(ask(cluster, Role::owner, "select 1"), "1");
}

TEST_F(ClusterTest, AHalfMadeOneIsMadeAnew) {
    files::create_directories(root_ / "var" / "postgres.new" / "base");
    std::ofstream(root_ / "var" / "postgres.new" / "PG_VERSION") << "15\n";
    Cluster cluster = Cluster::open(options());
    EXPECT_EQ(ask(cluster, Role::owner, "select 1"), "1");
    EXPECT_FALSE(files::exists(root_ / "var" / "postgres.new"));
}

TEST_F(ClusterTest, OneOfAnotherUserIsRefusedAndLeftAsItIs) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root can give a directory away";
    Cluster::open(options()).stop();
    auto const directory = read_state(root_ / "var")->directory;
    auto const before = mode(root_ / "var" / "run");
    ASSERT_EQ(::chown(directory.c_str(), 65534, 65534), 0);
    try {
        Cluster cluster = Cluster::open(options());
        FAIL();
    } catch (ClusterError const& error) {
        EXPECT_NE(std::string(error.what()).find("belongs to user 65534"), std::string::npos);
    }
    EXPECT_EQ(mode(root_ / "var" / "run"), before);
}

TEST_F(ClusterTest, AnotherVersionIsRefused) {
    Cluster::open(options()).stop();
    std::ofstream(read_state(root_ / "var")->directory / "PG_VERSION") << "13\n";
    try {
        Cluster cluster = Cluster::open(options());
        FAIL();
    } catch (ClusterError const& error) {
        EXPECT_NE(std::string(error.what()).find("was made by PostgreSQL 13"), std::string::npos);
    }
}

TEST_F(ClusterTest, MovedWithItsDataDirectoryItGoesOn) {
    PlainConnection(Cluster::open(options("here", true)).url(Role::owner))
        .run("create schema moved");
    files::rename(root_ / "here", root_ / "there");
    Cluster cluster = Cluster::open(options("there"));
    EXPECT_EQ(ask(cluster, Role::owner, "select to_regnamespace('moved')"), "moved");
}

TEST_F(ClusterTest, AVeryLongPathStillHasASocket) {
    std::string const deep = std::string(60, 'a') + "/" + std::string(60, 'b');
    Cluster cluster = Cluster::open(options(deep));
    EXPECT_EQ(ask(cluster, Role::owner, "select 1"), "1");
    auto const sockets = ask(cluster, Role::admin, "show unix_socket_directories");
    EXPECT_LT(sockets.size(), 81U);
    cluster.stop();
    files::remove_all(sockets);
}

TEST_F(ClusterTest, WhereItsUserCannotGoItLivesElsewhere) {
    if (::geteuid() != 0) GTEST_SKIP() << "only root runs the server as another user";
    files::create_directories(root_ / "closed" / "var");
    files::permissions(root_ / "closed", files::perms(0700));
    files::path home;
    {
        Cluster cluster = Cluster::open(options("closed/var", true));
        home = cluster.directory().parent_path();
        EXPECT_EQ(home.parent_path(), "/var/lib");
        PlainConnection(cluster.url(Role::owner)).run("create schema kept");
    }
    {
        Cluster cluster = Cluster::open(options("closed/var", true));
        EXPECT_EQ(cluster.directory().parent_path(), home);
        EXPECT_EQ(ask(cluster, Role::owner, "select to_regnamespace('kept')"), "kept");
    }
    ASSERT_TRUE(home.string().starts_with("/var/lib/haat-"));
    files::remove_all(home);
}

TEST_F(ClusterTest, ADatabaseIsCopiedWithItsRights) {
    Cluster cluster = Cluster::throw_away();
    PlainConnection(cluster.url(Role::owner))
        .run("create schema shop; grant usage on schema shop to haat_request;"
             "create table shop.t as select 5 as n; grant select on shop.t to haat_request");
    cluster.create_database("copy", "haat");
    EXPECT_EQ(PlainConnection(cluster.url(Role::request, "copy")).word("select n from shop.t"),
              "5");
    cluster.drop_database("copy");
    EXPECT_THROW(PlainConnection(cluster.url(Role::request, "copy")), ConnectError);
}

TEST_F(ClusterTest, AThrownAwayOneLeavesNothing) {
    files::path directory;
    {
        Cluster cluster = Cluster::throw_away();
        directory = cluster.directory().parent_path();
        EXPECT_TRUE(files::exists(directory));
    }
    EXPECT_FALSE(files::exists(directory));
}

// A server that is given, instead of ours: a throw-away cluster plays it.
class GivenDatabaseTest : public testing::Test {
protected:
    static void SetUpTestSuite() { cluster_ = std::make_unique<Cluster>(Cluster::throw_away()); }
    static void TearDownTestSuite() { cluster_.reset(); }

    void SetUp() override { admin_ = std::make_unique<PlainConnection>(url("haat_admin", "")); }
    void TearDown() override {
        admin_.reset();
        PlainConnection connection(url("haat_admin", ""));
        connection.run("drop database if exists given with (force)");
        for (char const* const role : {"strong", "own", "request_login", "someone"})
            connection.run(std::string("drop role if exists ") + role);
    }
    static std::string url(std::string const& role, std::string const& password) {
        auto const admin = cluster_->url(Role::admin);
        return role == "haat_admin" ? admin : with_role(admin, role, password);
    }
    void make_owner(std::string const& rights) {
        admin_->run("create role someone login password 'hush' " + rights);
        admin_->run("create database given owner someone");
    }
    static std::string given() { return with_database(url("someone", "hush"), "given"); }
    static std::string refusal(GivenDatabase const& database) {
        try {
            prepare_given(database);
        } catch (std::exception const& error) {
            return error.what();
        }
        return "taken";
    }
    /// The private roles of the cluster stand in the way of "missing" ones.
    void without_our_roles(std::function<void()> const& test) {
        for (char const* const role : {"haat_request", "haat_worker"})
            admin_->run(std::string("alter role ") + role + " rename to kept_" + role);
        test();
        for (char const* const role : {"haat_request", "haat_worker"}) {
            admin_->run("drop database if exists given with (force)");
            admin_->run(std::string("drop role if exists ") + role);
            admin_->run(std::string("alter role kept_") + role + " rename to " + role);
        }
    }

    static std::unique_ptr<Cluster> cluster_;
    std::unique_ptr<PlainConnection> admin_;
};
std::unique_ptr<Cluster> GivenDatabaseTest::cluster_;

TEST_F(GivenDatabaseTest, AnOwnerWhoMayMakesTheRolesTheSameOnEveryNode) {
    make_owner("createrole");
    without_our_roles([] {
        auto const first = prepare_given({.url = given()});
        auto const second = prepare_given({.url = given()});
        EXPECT_EQ(first.request, second.request);
        EXPECT_NE(first.request, first.worker);
        EXPECT_EQ(PlainConnection(first.request).user(), "haat_request");
        EXPECT_EQ(PlainConnection(first.worker).word("show search_path"), "pg_catalog");
    });
}

TEST_F(GivenDatabaseTest, AnOwnerWhoMayNotIsToldWhatToRun) {
    make_owner("nocreaterole");
    without_our_roles([] {
        EXPECT_NE(refusal({.url = given()}).find("create role haat_request login"),
                  std::string::npos);
    });
}

TEST_F(GivenDatabaseTest, RolesOfAnotherPasswordAreNotTouched) {
    make_owner("createrole");
    EXPECT_NE(refusal({.url = given()}).find("set DATABASE_REQUEST_URL"), std::string::npos);
    EXPECT_EQ(PlainConnection(cluster_->url(Role::request)).user(), "haat_request");
}

TEST_F(GivenDatabaseTest, ARoleThatStepsOverPoliciesIsRefused) {
    make_owner("createrole");
    admin_->run("create role strong login password 'p' bypassrls in role haat_request");
    admin_->run("create role own login password 'p' in role someone");
    auto const as = [](char const* role) { return with_role(given(), role, "p"); };
    EXPECT_NE(refusal({.url = given(), .request_url = as("strong")}).find("bypass row-level"),
              std::string::npos);
    EXPECT_NE(refusal({.url = given(), .request_url = as("own")}).find("owner of the schema"),
              std::string::npos);
    EXPECT_NE(refusal({.url = given(), .request_url = given()}).find("owner of the schema"),
              std::string::npos);
}

TEST_F(GivenDatabaseTest, ALoginRoleWithoutOurRightsIsToldTheGrant) {
    make_owner("createrole");
    admin_->run("create role request_login login password 'p'");
    GivenDatabase const database{.url = given(),
                                 .request_url = with_role(given(), "request_login", "p")};
    EXPECT_NE(refusal(database).find("grant haat_request to request_login"), std::string::npos);
    admin_->run("grant haat_request to request_login");
    EXPECT_EQ(refusal(database).find("request_login"), std::string::npos) << refusal(database);
}

TEST_F(GivenDatabaseTest, InProductionAForgetfulServerIsRefusedByName) {
    make_owner("createrole");
    GivenDatabase database{.url = given(), .production = true};
    EXPECT_NE(refusal(database).find("runs with fsync = off"), std::string::npos);
    database.production = false;
    EXPECT_EQ(refusal(database).find("fsync"), std::string::npos);
}

TEST_F(GivenDatabaseTest, AUrlThatCannotBeReadIsNotRepeated) {
    auto const text = refusal({.url = "postgresql://user:hush@[host/x"});
    EXPECT_NE(text.find("cannot be read"), std::string::npos) << text;
    EXPECT_EQ(text.find("hush"), std::string::npos) << text;
}

} // namespace
} // namespace haat::pg
