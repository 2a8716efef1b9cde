-- What every write leaves behind, and what every node shares. The request role may only add to
-- the outbox and the audit log; reading and delivering them is the worker's.

create schema events;
create schema audit;
create schema platform;
grant usage on schema events, audit, platform to haat_request, haat_worker;

create table events.outbox (
    id             bigint generated always as identity primary key,
    event_id       uuid        not null unique,
    transaction_id xid8        not null default pg_current_xact_id(),
    subject        text        not null check (length(subject) <= 100),
    key            uuid        not null,
    priority       text        not null check (priority in ('low', 'medium', 'high', 'critical')),
    data           jsonb       not null,
    version        integer     not null default 1,
    user_id        uuid,
    org_id         uuid,
    correlation_id text        not null,
    created_at     timestamptz not null default now()
);
alter table events.outbox enable row level security;
create policy request_adds on events.outbox for insert to haat_request with check (true);
create policy worker_all on events.outbox to haat_worker using (true) with check (true);
grant insert on events.outbox to haat_request;
grant select, insert, update, delete on events.outbox to haat_worker;

create table audit.entries (
    id         bigint generated always as identity primary key,
    at         timestamptz not null default now(),
    user_id    uuid,
    org_id     uuid,
    action     text        not null,
    entity     text        not null,
    entity_id  uuid,
    changes    jsonb       not null,
    address    text        not null,
    user_agent text        not null,
    request_id text        not null
);
create index entries_by_entity on audit.entries (entity, entity_id, id);
create index entries_by_org on audit.entries (org_id, id);
alter table audit.entries enable row level security;
create policy request_adds on audit.entries for insert to haat_request with check (true);
create policy worker_all on audit.entries to haat_worker using (true) with check (true);
grant insert on audit.entries to haat_request;
grant select, insert on audit.entries to haat_worker;

-- The first success of a request with an Idempotency-Key. The row is inserted before the work,
-- so that a rival waits on the unique index; the answer is filled in by the same transaction.
create table platform.idempotency (
    actor      text        not null, -- user_id/org_id
    route      text        not null,
    key        text        not null check (length(key) between 1 and 255),
    body_hash  bigint      not null,
    status     integer,
    head       text,
    body       text,
    created_at timestamptz not null default now(),
    constraint idempotency_pkey primary key (actor, route, key)
) with (fillfactor = 70);
create index idempotency_by_age on platform.idempotency (created_at);
alter table platform.idempotency enable row level security;
create policy own on platform.idempotency to haat_request
    using (actor = current_setting('haat.user_id', true) || '/'
                   || current_setting('haat.org_id', true));
create policy worker_all on platform.idempotency to haat_worker using (true) with check (true);
grant select, insert, update on platform.idempotency to haat_request;
grant select, delete on platform.idempotency to haat_worker;

-- Extensions live apart, so that the search path can stay empty.
create schema extensions;
create extension pg_trgm with schema extensions;
grant usage on schema extensions to haat_request, haat_worker;

-- A LIKE pattern that finds the text anywhere, whatever % or _ it holds.
create function platform.containing(sought text) returns text
    language sql immutable strict parallel safe
    return '%' || replace(replace(replace(lower(sought), '\', '\\'), '%', '\%'), '_', '\_') || '%';
grant execute on function platform.containing(text) to haat_request, haat_worker;
