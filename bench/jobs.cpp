// Jobs per second and from enqueue to start, durable (fsync on), on a private cluster of its own:
// `jobs_bench [jobs] [rounds] [peers] [lanes] [claim_max]`. With the folder of the peers (npm ci in
// bench/queue, or - for none), they run in the same rounds on the same cluster, as does what plain
// SQL can do there. What was measured comes as JSON in the last line; bench/run reads it.
//
// One by one: each job is claimed by a statement of its own, which settles one that was run in the
// same transaction; nothing is claimed ahead, and each is a commit of its own.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include <unistd.h>

#include <app/run_on.hpp>
#include <base/clock.hpp>
#include <jobs/jobs.hpp>
#include <jobs/runner.hpp>
#include <loop/loop.hpp>
#include <pg/cluster.hpp>
#include <pg/migrate.hpp>
#include <pg/plain.hpp>

namespace {

using namespace haat;
using Clock = std::chrono::steady_clock;

struct Number {
    std::int32_t n = 0;
};
HAAT_DESCRIBE(Number, n)

std::atomic<int> started{0};
std::atomic<std::int64_t> started_at{0};

Task<void> do_nothing(JobRun<Number>&) {
    started.fetch_add(1, std::memory_order_relaxed);
    started_at.store(Clock::now().time_since_epoch().count(), std::memory_order_relaxed);
    co_return;
}

Queue const crowd{"bench.crowd", {.concurrency = 64}};
Queue const singles{"bench.singles", {.concurrency = 1}};
Job<Number> const noop{"bench.noop", {.queue = &crowd, .keep = 0s}, &do_nothing};
Job<Number> const kept{"bench.kept", {.queue = &crowd}, &do_nothing};
Job<Number> const single{"bench.single", {.queue = &singles, .keep = 0s}, &do_nothing};

double seconds_since(Clock::time_point begin) {
    return std::chrono::duration<double>(Clock::now() - begin).count();
}
Task<void> connect(pg::Database& database) {
    bool const up = co_await database.start();
    if (!up) throw std::runtime_error(database.last_error());
}
Task<void> give_many(pg::Database& database, Job<Number> const& job, int count) {
    pg::Settings const nobody;
    std::vector<Number> const numbers(1'000);
    for (int left = count; left > 0; left -= 1'000) {
        Tx tx(database, nobody);
        enqueue_all(tx, job, numbers);
        co_await tx.commit();
    }
}
Task<void> give_one(pg::Database& database, Job<Number> const& job) {
    pg::Settings const nobody;
    Tx tx(database, nobody);
    enqueue(tx, job, {1});
    co_await tx.commit();
}

/// Processor time of PostgreSQL's processes that are alive, and of this one.
struct Burnt {
    double server = 0;
    double here = 0;
};
/// With `ended`: of those that have ended as well.
Burnt burnt(int postmaster, bool ended = false) {
    Burnt sum;
    double const tick = static_cast<double>(sysconf(_SC_CLK_TCK));
    for (auto const& entry : std::filesystem::directory_iterator("/proc")) {
        std::string const name = entry.path().filename();
        if (name.find_first_not_of("0123456789") != std::string::npos) continue;
        std::ifstream in(entry.path() / "stat");
        std::string text{std::istreambuf_iterator<char>(in), {}};
        auto const name_end = text.rfind(')');
        if (name_end == std::string::npos) continue;
        std::istringstream rest(text.substr(name_end + 2));
        std::string state, skipped;
        long parent = 0;
        double user = 0, system = 0, children_user = 0, children_system = 0;
        rest >> state >> parent;
        for (int i = 0; i < 9; ++i) rest >> skipped;
        rest >> user >> system >> children_user >> children_system;
        if (ended && name == std::to_string(postmaster))
            sum.server += (children_user + children_system) / tick;
        if (parent == postmaster) sum.server += (user + system) / tick;
        if (name == std::to_string(getpid())) sum.here = (user + system) / tick;
    }
    return sum;
}

class Bench {
public:
    Bench() {
        pg::ClusterOptions options;
        directory_ = std::filesystem::temp_directory_path() / "haat-jobs-bench";
        std::filesystem::remove_all(directory_);
        std::filesystem::create_directories(directory_);
        std::filesystem::permissions(directory_, std::filesystem::perms(0711));
        options.data_directory = directory_;
        options.remove_when_stopped = true;
        cluster_.emplace(pg::Cluster::open(std::move(options)));
        pg::Migrator(cluster_->url(pg::Role::owner)).apply();
        admin_.emplace(cluster_->url(pg::Role::admin));
        pg::DatabaseOptions giving;
        giving.url = cluster_->url(pg::Role::request);
        giver_ = std::make_unique<pg::Database>(loop_, giving);
        thread_ = std::thread([this] { loop_.run(); });
        app::run_on(loop_, [this] { return connect(*giver_); });
    }
    ~Bench() {
        app::run_on(loop_, [this] { return giver_->stop(std::chrono::seconds(2)); });
        loop_.stop();
        thread_.join();
        giver_.reset();
        admin_.reset();
        cluster_.reset();
        std::filesystem::remove_all(directory_);
    }

    double enqueue(Job<Number> const& job, int count) {
        auto const begin = Clock::now();
        app::run_on(loop_, [&] { return give_many(*giver_, job, count); });
        double const rate = count / seconds_since(begin);
        admin_->run("vacuum analyze jobs.queue");
        admin_->run("checkpoint");
        return rate;
    }

    /// Jobs a second, from when the queues are opened until the last job has left them.
    double work_off(int jobs, int runners, int lanes, int claim_max) {
        for (std::string const queue : {"bench.crowd", "bench.singles"})
            admin_->ask("insert into jobs.queues (name, paused) values ($1, true)"
                        " on conflict (name) do update set paused = true",
                        {queue});
        Team team(*this, runners, lanes, claim_max);
        team.start();
        Burnt const before = burnt(cluster_->process());
        auto const begin = Clock::now();
        admin_->run("update jobs.queues set paused = false");
        for (std::string const queue : {"bench.crowd", "bench.singles"})
            admin_->ask("select pg_notify('haat_jobs', $1)", {queue});
        while (admin_->word("select exists (select from jobs.queue)") == "t")
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        double const took = seconds_since(begin);
        Burnt const after = burnt(cluster_->process());
        std::printf("  %.0f/s; processor time of each job: PostgreSQL %.1f us, haat %.1f us\n",
                    jobs / took, (after.server - before.server) * 1e6 / jobs,
                    (after.here - before.here) * 1e6 / jobs);
        std::fflush(stdout);
        return jobs / took;
    }

    /// What PostgreSQL can do at best: claim and delete in one statement, so many at a time,
    /// without telling whose they are or what became of them.
    double raw(int jobs, int at_once, int clients) {
        admin_->run("drop table if exists raw_jobs; create table raw_jobs (id bigint primary key,"
                    " run_at timestamptz not null default now(), task text, payload jsonb);"
                    "create index raw_ready on raw_jobs (run_at, id)");
        admin_->ask("insert into raw_jobs (id, task, payload) select n, 'noop', '{}'"
                    " from generate_series(1, $1::integer) n",
                    {std::to_string(jobs)});
        admin_->run("vacuum analyze raw_jobs");
        admin_->run("checkpoint");
        auto const script = directory_ / "raw.sql";
        std::ofstream(script)
            << "with gone as (delete from raw_jobs where id = any (array(select id"
               " from raw_jobs where run_at <= now() order by run_at, id limit "
            << at_once << " for update skip locked)) returning 1) select count(*) from gone;\n";
        int const transactions = jobs / at_once / clients;
        std::string const command = "/usr/lib/postgresql/15/bin/pgbench -n -M prepared -j 2 -c " +
                                    std::to_string(clients) + " -t " +
                                    std::to_string(transactions) + " -f " + script.string() +
                                    " \"" + cluster_->url(pg::Role::admin) + "\" >/dev/null 2>&1";
        Burnt const before = burnt(cluster_->process(), true);
        auto const begin = Clock::now();
        if (std::system(command.c_str()) != 0) return 0;
        double const took = seconds_since(begin);
        Burnt const after = burnt(cluster_->process(), true);
        int const done = transactions * clients * at_once;
        std::printf("  raw SQL by %d, %d clients: %.0f/s; processor time: PostgreSQL %.1f us\n",
                    at_once, clients, done / took, (after.server - before.server) * 1e6 / done);
        std::fflush(stdout);
        return done / took;
    }

    std::vector<double> latencies(int count) {
        Team team(*this, 1, 4, 500);
        team.start();
        std::vector<double> found;
        for (int i = 0; i < count; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(20)); // idle
            int const before = started;
            auto const begin = Clock::now();
            app::run_on(loop_, [&] { return give_one(*giver_, noop); });
            while (started == before) std::this_thread::yield();
            found.push_back(static_cast<double>(started_at - begin.time_since_epoch().count()) /
                            1e6);
        }
        return found;
    }

    pg::Cluster& cluster() { return *cluster_; }
    pg::PlainConnection& admin() { return *admin_; }

private:
    class Team {
    public:
        Team(Bench& bench, int runners, int lanes, int claim_max) {
            for (int i = 0; i < runners; ++i) {
                jobs::RunnerOptions options;
                options.url = bench.cluster_->url(pg::Role::worker);
                options.process = "bench";
                options.lanes = lanes;
                options.claim_max = claim_max;
                options.runs_crons = false;
                options.database.write_connections = 1;
                options.database.slow_connections = 1;
                options.database.read_connections = 1;
                loops_.push_back(std::make_unique<Loop>(10 + i));
                runners_.push_back(
                    std::make_unique<jobs::Runner>(*loops_.back(), options, services_, metrics_));
                threads_.emplace_back([loop = loops_.back().get()] { loop->run(); });
            }
        }
        void start() {
            for (std::size_t i = 0; i < runners_.size(); ++i)
                app::run_on(*loops_[i], [&] { return runners_[i]->start(); });
        }
        ~Team() {
            for (std::size_t i = 0; i < runners_.size(); ++i) {
                app::run_on(*loops_[i],
                            [&] { return runners_[i]->drain(std::chrono::seconds(5)); });
                loops_[i]->stop();
                threads_[i].join();
            }
        }

    private:
        Services services_;
        jobs::JobMetrics metrics_;
        std::vector<std::unique_ptr<Loop>> loops_;
        std::vector<std::unique_ptr<jobs::Runner>> runners_;
        std::vector<std::thread> threads_;
    };

    std::filesystem::path directory_;
    std::optional<pg::Cluster> cluster_;
    std::optional<pg::PlainConnection> admin_;
    Loop loop_{1};
    std::unique_ptr<pg::Database> giver_;
    std::thread thread_;
};

/// A peer's program: what it printed, and the jobs a second that it says last.
double run_peer(std::string const& folder, std::string const& words, Bench& bench) {
    std::string const command = "cd " + folder + " && HAAT_BENCH_URL=\"" +
                                bench.cluster().url(pg::Role::admin) + "\" node " + words + " 2>&1";
    FILE* const out = popen(command.c_str(), "r");
    if (!out) return 0;
    std::string text;
    std::array<char, 512> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), out)) text += line.data();
    pclose(out);
    std::printf("  %s", text.c_str());
    std::fflush(stdout);
    auto const colon = text.rfind(": ");
    return colon == std::string::npos ? 0 : std::atof(text.c_str() + colon + 2);
}

using Results = std::map<std::string, std::vector<double>>;

void run_peers(std::string const& folder, int jobs, Bench& bench, Results& results) {
    std::string const many = std::to_string(jobs);
    std::string const fewer = std::to_string(jobs / 5);
    std::string const few = std::to_string(jobs / 50);
    auto const run = [&](char const* name, std::string const& words) {
        results[name].push_back(run_peer(folder, words, bench));
    };
    run("graphile-worker batched", "graphile-worker.cjs " + many + " 24 500 2");
    run("graphile-worker", "graphile-worker.cjs " + fewer + " 24 0 2");
    run("pg-boss batched", "pg-boss.cjs " + fewer + " 100 4");
    run("pg-boss", "pg-boss.cjs " + few + " 1 8");
    run("BullMQ", "bullmq.cjs " + fewer + " 50 2");
}

void print(Results const& results) {
    char const* between = "{";
    for (auto const& [name, values] : results) {
        std::printf("%s\"%s\": [", between, name.c_str());
        for (std::size_t i = 0; i < values.size(); ++i)
            std::printf("%s%.2f", i == 0 ? "" : ", ", values[i]);
        std::printf("]");
        between = ", ";
    }
    std::printf("}\n");
}

} // namespace

int main(int count, char** words) {
    int const jobs = std::max(1'000, count > 1 ? std::atoi(words[1]) : 200'000);
    int const rounds = std::max(1, count > 2 ? std::atoi(words[2]) : 3);
    std::string const peers = count > 3 ? words[3] : "-";
    int const lanes = count > 4 ? std::atoi(words[4]) : 8;
    int const claim_max = count > 5 ? std::atoi(words[5]) : 500;
    int const fewer = jobs / 5;
    Bench bench;
    std::printf("fsync %s, synchronous_commit %s\n", bench.admin().word("show fsync").c_str(),
                bench.admin().word("show synchronous_commit").c_str());
    Results results;
    for (int round = 1; round <= rounds; ++round) {
        std::printf("round %d\n", round);
        results["raw SQL"].push_back(bench.raw(fewer, 1, 8));
        results["raw SQL by fifties"].push_back(bench.raw(jobs, 50, 8));
        results["enqueue"].push_back(bench.enqueue(noop, jobs));
        results["batched"].push_back(bench.work_off(jobs, 2, 4, claim_max));
        bench.enqueue(kept, jobs);
        results["batched and kept"].push_back(bench.work_off(jobs, 2, 4, claim_max));
        bench.admin().run("truncate jobs.finished");
        bench.enqueue(single, fewer);
        results["one by one"].push_back(bench.work_off(fewer, 2, lanes, 1));
        std::vector<double> latencies = bench.latencies(200);
        std::sort(latencies.begin(), latencies.end());
        results["start ms"].push_back(latencies[latencies.size() / 2]);
        std::printf("  enqueue to start %.2f ms\n", results["start ms"].back());
        if (peers != "-") run_peers(peers, jobs, bench, results);
    }
    print(results);
    return 0;
}
