// Time and ids come from here, so that tests can hold the one and foresee the other.
#pragma once

#include <base/words.hpp>

namespace haat {

/// Now, in UTC; tests may set it.
Timestamp now();

/// A new UUIDv7: ordered by time, unpredictable in its other 74 bits.
Uuid new_uuid();
template <class Noun> Id<Noun> new_id() { return Id<Noun>{new_uuid()}; }

/// Holds now() still for the life of this object; for tests. One at a time.
class HeldClock {
public:
    explicit HeldClock(Timestamp at);
    ~HeldClock();
    HeldClock(HeldClock const&) = delete;
    void set(Timestamp at);
    void advance(std::int64_t seconds);
};

} // namespace haat
