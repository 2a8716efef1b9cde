// Whether the audit log is what it was when it was sealed. Computed here, not in the database.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <describe/describe.hpp>

namespace haat::pg {
class PlainConnection;
}

namespace haat::audit {

enum class Finding : std::uint8_t {
    row_changed,     // it is not what was sealed, or its seal is not
    row_removed,     // its seal is there, it is not
    seal_removed,    // a place in a chain is empty
    row_slipped_in,  // it stands among sealed rows and has no seal
    chain_shortened, // the newest seals of a chain are gone, or its head was changed
    head_removed     // a chain has no head
};
HAAT_DESCRIBE_ENUM(Finding, row_changed, row_removed, seal_removed, row_slipped_in, chain_shortened,
                   head_removed)

struct Damage {
    Finding finding = Finding::row_changed;
    Uuid chain; // the organization; nil: the platform
    std::optional<std::int64_t> position;
    std::optional<std::int64_t> entry_id;
};
HAAT_DESCRIBE(Damage, finding, chain, position, entry_id)

struct Verdict {
    bool ok = true;
    std::int64_t chains = 0;
    std::int64_t sealed = 0;
    std::int64_t waiting = 0;    // not sealed yet
    std::vector<Damage> damages; // the first thousand
};
HAAT_DESCRIBE(Verdict, ok, chains, sealed, waiting, damages)

/// `owner`: row-level security must not hide anything from it. Sees one moment of the log; writes
/// may go on meanwhile.
Verdict verify(pg::PlainConnection& owner);

} // namespace haat::audit
