-- Jobs: an exchange costs less.
--
-- What one exchange did as a cascade of functions, each with settings of its own, is one function
-- here. It knows of jobs of which nothing is kept or counted (`p_plain`), gives back only the
-- columns that a runner reads, and looks first where it was last: nothing is searched for among
-- higher priorities or other organizations that a short look does not find there.

-- Checks are parsed and evaluated by every claim, though it changes nothing that they are about. So
-- they are asked of what is inserted alone.
alter table jobs.queue
    drop constraint queue_attempts_max_check, drop constraint queue_keep_seconds_check,
    drop constraint queue_priority_check, drop constraint queue_progress_check,
    drop constraint queue_queue_check, drop constraint queue_name_check,
    drop constraint queue_unique_key_check, drop constraint queue_correlation_id_check,
    drop constraint queue_note_check, drop constraint queue_error_check;
create policy well_formed on jobs.queue as restrictive for insert to haat_request, haat_worker
    with check (attempts_max >= 1 and keep_seconds >= 0 and priority between 0 and 3
                and length(queue) between 1 and 60 and length(name) between 1 and 100
                and length(correlation_id) <= 200
                and coalesce(length(unique_key), 1) between 1 and 200
                and coalesce(length(error), 0) <= 2000);

-- A claim makes a row 24 bytes longer; with half of a page free one in eight did not fit beside its
-- former self, and was put into every index again.
alter table jobs.queue set (fillfactor = 42);

drop function jobs.exchange(uuid, uuid[], integer[], jsonb, text, integer, uuid, integer, uuid);
drop function jobs.claim(uuid, text, integer, uuid, integer, uuid);
drop function jobs.settle(uuid, uuid[], integer[], jsonb);

-- A job as its runner gets it.
create type jobs.claimed as (
    id             uuid,
    name           text,
    share          uuid,
    user_id        uuid,
    priority       smallint,
    attempt        integer,
    attempts_max   integer,
    keep_seconds   integer,
    correlation_id text,
    payload        jsonb,
    batch_id       uuid,
    run_at         timestamptz,
    started_at     timestamptz,
    cancelled      boolean
);
revoke all on type jobs.claimed from public;
grant usage on type jobs.claimed to haat_worker;

-- What became of jobs that a runner has run, where something is kept of them or said. What is no
-- longer its own is left alone: its lease was lost, and another has them. `p_limited`: their queue
-- has a limit, so that they are counted. Called by jobs.exchange alone, with its settings.
create function jobs.settle(p_runner uuid, p_done uuid[], p_attempts integer[], p_ended jsonb,
                            p_limited boolean)
    returns void
    language plpgsql volatile
    as $$
    declare
        r record;
        mine jobs.queue%rowtype;
    begin
        if cardinality(p_done) > 0 then
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
                  from gone g where p_limited or g.batch_id is not null
                 group by g.queue, g.batch_id order by g.queue, g.batch_id loop
                perform jobs.count_ended(r.queue, r.batch_id, r.n, 0);
            end loop;
        end if;
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

-- Settles what was run and claims what is next, in one transaction: up to `p_max` jobs of one queue
-- by priority, and within one priority by turns between those who wait, beginning behind `p_after`,
-- who was served last. What was claimed is still in the index, so of that share and `p_level` it
-- begins behind `p_behind`, the last that was given. `p_plain` are jobs that went well and of which
-- nothing is kept; all that it settles are of `p_queue`.
create function jobs.exchange(p_runner uuid, p_plain uuid[], p_plain_attempts integer[],
                              p_done uuid[], p_attempts integer[], p_ended jsonb, p_queue text,
                              p_max integer, p_after uuid, p_level integer, p_behind uuid)
    returns setof jobs.claimed
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
        level integer := 3;
        room integer := p_max;
        shares uuid[];
        behind uuid;
        one uuid;
        stage integer;
        quota integer;
        wanted integer;
        taken integer;
        claimed integer := 0;
        from_id uuid;
    begin
        -- Mostly nobody else waits, above or beside the one that was served last.
        select s.paused, s.concurrency_max is not null as limited,
               p_level >= 0
                   and not exists (select from jobs.queue o
                                    where o.queue = p_queue and o.due
                                      and (o.priority, o.share) > (p_level, p_after))
                   and not exists (select from jobs.queue o
                                    where o.queue = p_queue and o.due and o.priority = p_level
                                      and o.share < p_after) as alone
          into q from jobs.queues s where s.name = p_queue;
        if cardinality(p_plain) > 0 then
            if cardinality(p_plain) = 1 then
                delete from jobs.queue o
                 where o.id = p_plain[1] and o.runner = p_runner
                   and o.attempt = p_plain_attempts[1];
            else
                delete from jobs.queue o using unnest(p_plain, p_plain_attempts) as d (id, attempt)
                 where o.id = d.id and o.runner = p_runner and o.attempt = d.attempt;
            end if;
            get diagnostics taken = row_count;
            if q.limited then
                perform jobs.count_ended(p_queue, null, taken, 0);
            end if;
        end if;
        if cardinality(p_done) > 0 or p_ended is not null then
            perform jobs.settle(p_runner, p_done, p_attempts, p_ended, coalesce(q.limited, false));
        end if;
        if p_max <= 0 or q.paused then
            return;
        end if;
        if q.limited then
            select s.concurrency_max - s.running into taken
              from jobs.queues s where s.name = p_queue for update;
            room := least(room, taken);
        end if;
        if q.alone then
            level := p_level;
        elsif p_level between 0 and 2 then
            perform from jobs.queue o
              where o.queue = p_queue and o.due and o.priority > p_level limit 1;
            if not found then
                level := p_level;
            end if;
        end if;
        while room > 0 and level >= 0 loop
            -- First whoever is behind the one that was served last, then whoever is in front of it,
            -- and then that one, of which nothing is asked before: so much of it was claimed.
            stage := 0;
            behind := p_after;
            shares := '{}';
            if q.alone and level = p_level then
                stage := 2;
                shares := array[p_after];
            end if;
            loop
                while stage < 2 and cardinality(shares) < least(shares_max, room) loop
                    if stage = 0 then
                        select o.share into one from jobs.queue o
                         where o.queue = p_queue and o.due and o.priority = level
                           and o.share > behind
                         order by o.share limit 1;
                    else
                        select o.share into one from jobs.queue o
                         where o.queue = p_queue and o.due and o.priority = level
                           and o.share > behind and o.share < p_after
                         order by o.share limit 1;
                    end if;
                    if found then
                        shares := shares || one;
                        behind := one;
                    elsif stage = 0 and p_after <> nobody then
                        stage := 1;
                        behind := nobody;
                    else
                        stage := 2;
                        if p_after <> nobody then
                            shares := shares || p_after;
                        end if;
                    end if;
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
                            -- The rows are locked by this very statement: their place is theirs.
                            return query
                                update jobs.queue o
                                   set runner = p_runner, attempt = o.attempt + 1,
                                       started_at = now()
                                  from (select w.ctid from jobs.queue w
                                         where (w.queue, w.priority, w.share, w.id)
                                                   > (p_queue, level, one, from_id)
                                           and (w.queue, w.priority, w.share)
                                                   <= (p_queue, level, one)
                                           and w.due and w.runner is null
                                         order by w.queue, w.priority, w.share, w.id
                                         limit wanted for update skip locked) as picked
                                 where o.ctid = picked.ctid
                                returning o.id, o.name, o.share, o.user_id, o.priority, o.attempt,
                                          o.attempts_max, o.keep_seconds, o.correlation_id,
                                          o.payload, o.batch_id, o.run_at, o.started_at,
                                          o.cancelled;
                            get diagnostics taken = row_count;
                            room := room - taken;
                            claimed := claimed + taken;
                            wanted := wanted - taken;
                            exit when wanted = 0 or from_id = nobody;
                            from_id := nobody; -- what was given back stands in front of it
                        end loop;
                    end loop;
                    exit when cardinality(shares) <= 1;
                    quota := room;
                end loop;
                exit when room <= 0 or stage = 2;
                shares := '{}';
            end loop;
            level := level - 1;
        end loop;
        if q.limited and claimed > 0 then
            update jobs.queues s set running = s.running + claimed where s.name = p_queue;
        end if;
    end $$;

revoke all on function jobs.settle(uuid, uuid[], integer[], jsonb, boolean),
    jobs.exchange(uuid, uuid[], integer[], uuid[], integer[], jsonb, text, integer, uuid, integer,
                  uuid) from public;
grant execute on function jobs.settle(uuid, uuid[], integer[], jsonb, boolean),
    jobs.exchange(uuid, uuid[], integer[], uuid[], integer[], jsonb, text, integer, uuid, integer,
                  uuid) to haat_worker;
