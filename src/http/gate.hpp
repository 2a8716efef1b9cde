// What keeps requests out while an installation is being worked on. Routes that say
// .in_maintenance(), those outside /api, and administrators pass.
#pragma once

#include <base/refusal.hpp>

namespace haat::http {

extern RefusalKind const maintenance; // 503

class Gate {
public:
    /// Asked for every request, on every loop.
    virtual bool closed() const = 0;
    /// What those who are kept out are told.
    virtual Refusal refusal() const = 0;

protected:
    ~Gate() = default;
};

} // namespace haat::http
