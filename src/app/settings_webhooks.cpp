// The settings of webhooks, and of workers that fall silent.
#include <app/settings_webhooks.hpp>

#include <app/settings_forms.hpp>

namespace haat::app {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds lease_min = 2s;
constexpr milliseconds timeout_max = 60s; // a job of one endpoint ends within 90 s
constexpr std::size_t body_bytes_max = 1024 * 1024;
constexpr std::size_t answer_bytes_max = 64 * 1024;

#define AT(member) [](auto& config) -> auto& { return config.member; }

void add_patience(std::vector<Setting>& all) {
    auto const add = [&](SettingNames names, auto where) {
        all.push_back(make_setting(names, where));
    };
    add({"webhooks.timeout", "HAAT_WEBHOOK_TIMEOUT",
         "How long a receiver may take to answer; at most 60s."},
        AT(webhooks.timeout));
    add({"webhooks.retry_first", "HAAT_WEBHOOK_RETRY_FIRST",
         "After how long a delivery that failed is tried again; doubled each time, with jitter."},
        AT(webhooks.retry_first));
    add({"webhooks.retry_max", "HAAT_WEBHOOK_RETRY_MAX", "The longest wait between two tries."},
        AT(webhooks.retry_max));
    all.push_back(make_setting<0, 1'000>(
        {"webhooks.attempts", "HAAT_WEBHOOK_ATTEMPTS",
         "How often a delivery is tried at the most; 0: as often as fits into "
         "`webhooks.patience`."},
        AT(webhooks.attempts_max)));
    add({"webhooks.patience", "HAAT_WEBHOOK_PATIENCE",
         "For how long a delivery is tried; then it has failed."},
        AT(webhooks.patience));
    add({"webhooks.disable_after", "HAAT_WEBHOOK_DISABLE_AFTER",
         "An endpoint at which nothing has gone well for so long is disabled."},
        AT(webhooks.disable_after));
}

} // namespace

void add_lease_settings(std::vector<Setting>& all) {
    all.push_back(make_setting({"jobs.lease", "HAAT_JOB_LEASE",
                                "A worker that is silent for so long is dead, and others take its "
                                "jobs; at least 2s."},
                               AT(jobs.lease)));
    all.push_back(make_setting({"events.lease", "HAAT_EVENTS_LEASE",
                                "A node that is silent for so long is dead, and others deliver its "
                                "part of the events; at least 2s."},
                               AT(events_lease)));
}

void add_webhook_settings(std::vector<Setting>& all) {
    add_patience(all);
    all.push_back(make_setting<1, 100>({"webhooks.at_once", "HAAT_WEBHOOK_AT_ONCE",
                                        "Requests to one endpoint at the same time, when it "
                                        "answers well."},
                                       AT(webhooks.at_once_max)));
    all.push_back(make_setting({"webhooks.endpoints", "HAAT_WEBHOOK_ENDPOINTS",
                                "How many endpoints one organization may have."},
                               AT(webhooks.endpoints_max)));
    all.push_back(make_setting({"webhooks.body_bytes", "HAAT_WEBHOOK_BODY_BYTES",
                                "A larger event is only named in the log, and not sent; at most "
                                "1MB."},
                               AT(webhooks.body_bytes_max)));
    all.push_back(make_setting({"webhooks.answer_bytes", "HAAT_WEBHOOK_ANSWER_BYTES",
                                "So much of each answer is kept in the log; at most 64KB."},
                               AT(webhooks.answer_bytes_kept)));
    all.push_back(make_setting({"webhooks.keep", "HAAT_WEBHOOK_KEEP",
                                "How long the log keeps what was delivered or has failed."},
                               AT(webhooks.keep)));
}

#undef AT

void check_webhooks(Config const& config, std::vector<std::string>& problems) {
    if (config.jobs.lease < lease_min) problems.emplace_back("HAAT_JOB_LEASE must be at least 2s");
    if (config.events_lease < lease_min)
        problems.emplace_back("HAAT_EVENTS_LEASE must be at least 2s");
    WebhooksConfig const& webhooks = config.webhooks;
    if (webhooks.timeout > timeout_max)
        problems.emplace_back("HAAT_WEBHOOK_TIMEOUT must be at most 60s");
    if (webhooks.retry_max < webhooks.retry_first)
        problems.emplace_back("HAAT_WEBHOOK_RETRY_MAX must not be less than "
                              "HAAT_WEBHOOK_RETRY_FIRST");
    if (webhooks.body_bytes_max > body_bytes_max)
        problems.emplace_back("HAAT_WEBHOOK_BODY_BYTES must be at most 1MB");
    if (webhooks.answer_bytes_kept > answer_bytes_max)
        problems.emplace_back("HAAT_WEBHOOK_ANSWER_BYTES must be at most 64KB");
}

} // namespace haat::app
