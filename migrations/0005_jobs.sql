-- Jobs: what is to be done later, once, and not by the request that wants it.
--
-- jobs.queue holds what waits and what runs; what has ended leaves it. A claim writes only columns
-- that no index has, so that it touches no index (a HOT update; hence the fill factor). Who has
-- claimed a job is a runner with a lease: one row is kept alive instead of one for each job. Time
-- is the database's alone. docs/decisions/0013 says why.

create schema jobs;
grant usage on schema jobs to haat_request, haat_worker;

create table jobs.queue (
    id             uuid        primary key,
    share          uuid        not null, -- the organization; nobody's jobs are one share as well
    runner         uuid,                 -- who has claimed it
    batch_id       uuid,
    user_id        uuid,
    created_at     timestamptz not null default now(),
    run_at         timestamptz not null,
    started_at     timestamptz,
    attempt        integer     not null default 0,
    attempts_max   integer     not null check (attempts_max >= 1),
    keep_seconds   integer     not null check (keep_seconds >= 0),
    priority       smallint    not null check (priority between 0 and 3),
    progress       smallint    check (progress between 0 and 100),
    due            boolean     not null,
    cancelled      boolean     not null default false, -- asked for while it runs
    queue          text        not null check (length(queue) between 1 and 60),
    name           text        not null check (length(name) between 1 and 100),
    unique_key     text        check (length(unique_key) between 1 and 200),
    correlation_id text        not null check (length(correlation_id) <= 200),
    note           text        check (length(note) <= 500),
    error          text        check (length(error) <= 2000),
    payload        jsonb       not null
) with (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_vacuum_cost_delay = 0);
create index queue_due on jobs.queue (queue, priority, share, id) where due;
create index queue_later on jobs.queue (run_at) where not due;
create index queue_cancelled on jobs.queue (id) where cancelled;
create unique index queue_unique on jobs.queue (name, unique_key) where unique_key is not null;

-- What has ended, for as long as its kind says; failures always.
create table jobs.finished (
    id             uuid        primary key,
    share          uuid        not null,
    user_id        uuid,
    created_at     timestamptz not null,
    run_at         timestamptz not null,
    started_at     timestamptz,
    finished_at    timestamptz not null,
    keep_until     timestamptz not null,
    attempt        integer     not null,
    attempts_max   integer     not null,
    keep_seconds   integer     not null,
    priority       smallint    not null,
    progress       smallint,
    state          text        not null check (state in ('done', 'dead', 'cancelled')),
    queue          text        not null,
    name           text        not null,
    unique_key     text,
    correlation_id text        not null,
    note           text,
    error          text,
    payload        jsonb       not null,
    result         jsonb
);
create index finished_by_end on jobs.finished (keep_until);
create index finished_badly on jobs.finished (state, id) where state <> 'done';

-- Many jobs with one that runs when all of them have ended; it waits in the queue until for ever.
create table jobs.batches (
    id         uuid        primary key,
    then_id    uuid        not null,
    total      integer     not null,
    unfinished integer     not null check (unfinished >= 0),
    failed     integer     not null default 0, -- dead or cancelled
    created_at timestamptz not null default now()
);
create index batches_by_then on jobs.batches (then_id);
create index batches_by_age on jobs.batches (created_at);

create table jobs.queues (
    name            text        primary key,
    paused          boolean     not null default false,
    concurrency_max integer     check (concurrency_max > 0), -- over all processes; null: no limit
    running         integer     not null default 0,          -- counted only where there is a limit
    updated_at      timestamptz not null default now()
);

create table jobs.runners (
    id          uuid        primary key,
    process     text        not null, -- host and process id, for people
    started_at  timestamptz not null default now(),
    lease_until timestamptz not null
);

create table jobs.crons (
    name       text        primary key,
    expression text        not null,
    zone       text        not null,
    next_at    timestamptz not null,
    last_at    timestamptz, -- the tick that was last run
    updated_at timestamptz not null default now()
);
create index crons_by_next on jobs.crons (next_at);

-- Requests add jobs, administrators read them; everything else is the worker's.
do $$
declare
    name text;
begin
    foreach name in array array['queue', 'finished', 'batches', 'queues', 'runners', 'crons'] loop
        execute format('alter table jobs.%I enable row level security', name);
        execute format('create policy worker_all on jobs.%I to haat_worker
            using (true) with check (true)', name);
        execute format('create policy administrators_read on jobs.%I for select to haat_request
            using (current_setting(''haat.role'', true) = ''admin'')', name);
        execute format('grant select, insert, update, delete on jobs.%I to haat_worker', name);
        execute format('grant select on jobs.%I to haat_request', name);
    end loop;
end $$;
create policy request_adds on jobs.queue for insert to haat_request with check (runner is null);
create policy request_adds on jobs.batches for insert to haat_request with check (true);
grant insert (id, share, user_id, batch_id, run_at, attempts_max, keep_seconds, priority, due, queue,
              name, unique_key, correlation_id, payload)
    on jobs.queue to haat_request;
grant insert (id, then_id, total, unfinished) on jobs.batches to haat_request;

-- All jobs as operators see them.
create view jobs.everything with (security_invoker = true) as
    select q.id, q.share, q.user_id, q.created_at, nullif(q.run_at, 'infinity') as run_at, q.started_at,
           null::timestamptz as finished_at, q.attempt, q.attempts_max, q.priority, q.progress,
           case when q.runner is not null then 'running' when q.due then 'waiting' else 'later' end
               as state,
           q.queue, q.name, q.unique_key, q.correlation_id, q.note, q.error, q.payload,
           null::jsonb as result, q.cancelled as is_cancelling
      from jobs.queue q
    union all
    select f.id, f.share, f.user_id, f.created_at, f.run_at, f.started_at, f.finished_at, f.attempt,
           f.attempts_max, f.priority, f.progress, f.state, f.queue, f.name, f.unique_key,
           f.correlation_id, f.note, f.error, f.payload, f.result, false
      from jobs.finished f;
grant select on jobs.everything to haat_request, haat_worker;

-- `p_count` jobs of a queue have ended, `p_failed` of them not well; its batch's last one lets the
-- job that waits for the batch go.
create function jobs.count_ended(p_queue text, p_batch uuid, p_count integer, p_failed integer)
    returns void
    language plpgsql volatile set search_path = pg_catalog
    as $$
    declare
        b record;
    begin
        update jobs.queues q set running = greatest(q.running - p_count, 0)
         where q.name = p_queue and q.concurrency_max is not null;
        if p_batch is null then
            return;
        end if;
        update jobs.batches o
           set unfinished = o.unfinished - p_count, failed = o.failed + p_failed
         where o.id = p_batch returning o.then_id, o.unfinished into b;
        if b.unfinished = 0 then
            update jobs.queue q set due = true, run_at = now()
             where q.id = b.then_id and q.run_at = 'infinity';
        end if;
    end $$;

-- One job leaves the queue. What failed is kept whatever its kind says, for people to look at.
create function jobs.put_away(p_id uuid, p_state text, p_result jsonb, p_error text)
    returns void
    language plpgsql volatile set search_path = pg_catalog
    as $$
    declare
        j jobs.queue%rowtype;
    begin
        delete from jobs.queue q where q.id = p_id returning q.* into j;
        if j.keep_seconds > 0 or p_state <> 'done' then
            insert into jobs.finished (id, share, user_id, created_at, run_at, started_at,
                                       finished_at, keep_until, attempt, attempts_max, keep_seconds,
                                       priority, progress, state, queue, name, unique_key,
                                       correlation_id, note, error, payload, result)
            values (j.id, j.share, j.user_id, j.created_at, j.run_at, j.started_at, now(),
                    now() + greatest(j.keep_seconds,
                                     case when p_state = 'done' then 0 else 2592000 end)
                            * interval '1 second',
                    j.attempt, j.attempts_max, j.keep_seconds, j.priority, j.progress, p_state,
                    j.queue, j.name, j.unique_key, j.correlation_id, j.note,
                    case when p_state = 'done' then null else coalesce(p_error, j.error) end,
                    j.payload, p_result);
        end if;
        -- A job that never ran holds no place in a queue with a limit.
        perform jobs.count_ended(case when j.runner is not null then j.queue end, j.batch_id, 1,
                                 case when p_state = 'done' then 0 else 1 end);
    end $$;

-- What became of jobs that a runner has run. What is no longer its own is left alone: its lease was
-- lost, and another has them.
create function jobs.settle(p_runner uuid, p_done uuid[], p_attempts integer[], p_ended jsonb)
    returns void
    language plpgsql volatile set search_path = pg_catalog
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_hashjoin = off
    set enable_mergejoin = off
    as $$
    declare
        r record;
        mine jobs.queue%rowtype;
    begin
        -- The many that went well and say nothing.
        for r in
            with gone as (
                delete from jobs.queue q
                 using unnest(p_done, p_attempts) as d (id, attempt)
                 where q.id = d.id and q.runner = p_runner and q.attempt = d.attempt
                returning q.*),
            kept as (
                insert into jobs.finished (id, share, user_id, created_at, run_at, started_at,
                                           finished_at, keep_until, attempt, attempts_max,
                                           keep_seconds, priority, progress, state, queue, name,
                                           unique_key, correlation_id, note, payload)
                select g.id, g.share, g.user_id, g.created_at, g.run_at, g.started_at, now(),
                       now() + g.keep_seconds * interval '1 second', g.attempt, g.attempts_max,
                       g.keep_seconds, g.priority, g.progress, 'done', g.queue, g.name,
                       g.unique_key, g.correlation_id, g.note, g.payload
                  from gone g where g.keep_seconds > 0)
            select g.queue, g.batch_id, count(*)::integer as n
              from gone g group by g.queue, g.batch_id order by g.queue, g.batch_id loop
            perform jobs.count_ended(r.queue, r.batch_id, r.n, 0);
        end loop;
        if p_ended is null then
            return;
        end if;
        for r in
            select e.id, e.attempt, e.outcome, e.delay_ms, e.result, e.error
              from jsonb_to_recordset(p_ended) as e (id uuid, attempt integer, outcome text,
                                                     delay_ms bigint, result jsonb, error text)
             order by e.id loop
            select * into mine from jobs.queue q
             where q.id = r.id and q.runner = p_runner and q.attempt = r.attempt for update;
            continue when not found;
            if r.outcome in ('done', 'dead', 'cancelled') then
                perform jobs.put_away(r.id, r.outcome, r.result, r.error);
            elsif mine.cancelled then
                perform jobs.put_away(r.id, 'cancelled', null, r.error);
            else
                update jobs.queue q
                   set runner = null, due = r.delay_ms = 0, error = coalesce(r.error, q.error),
                       run_at = now() + r.delay_ms * interval '1 millisecond',
                       attempt = q.attempt - case r.outcome when 'given_back' then 1 else 0 end
                 where q.id = r.id;
                perform jobs.count_ended(mine.queue, null, 1, 0);
            end if;
        end loop;
    end $$;

-- Up to `p_max` jobs of one queue for a runner: by priority, and within one priority by turns
-- between those who wait, beginning behind `p_after`, who was served last. What was claimed is still
-- in the index, so of that share and `p_level` it begins behind `p_behind`, the last that was given.
create function jobs.claim(p_runner uuid, p_queue text, p_max integer, p_after uuid,
                           p_level integer, p_behind uuid)
    returns setof jobs.queue
    language plpgsql volatile set search_path = pg_catalog
    -- One plan for good: in the order of the index, row by row. What the statistics say of a queue
    -- is old as soon as it is written.
    set plan_cache_mode = force_generic_plan set enable_seqscan = off set enable_bitmapscan = off
    set enable_sort = off set enable_hashjoin = off set enable_mergejoin = off
    as $$
    declare
        nobody constant uuid := '00000000-0000-0000-0000-000000000000';
        shares_max constant integer := 64;
        q record;
        room integer := p_max;
        shares uuid[];
        behind uuid;
        one uuid;
        quota integer;
        wrapped boolean;
        wanted integer;
        taken integer;
        claimed integer := 0;
        from_id uuid;
    begin
        select s.paused, s.concurrency_max, s.running into q from jobs.queues s
         where s.name = p_queue;
        if q.paused then
            return;
        end if;
        if q.concurrency_max is not null then
            select s.paused, s.concurrency_max, s.running into q from jobs.queues s
             where s.name = p_queue for update;
            room := least(room, q.concurrency_max - q.running);
        end if;
        for level in reverse 3..0 loop
            exit when room <= 0;
            shares := '{}';
            behind := p_after;
            wrapped := false;
            loop
                select o.share into one from jobs.queue o
                 where o.queue = p_queue and o.due and o.priority = level and o.share > behind
                 order by o.share limit 1;
                if not found or (wrapped and one > p_after) then
                    exit when wrapped;
                    wrapped := true;
                    behind := nobody;
                    exit when behind = p_after;
                    continue;
                end if;
                shares := shares || one;
                behind := one;
                exit when cardinality(shares) >= shares_max;
            end loop;
            -- Everybody's part first, then whatever is left.
            quota := greatest(1, room / greatest(1, cardinality(shares)));
            for turn in 1..2 loop
                foreach one in array shares loop
                    exit when room <= 0;
                    wanted := least(room, quota);
                    from_id := case when level = p_level and one = p_after then p_behind
                                    else nobody end;
                    loop
                        return query
                            update jobs.queue o
                               set runner = p_runner, attempt = o.attempt + 1, started_at = now()
                              from (select w.id from jobs.queue w
                                     where (w.queue, w.priority, w.share, w.id)
                                               > (p_queue, level, one, from_id)
                                       and (w.queue, w.priority, w.share) <= (p_queue, level, one)
                                       and w.due and w.runner is null
                                     order by w.queue, w.priority, w.share, w.id
                                     limit wanted for update skip locked) as picked
                             where o.id = picked.id
                            returning o.*;
                        get diagnostics taken = row_count;
                        room := room - taken;
                        claimed := claimed + taken;
                        wanted := wanted - taken;
                        exit when wanted = 0 or from_id = nobody;
                        from_id := nobody; -- what was given back stands in front of it
                    end loop;
                end loop;
                exit when quota >= room or cardinality(shares) <= 1;
                quota := room;
            end loop;
        end loop;
        if q.concurrency_max is not null then
            update jobs.queues s set running = s.running + claimed where s.name = p_queue;
        end if;
    end $$;

-- Settles what was run and claims what is next, in one transaction.
create function jobs.exchange(p_runner uuid, p_done uuid[], p_attempts integer[], p_ended jsonb,
                              p_queue text, p_max integer, p_after uuid, p_level integer,
                              p_behind uuid)
    returns setof jobs.queue
    language plpgsql volatile set search_path = pg_catalog
    as $$
    begin
        if cardinality(p_done) > 0 or p_ended is not null then
            perform jobs.settle(p_runner, p_done, p_attempts, p_ended);
        end if;
        if p_max > 0 then
            return query select c.*
              from jobs.claim(p_runner, p_queue, p_max, p_after, p_level, p_behind) c;
        end if;
    end $$;

-- Takes a runner's jobs away, but for those named. Those that die with a process again and again
-- are dead in the end; `p_counts`: the attempt counts as one. What a transaction just now settles
-- is passed over.
create function jobs.give_back(p_runner uuid, p_but uuid[], p_counts boolean) returns integer
    language plpgsql volatile set search_path = pg_catalog
    as $$
    declare
        j record;
        given integer := 0;
    begin
        for j in
            select q.id, q.queue, q.attempt, q.attempts_max, q.cancelled from jobs.queue q
             where q.runner = p_runner and q.id <> all (p_but)
             order by q.id for update skip locked loop
            if j.cancelled then
                perform jobs.put_away(j.id, 'cancelled', null, null);
            elsif p_counts and j.attempt >= j.attempts_max then
                perform jobs.put_away(j.id, 'dead', null, 'the process that ran it died');
            else
                update jobs.queue q
                   set runner = null, attempt = q.attempt - case when p_counts then 0 else 1 end
                 where q.id = j.id;
                perform jobs.count_ended(j.queue, null, 1, 0);
            end if;
            given := given + 1;
        end loop;
        return given;
    end $$;

-- A runner that ends by itself.
create function jobs.leave(p_runner uuid) returns void
    language plpgsql volatile set search_path = pg_catalog
    as $$
    begin
        perform jobs.give_back(p_runner, '{}', false);
        delete from jobs.runners r
         where r.id = p_runner
           and not exists (select from jobs.queue q where q.runner = p_runner);
    end $$;

-- What time brings: jobs become due, runners that are silent lose their jobs. Gives the queues in
-- which something waits now, and when something will.
create function jobs.tick() returns table (queues text[], next_at timestamptz, given_back integer)
    language plpgsql volatile set search_path = pg_catalog
    as $$
    declare
        silent uuid;
    begin
        with come as (
            select q.id from jobs.queue q where not q.due and q.run_at <= now()
             order by q.run_at limit 5000 for update skip locked),
        moved as (
            update jobs.queue q set due = true from come where q.id = come.id returning q.queue)
        select coalesce(array_agg(distinct moved.queue), '{}') into queues from moved;
        given_back := 0;
        for silent in
            select r.id from jobs.runners r where r.lease_until < now() for update skip locked loop
            given_back := given_back + jobs.give_back(silent, '{}', true);
            delete from jobs.runners r
             where r.id = silent and not exists (select from jobs.queue q where q.runner = silent);
        end loop;
        select nullif(min(q.run_at), 'infinity') into next_at from jobs.queue q where not q.due;
        return next;
    end $$;

-- A queue as the program declares it. A limit that is new counts what runs already.
create function jobs.declare_queue(p_name text, p_concurrency_max integer) returns void
    language plpgsql volatile set search_path = pg_catalog
    as $$
    begin
        insert into jobs.queues (name) values (p_name) on conflict (name) do nothing;
        perform from jobs.queues q
          where q.name = p_name and q.concurrency_max is not distinct from p_concurrency_max;
        if found then
            return;
        end if;
        perform from jobs.queues q where q.name = p_name for update;
        update jobs.queues q
           set concurrency_max = p_concurrency_max, updated_at = now(),
               running = (select count(*) from jobs.queue w
                           where w.queue = p_name and w.runner is not null)
         where q.name = p_name;
    end $$;

-- Nothing goes on unless the runner still has the job: the last statement of a transaction with
-- effects. Whoever takes the job away waits for this row.
create function jobs.hold(p_runner uuid, p_id uuid, p_attempt integer) returns void
    language plpgsql volatile set search_path = pg_catalog
    as $$
    begin
        perform from jobs.queue q
          where q.id = p_id and q.runner = p_runner and q.attempt = p_attempt for share;
        if not found then
            raise exception 'the job is no longer this runner''s' using errcode = 'HJ001';
        end if;
    end $$;

-- The job is done, in the transaction that did it.
create function jobs.finish(p_runner uuid, p_id uuid, p_attempt integer, p_result jsonb)
    returns void
    language plpgsql volatile set search_path = pg_catalog
    as $$
    begin
        perform from jobs.queue q
          where q.id = p_id and q.runner = p_runner and q.attempt = p_attempt for update;
        if not found then
            raise exception 'the job is no longer this runner''s' using errcode = 'HJ001';
        end if;
        perform jobs.put_away(p_id, 'done', p_result, null);
    end $$;

-- ---- operators, whose role may only read these tables

create function jobs.require_administrator() returns void
    language plpgsql stable set search_path = pg_catalog
    as $$
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
    end $$;

-- cancelled: it will not run. cancelling: it runs, and has been told. Else its state, or unknown.
create function jobs.cancel(p_id uuid) returns text
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
    declare
        j jobs.queue%rowtype;
    begin
        perform jobs.require_administrator();
        select * into j from jobs.queue q where q.id = p_id for update;
        if not found then
            return coalesce((select f.state from jobs.finished f where f.id = p_id), 'unknown');
        end if;
        if j.runner is null then
            perform jobs.put_away(p_id, 'cancelled', null, 'cancelled before it ran');
            return 'cancelled';
        end if;
        update jobs.queue q set cancelled = true where q.id = p_id;
        return 'cancelling';
    end $$;

-- retried: it waits again, from its first attempt. duplicate: one with its unique key waits
-- already. Else its state, or unknown.
create function jobs.retry(p_id uuid) returns text
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
    declare
        j jobs.queue%rowtype;
        f jobs.finished%rowtype;
    begin
        perform jobs.require_administrator();
        select * into f from jobs.finished o where o.id = p_id for update;
        if not found then
            select * into j from jobs.queue q where q.id = p_id for update;
            if not found then
                return 'unknown';
            elsif j.runner is not null then
                return 'running';
            elsif j.run_at = 'infinity' then
                return 'later'; -- its batch has not ended
            end if;
            update jobs.queue q set due = true, run_at = now() where q.id = p_id and not q.due;
            return 'retried';
        elsif f.state = 'done' then
            return 'done';
        end if;
        insert into jobs.queue (id, share, user_id, created_at, run_at, attempts_max, keep_seconds,
                                priority, due, queue, name, unique_key, correlation_id, error,
                                payload)
        values (f.id, f.share, f.user_id, f.created_at, now(), f.attempts_max, f.keep_seconds,
                f.priority, true, f.queue, f.name, f.unique_key, f.correlation_id, f.error,
                f.payload)
        on conflict do nothing;
        if not found then
            return 'duplicate';
        end if;
        delete from jobs.finished o where o.id = p_id;
        return 'retried';
    end $$;

-- Whether there is such a queue.
create function jobs.set_paused(p_queue text, p_paused boolean) returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
    begin
        perform jobs.require_administrator();
        update jobs.queues q set paused = p_paused, updated_at = now() where q.name = p_queue;
        return found;
    end $$;

revoke all on all functions in schema jobs from public;
grant execute on all functions in schema jobs to haat_worker;
grant execute on function jobs.cancel(uuid), jobs.retry(uuid), jobs.set_paused(text, boolean)
    to haat_request;
