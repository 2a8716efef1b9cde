// Jobs per second and from enqueue to start, durable (fsync on), on a private cluster of its own:
// `jobs_bench [jobs] [rounds] [peers]`. With the folder of the peers (npm ci in bench/queue), they
// run in the same rounds on the same cluster. Run by hand; docs/decisions/0013 has the numbers.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

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
double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
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

    /// From the first claim until the last job has left the queue.
    double work_off(int runners, int lanes, int claim_max) {
        Team team(*this, runners, lanes, claim_max);
        auto const begin = Clock::now();
        team.start();
        while (admin_->word("select exists (select from jobs.queue)") == "t")
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
        return seconds_since(begin);
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

/// One line of a peer's program: what it printed.
std::string run_peer(std::string const& folder, std::string const& words, Bench& bench) {
    std::string const command = "cd " + folder + " && HAAT_BENCH_URL=\"" +
                                bench.cluster().url(pg::Role::admin) + "\" node " + words + " 2>&1";
    FILE* const out = popen(command.c_str(), "r");
    if (!out) return "could not be run";
    std::string text;
    std::array<char, 512> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), out)) text += line.data();
    pclose(out);
    while (text.ends_with('\n')) text.pop_back();
    return text;
}

} // namespace

int main(int count, char** words) {
    int const jobs = std::max(1'000, count > 1 ? std::atoi(words[1]) : 200'000);
    int const rounds = std::max(1, count > 2 ? std::atoi(words[2]) : 3);
    std::string const peers = count > 3 ? words[3] : "";
    Bench bench;
    std::printf("fsync %s, synchronous_commit %s\n", bench.admin().word("show fsync").c_str(),
                bench.admin().word("show synchronous_commit").c_str());
    std::vector<double> batched, archived, singly, given, waits;
    for (int round = 1; round <= rounds; ++round) {
        given.push_back(bench.enqueue(noop, jobs));
        batched.push_back(jobs / bench.work_off(2, 4, 500));
        bench.enqueue(kept, jobs);
        archived.push_back(jobs / bench.work_off(2, 4, 500));
        bench.admin().run("truncate jobs.finished");
        int const fewer = jobs / 5;
        bench.enqueue(single, fewer);
        singly.push_back(fewer / bench.work_off(2, 8, 1));
        std::vector<double> const latencies = bench.latencies(200);
        waits.push_back(median(latencies));
        std::printf("round %d: haat enqueue %.0f/s, batched %.0f/s, batched and kept %.0f/s, one "
                    "by one %.0f/s, enqueue to start %.2f ms\n",
                    round, given.back(), batched.back(), archived.back(), singly.back(),
                    waits.back());
        std::fflush(stdout);
        if (peers.empty()) continue;
        for (std::string const& peer :
             {"graphile-worker.cjs " + std::to_string(jobs) + " 24 500 2",
              "graphile-worker.cjs " + std::to_string(jobs / 5) + " 24 0 2",
              "pg-boss.cjs " + std::to_string(jobs / 5) + " 100 4",
              "pg-boss.cjs " + std::to_string(jobs / 50) + " 1 8"})
            std::printf("round %d: %s\n", round, run_peer(peers, peer, bench).c_str());
        std::fflush(stdout);
    }
    std::printf("median: enqueue %.0f/s, batched %.0f/s, batched and kept %.0f/s, one by one "
                "%.0f/s, enqueue to start %.2f ms\n",
                median(given), median(batched), median(archived), median(singly), median(waits));
    return 0;
}
