#include <events/live.hpp>

#include <algorithm>

#include <base/clock.hpp>

namespace haat::events {

struct Live::Listening::Entry {
    std::recursive_mutex mutex; // a listener may end itself
    Subjects subjects;
    Listener listener; // empty: it has ended

    bool wants(Subject const* subject) const {
        if (subjects.empty()) return !subject || !subject->live;
        return std::find(subjects.begin(), subjects.end(), subject) != subjects.end();
    }
};

Live::Listening& Live::Listening::operator=(Listening&& other) noexcept {
    if (this != &other) {
        end();
        entry_ = std::move(other.entry_);
    }
    return *this;
}

void Live::Listening::end() {
    auto const entry = std::exchange(entry_, nullptr);
    if (!entry) return;
    std::lock_guard const lock(entry->mutex);
    entry->listener = nullptr;
}

Live::Listening Live::listen(Subjects subjects, Listener listener) {
    Listening listening;
    listening.entry_ = std::make_shared<Listening::Entry>();
    listening.entry_->subjects = std::move(subjects);
    listening.entry_->listener = std::move(listener);
    std::lock_guard const lock(mutex_);
    entries_.push_back(listening.entry_);
    count_ = static_cast<int>(entries_.size());
    return listening;
}

void Live::tell(StoredEvent const& event) {
    std::vector<std::shared_ptr<Listening::Entry>> entries;
    {
        std::lock_guard const lock(mutex_);
        // Those that nobody holds any more have ended.
        std::erase_if(entries_, [](auto const& entry) { return entry.use_count() == 1; });
        count_ = static_cast<int>(entries_.size());
        entries = entries_;
    }
    Subject const* const subject = find_subject(event.subject);
    for (auto const& entry : entries) {
        std::lock_guard const lock(entry->mutex);
        if (!entry->listener || !entry->wants(subject)) continue;
        Listener const listener = entry->listener;
        listener(event);
    }
}

void Live::tell_erased(EventKind const& kind, Uuid const& key, std::string data, Cause cause) {
    StoredEvent event;
    event.event_id = new_uuid();
    event.subject = kind.subject().name;
    event.key = key;
    event.priority = kind.subject().priority;
    event.data.text = std::move(data);
    event.user_id = cause.user_id;
    event.org_id = cause.org_id;
    event.correlation_id = std::move(cause.correlation_id);
    event.created_at = now();
    tell(event);
}

} // namespace haat::events
