// The numbers, and the text form in which Prometheus reads them.
#include <telemetry/metrics.hpp>

#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace haat::metrics {
namespace {

using namespace std::chrono_literals;

bool has(std::string const& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Metrics, BucketsEndWhereTheySay) {
    EXPECT_EQ(bucket_of(0), 0U);
    EXPECT_EQ(bucket_of(250), 0U);
    EXPECT_EQ(bucket_of(251), 1U);
    EXPECT_EQ(bucket_of(10'000'000), 14U);
    EXPECT_EQ(bucket_of(10'000'001), 15U);

    Histogram histogram;
    histogram.observe(250us);
    histogram.observe(250us + 1ns);
    histogram.observe(-5ms); // a clock that went back
    auto const seen = histogram.look();
    EXPECT_EQ(seen.buckets[0], 2U);
    EXPECT_EQ(seen.buckets[1], 1U);
    EXPECT_EQ(seen.count, 3U);
    EXPECT_EQ(seen.sum_nanos, 500'001U);
}

TEST(Metrics, QuantilesAreEstimated) {
    Histogram histogram;
    EXPECT_EQ(histogram.look().quantile(0.5), 0);
    for (int i = 0; i < 90; ++i) histogram.observe(2ms);
    for (int i = 0; i < 10; ++i) histogram.observe(80ms);
    auto const seen = histogram.look();
    EXPECT_GT(seen.quantile(0.5), 0.001);
    EXPECT_LE(seen.quantile(0.5), 0.0025);
    EXPECT_GT(seen.quantile(0.99), 0.05);
    EXPECT_LE(seen.quantile(0.99), 0.1);
    histogram.observe(60s);
    EXPECT_EQ(histogram.look().quantile(1), 10);
}

TEST(Metrics, ConcurrentCountsAreExact) {
    Registry registry;
    Counter& counter = registry.counter("haat_things_total", "Things.");
    Histogram& histogram = registry.histogram("haat_thing_seconds", "How long.");
    std::vector<std::thread> threads;
    for (int t = 0; t < 20; ++t) // more than there are cells
        threads.emplace_back([&] {
            for (int i = 0; i < 1'000; ++i) {
                counter.add();
                histogram.observe(1ms);
                if (i % 100 == 0) EXPECT_FALSE(registry.render().empty());
            }
        });
    for (auto& thread : threads) thread.join();
    EXPECT_EQ(counter.value(), 20'000U);
    EXPECT_EQ(histogram.look().count, 20'000U);
}

TEST(Metrics, FamiliesAreWrittenOnceWithAllTheirSamples) {
    Registry registry;
    registry.counter("haat_db_queries_total", "Queries.", {{"pool", "read"}}).add(3);
    registry.gauge("haat_up", "One\nline with a \\.", [] { return 1.5; });
    registry.counter("haat_db_queries_total", "Queries.", {{"pool", "wr\"i\\te\n"}}).add();
    registry.count_of("haat_seen_total", "Seen.", [] { return 7e6; });
    registry.gauge("haat_odd", "Odd.", [] { return 1e300; });
    registry.gauge("haat_odd", "Odd.", [] { return -1.0 / 0.0; }, {{"kind", "infinite"}});
    registry.collect([](std::string& out) { out += "# the end\n"; });
    EXPECT_EQ(registry.render(), "# HELP haat_db_queries_total Queries.\n"
                                 "# TYPE haat_db_queries_total counter\n"
                                 "haat_db_queries_total{pool=\"read\"} 3\n"
                                 "haat_db_queries_total{pool=\"wr\\\"i\\\\te\\n\"} 1\n"
                                 "# HELP haat_up One\\nline with a \\\\.\n"
                                 "# TYPE haat_up gauge\n"
                                 "haat_up 1.5\n"
                                 "# HELP haat_seen_total Seen.\n"
                                 "# TYPE haat_seen_total counter\n"
                                 "haat_seen_total 7000000\n"
                                 "# HELP haat_odd Odd.\n"
                                 "# TYPE haat_odd gauge\n"
                                 "haat_odd 1e+300\n"
                                 "haat_odd{kind=\"infinite\"} -Inf\n"
                                 "# the end\n");
}

TEST(Metrics, HistogramsAreCumulative) {
    std::string out;
    Histogram histogram;
    histogram.observe(300us);
    histogram.observe(3ms);
    histogram.observe(11s);
    Renderer(out).histogram("haat_x_seconds", {{"loop", "0"}}, histogram.look());
    EXPECT_TRUE(has(out, "haat_x_seconds_bucket{loop=\"0\",le=\"0.00025\"} 0\n")) << out;
    EXPECT_TRUE(has(out, "haat_x_seconds_bucket{loop=\"0\",le=\"0.0005\"} 1\n"));
    EXPECT_TRUE(has(out, "haat_x_seconds_bucket{loop=\"0\",le=\"0.005\"} 2\n"));
    EXPECT_TRUE(has(out, "haat_x_seconds_bucket{loop=\"0\",le=\"10\"} 2\n"));
    EXPECT_TRUE(has(out, "haat_x_seconds_bucket{loop=\"0\",le=\"+Inf\"} 3\n"));
    EXPECT_TRUE(has(out, "haat_x_seconds_sum{loop=\"0\"} 11.0033\n"));
    EXPECT_TRUE(has(out, "haat_x_seconds_count{loop=\"0\"} 3\n"));
}

TEST(Metrics, RequestsAreCountedByRouteAndClass) {
    RequestMetrics requests(2, {{"GET", "/api/v1/brands"}, {"POST", "/api/v1/brands"}});
    requests.count(0, 0, 200, 1ms);
    requests.count(1, 0, 204, 3ms);
    requests.count(1, 0, 404, 1ms);
    requests.count(0, -1, 404, 1ms);
    requests.count(0, 99, 404, 1ms);
    requests.count(0, 1, 999, 1ms);
    EXPECT_EQ(requests.requests(0, 2), 2U);
    EXPECT_EQ(requests.requests(0, 4), 1U);
    EXPECT_EQ(requests.requests(-1, 4), 2U);
    EXPECT_EQ(requests.latency(0).count, 3U);

    std::string out;
    requests.render(out);
    EXPECT_TRUE(has(out, "haat_http_requests_total{method=\"GET\",route=\"/api/v1/brands\","
                         "status=\"2xx\"} 2\n"))
        << out;
    EXPECT_TRUE(has(out, "haat_http_requests_total{method=\"\",route=\"none\",status=\"4xx\"} 2"));
    EXPECT_TRUE(has(out, "haat_http_requests_total{method=\"POST\",route=\"/api/v1/brands\","
                         "status=\"other\"} 1\n"));
    EXPECT_TRUE(has(out, "haat_http_request_duration_seconds_count{method=\"GET\","
                         "route=\"/api/v1/brands\"} 3\n"));
}

TEST(Metrics, SilentRoutesAreNotShown) {
    RequestMetrics const requests(1, {{"GET", "/quiet"}});
    std::string out;
    requests.render(out);
    EXPECT_FALSE(has(out, "quiet"));
}

TEST(Metrics, ConcurrentScrapesDoNotDisturbTheLoops) {
    RequestMetrics requests(2, {{"GET", "/"}});
    std::vector<std::thread> loops;
    for (int loop = 0; loop < 2; ++loop)
        loops.emplace_back([&, loop] {
            for (int i = 0; i < 10'000; ++i) requests.count(loop, 0, 200, 1ms);
        });
    for (int i = 0; i < 50; ++i) {
        std::string out;
        requests.render(out);
    }
    for (auto& loop : loops) loop.join();
    EXPECT_EQ(requests.requests(0, 2), 20'000U);
}

TEST(Metrics, TheProcessKnowsItself) {
    ProcessUse const use = process_use();
    EXPECT_GT(use.resident_bytes, 1'000'000U);
    EXPECT_GT(use.proportional_bytes, 100'000U);
    EXPECT_GE(use.threads, 1);
    EXPECT_GE(use.open_files, 3);
    EXPECT_GT(use.open_files_max, use.open_files);
    auto const now = static_cast<double>(std::time(nullptr));
    EXPECT_LE(use.start_seconds, now + 1);
    EXPECT_GT(use.start_seconds, now - 24 * 3'600);

    Registry registry;
    add_process_metrics(registry, "1.2.3");
    std::string const text = registry.render();
    EXPECT_TRUE(has(text, "haat_build_info{version=\"1.2.3\"} 1\n"));
    for (auto const name :
         {"resident_memory_bytes", "proportional_memory_bytes", "cpu_seconds_total", "open_fds",
          "max_fds", "threads", "start_time_seconds", "uptime_seconds"})
        EXPECT_TRUE(has(text, std::string("\nhaat_process_") + name + " ") ||
                    has(text, std::string("haat_process_") + name + " "))
            << name;
}

} // namespace
} // namespace haat::metrics
