// What the operators of an installation see and do: the face of the module.
#pragma once

namespace haat {
class Routes;
}

namespace haat::admin {

void add_job_routes(Routes&);
void add_event_routes(Routes&);

} // namespace haat::admin
