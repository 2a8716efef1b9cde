#include <app/backstage.hpp>

#include <thread>

#include <unistd.h>

#include <app/delivery.hpp>
#include <app/run_on.hpp>
#include <app/webhook_options.hpp>
#include <audit/sealer.hpp>
#include <jobs/run.hpp>
#include <jobs/runner.hpp>
#include <loop/loop.hpp>
#include <modules/notify/post.hpp>
#include <pg/database.hpp>
#include <privacy/keyring.hpp>
#include <telemetry/log.hpp>

namespace haat::app {

std::string this_process() {
    char host[256]{};
    ::gethostname(host, sizeof host - 1);
    return std::string(host) + " " + std::to_string(::getpid());
}

namespace {

jobs::RunnerOptions runner_options(Config const& config, std::string const& url) {
    jobs::RunnerOptions options;
    options.url = url;
    options.process = this_process();
    options.time_zone = config.jobs.time_zone;
    options.lease = config.jobs.lease;
    options.heartbeat = options.lease / 4;
    options.database = config.database;
    options.database.read_connections = 1;
    options.database.write_connections = config.jobs.connections;
    options.database.slow_connections = 1;
    options.database.on_slow = [](std::string_view query, std::chrono::microseconds took) {
        log::warn("slow query")
            .field("query", query)
            .field("ms", static_cast<double>(took.count()) / 1'000.0);
    };
    options.database.on_trouble = [](std::string_view text) {
        log::warn("database of the workers").field("why", text);
    };
    return options;
}

notify::PostOptions post_options(Config const& config) {
    MessagesConfig const& from = config.messages;
    notify::PostOptions options;
    options.production = config.production();
    options.smtp = from.smtp;
    options.smtp_fallback = from.smtp_fallback;
    options.twilio = from.twilio;
    options.msg91 = from.msg91;
    options.msg91_first = from.msg91_first;
    options.whatsapp = from.whatsapp;
    options.push = from.push;
    options.client = from.client;
    return options;
}

} // namespace

struct Backstage::Inside {
    Inside(Config const& c, std::string u)
        : config(c), url(std::move(u)), post(post_options(config)) {
        services.add(post);
    }

    struct Stage {
        std::unique_ptr<Loop> loop;
        std::unique_ptr<jobs::Runner> runner;
        std::unique_ptr<audit::Sealer> sealer;
        std::thread thread;
    };
    Config const& config;
    std::string const url;
    notify::Post post; // outlives the handlers that are left to themselves
    Services services;
    jobs::JobMetrics metrics;
    std::optional<webhooks::Sender> sender; // its clients live between the loops' start and end
    std::vector<Stage> stages;
    std::vector<std::function<Task<void>()>> before_end;
    std::unique_ptr<Delivery> delivery; // on the first of them
    bool stopped = false;

    void end(Stage& stage) const {
        run_on(*stage.loop, [&] { return stage.runner->drain(config.jobs.drain_timeout); });
        for (auto const& work : before_end) run_on(*stage.loop, work);
    }
};

Backstage::Backstage(Config const& config, std::string worker_url)
    : inside_(std::make_unique<Inside>(config, std::move(worker_url))) {}
Backstage::~Backstage() { stop(); }

Services& Backstage::services() { return inside_->services; }
void Backstage::before_end(std::function<Task<void>()> work) {
    inside_->before_end.push_back(std::move(work));
}

void Backstage::start() {
    Inside& in = *inside_;
    int const first = in.config.loop_count(); // behind those that serve requests
    in.services.add(in.sender.emplace(webhook_options(in.config)));
    for (int i = 0; i < in.config.jobs.loops; ++i) {
        auto& stage = in.stages.emplace_back();
        stage.loop = std::make_unique<Loop>(first + i);
        stage.runner = std::make_unique<jobs::Runner>(
            *stage.loop, runner_options(in.config, in.url), in.services, in.metrics);
        in.post.add(*stage.loop);
    }
    privacy::hear_erasures(database(0));
    for (auto& stage : in.stages) {
        Loop& loop = *stage.loop;
        stage.thread = std::thread([&loop] { loop.run(); });
    }
    for (auto& stage : in.stages) {
        jobs::Runner& runner = *stage.runner;
        run_on(*stage.loop, [&runner] { return runner.start(); });
        audit::Sealer& sealer =
            *(stage.sealer = std::make_unique<audit::Sealer>(runner.database()));
        stage.loop->post([&sealer] { sealer.start(); });
    }
    in.delivery = std::make_unique<Delivery>(in.config, database(0));
    in.delivery->start();
}

void Backstage::stop() {
    Inside& in = *inside_;
    if (std::exchange(in.stopped, true)) return;
    if (in.delivery) in.delivery->stop();
    for (auto& stage : in.stages) {
        if (!stage.sealer || !stage.thread.joinable()) continue;
        audit::Sealer& sealer = *stage.sealer;
        run_on(*stage.loop, [&sealer] { return sealer.stop(); });
    }
    std::vector<std::thread> draining; // all at the same time
    for (auto& stage : in.stages)
        if (stage.thread.joinable()) draining.emplace_back([&in, &stage] { in.end(stage); });
    for (std::thread& one : draining) one.join();
    for (auto& stage : in.stages) stage.loop->stop();
    for (auto& stage : in.stages)
        if (stage.thread.joinable()) stage.thread.join();
    in.delivery.reset();
    in.sender.reset();
    for (auto& stage : in.stages) stage.runner->give_up();
    in.post.forget_loops();
    in.stages.clear();
}

std::vector<Loop*> Backstage::loops() const {
    std::vector<Loop*> all;
    for (auto const& stage : inside_->stages) all.push_back(stage.loop.get());
    return all;
}

pg::Database& Backstage::database(std::size_t loop) {
    return inside_->stages.at(loop).runner->database();
}

void Backstage::render(std::string& out) const {
    inside_->metrics.render(out);
    inside_->post.render(out);
    if (inside_->delivery) inside_->delivery->render(out);
}

} // namespace haat::app
