// Who sees what would have been sent.
#pragma once

namespace haat::notify {

struct OutboxCaller {
    bool production = true;
    bool here = false; // on this machine
    bool admin = false;
};
bool shows_outbox(OutboxCaller const& caller);

} // namespace haat::notify
