// kill -9 of the dispatcher, of a worker and of the whole server with its PostgreSQL, at random
// moments, while clients commit events and jobs: afterwards every committed event had its effect
// once and in the order of its key, and every job was done once. For seconds in every run of the
// tests; for two minutes with HAAT_SOAK=1 (make soak).
//
// The processes are this very program, which knows the handlers and the job below.
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <random>
#include <thread>

#include <gtest/gtest.h>

#include <app/commands/commands.hpp>
#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <events/handlers.hpp>
#include <events/test/node.hpp>
#include <jobs/test/works.hpp>
#include <pg/cluster.hpp>
#include <pg/plain.hpp>
#include <test/harness/actors.hpp>
#include <test/harness/house.hpp>
#include <test/harness/load.hpp>
#include <test/harness/process.hpp>
#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

namespace fs = std::filesystem;

// ---- what has effects: an event, the job that follows from it, and jobs that clients give

struct Wave {
    std::int32_t n = 0;
};
HAAT_DESCRIBE(Wave, n)

struct Echo {
    Uuid of; // the event, or a number that a client made
};
HAAT_DESCRIBE(Echo, of)

namespace sql {
// The schema is made by the test itself.
Exec<Uuid, Uuid, std::int32_t> wave_effect{"trial.wave_effect", R"(
    insert into killed.waves (event_id, key, n) values ($1, $2, $3))"};
Exec<Uuid> echo_effect{"trial.echo_effect", "insert into killed.echoes (of) values ($1)"};
} // namespace sql

Task<void> echo_it(JobRun<Echo>& run) {
    Tx tx = run.begin();
    tx.later(sql::echo_effect, run.payload().of);
    co_await run.finish(tx);
}
Queue const echoes{"killed.echoes", {.concurrency = 8}};
Job<Echo> const echo{
    "killed.echo",
    {.queue = &echoes, .attempts = 1'000, .backoff_first = 10ms, .backoff_max = 50ms, .keep = 0s},
    &echo_it};

Task<void> take_wave(Tx& tx, Received<Wave> const& event) {
    tx.later(sql::wave_effect, event.event_id, event.key, event.data.n);
    enqueue(tx, echo, {event.event_id});
    co_return;
}
Event<Wave> waved{subjects::textile_customized};
Handler<Wave> const waves{waved, "killed.waves", &take_wave};

// ---- the processes

constexpr char const* role_variable = "HAAT_TEST_ROLE";
constexpr char const* database_variable = "HAAT_TEST_ROLE_DATABASE";

void run_worker(std::string const& url) {
    Services const services;
    jobs::JobMetrics metrics;
    jobs::RunnerOptions options;
    options.url = url;
    options.process = "a test";
    options.poll = 50ms;
    options.lease = 2s;
    options.heartbeat = 300ms;
    options.runs_crons = false;
    options.database.read_connections = 1;
    options.database.write_connections = 8;
    options.database.slow_connections = 1;
    Loop loop(0);
    jobs::Runner runner(loop, options, services, metrics);
    std::thread thread([&loop] { loop.run(); });
    app::run_on(loop, [&runner] { return runner.start(); });
    thread.join(); // never
}

/// In a process of its own, which is killed from outside.
class Role : public testing::Test {
public:
    void TestBody() override {
        std::string const role = std::getenv(role_variable);
        if (role == "server") {
            app::serve({});
        } else if (role == "worker") {
            run_worker(std::getenv(database_variable));
        } else {
            Node node(std::getenv(database_variable));
            soon([] { return false; }, 10min);
        }
    }
};
[[maybe_unused]] bool const registered = [] {
    if (std::getenv(role_variable) == nullptr) return false;
    testing::RegisterTest("Hidden", "PlaysItsRoleUntilItIsKilled", nullptr, nullptr, __FILE__,
                          __LINE__,
                          []() -> testing::Test* { return std::make_unique<Role>().release(); });
    return true;
}();

/// A server with its own PostgreSQL, and beside it a dispatcher and a worker with short leases.
class Crew {
public:
    ~Crew() {
        kill_all();
        soon([&] { return postmaster() <= 0 || ::kill(postmaster(), 0) != 0; });
    }

    void start_server() {
        ProcessOptions options = role("server");
        options.environment.merge(
            std::map<std::string, std::string>{{"PORT", std::to_string(port_)},
                                               {"HAAT_DATA_DIR", directory_.string()},
                                               {"JWT_SECRET", test_secret},
                                               {"HAAT_ADDRESS", "127.0.0.1"},
                                               {"HAAT_LOOPS", "1"},
                                               {"LOG_LEVEL", "warn"},
                                               {"HAAT_RATE_SIGNED_IN", "1000000/1m"}});
        server_ = std::make_unique<Process>(options);
        ASSERT_TRUE(server_->ready()) << server_->errors();
    }
    void start_dispatcher() { dispatcher_ = std::make_unique<Process>(role("dispatcher")); }
    void start_worker() { worker_ = std::make_unique<Process>(role("worker")); }
    void start_all() {
        start_server();
        if (testing::Test::HasFatalFailure()) return;
        start_dispatcher();
        start_worker();
    }
    void kill_dispatcher() { kill(dispatcher_); }
    void kill_worker() { kill(worker_); }
    /// All there is, as when the power goes.
    void kill_all() {
        pid_t const database = postmaster();
        for (auto* one : {&server_, &dispatcher_, &worker_})
            if (*one) (*one)->signal(SIGKILL);
        if (database > 0) ::kill(database, SIGKILL);
        for (auto* one : {&server_, &dispatcher_, &worker_})
            if (*one) kill(*one);
    }

    std::uint16_t port() const { return port_; }
    pg::PlainConnection database(pg::Role as = pg::Role::admin) const {
        return pg::PlainConnection(url(as));
    }
    std::string errors() const {
        std::string all;
        for (auto const* one : {&server_, &dispatcher_, &worker_})
            if (*one) all += (*one)->errors();
        return all.substr(all.size() > 4'000 ? all.size() - 4'000 : 0);
    }

private:
    static void kill(std::unique_ptr<Process>& one) {
        one->signal(SIGKILL);
        one->wait();
        one.reset();
    }
    ProcessOptions role(std::string const& name) const {
        ProcessOptions options;
        options.program = "/proc/self/exe";
        options.words = {"--gtest_filter=Hidden.PlaysItsRoleUntilItIsKilled"};
        options.environment = {{role_variable, name}};
        if (name != "server") options.environment[database_variable] = url(pg::Role::worker);
        return options;
    }
    std::string url(pg::Role as) const {
        auto const found = pg::Cluster::url_of_running(directory_, as);
        if (!found) throw std::runtime_error("the private cluster is not running");
        return *found;
    }
    pid_t postmaster() const {
        std::error_code error;
        for (auto const& entry : fs::recursive_directory_iterator(
                 directory_, fs::directory_options::skip_permission_denied, error))
            if (entry.path().filename() == "postmaster.pid") {
                pid_t process = 0;
                std::ifstream(entry.path()) >> process;
                return process;
            }
        return -1;
    }

    fs::path const directory_ = temporary_directory("killed");
    std::uint16_t const port_ = free_port();
    std::unique_ptr<Process> server_, dispatcher_, worker_;
};

/// Clients that commit without pause; what fails while everything is away is begun again.
class Clients {
public:
    static constexpr int keys = 20;

    Clients(Crew const& crew, int threads) : crew_(crew) {
        for (int i = 0; i < threads; ++i)
            threads_.emplace_back([this, i] { write(static_cast<unsigned>(i)); });
    }
    ~Clients() { stop(); }
    void stop() {
        over_ = true;
        for (std::thread& thread : threads_)
            if (thread.joinable()) thread.join();
    }
    /// The highest step of each key whose commit was answered, and the jobs.
    std::map<std::string, int> waves() const { return waves_; }
    std::vector<std::string> jobs() const { return jobs_; }
    std::atomic<int> commits{0};

    static std::string key(unsigned number) {
        char text[37];
        std::snprintf(text, sizeof text, "00000000-0000-7000-8000-%012x", number);
        return text;
    }

private:
    void write(unsigned number) {
        std::mt19937 random(number);
        while (!over_) {
            try {
                pg::PlainConnection connection = crew_.database();
                while (!over_) random() % 4 == 0 ? give(connection) : step(connection, random());
            } catch (std::exception const&) {
                pause_briefly();
            }
        }
    }
    /// An aggregate's next event, under its row's lock.
    void step(pg::PlainConnection& connection, unsigned any) {
        std::string const which = key(any % keys);
        std::string const n = connection.word(R"(
            with moved as (update killed.aggregates set n = n + 1 where key = $1::uuid returning n),
            told as (
                insert into events.outbox (event_id, subject, key, priority, data, correlation_id)
                select gen_random_uuid(), 'textile:customized', $1::uuid, 'medium',
                       jsonb_build_object('n', n), '' from moved)
            select n from moved)",
                                              {which});
        std::lock_guard const guard(mutex_);
        waves_[which] = std::max(waves_[which], std::stoi(n));
        ++commits;
    }
    void give(pg::PlainConnection& connection) {
        std::string const of = to_string(new_uuid());
        connection.ask(R"(
            with noted as (insert into killed.given (of) values ($1::uuid) returning of)
            insert into jobs.queue (id, share, run_at, attempts_max, keep_seconds, priority, due,
                                    queue, name, correlation_id, payload)
            select of, '00000000-0000-0000-0000-000000000001', now(), 1000, 0, 1, true,
                   'killed.echoes', 'killed.echo', '', jsonb_build_object('of', of) from noted)",
                       {of});
        std::lock_guard const guard(mutex_);
        jobs_.push_back(of);
        ++commits;
    }

    Crew const& crew_;
    std::atomic<bool> over_{false};
    std::mutex mutex_;
    std::map<std::string, int> waves_;
    std::vector<std::string> jobs_;
    std::vector<std::thread> threads_;
};

class KilledSoakTest : public testing::Test {
protected:
    void begin() {
        crew.start_server();
        if (HasFatalFailure()) return;
        pg::PlainConnection db = crew.database(pg::Role::owner);
        db.run(R"(
            create schema killed;
            create table killed.aggregates (key uuid primary key, n integer not null default 0);
            create table killed.given (of uuid primary key);
            create table killed.waves (number bigserial primary key, event_id uuid not null,
                                       key uuid not null, n integer not null);
            create table killed.echoes (of uuid not null);
            create index on killed.waves (event_id);
            create index on killed.echoes (of);
            grant usage on schema killed to haat_worker;
            grant insert on killed.waves, killed.echoes to haat_worker;
            grant usage on sequence killed.waves_number_seq to haat_worker)");
        for (unsigned i = 0; i < Clients::keys; ++i)
            db.ask("insert into killed.aggregates (key) values ($1::uuid)", {Clients::key(i)});
        Actors const actors(db);
        manager = actors[Who::manager];
        crew.start_dispatcher();
        crew.start_worker();
    }
    void kill_for(std::chrono::milliseconds how_long, int each) {
        std::mt19937 random(std::random_device{}());
        auto const until = std::chrono::steady_clock::now() + how_long;
        while (std::chrono::steady_clock::now() < until && !HasFatalFailure()) {
            soon([] { return false; }, std::chrono::milliseconds(50 + random() % 700));
            auto const which = kills++ % each == each - 1 ? 2u : random() % 2;
            if (which == 0) {
                crew.kill_dispatcher();
                crew.start_dispatcher();
            } else if (which == 1) {
                crew.kill_worker();
                crew.start_worker();
            } else {
                crew.kill_all();
                crew.start_all();
                ++ends;
            }
        }
    }
    /// Whoever has a lease is dead. Only for those who have little time.
    void let_leases_run_out() {
        crew.database().run("update jobs.runners set lease_until = now();"
                            "update events.cursors set leased_until = now()"
                            " where leased_until > now()");
    }
    std::string number(std::string const& sql) { return crew.database().word(sql); }
    bool all_done() {
        return number("select (select count(*) from jobs.queue where name = 'killed.echo')"
                      "     + (select count(*) from events.outbox o"
                      "         where subject = 'textile:customized' and not exists"
                      "           (select from killed.waves w where w.event_id = o.event_id))") ==
               "0";
    }
    void expect_effects_once() {
        EXPECT_EQ(number("select count(*) - count(distinct event_id) from killed.waves"), "0");
        EXPECT_EQ(number("select count(*) - count(distinct of) from killed.echoes"), "0");
        EXPECT_EQ(number("select count(*) from (select n, lag(n) over (partition by key order by"
                         " number) as before from killed.waves) w where n <> coalesce(before, 0)"
                         " + 1"),
                  "0")
            << "out of the order of their keys";
        EXPECT_EQ(number("select count(*) from (select event_id from killed.waves union all"
                         " select of from killed.given except select of from killed.echoes) o"),
                  "0")
            << "jobs that left no effect";
        EXPECT_EQ(number("select count(*) from killed.echoes"),
                  number("select (select count(*) from killed.waves) + count(*)"
                         " from killed.given"));
        EXPECT_EQ(number("select count(*) from jobs.finished where name = 'killed.echo'"), "0");
        EXPECT_EQ(number("select string_agg(concat_ws(' ', consumer, state, attempts, last_error),"
                         " chr(10)) from events.failures"),
                  "");
    }
    void expect_kept_promises(Clients const& clients, WriteLoad const& brands) {
        pg::PlainConnection db = crew.database();
        for (auto const& [key, n] : clients.waves())
            EXPECT_GE(
                std::stoi(db.word("select max(n) from killed.waves where key = $1::uuid", {key})),
                n);
        for (std::string const& of : clients.jobs())
            EXPECT_EQ(db.word("select 1 from killed.given where of = $1::uuid", {of}), "1");
        for (std::string const& id : brands.acknowledged())
            EXPECT_EQ(db.word("select 1 from catalog.brands b join events.outbox o on o.key = b.id"
                              " where b.id = $1::uuid",
                              {id}),
                      "1");
    }

    Crew crew;
    Caller manager;
    int kills = 0;
    int ends = 0;
};

TEST_F(KilledSoakTest, EverythingHappensOnceWhateverIsKilled) {
    bool const soak = std::getenv("HAAT_SOAK") != nullptr;
    ASSERT_NO_FATAL_FAILURE(begin());
    Clients clients(crew, 3);
    WriteLoad brands(crew.port(), manager, 1);
    ASSERT_NO_FATAL_FAILURE(soak ? kill_for(2min, 12) : kill_for(5s, 5));
    clients.stop();
    brands.stop();
    crew.kill_all();
    ASSERT_NO_FATAL_FAILURE(crew.start_server());
    if (!soak) let_leases_run_out();
    crew.start_dispatcher();
    crew.start_worker();
    EXPECT_TRUE(soon([&] { return all_done(); }, soak ? 180'000ms : 60'000ms)) << crew.errors();
    expect_effects_once();
    expect_kept_promises(clients, brands);
    EXPECT_GT(ends, 0);
    std::printf("%d kills, %d of them of everything; %d commits, %s events with effects, %s jobs\n",
                kills, ends, clients.commits.load(),
                number("select count(*) from killed.waves").c_str(),
                number("select count(*) from killed.echoes").c_str());
}

} // namespace
} // namespace haat::test
