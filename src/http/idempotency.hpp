// Idempotency-Key: the first success of a write is kept with it, in its own transaction.
// The row is inserted before the work: a rival with the same key waits on the unique index.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <http/reply.hpp>
#include <pg/pg.hpp>

namespace haat::http {

/// 409 from the unique index while the rival runs, or after it won.
extern RefusalKind const idempotency_in_progress;
/// 422: the key was used with another body.
extern RefusalKind const idempotency_mismatch;

void claim_key(Tx& tx, std::string const& actor, std::string const& route, std::string const& key,
               std::uint64_t body_hash);
void keep_answer(Tx& tx, std::string const& actor, std::string const& route,
                 std::string const& key, RawReply const& answer);

struct KeptAnswer {
    std::int64_t body_hash = 0;
    std::int32_t status = 0;
    std::string head;
    std::string body;
};
HAAT_DESCRIBE(KeptAnswer, body_hash, status, head, body)

/// The first answer, once the rival has committed; nothing when it rolled back meanwhile.
Task<std::optional<KeptAnswer>> find_answer(pg::Reader& read, std::string actor, std::string route,
                                            std::string key);

} // namespace haat::http
