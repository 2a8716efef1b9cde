#include <jobs/metrics.hpp>

namespace haat::jobs {

JobMetrics::JobMetrics() : kinds_(new Kind[static_cast<std::size_t>(JobKind::count()) + 1]) {}

void JobMetrics::ended(JobKind const& kind, Became became, std::chrono::nanoseconds took) noexcept {
    Kind& mine = kinds_[static_cast<std::size_t>(kind.number())];
    mine.became[static_cast<std::size_t>(became)].add();
    mine.took.observe(took);
}
void JobMetrics::started(JobKind const& kind, std::chrono::nanoseconds waited) noexcept {
    kinds_[static_cast<std::size_t>(kind.number())].waited.observe(waited);
}

void JobMetrics::depths(std::vector<QueueDepth> now) {
    std::lock_guard const guard(mutex_);
    depths_ = std::move(now);
}

std::uint64_t JobMetrics::count(JobKind const& kind, Became became) const {
    return kinds_[static_cast<std::size_t>(kind.number())]
        .became[static_cast<std::size_t>(became)]
        .value();
}

void JobMetrics::render(std::string& out) const {
    metrics::Renderer render(out);
    render.family("haat_jobs_total", "Runs of jobs by what became of them.", "counter");
    for (JobKind const* kind = JobKind::first(); kind; kind = kind->next())
        for (std::size_t i = 0; i < became_names.size(); ++i)
            render.sample("haat_jobs_total",
                          {{"job", kind->name()}, {"became", std::string(became_names[i])}},
                          count(*kind, static_cast<Became>(i)));
    auto histogram = [&](std::string_view name, std::string_view help, auto member) {
        render.family(name, help, "histogram");
        for (JobKind const* kind = JobKind::first(); kind; kind = kind->next()) {
            Kind const& mine = kinds_[static_cast<std::size_t>(kind->number())];
            render.histogram(name, {{"job", kind->name()}}, (mine.*member).look());
        }
    };
    histogram("haat_job_seconds", "How long runs took.", &Kind::took);
    histogram("haat_job_wait_seconds", "From being due to being claimed.", &Kind::waited);
    render.family("haat_jobs_running", "Runs under way in this process.", "gauge");
    render.sample("haat_jobs_running", {}, static_cast<double>(running_.load()));
    std::lock_guard const guard(mutex_);
    auto gauge = [&](std::string_view name, std::string_view help, auto const& value) {
        render.family(name, help, "gauge");
        for (QueueDepth const& one : depths_)
            render.sample(name, {{"queue", one.queue}}, static_cast<double>(value(one)));
    };
    gauge("haat_jobs_waiting", "Jobs that are due.", [](auto const& d) { return d.waiting; });
    gauge("haat_jobs_later", "Jobs that are not due yet.", [](auto const& d) { return d.later; });
    gauge("haat_jobs_claimed", "Jobs that some process has.",
          [](auto const& d) { return d.running; });
    gauge("haat_jobs_oldest_seconds", "How long the job that waits longest is due.",
          [](auto const& d) { return d.oldest_seconds; });
}

} // namespace haat::jobs
