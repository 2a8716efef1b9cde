// What operators look at and set right: events, and what could not be delivered.
#pragma once

namespace haat {
class Routes;
}

namespace haat::admin {

void add_event_routes(Routes&);

} // namespace haat::admin
