// Whoever registers is welcomed: a mail whose id is the event's, so that it is one.
#include <events/handlers.hpp>
#include <modules/identity/identity.hpp>
#include <modules/notify/notify.hpp>

namespace haat::notify {

namespace {

Task<void> welcome_user(Tx& tx, Received<identity::UserCreated> const& event) {
    WelcomeWords const words{event.data.name};
    Recipient const to = to_user(event.data.id, event.data.name);
    SendOptions options;
    options.id = NotificationId{event.event_id};
    send(tx, welcome, words, to, options);
    co_return;
}

Handler<identity::UserCreated> const on_user_created{identity::user_created, "notify.welcome",
                                                     &welcome_user};

} // namespace

} // namespace haat::notify
