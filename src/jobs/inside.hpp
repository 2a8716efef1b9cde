// What the room's own files know of one another.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <jobs/jobs.hpp>
#include <pg/database.hpp>

namespace haat::jobs {

/// Nobody's jobs are one share of their own; in front of every organization, and not nil, because
/// a claim begins behind nil.
inline constexpr Uuid share_of_nobody{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};

/// On this channel: the name of a queue in which something waits, "later" for a delay that began,
/// "cancel:" and the id of a job that should stop.
inline constexpr std::string_view wake_channel = "haat_jobs";
inline constexpr std::string_view delayed_payload = "later:";
inline constexpr std::string_view cancel_payload = "cancel:";
inline constexpr std::int64_t until_let_go = -1;

/// A job as a runner has claimed it.
struct Claimed {
    Uuid id;
    std::string name;
    Uuid share;
    std::optional<Uuid> user_id;
    std::int32_t priority = 0;
    std::int32_t attempt = 0;
    std::int32_t attempts_max = 0;
    std::int32_t keep_seconds = 0;
    std::string correlation_id;
    Json payload;
    std::optional<Uuid> batch_id;
    Timestamp run_at;
    Timestamp started_at;
    bool cancelled = false;
};
HAAT_DESCRIBE(Claimed, id, name, share, user_id, priority, attempt, attempts_max, keep_seconds,
              correlation_id, payload, batch_id, run_at, started_at, cancelled)

/// enqueue_erased() of a payload that is JSON already.
JobId enqueue_text(Tx&, JobKind const&, std::string payload, EnqueueOptions const&);

/// What PostgreSQL takes as a text, cut to so many bytes.
std::string plain_text(std::string_view text, std::size_t bytes_max);

/// One run; lives from the claim until the runner has taken what became of it.
struct Run {
    Claimed job;
    JobKind const* kind = nullptr;
    Uuid runner;
    pg::Database* database = nullptr;
    Services const* services = nullptr;
    pg::Settings settings;
    std::chrono::steady_clock::time_point started;
    std::chrono::steady_clock::time_point said; // progress was last written
    StopReason stop = StopReason::none;
    bool finished = false;         // finish() has committed
    std::function<void()> wake_up; // while it sleeps

    void stop_for(StopReason reason);
};

} // namespace haat::jobs
