// A part of the past once more to one sink, one replay at a time on a node.
#include <algorithm>

#include <events/dispatcher_inside.hpp>

namespace haat::events {

namespace {

constexpr std::int32_t replay_batch = 500;

} // namespace

Task<void> Dispatcher::Inside::replay_next() {
    std::vector<std::string> names;
    names.reserve(outlets.size());
    for (auto const& outlet : outlets) names.push_back(outlet->sink.name());
    Tx tx(database, pg::nobody);
    std::optional<ReplayRow> const asked =
        co_await tx(sql::take_replay, names, options.lease.count());
    co_await tx.commit();
    if (!asked) co_return;
    auto const outlet = std::find_if(outlets.begin(), outlets.end(), [&](auto const& one) {
        return one->sink.name() == asked->sink;
    });
    replaying = true;
    detach(replay(*asked, **outlet));
}

Task<void> Dispatcher::Inside::replay(ReplayRow asked, Outlet& outlet) {
    auto const self = shared_from_this();
    std::string why;
    bool ours = true;
    try {
        pg::Reader read(database, pg::nobody);
        ReplayPart part{.shard = asked.shard,
                        .subjects = asked.subjects,
                        .key = asked.key,
                        .since = asked.since,
                        .until = asked.until,
                        .ordinal = asked.ordinal,
                        .number = asked.number,
                        .take = replay_batch};
        while (part.shard < shard_count && !stopping && ours) {
            std::vector<StoredEvent> events = co_await read(sql::next_of_replay, part);
            co_await unveil(database, events);
            std::vector<Refused> refused;
            if (!events.empty()) {
                Batch batch;
                batch.events = events;
                batch.again = asked.again;
                refused = co_await outlet.sink.deliver(batch);
                part.ordinal = events.back().ordinal;
                part.number = events.back().id;
            }
            if (static_cast<std::int32_t>(events.size()) < replay_batch) {
                ++part.shard;
                part.ordinal = std::numeric_limits<std::int64_t>::min();
                part.number = 0;
            }
            ReplayStep step{.id = asked.id,
                            .fence = asked.fence,
                            .shard = part.shard,
                            .ordinal = part.ordinal,
                            .number = part.number,
                            .delivered = static_cast<std::int64_t>(events.size()),
                            .lease_ms = options.lease.count()};
            Tx tx(database, pg::nobody);
            for (Refused const& one : refused) {
                NewFailure failure = failure_of(asked.sink, one.consumer, events.at(one.index));
                failure.attempts = one.only_waits ? 0 : 1;
                failure.attempts_max = options.attempts_max;
                failure.last_error = one.why;
                tx.later(sql::insert_failure, backoff_ms(1), failure);
            }
            ours = co_await tx(sql::move_replay, step) > 0;
            if (ours) co_await tx.commit();
        }
    } catch (std::exception const& error) {
        why = error.what();
    }
    if (stopping || !ours || !why.empty()) {
        // Its lease ends, and then it goes on from where it stands.
        if (!why.empty() && !stopping) trouble("replay to " + asked.sink, why);
    } else {
        Tx tx(database, pg::nobody);
        std::string const state = "done";
        tx.later(sql::end_replay, asked.id, asked.fence, state, why);
        try {
            co_await tx.commit();
        } catch (std::exception const& error) {
            trouble("replay to " + asked.sink, error.what());
        }
    }
    replaying = false;
}

} // namespace haat::events
