// For those who listen just now, in this process: the hub of WebSockets. What happens while nobody
// listens is not told later.
//
//     auto listening = dispatcher.live().listen({}, [](StoredEvent const& event) { … });
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include <describe/codec.hpp>
#include <events/stored.hpp>

namespace haat::events {

class Live {
public:
    /// Called on the dispatcher's loop, or where a live-only event is told; must be quick.
    using Listener = std::function<void(StoredEvent const&)>;
    /// Empty: every subject that is kept. Live-only subjects are told to those who name them.
    using Subjects = std::vector<Subject const*>;

    /// Ends the listening when it goes, on any thread; a call that is under way is waited for.
    class Listening {
    public:
        Listening() = default;
        Listening(Listening&&) noexcept = default;
        Listening& operator=(Listening&&) noexcept;
        ~Listening() { end(); }
        void end();

    private:
        friend class Live;
        struct Entry;
        std::shared_ptr<Entry> entry_;
    };

    [[nodiscard]] Listening listen(Subjects subjects, Listener listener);
    bool anybody() const { return count_ > 0; }
    void tell(StoredEvent const& event);

    /// A live-only event; costs next to nothing while nobody listens. Others go by emit().
    template <class Payload, class Noun>
    void tell(Event<Payload> const& event, Id<Noun> key,
              std::type_identity_t<Payload> const& payload, Cause cause = {}) {
        if (anybody()) tell_erased(event, key.uuid, describe::to_json(payload), std::move(cause));
    }

private:
    void tell_erased(EventKind const& kind, Uuid const& key, std::string data, Cause cause);

    std::mutex mutex_;
    std::vector<std::shared_ptr<Listening::Entry>> entries_;
    std::atomic<int> count_{0};
};

} // namespace haat::events
