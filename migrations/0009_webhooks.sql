-- Webhooks: where the events of an organization are sent to, what has been sent, what came back.

create schema webhooks;
grant usage on schema webhooks to haat_request, haat_worker;

-- An endpoint of nobody's organization is the platform's: it gets the events of all. Secrets are
-- sealed by the program; the database never sees them.
create table webhooks.endpoints (
    id              uuid        primary key,
    org_id          uuid        default nullif(current_setting('haat.org_id', true), '')::uuid
                                references identity.organizations (id) on delete cascade,
    url             text        not null check (length(url) <= 2048),
    description     text        not null check (length(description) <= 500),
    subjects        text[]      not null check (cardinality(subjects) between 1 and 100),
    secret          text        not null check (length(secret) <= 500),
    previous_secret text        check (length(previous_secret) <= 500),
    previous_until  timestamptz, -- both secrets sign until then
    is_enabled      boolean     not null default true,
    disabled_reason text        check (length(disabled_reason) <= 500),
    disabled_at     timestamptz,
    -- How it fares: whether it is left alone for a while, and since when nothing has gone well.
    failures_in_row integer     not null default 0,
    not_before      timestamptz,
    failing_since   timestamptz,
    last_success_at timestamptz,
    last_error      text        check (length(last_error) <= 500),
    created_at      timestamptz not null default now(),
    updated_at      timestamptz not null default now()
) with (fillfactor = 70);
create index endpoints_by_age on webhooks.endpoints (org_id, created_at, id);

-- One event for one endpoint, with the bytes that are sent. It is there once, however often the
-- dispatcher gives the event. It outlives its endpoint, as the log should.
create table webhooks.deliveries (
    id             uuid        primary key,
    endpoint_id    uuid        not null,
    org_id         uuid        default nullif(current_setting('haat.org_id', true), '')::uuid,
    event_id       uuid        not null,
    subject        text        not null check (length(subject) <= 100),
    body           text        not null check (length(body) <= 300000),
    state          text        not null check (state in ('waiting', 'delivered', 'failed')),
    attempts       integer     not null default 0,
    tries          integer     not null default 0, -- attempts since it was last asked for
    due_at         timestamptz not null default clock_timestamp(),
    give_up_at     timestamptz not null,
    last_status    integer,
    last_error     text        check (length(last_error) <= 500),
    created_at     timestamptz not null default now(),
    settled_at     timestamptz,
    constraint deliveries_once unique (endpoint_id, event_id)
) with (fillfactor = 70);
create index deliveries_due on webhooks.deliveries (endpoint_id, due_at, id) where state = 'waiting';
create index deliveries_waiting on webhooks.deliveries (due_at) where state = 'waiting';
create index deliveries_failed on webhooks.deliveries (endpoint_id, created_at) where state = 'failed';
create index deliveries_settled on webhooks.deliveries (settled_at) where state <> 'waiting';
create index deliveries_by_age on webhooks.deliveries (org_id, created_at, id);
create index deliveries_by_endpoint on webhooks.deliveries (endpoint_id, created_at, id);
create index deliveries_by_event on webhooks.deliveries (event_id);

create table webhooks.attempts (
    delivery_id      uuid        not null,
    number           integer     not null,
    org_id           uuid,
    at               timestamptz not null,
    duration_ms      integer     not null,
    status           integer,
    error            text        check (length(error) <= 500),
    request_headers  text        not null check (length(request_headers) <= 2000),
    response_headers text        not null check (length(response_headers) <= 2000),
    response_body    text        not null check (length(response_body) <= 4096),
    primary key (delivery_id, number)
);

-- ---- rights: an organization's leaders for theirs, administrators without one for the platform's

do $$
declare
    name text;
begin
    foreach name in array array['endpoints', 'deliveries', 'attempts'] loop
        execute format('alter table webhooks.%I enable row level security', name);
        execute format('create policy own on webhooks.%I to haat_request
            using (org_id = nullif(current_setting(''haat.org_id'', true), '''')::uuid)
            with check (org_id = nullif(current_setting(''haat.org_id'', true), '''')::uuid)', name);
        execute format('create policy platform on webhooks.%I to haat_request
            using (org_id is null and coalesce(current_setting(''haat.org_id'', true), '''') = ''''
                   and current_setting(''haat.role'', true) = ''admin'')
            with check (org_id is null and coalesce(current_setting(''haat.org_id'', true), '''') = ''''
                        and current_setting(''haat.role'', true) = ''admin'')', name);
        execute format('create policy worker_all on webhooks.%I to haat_worker
            using (true) with check (true)', name);
        execute format('grant select, insert, update, delete on webhooks.%I to haat_worker', name);
    end loop;
end $$;
grant select, insert, update, delete on webhooks.endpoints to haat_request;
grant select, insert, update on webhooks.deliveries to haat_request;
grant select on webhooks.attempts to haat_request;

-- ---- what became of some attempts at one endpoint
--
-- `p_trouble`: it is left alone for so many milliseconds. What was meanwhile delivered, given up or
-- asked for anew by others keeps its state; the attempt is in the log all the same. Gives since
-- when nothing has gone well.
create function webhooks.record(p_endpoint uuid, p_attempts jsonb, p_trouble bigint, p_error text)
    returns timestamptz
    language plpgsql volatile set search_path = pg_catalog
    as $$
    declare
        well    boolean;
        failing timestamptz;
    begin
        perform from webhooks.endpoints e where e.id = p_endpoint for no key update;
        with said as (
            select * from jsonb_to_recordset(p_attempts) as a (
                delivery_id uuid, number integer, at timestamptz, duration_ms integer, status integer,
                error text, request_headers text, response_headers text, response_body text,
                delivered boolean, retry_ms bigint)),
        logged as (
            insert into webhooks.attempts (delivery_id, number, org_id, at, duration_ms, status,
                                           error, request_headers, response_headers, response_body)
            select s.delivery_id, s.number, d.org_id, s.at, s.duration_ms, s.status, s.error,
                   s.request_headers, s.response_headers, s.response_body
              from said s join webhooks.deliveries d on d.id = s.delivery_id
                on conflict do nothing)
        update webhooks.deliveries d
           set attempts = greatest(d.attempts, s.number), tries = d.tries + 1,
               last_status = s.status, last_error = s.error,
               state = case when s.delivered then 'delivered' when over.it then 'failed'
                            else 'waiting' end,
               settled_at = case when s.delivered or over.it then clock_timestamp() end,
               due_at = clock_timestamp() + s.retry_ms * interval '1 millisecond'
          from said s
         cross join lateral (
            select clock_timestamp() + s.retry_ms * interval '1 millisecond' > o.give_up_at as it
              from webhooks.deliveries o where o.id = s.delivery_id) as over
         where d.id = s.delivery_id and (d.state = 'waiting' or s.delivered);
        select coalesce(bool_or(a.delivered), false) into well
          from jsonb_to_recordset(p_attempts) as a (delivered boolean);
        -- A healthy endpoint's row is written once a minute at the most.
        update webhooks.endpoints e
           set failures_in_row = case when p_trouble > 0 then e.failures_in_row + 1 else 0 end,
               not_before = case when p_trouble > 0
                                 then clock_timestamp() + p_trouble * interval '1 millisecond' end,
               failing_since = case when not well then coalesce(e.failing_since, clock_timestamp())
                                    end,
               last_success_at = case when well then clock_timestamp() else e.last_success_at end,
               last_error = coalesce(p_error, e.last_error)
         where e.id = p_endpoint
           and (p_trouble > 0 or not well or e.failures_in_row > 0 or e.failing_since is not null
                or e.not_before is not null or e.last_success_at is null
                or e.last_success_at < clock_timestamp() - interval '1 minute')
        returning e.failing_since into failing;
        return failing;
    end $$;

-- An endpoint that is given up: it gets nothing more, and what waits for it has failed. Leaves an
-- audit row, for nobody asked for it. False: it was not enabled.
create function webhooks.give_up(p_endpoint uuid, p_reason text, p_request text) returns boolean
    language plpgsql volatile set search_path = pg_catalog
    as $$
    declare
        org uuid;
    begin
        update webhooks.endpoints e
           set is_enabled = false, disabled_reason = p_reason, disabled_at = clock_timestamp(),
               updated_at = clock_timestamp()
         where e.id = p_endpoint and e.is_enabled
        returning e.org_id into org;
        if not found then
            return false;
        end if;
        perform webhooks.abandon(p_endpoint, 'the endpoint was disabled');
        insert into audit.entries (org_id, action, operation, entity, entity_id, changes, address,
                                   user_agent, request_id)
        values (org, 'DISABLE', 'webhooks.deliver', 'webhooks/endpoints', p_endpoint,
                jsonb_build_object('isEnabled', jsonb_build_object('from', true, 'to', false),
                                   'disabledReason', jsonb_build_object('from', null, 'to', p_reason)),
                '', 'haat', p_request);
        return true;
    end $$;

-- What waits for an endpoint has failed; a manager may have it delivered again.
create function webhooks.abandon(p_endpoint uuid, p_error text) returns integer
    language plpgsql volatile set search_path = pg_catalog
    as $$
    declare
        touched integer;
    begin
        update webhooks.deliveries d
           set state = 'failed', last_error = p_error, settled_at = clock_timestamp()
         where d.endpoint_id = p_endpoint and d.state = 'waiting';
        get diagnostics touched = row_count;
        return touched;
    end $$;

revoke all on function webhooks.record(uuid, jsonb, bigint, text),
    webhooks.give_up(uuid, text, text), webhooks.abandon(uuid, text) from public;
grant execute on function webhooks.record(uuid, jsonb, bigint, text),
    webhooks.give_up(uuid, text, text) to haat_worker;
grant execute on function webhooks.abandon(uuid, text) to haat_request, haat_worker;

-- All endpoints with what waits and what has failed lately, for administrators.
create function webhooks.overview()
    returns table (id uuid, org_id uuid, url text, is_enabled boolean, disabled_reason text,
                   failing_since timestamptz, last_success_at timestamptz, last_error text,
                   waiting bigint, failed bigint, created_at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog
    as $$
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
        return query
            select e.id, e.org_id, e.url, e.is_enabled, e.disabled_reason, e.failing_since,
                   e.last_success_at, e.last_error, w.n, f.n, e.created_at
              from webhooks.endpoints e
             cross join lateral (select count(*) as n from webhooks.deliveries d
                                  where d.endpoint_id = e.id and d.state = 'waiting') as w
             cross join lateral (select count(*) as n from webhooks.deliveries d
                                  where d.endpoint_id = e.id and d.state = 'failed'
                                    and d.created_at > now() - interval '3 days') as f;
    end $$;
revoke all on function webhooks.overview() from public;
grant execute on function webhooks.overview() to haat_request;

-- Any organization's endpoint, by an administrator; what waits for it has failed.
create function webhooks.switch_off(p_endpoint uuid, p_reason text)
    returns table (id uuid, org_id uuid, url text, subjects text[], disabled_reason text,
                   is_enabled boolean)
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
        return query
            update webhooks.endpoints e
               set is_enabled = false, disabled_reason = p_reason, disabled_at = now(),
                   updated_at = now()
             where e.id = p_endpoint
            returning e.id, e.org_id, e.url, e.subjects, e.disabled_reason, e.is_enabled;
        perform webhooks.abandon(p_endpoint, 'the endpoint was disabled');
    end $$;
revoke all on function webhooks.switch_off(uuid, text) from public;
grant execute on function webhooks.switch_off(uuid, text) to haat_request;
