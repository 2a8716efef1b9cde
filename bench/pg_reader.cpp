// One row by id through Reader, with row-level security and its settings, beside pgbench asking
// the same: `pg_reader [seconds] [rounds]`. Both in turns against one throw-away cluster; run by
// hand.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <loop/loop.hpp>
#include <pg/cluster.hpp>
#include <pg/database.hpp>
#include <pg/plain.hpp>

namespace {

using namespace haat;

constexpr int loops = 2;
constexpr int coroutines = 64;
constexpr int rows = 1'000;
constexpr std::string_view org = "0a000000-0000-7000-8000-00000000000a";

struct Brand {
    std::int64_t id = 0;
    std::string name;
    std::string slug;
    Timestamp created_at;
};
HAAT_DESCRIBE(Brand, id, name, slug, created_at)
One<Brand, std::int64_t> const find_brand{"bench.find_brand",
                                          "select {row} from bench.brands where id = $1"};

constexpr char const* schema = R"(
    create schema bench;
    create table bench.brands (id bigint primary key, org_id uuid not null, name text not null,
                               slug text not null, created_at timestamptz not null default now());
    alter table bench.brands enable row level security;
    create policy tenant on bench.brands
        using (org_id = nullif(current_setting('haat.org_id', true), '')::uuid);
    grant usage on schema bench to haat_request;
    grant select on bench.brands to haat_request;
    insert into bench.brands (id, org_id, name, slug)
        select n, '0a000000-0000-7000-8000-00000000000a', 'Brand ' || n, 'brand-' || n
          from generate_series(1, 1000) n;
    vacuum analyze bench.brands;)";

struct Counted {
    std::atomic<std::int64_t> good{0};
    std::atomic<std::int64_t> bad{0};
};

Task<void> ask_until(pg::Database& database, Counted& counted, std::atomic<bool> const& over,
                     int seed) {
    pg::Settings const settings{.user_id = "u", .org_id = std::string(org), .role = "STAFF"};
    pg::Reader read(database, settings);
    for (std::int64_t i = seed; !over; i += 7) {
        try {
            co_await read(find_brand, i % rows + 1);
            counted.good.fetch_add(1, std::memory_order_relaxed);
        } catch (std::exception const&) {
            counted.bad.fetch_add(1, std::memory_order_relaxed);
        }
    }
}

Task<void> serve(Loop& loop, pg::Database& database, Counted& counted,
                 std::atomic<bool> const& over) {
    if (co_await database.start())
        for (int i = 0; i < coroutines / loops; ++i)
            detach(ask_until(database, counted, over, i * 31));
    while (!over) co_await sleep_for(std::chrono::milliseconds(5));
    co_await database.stop(std::chrono::seconds(2));
    loop.stop();
}

double haat_rate(std::string const& url, int seconds, std::int64_t& bad) {
    Counted counted;
    std::atomic<bool> over{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < loops; ++i)
        threads.emplace_back([&, i] {
            Loop loop(i);
            pg::DatabaseOptions options;
            options.url = url;
            pg::Database database(loop, options);
            loop.post([&] { detach(serve(loop, database, counted, over)); });
            loop.run();
        });
    std::this_thread::sleep_for(std::chrono::seconds(1)); // connecting and preparing
    std::int64_t const before = counted.good;
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    double const rate = static_cast<double>(counted.good - before) / seconds;
    over = true;
    for (std::thread& thread : threads) thread.join();
    bad += counted.bad;
    return rate;
}

double pgbench_rate(std::string const& url, std::filesystem::path const& script, int clients,
                    int seconds) {
    std::string const command = "/usr/lib/postgresql/15/bin/pgbench -n -M prepared -j 2 -c " +
                                std::to_string(clients) + " -T " + std::to_string(seconds) +
                                " -f " + script.string() + " \"" + url + "\" 2>/dev/null";
    FILE* const out = popen(command.c_str(), "r");
    if (!out) return 0;
    double rate = 0;
    std::array<char, 512> line{};
    while (std::fgets(line.data(), static_cast<int>(line.size()), out))
        std::sscanf(line.data(), "tps = %lf", &rate);
    pclose(out);
    return rate;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

} // namespace

int main(int count, char** words) {
    int const seconds = std::max(1, count > 1 ? std::atoi(words[1]) : 3);
    int const rounds = std::max(1, count > 2 ? std::atoi(words[2]) : 3);
    pg::Cluster cluster = pg::Cluster::throw_away();
    pg::PlainConnection admin(cluster.url(pg::Role::admin));
    std::string const all = schema;
    std::size_t const vacuum = all.find("vacuum");
    admin.run(all.substr(0, vacuum));
    admin.run(all.substr(vacuum));
    std::string const select =
        "select id, name, slug, created_at from bench.brands where id = :id;\n";
    std::string const settings =
        "select set_config('haat.user_id', 'u', true), set_config('haat.org_id', '" +
        std::string(org) +
        "', true), set_config('haat.role', 'STAFF', true), "
        "set_config('statement_timeout', '100', true);\n";
    auto const directory = std::filesystem::temp_directory_path();
    auto const plain = directory / "haat_bench_plain.sql";
    auto const with_settings = directory / "haat_bench_settings.sql";
    std::ofstream(plain) << "\\set id random(1, 1000)\n" << select;
    std::ofstream(with_settings) << "\\set id random(1, 1000)\n\\startpipeline\n"
                                 << settings << select << "\\endpipeline\n";

    std::string const url = cluster.url(pg::Role::request);
    // What is compared must do the same work: with these settings the policy lets one row through.
    pg::PlainConnection request(url);
    request.run("begin; " + settings);
    if (request.ask("select 1 from bench.brands where id = 7").size() != 1) return 1;
    request.run("rollback");
    std::string const admin_url = cluster.url(pg::Role::admin);
    std::vector<double> ours;
    std::vector<double> theirs;
    std::vector<double> bare;
    std::int64_t bad = 0;
    for (int round = 0; round < rounds; ++round) {
        ours.push_back(haat_rate(url, seconds, bad));
        double best = 0;
        double best_bare = 0;
        for (int const clients : {4, 8, 16, 32}) {
            best = std::max(best, pgbench_rate(url, with_settings, clients, seconds));
            best_bare = std::max(best_bare, pgbench_rate(admin_url, plain, clients, seconds));
        }
        theirs.push_back(best);
        bare.push_back(best_bare);
        std::printf("round %d: haat %.0f/s, pgbench with settings %.0f/s, without %.0f/s\n",
                    round + 1, ours.back(), best, best_bare);
    }
    std::printf("median: haat %.0f/s = %.2f x pgbench with settings (%.0f/s), %.2f x without "
                "settings and policy (%.0f/s); %lld errors\n",
                median(ours), median(ours) / median(theirs), median(theirs),
                median(ours) / median(bare), median(bare), static_cast<long long>(bad));
    std::filesystem::remove(plain);
    std::filesystem::remove(with_settings);
    return bad == 0 ? 0 : 1;
}
