#include <events/dispatcher.hpp>

#include <algorithm>
#include <limits>

#include <base/clock.hpp>
#include <events/dispatcher_inside.hpp>

namespace haat::events {

namespace {

using std::chrono::milliseconds;

/// After somebody woke us we look several times: what was announced may not be committed yet, or
/// an older transaction still runs.
constexpr milliseconds after_wake[] = {2ms, 5ms, 10ms, 20ms, 40ms, 80ms, 160ms, 320ms};

// Ordinals are numbers of transactions; after a restore those of the past lie below zero.
constexpr std::int64_t before_all = -(std::int64_t{1} << 62);
constexpr std::int64_t behind_all = std::numeric_limits<std::int64_t>::max();

} // namespace

Dispatcher::Inside::Inside(pg::Database& worker, DispatcherOptions its_options)
    : database(worker), options(std::move(its_options)), loop(worker.loop()), node(new_uuid()),
      timer(loop.context()) {}

// ---- sleeping and waking

struct Dispatcher::Inside::Nap {
    Inside& inside;
    bool await_ready() const noexcept { return inside.awake || inside.stopping; }
    void await_suspend(std::coroutine_handle<> waiter) {
        inside.timer.expires_after(inside.nap_length());
        inside.timer.async_wait([waiter](boost::system::error_code const&) { waiter.resume(); });
    }
    void await_resume() const noexcept {}
};

milliseconds Dispatcher::Inside::nap_length() const {
    auto const tries = static_cast<std::size_t>(empty_looks);
    if (tries < std::size(after_wake)) return std::min(after_wake[tries], options.poll_every);
    return options.poll_every;
}

void Dispatcher::Inside::woken() {
    awake = true;
    empty_looks = 0;
    timer.cancel();
}

void Dispatcher::Inside::trouble(std::string_view what, std::string_view why) {
    if (options.on_trouble) options.on_trouble(what, why);
}

bool Dispatcher::Inside::working() const {
    return running || replaying || std::any_of(lanes.begin(), lanes.end(), [](auto const& lane) {
               return lane.second->running;
           });
}

// ---- rounds

Task<void> Dispatcher::Inside::run() {
    auto const self = shared_from_this();
    Nap nap{*this};
    while (!stopping) {
        awake = false;
        try {
            co_await round();
        } catch (std::exception const& error) {
            trouble("round", error.what());
            empty_looks = static_cast<int>(std::size(after_wake)); // no hurry
        }
        co_await nap;
    }
    running = false;
}

Task<void> Dispatcher::Inside::round() {
    auto const at = Clock::now();
    if (at >= next_maintenance) {
        next_maintenance = at + options.maintain_every;
        try {
            co_await maintain(database, options.keep);
        } catch (std::exception const& error) {
            trouble("maintenance", error.what());
            next_maintenance = at + std::min<milliseconds>(options.maintain_every, 1min);
        }
    }
    if (at >= next_beat) co_await beat();
    co_await look();
    start_lanes();
    if (live.anybody())
        co_await tell_live();
    else
        live_started = false;
    if (!replaying && at >= next_replay) {
        next_replay = at + std::min(options.poll_every, milliseconds(500));
        co_await replay_next();
    }
}

// ---- leases

Task<void> Dispatcher::Inside::beat() {
    next_beat = Clock::now() + options.lease / 4;
    co_await join();
    Tx tx(database, pg::nobody);
    std::vector<LaneName> const ours = co_await tx(sql::renew, node, options.lease.count());
    co_await tx.commit();
    for (auto& [name, lane] : lanes) {
        bool const kept = std::any_of(ours.begin(), ours.end(), [&](LaneName const& one) {
            return one.sink == name.first && one.shard == name.second;
        });
        if (!kept) lane->lost = true;
    }
    co_await take_shares();
    for (auto const& outlet : outlets) {
        int shards = 0;
        for (auto const& [name, lane] : lanes) shards += lane->outlet == outlet.get();
        outlet->shards = shards;
    }
}

Task<void> Dispatcher::Inside::join() {
    std::vector<std::string> names;
    names.reserve(outlets.size());
    for (auto const& outlet : outlets) names.push_back(outlet->sink.name());
    Tx tx(database, pg::nobody);
    tx.later(sql::join, node, options.node_name, names);
    if (!known_sinks) {
        tx.later(sql::know_sinks, names);
        for (auto const& outlet : outlets) {
            std::int64_t const from = outlet->sink.reads_outbox() ? before_all : behind_all;
            tx.later(sql::make_cursors, outlet->sink.name(), from);
        }
    }
    co_await tx.commit();
    known_sinks = true;
}

/// Each node that has the sink takes its part of the shards, and gives back what is more.
Task<void> Dispatcher::Inside::take_shares() {
    pg::Reader read(database, pg::nobody);
    for (auto const& outlet : outlets) {
        std::string const& sink = outlet->sink.name();
        std::erase_if(lanes, [&](auto const& one) {
            return one.second->outlet == outlet.get() && one.second->lost && !one.second->running;
        });
        std::int64_t const nodes =
            std::max<std::int64_t>(1, co_await read(sql::nodes_with, sink, options.lease.count()));
        std::int64_t const share = (shard_count + nodes - 1) / nodes;
        std::int64_t have = 0;
        std::vector<std::shared_ptr<Lane>> idle;
        for (auto const& [name, lane] : lanes) {
            if (lane->outlet != outlet.get() || lane->lost) continue;
            ++have;
            if (!lane->running) idle.push_back(lane);
        }
        Tx tx(database, pg::nobody);
        while (have > share && !idle.empty()) {
            CursorRow const& cursor = idle.back()->cursor;
            tx.later(sql::give_back, sink, cursor.shard, cursor.fence);
            lanes.erase({sink, cursor.shard});
            idle.pop_back();
            --have;
        }
        std::vector<CursorRow> taken;
        std::int64_t const wanted = share - have;
        if (wanted > 0)
            taken = co_await tx(sql::lease_free, sink, node, options.lease.count(), wanted);
        co_await tx.commit();
        for (CursorRow& cursor : taken) {
            std::pair<std::string, int> const name{sink, cursor.shard};
            auto const lane = std::make_shared<Lane>();
            lane->outlet = outlet.get();
            lane->cursor = std::move(cursor);
            auto const rows = co_await read(sql::held, sink, name.second);
            for (HeldRow const& row : rows) lane->held.emplace(row.consumer, row.key);
            lanes[name] = lane;
        }
    }
}

Task<void> Dispatcher::Inside::leave() {
    Tx tx(database, pg::nobody);
    tx.later(sql::give_all_back, node);
    tx.later(sql::leave, node);
    co_await tx.commit();
}

// ---- what there is to do

Task<void> Dispatcher::Inside::look() {
    pg::Reader read(database, pg::nobody);
    std::vector<LaneName> const found = co_await read(sql::lanes_with_work, node);
    ready.clear();
    for (LaneName const& one : found) ready.emplace_back(one.sink, one.shard);
    ++empty_looks;
}

void Dispatcher::Inside::start_lanes() {
    auto const at = Clock::now();
    for (auto const& name : ready) {
        auto const found = lanes.find(name);
        if (found == lanes.end()) continue;
        auto const lane = found->second; // kept while it runs
        if (lane->running || lane->lost || lane->not_before > at) continue;
        if (lane->outlet->running >= lane->outlet->sink.batches_at_once()) continue;
        lane->running = true;
        ++lane->outlet->running;
        empty_looks = 0;
        detach(serve(lane));
    }
}

Task<void> Dispatcher::Inside::tell_live() {
    constexpr std::int32_t at_once = 500;
    pg::Reader read(database, pg::nobody);
    if (!live_started) {
        live_ordinal = co_await read(sql::horizon) - 1;
        live_id = std::numeric_limits<std::int64_t>::max();
        live_started = true;
    }
    for (;;) {
        auto events = co_await read(sql::next_of_all, live_ordinal, live_id, at_once);
        co_await unveil(database, events);
        for (StoredEvent const& event : events) live.tell(event);
        if (!events.empty()) {
            live_ordinal = events.back().ordinal;
            live_id = events.back().id;
        }
        if (static_cast<std::int32_t>(events.size()) < at_once || stopping) co_return;
    }
}

// ---- the face

Dispatcher::Dispatcher(pg::Database& worker, DispatcherOptions options)
    : inside_(std::make_shared<Inside>(worker, std::move(options))) {}
Dispatcher::~Dispatcher() { inside_->stopping = true; }

void Dispatcher::add(Sink& sink) { inside_->outlets.push_back(std::make_unique<Outlet>(sink)); }

Task<void> Dispatcher::start() {
    Inside& in = *inside_;
    in.started = true;
    in.database.listen(events_channel, [weak = std::weak_ptr(inside_)](std::string_view) {
        if (auto const inside = weak.lock()) inside->woken();
    });
    in.running = true;
    detach(in.run());
    co_return;
}

Task<void> Dispatcher::stop() {
    auto const inside = inside_;
    if (!inside->started) co_return;
    inside->stopping = true;
    inside->timer.cancel();
    for (auto const& outlet : inside->outlets) outlet->sink.stop();
    while (inside->working()) co_await sleep_for(2ms);
    inside->started = false;
    try {
        co_await inside->leave();
    } catch (std::exception const& error) {
        inside->trouble("leaving", error.what()); // the leases end by themselves
    }
}

void Dispatcher::wake() {
    inside_->loop.post([weak = std::weak_ptr(inside_)] {
        if (auto const inside = weak.lock()) inside->woken();
    });
}

Live& Dispatcher::live() { return inside_->live; }
Uuid const& Dispatcher::node() const { return inside_->node; }

std::vector<SinkFacts> Dispatcher::facts() const {
    std::vector<SinkFacts> all;
    for (auto const& outlet : inside_->outlets)
        all.push_back({.name = outlet->sink.name(),
                       .delivered = outlet->delivered,
                       .batches = outlet->batches,
                       .refused = outlet->refused,
                       .parked = outlet->parked,
                       .shards = outlet->shards});
    return all;
}

Task<int> maintain(pg::Database& worker, std::chrono::hours keep) {
    std::int64_t const hours = keep.count();
    Tx tx(worker, pg::nobody);
    int const dropped = co_await tx(sql::maintain, hours);
    co_await tx.commit();
    co_return dropped;
}

} // namespace haat::events
