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

struct Request;
struct RouteSpec;

/// 409 from the unique index while the rival runs, or after it won.
extern RefusalKind const idempotency_in_progress;
/// 422: the key was used with another body.
extern RefusalKind const idempotency_mismatch;

/// 400: what was sent cannot be a key.
extern RefusalKind const idempotency_key_invalid;

/// A key is the caller's own: by person, acting organization and route.
struct IdempotencyKey {
    std::string actor; // as the policy of platform.idempotency spells it
    std::string route;
    std::string key;
    std::int64_t body_hash = 0;
};
HAAT_DESCRIBE(IdempotencyKey, actor, route, key, body_hash)

/// The key of this request, when its route takes one and it carries one.
std::optional<IdempotencyKey> idempotency_key(Request const& request, RouteSpec const& route,
                                              pg::Settings const& settings);

void claim(Tx& tx, IdempotencyKey const& key);
/// `body`: as it is kept, with what is personal in it veiled.
void keep_answer(Tx& tx, IdempotencyKey const& key, RawReply const& answer, std::string body);

struct KeptAnswer {
    std::int64_t body_hash = 0;
    std::int32_t status = 0;
    std::string head;
    std::string body;
};
HAAT_DESCRIBE(KeptAnswer, body_hash, status, head, body)

/// The first answer, once the rival has committed; nothing when it rolled back meanwhile.
Task<std::optional<KeptAnswer>> find_answer(pg::Database&, pg::Reader& read,
                                            IdempotencyKey const& key);

} // namespace haat::http
