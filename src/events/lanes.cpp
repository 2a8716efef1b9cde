// One shard of one sink: first what waits for another try, then what is new, in batches.
#include <algorithm>
#include <functional>
#include <map>

#include <events/dispatcher_inside.hpp>

namespace haat::events {

namespace {

using std::chrono::milliseconds;

std::string text_of(std::exception const& error) {
    std::string text = error.what();
    constexpr std::size_t text_max = 1'000;
    if (text.size() > text_max) text.resize(text_max);
    return text;
}

/// The events by what their keys have of the highest priority, that first. A key stays together, so
/// that its order holds.
std::vector<std::vector<StoredEvent>> by_priority(std::vector<StoredEvent>&& events) {
    std::map<Uuid, Priority> of_key;
    for (StoredEvent const& event : events) {
        auto const [at, fresh] = of_key.emplace(event.key, event.priority);
        if (!fresh) at->second = std::max(at->second, event.priority);
    }
    std::map<Priority, std::vector<StoredEvent>, std::greater<>> parts;
    for (StoredEvent& event : events) {
        Priority const priority = of_key.at(event.key);
        parts[priority].push_back(std::move(event));
    }
    std::vector<std::vector<StoredEvent>> ordered;
    ordered.reserve(parts.size());
    for (auto& [priority, part] : parts) ordered.push_back(std::move(part));
    return ordered;
}

} // namespace

std::int64_t Dispatcher::Inside::backoff_ms(int attempts) const {
    std::int64_t ms = options.backoff_first.count();
    for (int i = 1; i < attempts && ms < options.backoff_max.count(); ++i) ms *= 4;
    return std::min<std::int64_t>(ms, options.backoff_max.count());
}

Task<void> Dispatcher::Inside::serve(std::shared_ptr<Lane> lane) {
    auto const self = shared_from_this();
    try {
        co_await drain(*lane);
        lane->troubles = 0;
    } catch (std::exception const& error) {
        ++lane->troubles;
        milliseconds const pause(backoff_ms(lane->troubles));
        lane->not_before = Clock::now() + std::min<milliseconds>(pause, 30s);
        if (!stopping) trouble(lane->outlet->sink.name(), error.what());
    }
    lane->running = false;
    --lane->outlet->running;
    if (!lane->lost && lane->troubles == 0) woken(); // others may wait for their turn
}

Task<void> Dispatcher::Inside::drain(Lane& lane) {
    co_await retry_due(lane);
    if (!lane.outlet->sink.reads_outbox()) co_return;
    // Not without end: another shard may wait for this one's turn.
    constexpr int batches_max = 8;
    for (int i = 0; i < batches_max && !stopping && !lane.lost; ++i) {
        bool const more = co_await deliver_next(lane);
        if (!more) co_return;
    }
}

// ---- what was refused before

Task<void> Dispatcher::Inside::retry_due(Lane& lane) {
    pg::Reader read(database, pg::nobody);
    auto const rows = co_await read(sql::due_failures, lane.cursor.sink, lane.cursor.shard);
    if (rows.empty()) co_return;
    std::set<std::pair<std::string, Uuid>> again; // keys whose first event was refused once more
    for (FailureRow const& row : rows) {
        if (stopping || lane.lost) break;
        if (again.contains({row.consumer, row.key})) continue;
        bool well = true;
        co_await retry(lane, row, well);
        if (!well) again.emplace(row.consumer, row.key);
    }
    lane.held.clear();
    auto const held = co_await read(sql::held, lane.cursor.sink, lane.cursor.shard);
    for (HeldRow const& one : held) lane.held.emplace(one.consumer, one.key);
}

/// `well`: what comes after it in its key may be tried; also when it is parked now.
Task<void> Dispatcher::Inside::retry(Lane& lane, FailureRow const& row, bool& well) {
    std::vector<StoredEvent> one(1, event_of(row));
    std::string why;
    try {
        co_await unveil(database, one);
        co_await lane.outlet->sink.retry(row.consumer, one.front());
    } catch (pg::DatabaseAway const&) {
        throw;
    } catch (std::exception const& error) {
        why = text_of(error);
    }
    Tx tx(database, pg::nobody);
    if (why.empty()) {
        tx.later(sql::failure_over, row.id);
    } else {
        int const attempts = row.attempts + 1;
        bool const parked = attempts >= row.attempts_max;
        std::string const state = parked ? "parked" : "waiting";
        tx.later(sql::failure_again, row.id, attempts, state, why, backoff_ms(attempts));
        well = parked;
        ++lane.outlet->refused;
        if (parked) ++lane.outlet->parked;
        if (parked) trouble(row.consumer, "parked " + row.subject + ": " + why);
    }
    co_await tx.commit();
}

// ---- what is new

Task<bool> Dispatcher::Inside::deliver_next(Lane& lane) {
    Sink& sink = lane.outlet->sink;
    std::int32_t const take = sink.batch_max();
    pg::Reader read(database, pg::nobody);
    std::vector<StoredEvent> events = co_await read(sql::next_of_shard, lane.cursor.shard,
                                                    lane.cursor.ordinal, lane.cursor.id, take);
    if (events.empty()) co_return false;
    StoredEvent last;
    last.ordinal = events.back().ordinal;
    last.id = events.back().id;
    auto const count = events.size();
    std::erase_if(events, [&sink](StoredEvent const& event) { return !sink.wants(event); });
    std::vector<NewFailure> failures;
    co_await unveil(database, events);
    if (!events.empty()) co_await deliver(lane, std::move(events), failures);
    co_await save(lane, last, failures);
    lane.outlet->delivered += count;
    ++lane.outlet->batches;
    co_return static_cast<std::int32_t>(count) == take;
}

Task<void> Dispatcher::Inside::deliver(Lane& lane, std::vector<StoredEvent> events,
                                       std::vector<NewFailure>& failures) {
    auto const parts = by_priority(std::move(events));
    for (std::vector<StoredEvent> const& part : parts) {
        Batch batch;
        batch.events = part;
        batch.held = [&lane](std::string_view consumer, Uuid const& key) {
            return lane.held.contains({std::string(consumer), key});
        };
        std::vector<Refused> const refused = co_await lane.outlet->sink.deliver(batch);
        for (Refused const& one : refused) {
            NewFailure failure = failure_of(lane.cursor.sink, one.consumer, part.at(one.index));
            failure.attempts = one.only_waits ? 0 : 1;
            failure.attempts_max = options.attempts_max;
            failure.last_error = one.why;
            if (failure.attempts >= failure.attempts_max) failure.state = "parked";
            failures.push_back(std::move(failure));
        }
    }
}

/// The place and what was refused, together; nothing of it when another node has the lease by now.
Task<void> Dispatcher::Inside::save(Lane& lane, StoredEvent const& last,
                                    std::vector<NewFailure> const& failures) {
    CursorRow const& at = lane.cursor;
    Tx tx(database, pg::nobody);
    if (failures.empty()) tx.later(sql::forgettable); // a place that is lost is found again
    int const moved =
        co_await tx(sql::move_cursor, at.sink, at.shard, at.fence, last.ordinal, last.id);
    if (moved == 0) {
        lane.lost = true;
        co_return;
    }
    for (NewFailure const& failure : failures) {
        std::int64_t const delay = failure.attempts == 0 ? 0 : backoff_ms(failure.attempts);
        tx.later(sql::insert_failure, delay, failure);
    }
    co_await tx.commit();
    lane.cursor.ordinal = last.ordinal;
    lane.cursor.id = last.id;
    for (NewFailure const& failure : failures) {
        if (failure.attempts > 0) ++lane.outlet->refused;
        if (failure.state == "parked")
            ++lane.outlet->parked;
        else
            lane.held.emplace(failure.consumer, failure.key);
    }
}

} // namespace haat::events
