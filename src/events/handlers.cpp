#include <events/handlers.hpp>

#include <set>

#include <base/point.hpp>
#include <pg/database.hpp>

namespace haat::events {

namespace {

constinit HandlerKind const* first_handler = nullptr;
constexpr int serialization_tries = 3;

namespace sql {
// Waits for a rival that handles the same event just now, and then finds it handled.
Many<Uuid, std::string, std::vector<Uuid>> mark_handled{"events.mark_handled", R"(
    insert into events.handled (handler, event_id)
        select $1, e.id from unnest($2::uuid[]) as e (id) order by e.id
    on conflict do nothing returning event_id)"};
Exec<std::string, std::vector<Uuid>> forget_handled{"events.forget_handled", R"(
    delete from events.handled where handler = $1 and event_id = any ($2))"};
} // namespace sql

pg::Settings const& as_worker() {
    static pg::Settings const settings{
        .user_id = {}, .org_id = {}, .role = "system", .correlation_id = {}};
    return settings;
}

std::string text_of(std::exception const& error) {
    std::string text = error.what();
    constexpr std::size_t text_max = 1'000;
    if (text.size() > text_max) text.resize(text_max);
    return text;
}

} // namespace

HandlerKind::HandlerKind(EventKind const& event, std::string_view name, bool from_outside,
                         Function function, Run run)
    : event_(&event), consumer_((from_outside ? "incoming/" : "handlers/") + std::string(name)),
      from_outside_(from_outside), function_(function), run_(run), next_(first_handler) {
    first_handler = this;
}
HandlerKind const* HandlerKind::first() { return first_handler; }

/// What one handler gets of a batch.
struct HandlerSink::Part {
    std::vector<std::size_t> indexes; // in the batch
    std::vector<StoredEvent const*> events;
    bool again = false;

    std::vector<Uuid> ids() const {
        std::vector<Uuid> all;
        all.reserve(events.size());
        for (StoredEvent const* event : events) all.push_back(event->event_id);
        return all;
    }
};

HandlerSink::HandlerSink(pg::Database& worker, Origin origin)
    : Sink(origin == Origin::outbox ? "handlers" : "incoming"), worker_(worker), origin_(origin) {
    for (HandlerKind const* each = HandlerKind::first(); each; each = each->next()) {
        if (each->from_outside() != (origin == Origin::outside)) continue;
        all_.push_back(each);
        by_subject_[each->event().subject().name].push_back(each);
    }
}

std::vector<HandlerKind const*> const* HandlerSink::of(std::string_view subject) const {
    auto const found = by_subject_.find(subject);
    return found == by_subject_.end() ? nullptr : &found->second;
}

bool HandlerSink::wants(StoredEvent const& event) const { return of(event.subject) != nullptr; }

Task<std::vector<Refused>> HandlerSink::deliver(Batch const& batch) {
    std::set<HandlerKind const*> concerned;
    for (StoredEvent const& event : batch.events)
        if (auto const* handlers = of(event.subject))
            concerned.insert(handlers->begin(), handlers->end());
    std::vector<Refused> refused;
    for (HandlerKind const* handler : concerned) co_await deliver_to(*handler, batch, refused);
    co_return refused;
}

Task<void> HandlerSink::deliver_to(HandlerKind const& handler, Batch const& batch,
                                   std::vector<Refused>& refused) {
    Part part;
    part.again = batch.again;
    std::string_view const subject = handler.event().subject().name;
    for (std::size_t i = 0; i < batch.events.size(); ++i) {
        StoredEvent const& event = batch.events[i];
        if (event.subject != subject) continue;
        if (batch.held && batch.held(handler.consumer(), event.key)) {
            refused.push_back({i, handler.consumer(), "an earlier event of its key waits", true});
            continue;
        }
        part.indexes.push_back(i);
        part.events.push_back(&event);
    }
    if (part.events.empty()) co_return;
    bool well = true;
    try {
        co_await run_all(handler, part);
    } catch (pg::DatabaseAway const&) {
        throw; // not the handler's fault
    } catch (std::exception const&) {
        well = false; // nothing of it happened; who is to blame shows one by one
    }
    if (!well) co_await run_one_by_one(handler, part, refused);
}

Task<void> HandlerSink::run_all(HandlerKind const& handler, Part const& part) {
    Tx tx(worker_, as_worker());
    std::vector<Uuid> const ids = part.ids();
    if (part.again) tx.later(sql::forget_handled, handler.consumer(), ids);
    std::vector<Uuid> const marked = co_await tx(sql::mark_handled, handler.consumer(), ids);
    std::set<Uuid> fresh(marked.begin(), marked.end());
    for (StoredEvent const* event : part.events) {
        if (fresh.erase(event->event_id) == 0) continue; // others send one twice in a batch, too
        co_await handler.run(tx, *event);
    }
    HAAT_POINT("events.handlers.before_commit");
    co_await tx.commit();
}

Task<void> HandlerSink::run_one_by_one(HandlerKind const& handler, Part const& part,
                                       std::vector<Refused>& refused) {
    std::set<Uuid> broken; // keys
    for (std::size_t i = 0; i < part.events.size(); ++i) {
        StoredEvent const& event = *part.events[i];
        if (broken.contains(event.key)) {
            refused.push_back(
                {part.indexes[i], handler.consumer(), "an earlier event of its key waits", true});
            continue;
        }
        Part one;
        one.indexes = {part.indexes[i]};
        one.events = {&event};
        one.again = part.again;
        std::string why;
        for (int tries = serialization_tries; tries > 0; --tries) {
            why.clear();
            try {
                co_await run_all(handler, one);
                break;
            } catch (pg::DatabaseAway const&) {
                throw;
            } catch (pg::DatabaseError const& error) {
                why = text_of(error);
                if (!error.may_repeat()) break;
            } catch (std::exception const& error) {
                why = text_of(error);
                break;
            }
        }
        if (why.empty()) continue;
        broken.insert(event.key);
        refused.push_back({part.indexes[i], handler.consumer(), std::move(why)});
    }
}

Task<void> HandlerSink::retry(std::string const& consumer, StoredEvent const& event) {
    HandlerKind const* found = nullptr;
    for (HandlerKind const* each : all_)
        if (each->consumer() == consumer) found = each;
    if (!found) throw Fault("there is no handler " + consumer + " in this program");
    Part one;
    one.indexes = {0};
    one.events = {&event};
    co_await run_all(*found, one);
}

} // namespace haat::events
