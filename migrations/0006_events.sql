-- Events that travel: the outbox by days, where each sink stands, what could not be delivered.

-- A node that delivers, and the sinks that it has.
create table events.nodes (
    node    uuid        primary key,
    name    text        not null,
    sinks   text[]      not null,
    seen_at timestamptz not null default clock_timestamp()
);

create table events.sinks (
    name       text        primary key check (length(name) between 1 and 60),
    created_at timestamptz not null default now(),
    seen_at    timestamptz not null default now()
);

-- How far a sink has come in one shard of the keys. Whoever holds the lease delivers; `fence`
-- grows with every new holder, so that one who lost it cannot move the cursor. Time is the
-- database's.
create table events.cursors (
    sink         text        not null references events.sinks (name) on delete cascade,
    shard        smallint    not null,
    ordinal      bigint      not null default 0,
    id           bigint      not null default 0,
    fence        bigint      not null default 0,
    leased_by    uuid,
    leased_until timestamptz,
    updated_at   timestamptz not null default now(),
    primary key (sink, shard)
) with (fillfactor = 50);

-- Written in a handler's own transaction: what is here has had its effect.
create table events.handled (
    handler    text        not null,
    event_id   uuid        not null,
    handled_at timestamptz not null default now(),
    primary key (handler, event_id)
);
create index handled_by_age on events.handled using brin (handled_at);

-- `waiting`: is tried again at next_at, and later events of its key wait behind it. `parked`: was
-- tried often enough and no longer holds its key; an administrator may have it delivered again.
-- The event is kept here whole, since its day may be dropped from the outbox meanwhile.
create table events.failures (
    id             uuid        primary key default gen_random_uuid(),
    sink           text        not null,
    consumer       text        not null,
    shard          smallint    not null,
    state          text        not null default 'waiting' check (state in ('waiting', 'parked')),
    attempts       integer     not null,
    attempts_max   integer     not null,
    last_error     text        not null,
    failed_at      timestamptz not null default clock_timestamp(),
    next_at        timestamptz not null default clock_timestamp(),
    ordinal        bigint      not null,
    number         bigint      not null,
    event_id       uuid        not null,
    subject        text        not null,
    key            uuid        not null,
    priority       text        not null,
    data           jsonb       not null,
    version        integer     not null,
    user_id        uuid,
    org_id         uuid,
    correlation_id text        not null,
    created_at     timestamptz not null,
    constraint failures_once unique (consumer, event_id)
);
create index failures_waiting on events.failures (sink, shard, consumer, key, ordinal, number)
    where state = 'waiting';
create index failures_by_age on events.failures (failed_at, id);

-- A part of the past that is delivered once more to one sink, by whichever node has it.
create table events.replays (
    id           uuid        primary key,
    sink         text        not null,
    subjects     text[]      not null,
    key          uuid,
    since        timestamptz not null,
    until        timestamptz not null,
    again        boolean     not null default false,
    state        text        not null default 'waiting'
                             check (state in ('waiting', 'done', 'failed')),
    delivered    bigint      not null default 0,
    last_error   text        not null default '',
    shard        smallint    not null default 0,
    ordinal      bigint      not null default -9223372036854775808,
    number       bigint      not null default 0,
    fence        bigint      not null default 0,
    leased_until timestamptz,
    requested_at timestamptz not null default now(),
    finished_at  timestamptz
);
create index replays_waiting on events.replays (requested_at) where state = 'waiting';

-- The outbox anew, by days. `ordinal` is the number of the transaction, lifted to that of the
-- previous event of the same key: who holds the lock of an aggregate always stands behind those
-- who held it before, whichever transaction began first. Reading in the order (ordinal, id), and
-- only what is below the oldest running transaction, skips nothing and keeps each key in order.
alter table events.outbox rename to outbox_before;
alter table events.outbox_before rename constraint outbox_pkey to outbox_before_pkey;

create sequence events.event_numbers as bigint;
create table events.outbox (
    id             bigint      not null default 0,
    event_id       uuid        not null,
    transaction_id xid8        not null default pg_current_xact_id(),
    ordinal        bigint      not null default 0,
    shard          smallint    not null default 0,
    subject        text        not null check (length(subject) <= 100),
    key            uuid        not null,
    priority       text        not null check (priority in ('low', 'medium', 'high', 'critical')),
    data           jsonb       not null,
    version        integer     not null default 1,
    user_id        uuid,
    org_id         uuid,
    correlation_id text        not null,
    created_at     timestamptz not null default clock_timestamp(),
    primary key (id, created_at)
) partition by range (created_at);
create index outbox_in_order on events.outbox (shard, ordinal, id);
create index outbox_by_key on events.outbox (key, ordinal, id);
create index outbox_by_org on events.outbox (org_id, id) where org_id is not null;

-- Takes what no day has been made for, so that no write ever fails for it.
create table events.outbox_rest partition of events.outbox default;
alter table events.outbox_rest enable row level security;

insert into events.outbox (id, event_id, transaction_id, ordinal, shard, subject, key, priority,
                           data, version, user_id, org_id, correlation_id, created_at)
    select id, event_id, transaction_id, transaction_id::text::bigint,
           get_byte(uuid_send(key), 15) % 8, subject, key, priority, data, version, user_id,
           org_id, correlation_id, created_at
      from events.outbox_before;
select setval('events.event_numbers', (select coalesce(max(id), 0) + 1 from events.outbox));
drop table events.outbox_before;

-- Only an event of the last minute can have a later transaction than this one, for it was written
-- after this one began. The number is drawn after the lock of the aggregate, so it grows per key.
create function events.put_in_order() returns trigger
    language plpgsql security definer set search_path = '' as $$
declare
    own      bigint := pg_current_xact_id()::text::bigint;
    previous bigint;
begin
    select o.ordinal into previous from events.outbox o
     where o.key = new.key and o.created_at >= now() - interval '1 minute'
     order by o.ordinal desc limit 1;
    new.transaction_id := pg_current_xact_id();
    new.ordinal := greatest(own, previous);
    new.shard := get_byte(uuid_send(new.key), 15) % 8;
    new.id := nextval('events.event_numbers');
    return new;
end $$;
revoke all on function events.put_in_order() from public;
create trigger in_order before insert on events.outbox
    for each row execute function events.put_in_order();

-- ---- rights

alter table events.outbox enable row level security;
create policy request_adds on events.outbox for insert to haat_request with check (true);
create policy worker_reads on events.outbox for select to haat_worker using (true);
create policy worker_adds on events.outbox for insert to haat_worker with check (true);
grant insert (event_id, subject, key, priority, data, version, user_id, org_id, correlation_id)
    on events.outbox to haat_request, haat_worker;
grant select on events.outbox to haat_worker;

alter table events.nodes enable row level security;
alter table events.sinks enable row level security;
alter table events.cursors enable row level security;
alter table events.handled enable row level security;
alter table events.failures enable row level security;
alter table events.replays enable row level security;
create policy worker_all on events.nodes to haat_worker using (true) with check (true);
create policy worker_all on events.sinks to haat_worker using (true) with check (true);
create policy worker_all on events.cursors to haat_worker using (true) with check (true);
create policy worker_all on events.handled to haat_worker using (true) with check (true);
create policy worker_all on events.failures to haat_worker using (true) with check (true);
create policy worker_all on events.replays to haat_worker using (true) with check (true);
grant select, insert, update, delete on events.nodes, events.sinks, events.cursors,
    events.handled, events.failures, events.replays to haat_worker;

create policy administrators_read on events.failures for select to haat_request
    using (current_setting('haat.role', true) = 'admin');
create policy administrators_change on events.failures for update to haat_request
    using (current_setting('haat.role', true) = 'admin')
    with check (current_setting('haat.role', true) = 'admin');
grant select, update (state, next_at, attempts_max) on events.failures to haat_request;

-- ---- for those who look

-- Newest first. Administrators see everything; others what their acting organization has caused.
create function events.search(sought_subjects text[], sought_key uuid, since timestamptz,
                              until timestamptz, sought_org uuid, before bigint, take integer)
    returns table (id bigint, event_id uuid, subject text, key uuid, priority text, data jsonb,
                   version integer, user_id uuid, org_id uuid, correlation_id text,
                   created_at timestamptz)
    language plpgsql stable security definer
    set search_path = '' set plan_cache_mode = 'force_custom_plan' as $$
declare
    is_admin boolean := coalesce(current_setting('haat.role', true), '') = 'admin';
    acting   uuid    := nullif(current_setting('haat.org_id', true), '')::uuid;
begin
    if not is_admin and acting is null then
        return;
    end if;
    if not is_admin then
        sought_org := acting;
    end if;
    return query
        select o.id, o.event_id, o.subject, o.key, o.priority, o.data, o.version, o.user_id,
               o.org_id, o.correlation_id, o.created_at
          from events.outbox o
         where (sought_org is null or o.org_id = sought_org)
           and (sought_subjects is null or o.subject = any (sought_subjects))
           and (sought_key is null or o.key = sought_key)
           and o.created_at >= coalesce(since, '-infinity')
           and o.created_at < coalesce(until, 'infinity')
           and o.id < before
         order by o.id desc limit take;
end $$;
revoke all on function events.search(text[], uuid, timestamptz, timestamptz, uuid, bigint, integer)
    from public;
grant execute on function
    events.search(text[], uuid, timestamptz, timestamptz, uuid, bigint, integer) to haat_request;

-- ---- the days

-- After a restore from a dump the numbers of transactions begin anew, below those that were kept:
-- the past is moved below zero, its order and every cursor with it. What was written since the
-- restore stands behind it, by its own numbers.
create function events.rebase() returns boolean
    language plpgsql security definer set search_path = '' as $$
declare
    next_transaction xid8 := pg_snapshot_xmax(pg_current_snapshot());
    furthest         bigint;
    last_restored    bigint;
begin
    select greatest((select max(c.ordinal) from events.cursors c
                      where c.ordinal < 9223372036854775807),
                    (select max(newest.ordinal)
                       from (select o.ordinal from events.outbox o
                              order by o.id desc limit 100) as newest))
      into furthest;
    if furthest is null or furthest < next_transaction::text::bigint then
        return false;
    end if;
    -- Whoever writes meanwhile would stand behind what is moved away.
    lock table events.outbox in share row exclusive mode;
    next_transaction := pg_snapshot_xmax(pg_current_snapshot());
    select coalesce(max(o.id), 0) into last_restored from events.outbox o
     where o.transaction_id >= next_transaction;
    select greatest(furthest, max(o.ordinal)) + 1 into furthest from events.outbox o;
    update events.outbox set ordinal = ordinal - furthest where id <= last_restored;
    update events.outbox o set ordinal = fresh.ordinal
      from (select id, max(transaction_id::text::bigint) over (partition by key order by id)
                       as ordinal
              from events.outbox where id > last_restored) as fresh
     where o.id = fresh.id and o.ordinal <> fresh.ordinal;
    update events.cursors set ordinal = ordinal - furthest
     where ordinal < 9223372036854775807;
    update events.failures set ordinal = ordinal - furthest where sink <> 'incoming';
    return true;
end $$;
revoke all on function events.rebase() from public;

-- Makes the days that come and drops those that are old and delivered to every sink that was seen
-- within `keep`. Answers how many days were dropped. One node at a time; does not wait for locks.
create function events.maintain(keep interval) returns integer
    language plpgsql security definer set search_path = '' set lock_timeout = '2s' as $$
declare
    day     date;
    part    text;
    begins  timestamptz;
    late    boolean;
    dropped integer := 0;
begin
    if not pg_try_advisory_xact_lock(hashtext('events.maintain')) then
        return 0;
    end if;
    perform events.rebase();
    for n in 0..3 loop
        day := (now() at time zone 'UTC')::date + n;
        part := 'outbox_' || to_char(day, 'YYYYMMDD');
        continue when to_regclass('events.' || part) is not null;
        begins := day::timestamp at time zone 'UTC';
        -- Whoever writes today must not have chosen its place before the day is there.
        if n = 0 then
            lock table events.outbox in share row exclusive mode;
        end if;
        execute format('create table events.%I (like events.outbox including defaults '
                       'including constraints)', part);
        execute format('alter table events.%I enable row level security', part);
        -- What came while there was no such day moves into it.
        lock table events.outbox_rest in access exclusive mode;
        execute format('with moved as (delete from events.outbox_rest where created_at >= %L '
                       'and created_at < %L returning *) insert into events.%I select * from moved',
                       begins, begins + interval '1 day', part);
        execute format('alter table events.outbox attach partition events.%I '
                       'for values from (%L) to (%L)', part, begins, begins + interval '1 day');
    end loop;
    for part in
        select c.relname from pg_catalog.pg_inherits i
          join pg_catalog.pg_class c on c.oid = i.inhrelid
         where i.inhparent = 'events.outbox'::regclass and c.relname ~ '^outbox_[0-9]{8}$'
           and to_date(right(c.relname, 8), 'YYYYMMDD') + 1 < (now() - keep) at time zone 'UTC'
         order by 1
    loop
        execute format('select exists (select from events.cursors c join events.sinks s '
                       'on s.name = c.sink and s.seen_at > now() - $1 where exists (select from '
                       'events.%I p where p.shard = c.shard and (p.ordinal, p.id) > '
                       '(c.ordinal, c.id)))', part) into late using keep;
        continue when late;
        begin
            execute format('drop table events.%I', part);
            dropped := dropped + 1;
        exception when lock_not_available then
            null; -- somebody reads it: the next time
        end;
    end loop;
    delete from events.outbox_rest r
     where r.created_at < now() - keep
       and not exists (select from events.cursors c
                         join events.sinks s on s.name = c.sink and s.seen_at > now() - keep
                        where c.shard = r.shard and (c.ordinal, c.id) < (r.ordinal, r.id));
    delete from events.handled where handled_at < now() - keep - interval '1 day';
    delete from events.nodes where seen_at < now() - interval '1 day';
    delete from events.replays where finished_at < now() - keep;
    return dropped;
end $$;
revoke all on function events.maintain(interval) from public;
grant execute on function events.maintain(interval) to haat_worker;
