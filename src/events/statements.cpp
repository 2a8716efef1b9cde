#include <events/statements.hpp>

namespace haat::events {

NewFailure failure_of(std::string const& sink, std::string consumer, StoredEvent const& event) {
    return {.sink = sink,
            .consumer = std::move(consumer),
            .shard = shard_of(event.key),
            .state = "waiting",
            .last_error = {},
            .ordinal = event.ordinal,
            .number = event.id,
            .event_id = event.event_id,
            .subject = event.subject,
            .key = event.key,
            .priority = event.priority,
            .data = event.data,
            .version = event.version,
            .user_id = event.user_id,
            .org_id = event.org_id,
            .correlation_id = event.correlation_id,
            .created_at = event.created_at};
}

StoredEvent event_of(FailureRow const& row) {
    return {.ordinal = row.ordinal,
            .id = row.number,
            .event_id = row.event_id,
            .subject = row.subject,
            .key = row.key,
            .priority = row.priority,
            .data = row.data,
            .version = row.version,
            .user_id = row.user_id,
            .org_id = row.org_id,
            .correlation_id = row.correlation_id,
            .created_at = row.created_at};
}

namespace sql {

Exec<Uuid, std::string, std::vector<std::string>> join{"events.join", R"(
    insert into events.nodes (node, name, sinks) values ($1, $2, $3)
    on conflict (node) do update set seen_at = clock_timestamp())"};
Exec<std::vector<std::string>> know_sinks{"events.know_sinks", R"(
    insert into events.sinks (name) select unnest($1::text[])
    on conflict (name) do update set seen_at = now())"};
Exec<std::string, std::int64_t> make_cursors{"events.make_cursors", R"(
    insert into events.cursors (sink, shard, ordinal)
        select $1, n, $2 from generate_series(0, 7) as n
    on conflict do nothing)"};
Many<LaneName, Uuid, std::int64_t> renew{"events.renew", R"(
    update events.cursors
       set leased_until = clock_timestamp() + $2 * interval '1 millisecond'
     where leased_by = $1 and leased_until > clock_timestamp()
    returning sink, shard::integer)"};
One<std::int64_t, std::string, std::int64_t> nodes_with{"events.nodes_with", R"(
    select count(*) from events.nodes
     where $1 = any (sinks) and seen_at > clock_timestamp() - $2 * interval '1 millisecond')"};
Many<CursorRow, std::string, Uuid, std::int64_t, std::int64_t> lease_free{"events.lease_free", R"(
    with free as (
        select sink, shard from events.cursors
         where sink = $1 and (leased_until is null or leased_until <= clock_timestamp())
         order by shard limit $4 for update skip locked)
    update events.cursors c
       set leased_by = $2, fence = c.fence + 1,
           leased_until = clock_timestamp() + $3 * interval '1 millisecond'
      from free f where c.sink = f.sink and c.shard = f.shard
    returning c.sink, c.shard::integer, c.ordinal, c.id, c.fence)"};
Exec<std::string, std::int32_t, std::int64_t> give_back{"events.give_back", R"(
    update events.cursors set leased_by = null, leased_until = null
     where sink = $1 and shard = $2 and fence = $3)"};
Exec<Uuid> give_all_back{"events.give_all_back", R"(
    update events.cursors set leased_by = null, leased_until = null where leased_by = $1)"};
Exec<Uuid> leave{"events.leave", "delete from events.nodes where node = $1"};
One<std::int32_t, std::int64_t> maintain{"events.maintain",
                                         "select events.maintain($1 * interval '1 hour')"};

Many<LaneName, Uuid> lanes_with_work{"events.lanes_with_work", R"(
    select c.sink, c.shard::integer as shard from events.cursors c
     where c.leased_by = $1
       and (exists (select from events.outbox o
                     where o.shard = c.shard and (o.ordinal, o.id) > (c.ordinal, c.id)
                       and o.ordinal < pg_snapshot_xmin(pg_current_snapshot())::text::bigint)
            or exists (select from events.failures f
                        where f.sink = c.sink and f.shard = c.shard and f.state = 'waiting'
                          and f.next_at <= clock_timestamp()
                          and not exists (select from events.failures e
                                           where e.sink = f.sink and e.shard = f.shard
                                             and e.consumer = f.consumer and e.key = f.key
                                             and e.state = 'waiting'
                                             and (e.ordinal, e.number) < (f.ordinal, f.number)
                                             and e.next_at > clock_timestamp()))))"};
Many<StoredEvent, std::int32_t, std::int64_t, std::int64_t, std::int32_t> next_of_shard{
    "events.next_of_shard", R"(
    select {row} from events.outbox
     where shard = $1 and (ordinal, id) > ($2, $3)
       and ordinal < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
     order by ordinal, id limit $4)"};
One<std::int64_t> horizon{"events.horizon",
                          "select pg_snapshot_xmin(pg_current_snapshot())::text::bigint"};
Many<StoredEvent, std::int64_t, std::int64_t, std::int32_t> next_of_all{"events.next_of_all", R"(
    select {row} from generate_series(0, 7) as s (shard)
     cross join lateral (
        select {row} from events.outbox o
         where o.shard = s.shard and (o.ordinal, o.id) > ($1, $2)
           and o.ordinal < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
         order by o.ordinal, o.id limit $3) as next
     order by ordinal, id limit $3)"};

Exec<std::string, std::int32_t, std::int64_t, std::int64_t, std::int64_t> move_cursor{
    "events.move_cursor", R"(
    update events.cursors set ordinal = $4, id = $5, updated_at = now()
     where sink = $1 and shard = $2 and fence = $3)"};
Exec<> forgettable{"events.forgettable", "select set_config('synchronous_commit', 'off', true)"};
Exec<std::int64_t, NewFailure> insert_failure{"events.insert_failure", R"(
    insert into events.failures (next_at, {2})
    values (clock_timestamp() + $1 * interval '1 millisecond', {$2})
    on conflict (consumer, event_id) do nothing)"};
Many<HeldRow, std::string, std::int32_t> held{"events.held", R"(
    select distinct consumer, key from events.failures
     where sink = $1 and shard = $2 and state = 'waiting')"};
// Those behind which nothing of their key has still to wait for its time.
Many<FailureRow, std::string, std::int32_t> due_failures{"events.due_failures", R"(
    select {row} from events.failures f
     where f.sink = $1 and f.shard = $2 and f.state = 'waiting' and f.next_at <= clock_timestamp()
       and not exists (select from events.failures e
                        where e.sink = f.sink and e.shard = f.shard and e.consumer = f.consumer
                          and e.key = f.key and e.state = 'waiting'
                          and (e.ordinal, e.number) < (f.ordinal, f.number)
                          and e.next_at > clock_timestamp())
     order by f.ordinal, f.number limit 500)"};
Exec<Uuid> failure_over{"events.failure_over", "delete from events.failures where id = $1"};
Exec<Uuid, std::int32_t, std::string, std::string, std::int64_t> failure_again{
    "events.failure_again", R"(
    update events.failures
       set attempts = $2, state = $3, last_error = $4, failed_at = clock_timestamp(),
           next_at = clock_timestamp() + $5 * interval '1 millisecond'
     where id = $1)"};

Maybe<ReplayRow, std::vector<std::string>, std::int64_t> take_replay{"events.take_replay", R"(
    update events.replays r
       set fence = r.fence + 1, leased_until = clock_timestamp() + $2 * interval '1 millisecond'
     where r.id = (select id from events.replays
                    where state = 'waiting' and sink = any ($1)
                      and (leased_until is null or leased_until <= clock_timestamp())
                    order by requested_at limit 1 for update skip locked)
    returning {row})"};
Many<StoredEvent, ReplayPart> next_of_replay{"events.next_of_replay",
                                             R"(
    select {row} from events.outbox
     where shard = $1 and (cardinality($2::text[]) = 0 or subject = any ($2))
       and ($3::uuid is null or key = $3) and created_at >= $4 and created_at < $5
       and (ordinal, id) > ($6, $7)
       and ordinal < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
     order by ordinal, id limit $8)",
                                             {.slow = true}};
Exec<ReplayStep> move_replay{"events.move_replay", R"(
    update events.replays
       set shard = $3, ordinal = $4, number = $5, delivered = delivered + $6,
           leased_until = clock_timestamp() + $7 * interval '1 millisecond'
     where id = $1 and fence = $2)"};
Exec<Uuid, std::int64_t, std::string, std::string> end_replay{"events.end_replay", R"(
    update events.replays set state = $3, last_error = $4, finished_at = now()
     where id = $1 and fence = $2)"};

} // namespace sql
} // namespace haat::events
