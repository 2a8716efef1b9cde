-- The schema as the migrations make it. Written by `haat docs`.
CREATE SCHEMA audit;
CREATE SCHEMA catalog;
CREATE SCHEMA events;
CREATE SCHEMA extensions;
CREATE SCHEMA files;
CREATE SCHEMA haat;
CREATE SCHEMA identity;
CREATE SCHEMA jobs;
CREATE SCHEMA notify;
CREATE SCHEMA platform;
CREATE SCHEMA privacy;
CREATE SCHEMA settings;
CREATE SCHEMA webhooks;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA extensions;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
CREATE TYPE jobs.claimed AS (
	id uuid,
	name text,
	share uuid,
	user_id uuid,
	priority smallint,
	attempt integer,
	attempts_max integer,
	keep_seconds integer,
	correlation_id text,
	payload jsonb,
	batch_id uuid,
	run_at timestamp with time zone,
	started_at timestamp with time zone,
	cancelled boolean
);
CREATE TABLE audit.entries (
    id bigint NOT NULL,
    at timestamp with time zone DEFAULT now() NOT NULL,
    user_id uuid,
    org_id uuid,
    action text NOT NULL,
    entity text NOT NULL,
    entity_id uuid,
    changes jsonb NOT NULL,
    address text NOT NULL,
    user_agent text NOT NULL,
    request_id text NOT NULL,
    operation text DEFAULT ''::text NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL
);
CREATE FUNCTION audit.content(e audit.entries, chain uuid, place bigint) RETURNS text
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    RETURN (jsonb_build_array(chain, place, (e).id, ((EXTRACT(epoch FROM (e).at) * (1000000)::numeric))::bigint, (e).user_id, (e).org_id, (e).action, (e).operation, (e).entity, (e).entity_id, (e).changes, (e).address, (e).user_agent, (e).request_id))::text;
CREATE TABLE audit.heads (
    chain uuid NOT NULL,
    place bigint NOT NULL,
    hash bytea NOT NULL
)
WITH (fillfactor='50');
CREATE FUNCTION audit.put_head(head audit.heads) RETURNS void
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    BEGIN ATOMIC
 INSERT INTO audit.heads (chain, place, hash)
   VALUES ((put_head.head).chain, (put_head.head).place, (put_head.head).hash) ON CONFLICT(chain) DO UPDATE SET place = excluded.place, hash = excluded.hash;
END;
CREATE FUNCTION audit.seal(p_max integer) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
    declare
        nobody constant uuid := '00000000-0000-0000-0000-000000000000';
        this_system constant bigint := (select c.system_identifier from pg_control_system() c);
        s audit.sealer%rowtype;
        horizon xid8 := pg_snapshot_xmin(pg_current_snapshot());
        moved_here boolean;
        batch bigint[];
        r record;
        head audit.heads%rowtype;
    begin
        select * into s from audit.sealer;
        moved_here := s.system_identifier <> this_system;
        perform from audit.entries e
          where (e.transaction_id, e.id) > (s.transaction_id, s.entry_id)
            and e.transaction_id < horizon limit 1;
        if not found and s.system_identifier is not distinct from this_system then
            return 0; -- without a transaction id of our own
        end if;
        select * into s from audit.sealer for update skip locked;
        if not found then
            return 0;
        end if;
        moved_here := s.system_identifier <> this_system;
        if moved_here then
            -- Restored from a dump into another cluster, whose transactions have other numbers:
            -- all that came with it has been committed.
            select array_agg(e.id) into batch from audit.entries e
             where not exists (select from audit.links l where l.entry_id = e.id);
        else
            select array_agg(due.id order by due.transaction_id, due.id) into batch
              from (select e.id, e.transaction_id from audit.entries e
                     where (e.transaction_id, e.id) > (s.transaction_id, s.entry_id)
                       and e.transaction_id < horizon
                     order by e.transaction_id, e.id limit p_max) as due;
        end if;
        for r in
            select e as entry, coalesce(e.org_id, nobody) as chain, e.id
              from audit.entries e
             where e.id = any (batch)
               and not exists (select from audit.links l where l.entry_id = e.id)
             order by 2, e.transaction_id, e.id loop
            if head.chain is distinct from r.chain then
                if head.chain is not null then
                    perform audit.put_head(head);
                end if;
                select * into head from audit.heads h where h.chain = r.chain for update;
                if not found then
                    head := (r.chain, 0, decode(repeat('00', 32), 'hex'));
                end if;
            end if;
            head.place := head.place + 1;
            head.hash := sha256(head.hash ||
                convert_to(audit.content(r.entry, head.chain, head.place), 'UTF8'));
            insert into audit.links (entry_id, chain, place, hash)
            values (r.id, head.chain, head.place, head.hash);
        end loop;
        if head.chain is not null then
            perform audit.put_head(head);
        end if;
        if moved_here or coalesce(cardinality(batch), 0) < p_max then
            update audit.sealer set transaction_id = horizon, entry_id = 0,
                                    system_identifier = this_system;
        else
            update audit.sealer x set transaction_id = e.transaction_id, entry_id = e.id,
                                      system_identifier = this_system
              from audit.entries e where e.id = batch[cardinality(batch)];
        end if;
        return coalesce(cardinality(batch), 0);
    end $$;
CREATE FUNCTION audit.side(changes jsonb, lone text, other text, part text) RETURNS jsonb
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    SET search_path TO 'pg_catalog'
    RETURN CASE WHEN ((changes ? lone) AND (NOT ((changes -> lone) ? part))) THEN (changes -> lone) WHEN ((changes ? other) AND (NOT ((changes -> other) ? part))) THEN NULL::jsonb ELSE (SELECT jsonb_object_agg(each.key, (each.value -> side.part)) AS jsonb_object_agg FROM jsonb_each(side.changes) each(key, value)) END;
CREATE FUNCTION audit.waiting() RETURNS TABLE(rows bigint, since timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
        return query
            select count(*), min(w.at)
              from (select e.at from audit.entries e
                     where (e.transaction_id, e.id) >
                           (select s.transaction_id, s.entry_id from audit.sealer s)
                     order by e.transaction_id, e.id limit 10000) as w;
    end $$;
CREATE TABLE catalog.categories (
    id uuid NOT NULL,
    name text NOT NULL,
    name_lower text GENERATED ALWAYS AS (lower(name)) STORED NOT NULL,
    slug text NOT NULL,
    description text,
    parent_id uuid,
    image_url text,
    product_attributes jsonb DEFAULT '[]'::jsonb NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT categories_description_check CHECK ((length(description) <= 5000)),
    CONSTRAINT categories_image_url_check CHECK ((length(image_url) <= 2048)),
    CONSTRAINT categories_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255))),
    CONSTRAINT categories_not_own_parent CHECK ((parent_id <> id))
);
CREATE FUNCTION catalog.is_under(below uuid, above uuid) RETURNS boolean
    LANGUAGE sql STABLE STRICT
    BEGIN ATOMIC
 WITH RECURSIVE up(id, parent_id) AS (
          SELECT c.id,
             c.parent_id
            FROM catalog.categories c
           WHERE (c.id = is_under.below)
         UNION
          SELECT c.id,
             c.parent_id
            FROM (catalog.categories c
              JOIN up ON ((c.id = up.parent_id)))
         )
  SELECT (EXISTS ( SELECT
            FROM up
           WHERE (up.id = is_under.above))) AS "exists";
END;
CREATE FUNCTION events.maintain(keep interval) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    SET lock_timeout TO '2s'
    AS $_$
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
end $_$;
CREATE FUNCTION events.put_in_order() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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
CREATE FUNCTION events.rebase() RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO ''
    AS $$
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
CREATE FUNCTION events.search(sought_subjects text[], sought_key uuid, since timestamp with time zone, until timestamp with time zone, sought_org uuid, before bigint, take integer) RETURNS TABLE(id bigint, event_id uuid, subject text, key uuid, priority text, data jsonb, version integer, user_id uuid, org_id uuid, correlation_id text, created_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO ''
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
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
CREATE FUNCTION files.find_picture(p_name text) RETURNS TABLE(object_id uuid, media_type text, size bigint)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        select p.object_id, p.media_type, p.size from files.pictures p
         where p.name = p_name order by p.object_id limit 1
    $$;
CREATE FUNCTION identity.caller() RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    AS $$ select nullif(current_setting('haat.user_id', true), '')::uuid $$;
CREATE FUNCTION identity.clear_failures(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    declare
        pair_key constant bytea := identity.failure_key(p_email_lower || '|' || p_address);
        pair identity.sign_in_failures%rowtype;
    begin
        select * into pair from identity.sign_in_failures f
         where f.scope = 'pair' and f.key = pair_key for update;
        if pair.failures >= p_pair_max and pair.until > p_now then
            return false;
        end if;
        delete from identity.sign_in_failures f where f.scope = 'pair' and f.key = pair_key;
        return true;
    end $$;
CREATE FUNCTION identity.count_failure(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer, p_email_max integer, p_address_max integer, p_window_seconds integer) RETURNS TABLE(failures integer, locked_until timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    #variable_conflict use_column
    declare
        span constant interval := make_interval(secs => p_window_seconds);
        pair record;
        everywhere record;
    begin
        delete from identity.sign_in_failures f
         where (f.scope, f.key) in (select o.scope, o.key from identity.sign_in_failures o
                                     where o.until <= p_now order by o.until limit 10
                                       for update skip locked);
        select * into pair from identity.count_one_failure(
            'pair', p_email_lower || '|' || p_address, p_pair_max, p_now, span);
        select * into everywhere from identity.count_one_failure(
            'email', p_email_lower, p_email_max, p_now, span);
        perform identity.count_one_failure('address', p_address, p_address_max, p_now, span);
        if everywhere.failures >= p_email_max then
            update identity.users u set locked_until = everywhere.until
             where u.email_lower = p_email_lower
               and u.locked_until is distinct from everywhere.until;
        end if;
        return query select pair.failures,
                            case when pair.failures >= p_pair_max then pair.until end;
    end $$;
CREATE FUNCTION identity.count_one_failure(p_scope text, p_text text, p_max integer, p_now timestamp with time zone, p_window interval, OUT failures integer, OUT until timestamp with time zone) RETURNS record
    LANGUAGE sql
    SET search_path TO 'pg_catalog'
    AS $$
        insert into identity.sign_in_failures as f (scope, key, failures, until)
        values (p_scope, identity.failure_key(p_text), 1, p_now + p_window)
        on conflict (scope, key) do update
           set failures = case when f.until <= p_now then 1 else f.failures + 1 end,
               until = case when f.until <= p_now or f.failures + 1 = p_max
                            then p_now + p_window else f.until end
        returning failures, until
    $$;
CREATE FUNCTION identity.failure_key(p_text text) RETURNS bytea
    LANGUAGE sql IMMUTABLE
    SET search_path TO 'pg_catalog'
    AS $$ select sha256(convert_to(p_text, 'UTF8')) $$;
CREATE FUNCTION identity.find_sign_in(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer, p_email_max integer, p_address_max integer) RETURNS TABLE(user_id uuid, password_hash text, platform_role text, is_active boolean, deactivation_reason text, is_member boolean, locked_until timestamp with time zone, blocked_until timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        select u.id, u.password_hash, coalesce(u.platform_role, 'customer'),
               coalesce(u.is_active, true), u.deactivation_reason,
               exists (select from identity.memberships m where m.user_id = u.id),
               greatest(case when u.locked_until > p_now then u.locked_until end, pair.until,
                        everywhere.until),
               address.until
          from (values (1)) as one
          left join identity.users u on u.email_lower = p_email_lower
          left join identity.sign_in_failures pair
            on pair.scope = 'pair' and pair.until > p_now and pair.failures >= p_pair_max
           and pair.key = identity.failure_key(p_email_lower || '|' || p_address)
          left join identity.sign_in_failures everywhere
            on everywhere.scope = 'email' and everywhere.until > p_now
           and everywhere.failures >= p_email_max
           and everywhere.key = identity.failure_key(p_email_lower)
          left join identity.sign_in_failures address
            on address.scope = 'address' and address.until > p_now
           and address.failures >= p_address_max
           and address.key = identity.failure_key(p_address)
    $$;
CREATE FUNCTION identity.found_organization(p_id uuid, p_display_name text, p_owner_name text, p_slug text, p_gstin text, p_pan text, p_state_code text, p_currency text, p_time_zone text, p_fiscal_year_start integer, p_now timestamp with time zone, p_owned_max integer) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    declare
        caller constant uuid := identity.caller();
        name_of_owner text;
        chosen_slug text;
    begin
        -- Holds off the caller's other attempts, so that the count below is true.
        select coalesce(p_owner_name, u.full_name) into strict name_of_owner
          from identity.users u where u.id = caller for no key update;
        if (select count(*) from identity.memberships m
             where m.user_id = caller and m.role = 'OWNER') >= p_owned_max then
            raise exception 'too many organizations'
                using errcode = 'check_violation', constraint = 'organizations_owned_max';
        end if;
        begin
            perform p_now at time zone p_time_zone;
        exception when invalid_parameter_value then
            raise exception 'no such time zone'
                using errcode = 'check_violation', constraint = 'organizations_time_zone_check';
        end;
        foreach chosen_slug in array
            array[p_slug, left(p_slug, 246) || '-' || right(p_id::text, 8)] loop
            insert into identity.organizations (id, display_name, owner_name, slug, gstin, pan,
                                                state_code, currency, time_zone,
                                                fiscal_year_start, created_at, updated_at)
            values (p_id, p_display_name, name_of_owner, chosen_slug, p_gstin, p_pan,
                    coalesce(p_state_code, left(p_gstin, 2)), p_currency, p_time_zone,
                    p_fiscal_year_start, p_now, p_now)
            on conflict on constraint organizations_slug_key do nothing;
            exit when found;
        end loop;
        insert into identity.memberships (org_id, user_id, role, created_at)
        values (p_id, caller, 'OWNER', p_now);
    end $$;
CREATE FUNCTION identity.my_organizations() RETURNS TABLE(id uuid, display_name text, owner_name text, slug text, gstin text, pan text, state_code text, currency text, time_zone text, fiscal_year_start integer, status text, status_reason text, role text, created_at timestamp with time zone, updated_at timestamp with time zone)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        select o.id, o.display_name, o.owner_name, o.slug, o.gstin, o.pan, o.state_code,
               o.currency::text, o.time_zone, o.fiscal_year_start, o.status, o.status_reason,
               m.role, o.created_at, o.updated_at
          from identity.memberships m
          join identity.organizations o on o.id = m.org_id
         where m.user_id = identity.caller()
    $$;
CREATE FUNCTION identity.open_session(p_session uuid, p_refresh_hash text, p_ip text, p_user_agent text, p_device_info jsonb, p_now timestamp with time zone, p_expires_at timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        update identity.users u set last_login_at = p_now, last_login_ip = p_ip
         where u.id = identity.caller();
        delete from identity.sessions s
         where s.user_id = identity.caller() and s.expires_at < p_now - interval '30 days';
        insert into identity.sessions (id, user_id, refresh_hash, ip, user_agent, device_info,
                                       created_at, expires_at)
        values (p_session, identity.caller(), p_refresh_hash, p_ip, p_user_agent, p_device_info,
                p_now, p_expires_at)
    $$;
CREATE FUNCTION identity.organization_exists(p_org uuid) RETURNS boolean
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select exists (select from identity.organizations o where o.id = p_org) $$;
CREATE FUNCTION identity.register_user(p_email text, p_email_lower text, p_phone text, p_full_name text, p_password_hash text, p_referral_code text, p_referrer_code text, p_now timestamp with time zone) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        insert into identity.users (id, email, email_lower, phone, full_name, password_hash,
                                    referral_code, referred_by, created_at, updated_at)
        values (identity.caller(), p_email, p_email_lower, p_phone, p_full_name, p_password_hash,
                p_referral_code,
                (select r.id from identity.users r where r.referral_code = upper(p_referrer_code)),
                p_now, p_now)
    $$;
CREATE FUNCTION identity.revoke_session(p_session uuid, p_reason text, p_now timestamp with time zone) RETURNS boolean
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        with ended as (
            update identity.sessions s set revoked_at = p_now, revoked_reason = p_reason
             where s.id = p_session and s.user_id = identity.caller() and s.revoked_at is null
            returning 1)
        select exists (select from ended)
    $$;
CREATE FUNCTION identity.rotate_session(p_session uuid, p_presented_hash text, p_successor_hash text, p_now timestamp with time zone, p_expires_at timestamp with time zone, p_grace_seconds integer) RETURNS TABLE(outcome text, expires_at timestamp with time zone)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    #variable_conflict use_column
    declare
        s identity.sessions%rowtype;
        active boolean;
    begin
        select * into s from identity.sessions o
         where o.id = p_session and o.user_id = identity.caller() for update;
        if not found then
            return query select 'unknown', p_now;
            return;
        end if;
        select u.is_active into active from identity.users u where u.id = s.user_id;
        if s.revoked_at is not null or s.expires_at <= p_now then
            return query select 'ended', s.expires_at;
        elsif not active then
            return query select 'inactive', s.expires_at;
        elsif s.refresh_hash = p_presented_hash then
            update identity.sessions o
               set previous_hash = p_presented_hash, refresh_hash = p_successor_hash,
                   rotated_at = p_now, expires_at = p_expires_at
             where o.id = p_session;
            return query select 'rotated', p_expires_at;
        elsif s.previous_hash = p_presented_hash and s.refresh_hash = p_successor_hash
              and s.rotated_at > p_now - make_interval(secs => p_grace_seconds) then
            return query select 'repeated', s.expires_at;
        else
            update identity.sessions o set revoked_at = p_now, revoked_reason = 'refresh_reuse'
             where o.id = p_session;
            return query select 'reused', s.expires_at;
        end if;
    end $$;
CREATE FUNCTION identity.standing(p_user uuid, p_session uuid, p_now timestamp with time zone) RETURNS TABLE(is_live boolean, platform_role text, memberships jsonb)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        select exists (select from identity.sessions s
                        where s.id = p_session and s.user_id = p_user and s.revoked_at is null
                          and s.expires_at > p_now) and coalesce(u.is_active, false),
               coalesce(u.platform_role, 'customer'),
               coalesce((select jsonb_agg(jsonb_build_object('id', m.org_id,
                                                             'displayName', o.display_name,
                                                             'role', m.role)
                                          order by m.created_at, m.org_id)
                           from identity.memberships m
                           join identity.organizations o on o.id = m.org_id
                          where m.user_id = p_user), '[]')
          from (values (1)) as one
          left join identity.users u on u.id = p_user
    $$;
CREATE FUNCTION identity.upgrade_password(p_old_hash text, p_new_hash text) RETURNS void
    LANGUAGE sql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
        update identity.users u set password_hash = p_new_hash
         where u.id = identity.caller() and u.password_hash = p_old_hash
    $$;
CREATE FUNCTION jobs.cancel(p_id uuid) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION jobs.count_ended(p_queue text, p_batch uuid, p_count integer, p_failed integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION jobs.declare_queue(p_name text, p_concurrency_max integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION jobs.exchange(p_runner uuid, p_plain uuid[], p_plain_attempts integer[], p_done uuid[], p_attempts integer[], p_ended jsonb, p_queue text, p_max integer, p_after uuid, p_level integer, p_behind uuid) RETURNS SETOF jobs.claimed
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    SET plan_cache_mode TO 'force_generic_plan'
    SET enable_seqscan TO 'off'
    SET enable_bitmapscan TO 'off'
    SET enable_sort TO 'off'
    SET enable_hashjoin TO 'off'
    SET enable_mergejoin TO 'off'
    AS $$
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
CREATE FUNCTION jobs.finish(p_runner uuid, p_id uuid, p_attempt integer, p_result jsonb) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        perform from jobs.queue q
          where q.id = p_id and q.runner = p_runner and q.attempt = p_attempt for update;
        if not found then
            raise exception 'the job is no longer this runner''s' using errcode = 'HJ001';
        end if;
        perform jobs.put_away(p_id, 'done', p_result, null);
    end $$;
CREATE FUNCTION jobs.give_back(p_runner uuid, p_but uuid[], p_counts boolean) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION jobs.hold(p_runner uuid, p_id uuid, p_attempt integer) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        perform from jobs.queue q
          where q.id = p_id and q.runner = p_runner and q.attempt = p_attempt for share;
        if not found then
            raise exception 'the job is no longer this runner''s' using errcode = 'HJ001';
        end if;
    end $$;
CREATE FUNCTION jobs.leave(p_runner uuid) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        perform jobs.give_back(p_runner, '{}', false);
        delete from jobs.runners r
         where r.id = p_runner
           and not exists (select from jobs.queue q where q.runner = p_runner);
    end $$;
CREATE FUNCTION jobs.put_away(p_id uuid, p_state text, p_result jsonb, p_error text) RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION jobs.require_administrator() RETURNS void
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
    end $$;
CREATE FUNCTION jobs.retry(p_id uuid) RETURNS text
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION jobs.set_paused(p_queue text, p_paused boolean) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        perform jobs.require_administrator();
        update jobs.queues q set paused = p_paused, updated_at = now() where q.name = p_queue;
        return found;
    end $$;
CREATE FUNCTION jobs.settle(p_runner uuid, p_done uuid[], p_attempts integer[], p_ended jsonb, p_limited boolean) RETURNS void
    LANGUAGE plpgsql
    AS $$
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
CREATE FUNCTION jobs.tick() RETURNS TABLE(queues text[], next_at timestamp with time zone, given_back integer)
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION notify.acting_owner() RETURNS uuid
    LANGUAGE sql STABLE
    SET search_path TO 'pg_catalog'
    RETURN (COALESCE(NULLIF(current_setting('haat.org_id'::text, true), ''::text), '00000000-0000-0000-0000-000000000000'::text))::uuid;
CREATE FUNCTION notify.check_move() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        if (old.status, new.status) in (
               ('PENDING', 'SENT'), ('PENDING', 'FAILED'), ('PENDING', 'CANCELLED'),
               ('SENT', 'DELIVERED'), ('SENT', 'READ'), ('SENT', 'FAILED'),
               ('DELIVERED', 'READ'), ('FAILED', 'PENDING')) then
            return new;
        end if;
        raise exception 'a message does not go from % to %', old.status, new.status
            using errcode = 'check_violation', constraint = 'messages_move', schema = 'notify',
                  table = 'messages';
    end $$;
CREATE FUNCTION platform.containing(sought text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (('%'::text || replace(replace(replace(lower(sought), '\'::text, '\\'::text), '%'::text, '\%'::text), '_'::text, '\_'::text)) || '%'::text);
CREATE FUNCTION privacy.erase(p_person uuid) RETURNS integer
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    declare
        gone integer;
    begin
        if coalesce(current_setting('haat.role', true), '') not in ('admin', 'system')
           and p_person::text is distinct from current_setting('haat.user_id', true) then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
        perform pg_advisory_xact_lock(hashtextextended('haat.person ' || p_person, 0));
        insert into privacy.erased (person) values (p_person) on conflict do nothing;
        delete from privacy.keys k where k.person = p_person;
        get diagnostics gone = row_count;
        return gone;
    end $$;
CREATE FUNCTION privacy.find_keys(p_ids uuid[]) RETURNS TABLE(id uuid, person uuid, sealed text)
    LANGUAGE sql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$ select k.id, k.person, k.sealed from privacy.keys k where k.id = any (p_ids) $$;
CREATE FUNCTION privacy.keep_key(p_id uuid, p_person uuid, p_sealed text) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        perform pg_advisory_xact_lock_shared(hashtextextended('haat.person ' || p_person, 0));
        insert into privacy.keys (id, person, sealed)
        select p_id, p_person, p_sealed
         where not exists (select from privacy.erased e where e.person = p_person);
    end $$;
CREATE FUNCTION webhooks.abandon(p_endpoint uuid, p_error text) RETURNS integer
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
    declare
        touched integer;
    begin
        update webhooks.deliveries d
           set state = 'failed', last_error = p_error, settled_at = clock_timestamp()
         where d.endpoint_id = p_endpoint and d.state = 'waiting';
        get diagnostics touched = row_count;
        return touched;
    end $$;
CREATE FUNCTION webhooks.give_up(p_endpoint uuid, p_reason text, p_request text) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION webhooks.overview() RETURNS TABLE(id uuid, org_id uuid, url text, is_enabled boolean, is_switched_off boolean, disabled_reason text, failing_since timestamp with time zone, last_success_at timestamp with time zone, last_error text, waiting bigint, failed bigint, created_at timestamp with time zone)
    LANGUAGE plpgsql STABLE SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
        return query
            select e.id, e.org_id, e.url, e.is_enabled, e.is_switched_off, e.disabled_reason,
                   e.failing_since, e.last_success_at, e.last_error, w.n, f.n, e.created_at
              from webhooks.endpoints e
             cross join lateral (select count(*) as n from webhooks.deliveries d
                                  where d.endpoint_id = e.id and d.state = 'waiting') as w
             cross join lateral (select count(*) as n from webhooks.deliveries d
                                  where d.endpoint_id = e.id and d.state = 'failed'
                                    and d.created_at > now() - interval '3 days') as f;
    end $$;
CREATE FUNCTION webhooks.record(p_endpoint uuid, p_attempts jsonb, p_trouble bigint, p_error text) RETURNS timestamp with time zone
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog'
    AS $$
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
CREATE FUNCTION webhooks.switch_off(p_endpoint uuid, p_reason text) RETURNS TABLE(id uuid, org_id uuid, url text, subjects text[], disabled_reason text, is_enabled boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
        return query
            update webhooks.endpoints e
               set is_enabled = false, is_switched_off = true, disabled_reason = p_reason,
                   disabled_at = now(), updated_at = now()
             where e.id = p_endpoint
            returning e.id, e.org_id, e.url, e.subjects, e.disabled_reason, e.is_enabled;
        perform webhooks.abandon(p_endpoint, 'the endpoint was disabled');
    end $$;
CREATE FUNCTION webhooks.switch_on(p_endpoint uuid) RETURNS TABLE(id uuid, org_id uuid, url text, subjects text[], disabled_reason text, is_enabled boolean, was_switched_off boolean)
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog'
    AS $$
    declare
        was boolean;
    begin
        if current_setting('haat.role', true) is distinct from 'admin' then
            raise exception 'only administrators may' using errcode = 'insufficient_privilege';
        end if;
        select e.is_switched_off into was from webhooks.endpoints e
         where e.id = p_endpoint for update;
        if was then
            update webhooks.endpoints e
               set is_enabled = true, is_switched_off = false, disabled_reason = null,
                   disabled_at = null, failing_since = null, not_before = null,
                   failures_in_row = 0, updated_at = now()
             where e.id = p_endpoint;
        end if;
        return query
            select e.id, e.org_id, e.url, e.subjects, e.disabled_reason, e.is_enabled, was
              from webhooks.endpoints e where e.id = p_endpoint;
    end $$;
ALTER TABLE audit.entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE audit.links (
    entry_id bigint NOT NULL,
    chain uuid NOT NULL,
    place bigint NOT NULL,
    hash bytea NOT NULL,
    sealed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT links_hash_check CHECK ((length(hash) = 32)),
    CONSTRAINT links_place_check CHECK ((place > 0))
);
CREATE TABLE audit.sealer (
    lone boolean DEFAULT true NOT NULL,
    transaction_id xid8 DEFAULT '0'::xid8 NOT NULL,
    entry_id bigint DEFAULT 0 NOT NULL,
    system_identifier bigint,
    CONSTRAINT sealer_lone_check CHECK (lone)
)
WITH (fillfactor='10');
CREATE TABLE catalog.brands (
    id uuid NOT NULL,
    name text NOT NULL,
    name_lower text GENERATED ALWAYS AS (lower(name)) STORED NOT NULL,
    slug text NOT NULL,
    description text,
    country text,
    logo_url text,
    metadata jsonb DEFAULT '{}'::jsonb NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT brands_country_check CHECK ((length(country) <= 100)),
    CONSTRAINT brands_description_check CHECK ((length(description) <= 5000)),
    CONSTRAINT brands_logo_url_check CHECK ((length(logo_url) <= 2048)),
    CONSTRAINT brands_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255)))
);
CREATE TABLE events.cursors (
    sink text NOT NULL,
    shard smallint NOT NULL,
    ordinal bigint DEFAULT 0 NOT NULL,
    id bigint DEFAULT 0 NOT NULL,
    fence bigint DEFAULT 0 NOT NULL,
    leased_by uuid,
    leased_until timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
)
WITH (fillfactor='50');
CREATE SEQUENCE events.event_numbers
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;
CREATE TABLE events.failures (
    id uuid DEFAULT gen_random_uuid() NOT NULL,
    sink text NOT NULL,
    consumer text NOT NULL,
    shard smallint NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    attempts integer NOT NULL,
    attempts_max integer NOT NULL,
    last_error text NOT NULL,
    failed_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    next_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    ordinal bigint NOT NULL,
    number bigint NOT NULL,
    event_id uuid NOT NULL,
    subject text NOT NULL,
    key uuid NOT NULL,
    priority text NOT NULL,
    data jsonb NOT NULL,
    version integer NOT NULL,
    user_id uuid,
    org_id uuid,
    correlation_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    CONSTRAINT failures_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'parked'::text])))
);
CREATE TABLE events.handled (
    handler text NOT NULL,
    event_id uuid NOT NULL,
    handled_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE events.nodes (
    node uuid NOT NULL,
    name text NOT NULL,
    sinks text[] NOT NULL,
    seen_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
CREATE TABLE events.outbox (
    id bigint DEFAULT 0 NOT NULL,
    event_id uuid NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    ordinal bigint DEFAULT 0 NOT NULL,
    shard smallint DEFAULT 0 NOT NULL,
    subject text NOT NULL,
    key uuid NOT NULL,
    priority text NOT NULL,
    data jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    user_id uuid,
    org_id uuid,
    correlation_id text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outbox_priority_check1 CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT outbox_subject_check1 CHECK ((length(subject) <= 100))
)
PARTITION BY RANGE (created_at);
CREATE TABLE events.outbox_rest (
    id bigint DEFAULT 0 NOT NULL,
    event_id uuid NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    ordinal bigint DEFAULT 0 NOT NULL,
    shard smallint DEFAULT 0 NOT NULL,
    subject text NOT NULL,
    key uuid NOT NULL,
    priority text NOT NULL,
    data jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    user_id uuid,
    org_id uuid,
    correlation_id text NOT NULL,
    created_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    CONSTRAINT outbox_priority_check1 CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT outbox_subject_check1 CHECK ((length(subject) <= 100))
);
CREATE TABLE events.replays (
    id uuid NOT NULL,
    sink text NOT NULL,
    subjects text[] NOT NULL,
    key uuid,
    since timestamp with time zone NOT NULL,
    until timestamp with time zone NOT NULL,
    again boolean DEFAULT false NOT NULL,
    state text DEFAULT 'waiting'::text NOT NULL,
    delivered bigint DEFAULT 0 NOT NULL,
    last_error text DEFAULT ''::text NOT NULL,
    shard smallint DEFAULT 0 NOT NULL,
    ordinal bigint DEFAULT '-9223372036854775808'::bigint NOT NULL,
    number bigint DEFAULT 0 NOT NULL,
    fence bigint DEFAULT 0 NOT NULL,
    leased_until timestamp with time zone,
    requested_at timestamp with time zone DEFAULT now() NOT NULL,
    finished_at timestamp with time zone,
    CONSTRAINT replays_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'done'::text, 'failed'::text])))
);
CREATE TABLE events.sinks (
    name text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    seen_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT sinks_name_check CHECK (((length(name) >= 1) AND (length(name) <= 60)))
);
CREATE TABLE files.files (
    id uuid NOT NULL,
    org_id uuid DEFAULT (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid NOT NULL,
    object_id uuid NOT NULL,
    owner_id uuid NOT NULL,
    name text NOT NULL,
    purpose text NOT NULL,
    media_type text NOT NULL,
    size bigint NOT NULL,
    sha256 text NOT NULL,
    pictures text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT files_media_type_check CHECK ((length(media_type) <= 100)),
    CONSTRAINT files_name_check CHECK (((length(name) >= 1) AND (length(name) <= 255))),
    CONSTRAINT files_pictures_check CHECK ((pictures = ANY (ARRAY['none'::text, 'waiting'::text, 'made'::text, 'refused'::text]))),
    CONSTRAINT files_purpose_check CHECK ((purpose = ANY (ARRAY['image'::text, 'document'::text]))),
    CONSTRAINT files_sha256_check CHECK ((sha256 ~ '^[0-9a-f]{64}$'::text)),
    CONSTRAINT files_size_check CHECK ((size > 0))
);
CREATE TABLE files.objects (
    id uuid NOT NULL,
    org_id uuid NOT NULL,
    state text DEFAULT 'pending'::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    changed_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT objects_state_check CHECK ((state = ANY (ARRAY['pending'::text, 'kept'::text, 'dropped'::text])))
);
CREATE TABLE files.pictures (
    object_id uuid NOT NULL,
    org_id uuid NOT NULL,
    file_id uuid NOT NULL,
    name text NOT NULL,
    media_type text NOT NULL,
    width integer NOT NULL,
    height integer NOT NULL,
    size bigint NOT NULL,
    CONSTRAINT pictures_height_check CHECK ((height > 0)),
    CONSTRAINT pictures_media_type_check CHECK ((media_type = ANY (ARRAY['image/webp'::text, 'image/jpeg'::text]))),
    CONSTRAINT pictures_name_check CHECK ((name ~ '^[0-9a-f]{64}\.(webp|jpg)$'::text)),
    CONSTRAINT pictures_size_check CHECK ((size > 0)),
    CONSTRAINT pictures_width_check CHECK ((width > 0))
);
CREATE TABLE identity.memberships (
    org_id uuid NOT NULL,
    user_id uuid NOT NULL,
    role text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT memberships_role_check CHECK ((role = ANY (ARRAY['OWNER'::text, 'MANAGER'::text, 'ACCOUNTANT'::text, 'STAFF'::text, 'VIEWER'::text])))
);
CREATE TABLE identity.organization_addresses (
    id uuid NOT NULL,
    org_id uuid DEFAULT (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid NOT NULL,
    label text NOT NULL,
    recipient_name text NOT NULL,
    phone text,
    line1 text NOT NULL,
    line2 text,
    landmark text,
    city text NOT NULL,
    state text NOT NULL,
    postal_code text NOT NULL,
    country text NOT NULL,
    lat double precision,
    lng double precision,
    is_default boolean NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organization_addresses_city_check CHECK ((length(city) <= 100)),
    CONSTRAINT organization_addresses_country_check CHECK ((length(country) <= 100)),
    CONSTRAINT organization_addresses_label_check CHECK ((length(label) <= 50)),
    CONSTRAINT organization_addresses_landmark_check CHECK ((length(landmark) <= 255)),
    CONSTRAINT organization_addresses_lat_check CHECK (((lat >= ('-90'::integer)::double precision) AND (lat <= (90)::double precision))),
    CONSTRAINT organization_addresses_line1_check CHECK ((length(line1) <= 255)),
    CONSTRAINT organization_addresses_line2_check CHECK ((length(line2) <= 255)),
    CONSTRAINT organization_addresses_lng_check CHECK (((lng >= ('-180'::integer)::double precision) AND (lng <= (180)::double precision))),
    CONSTRAINT organization_addresses_phone_check CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT organization_addresses_postal_code_check CHECK ((length(postal_code) <= 30)),
    CONSTRAINT organization_addresses_recipient_name_check CHECK ((length(recipient_name) <= 255)),
    CONSTRAINT organization_addresses_state_check CHECK ((length(state) <= 100))
);
CREATE TABLE identity.organizations (
    id uuid NOT NULL,
    display_name text NOT NULL,
    owner_name text NOT NULL,
    slug text NOT NULL,
    gstin text,
    pan text,
    state_code text,
    currency character(3) DEFAULT 'INR'::bpchar NOT NULL,
    time_zone text DEFAULT 'Asia/Kolkata'::text NOT NULL,
    fiscal_year_start integer DEFAULT 4 NOT NULL,
    settings jsonb DEFAULT '{}'::jsonb NOT NULL,
    status text DEFAULT 'unauthorized'::text NOT NULL,
    status_reason text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT organizations_currency_check CHECK ((currency ~ '^[A-Z]{3}$'::text)),
    CONSTRAINT organizations_display_name_check CHECK (((length(display_name) >= 1) AND (length(display_name) <= 150))),
    CONSTRAINT organizations_fiscal_year_start_check CHECK (((fiscal_year_start >= 1) AND (fiscal_year_start <= 12))),
    CONSTRAINT organizations_gstin_check CHECK ((gstin ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$'::text)),
    CONSTRAINT organizations_owner_name_check CHECK (((length(owner_name) >= 1) AND (length(owner_name) <= 120))),
    CONSTRAINT organizations_pan_check CHECK ((pan ~ '^[A-Z]{5}[0-9]{4}[A-Z]$'::text)),
    CONSTRAINT organizations_settings_check CHECK ((jsonb_typeof(settings) = 'object'::text)),
    CONSTRAINT organizations_slug_check CHECK (((slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'::text) AND (length(slug) <= 255))),
    CONSTRAINT organizations_state_code_check CHECK ((state_code ~ '^[0-9]{2}$'::text)),
    CONSTRAINT organizations_status_check CHECK ((status = ANY (ARRAY['unauthorized'::text, 'authorized'::text, 'deactivated'::text]))),
    CONSTRAINT organizations_status_reason_check CHECK ((length(status_reason) <= 500)),
    CONSTRAINT organizations_time_zone_check CHECK (((time_zone ~ '^[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+)*$'::text) AND (length(time_zone) <= 64)))
);
CREATE TABLE identity.sessions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    refresh_hash text NOT NULL,
    previous_hash text,
    device_info jsonb DEFAULT '{}'::jsonb NOT NULL,
    ip text NOT NULL,
    user_agent text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    rotated_at timestamp with time zone,
    revoked_at timestamp with time zone,
    revoked_reason text,
    CONSTRAINT sessions_ip_check CHECK ((length(ip) <= 45)),
    CONSTRAINT sessions_previous_hash_check CHECK ((length(previous_hash) = 43)),
    CONSTRAINT sessions_refresh_hash_check CHECK ((length(refresh_hash) = 43)),
    CONSTRAINT sessions_revoked_pair CHECK (((revoked_at IS NULL) = (revoked_reason IS NULL))),
    CONSTRAINT sessions_revoked_reason_check CHECK ((length(revoked_reason) <= 100)),
    CONSTRAINT sessions_user_agent_check CHECK ((length(user_agent) <= 255))
)
WITH (fillfactor='80');
CREATE TABLE identity.sign_in_failures (
    scope text NOT NULL,
    key bytea NOT NULL,
    failures integer NOT NULL,
    until timestamp with time zone NOT NULL,
    CONSTRAINT sign_in_failures_scope_check CHECK ((scope = ANY (ARRAY['pair'::text, 'email'::text, 'address'::text])))
)
WITH (fillfactor='70');
CREATE TABLE identity.users (
    id uuid NOT NULL,
    email text,
    email_lower text,
    email_verified_at timestamp with time zone,
    phone text,
    phone_verified_at timestamp with time zone,
    full_name text NOT NULL,
    password_hash text,
    platform_role text DEFAULT 'customer'::text NOT NULL,
    is_active boolean DEFAULT true NOT NULL,
    deactivation_reason text,
    locked_until timestamp with time zone,
    last_login_at timestamp with time zone,
    last_login_ip text,
    referral_code text NOT NULL,
    referred_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT users_deactivation_reason_check CHECK ((length(deactivation_reason) <= 500)),
    CONSTRAINT users_email_check CHECK ((length(email) <= 254)),
    CONSTRAINT users_email_lower_check CHECK ((length(email_lower) <= 254)),
    CONSTRAINT users_email_pair CHECK (((email IS NULL) = (email_lower IS NULL))),
    CONSTRAINT users_full_name_check CHECK (((length(full_name) >= 1) AND (length(full_name) <= 120))),
    CONSTRAINT users_last_login_ip_check CHECK ((length(last_login_ip) <= 45)),
    CONSTRAINT users_password_hash_check CHECK ((length(password_hash) <= 255)),
    CONSTRAINT users_phone_check CHECK ((phone ~ '^\+[1-9][0-9]{6,14}$'::text)),
    CONSTRAINT users_platform_role_check CHECK ((platform_role = ANY (ARRAY['customer'::text, 'admin'::text, 'system'::text]))),
    CONSTRAINT users_reachable CHECK (((email_lower IS NOT NULL) OR (phone_verified_at IS NOT NULL)))
)
WITH (fillfactor='90');
CREATE TABLE jobs.batches (
    id uuid NOT NULL,
    then_id uuid NOT NULL,
    total integer NOT NULL,
    unfinished integer NOT NULL,
    failed integer DEFAULT 0 NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT batches_unfinished_check CHECK ((unfinished >= 0))
);
CREATE TABLE jobs.crons (
    name text NOT NULL,
    expression text NOT NULL,
    zone text NOT NULL,
    next_at timestamp with time zone NOT NULL,
    last_at timestamp with time zone,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE jobs.finished (
    id uuid NOT NULL,
    share uuid NOT NULL,
    user_id uuid,
    created_at timestamp with time zone NOT NULL,
    run_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    finished_at timestamp with time zone NOT NULL,
    keep_until timestamp with time zone NOT NULL,
    attempt integer NOT NULL,
    attempts_max integer NOT NULL,
    keep_seconds integer NOT NULL,
    priority smallint NOT NULL,
    progress smallint,
    state text NOT NULL,
    queue text NOT NULL,
    name text NOT NULL,
    unique_key text,
    correlation_id text NOT NULL,
    note text,
    error text,
    payload jsonb NOT NULL,
    result jsonb,
    CONSTRAINT finished_state_check CHECK ((state = ANY (ARRAY['done'::text, 'dead'::text, 'cancelled'::text])))
);
CREATE TABLE jobs.queue (
    id uuid NOT NULL,
    share uuid NOT NULL,
    runner uuid,
    batch_id uuid,
    user_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    run_at timestamp with time zone NOT NULL,
    started_at timestamp with time zone,
    attempt integer DEFAULT 0 NOT NULL,
    attempts_max integer NOT NULL,
    keep_seconds integer NOT NULL,
    priority smallint NOT NULL,
    progress smallint,
    due boolean NOT NULL,
    cancelled boolean DEFAULT false NOT NULL,
    queue text NOT NULL,
    name text NOT NULL,
    unique_key text,
    correlation_id text NOT NULL,
    note text,
    error text,
    payload jsonb NOT NULL
)
WITH (autovacuum_vacuum_scale_factor='0', autovacuum_vacuum_threshold='20000', autovacuum_vacuum_cost_delay='0', fillfactor='42');
CREATE VIEW jobs.everything WITH (security_invoker='true') AS
 SELECT q.id,
    q.share,
    q.user_id,
    q.created_at,
    NULLIF(q.run_at, 'infinity'::timestamp with time zone) AS run_at,
    q.started_at,
    NULL::timestamp with time zone AS finished_at,
    q.attempt,
    q.attempts_max,
    q.priority,
    q.progress,
        CASE
            WHEN (q.runner IS NOT NULL) THEN 'running'::text
            WHEN q.due THEN 'waiting'::text
            ELSE 'later'::text
        END AS state,
    q.queue,
    q.name,
    q.unique_key,
    q.correlation_id,
    q.note,
    q.error,
    q.payload,
    NULL::jsonb AS result,
    q.cancelled AS is_cancelling
   FROM jobs.queue q
UNION ALL
 SELECT f.id,
    f.share,
    f.user_id,
    f.created_at,
    f.run_at,
    f.started_at,
    f.finished_at,
    f.attempt,
    f.attempts_max,
    f.priority,
    f.progress,
    f.state,
    f.queue,
    f.name,
    f.unique_key,
    f.correlation_id,
    f.note,
    f.error,
    f.payload,
    f.result,
    false AS is_cancelling
   FROM jobs.finished f;
CREATE TABLE jobs.queues (
    name text NOT NULL,
    paused boolean DEFAULT false NOT NULL,
    concurrency_max integer,
    running integer DEFAULT 0 NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT queues_concurrency_max_check CHECK ((concurrency_max > 0))
);
CREATE TABLE jobs.runners (
    id uuid NOT NULL,
    process text NOT NULL,
    started_at timestamp with time zone DEFAULT now() NOT NULL,
    lease_until timestamp with time zone NOT NULL
);
CREATE TABLE notify.attempts (
    message_id uuid NOT NULL,
    org_id uuid,
    number integer NOT NULL,
    provider text NOT NULL,
    started_at timestamp with time zone NOT NULL,
    ended_at timestamp with time zone,
    outcome text,
    code text DEFAULT ''::text NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    perhaps_sent boolean DEFAULT false NOT NULL,
    CONSTRAINT attempts_code_check CHECK ((length(code) <= 100)),
    CONSTRAINT attempts_number_check CHECK ((number > 0)),
    CONSTRAINT attempts_outcome_check CHECK ((outcome = ANY (ARRAY['sent'::text, 'permanent'::text, 'temporary'::text, 'throttled'::text, 'misconfigured'::text, 'unknown'::text]))),
    CONSTRAINT attempts_provider_check CHECK ((length(provider) <= 40)),
    CONSTRAINT attempts_reason_check CHECK ((length(reason) <= 1000))
);
CREATE TABLE notify.dev_outbox (
    id bigint NOT NULL,
    message_id uuid NOT NULL,
    channel text NOT NULL,
    recipient text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    html text,
    at timestamp with time zone NOT NULL
);
ALTER TABLE notify.dev_outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME notify.dev_outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE notify.messages (
    id uuid NOT NULL,
    org_id uuid,
    owner_id uuid GENERATED ALWAYS AS (COALESCE(org_id, '00000000-0000-0000-0000-000000000000'::uuid)) STORED NOT NULL,
    channel text NOT NULL,
    type text NOT NULL,
    category text NOT NULL,
    status text DEFAULT 'PENDING'::text NOT NULL,
    recipient_type text NOT NULL,
    recipient_id uuid,
    recipient_name text NOT NULL,
    recipient_contact text,
    user_id uuid GENERATED ALWAYS AS (
CASE
    WHEN (recipient_type = 'USER'::text) THEN recipient_id
    ELSE NULL::uuid
END) STORED,
    title text NOT NULL,
    message text NOT NULL,
    html text,
    template_name text,
    template_data jsonb,
    provider_template text,
    language text DEFAULT ''::text NOT NULL,
    is_urgent boolean DEFAULT false NOT NULL,
    is_secret boolean DEFAULT false NOT NULL,
    send_after timestamp with time zone NOT NULL,
    job_id uuid NOT NULL,
    sending_since timestamp with time zone,
    provider text,
    external_id text,
    retry_count integer DEFAULT 0 NOT NULL,
    max_retries integer DEFAULT 3 NOT NULL,
    failure_reason text,
    sent_at timestamp with time zone,
    delivered_at timestamp with time zone,
    read_at timestamp with time zone,
    created_by uuid,
    party_id uuid,
    customer_id uuid,
    invoice_id uuid,
    sale_id uuid,
    invoice_payment_id uuid,
    sale_receipt_id uuid,
    order_id uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    attachments uuid[] DEFAULT '{}'::uuid[] NOT NULL,
    CONSTRAINT messages_attachments_check CHECK ((cardinality(attachments) <= 10)),
    CONSTRAINT messages_category_check CHECK ((category = ANY (ARRAY['transactional'::text, 'reminder'::text, 'alert'::text, 'general'::text, 'marketing'::text]))),
    CONSTRAINT messages_channel_check CHECK ((channel = ANY (ARRAY['EMAIL'::text, 'SMS'::text, 'WHATSAPP'::text, 'PUSH'::text, 'IN_APP'::text]))),
    CONSTRAINT messages_external_id_check CHECK ((length(external_id) <= 255)),
    CONSTRAINT messages_failure_reason_check CHECK ((length(failure_reason) <= 500)),
    CONSTRAINT messages_html_check CHECK ((length(html) <= 500000)),
    CONSTRAINT messages_language_check CHECK ((length(language) <= 20)),
    CONSTRAINT messages_max_retries_check CHECK (((max_retries >= 0) AND (max_retries <= 10))),
    CONSTRAINT messages_message_check CHECK ((length(message) <= 100000)),
    CONSTRAINT messages_provider_check CHECK ((length(provider) <= 40)),
    CONSTRAINT messages_provider_template_check CHECK ((length(provider_template) <= 100)),
    CONSTRAINT messages_recipient_contact_check CHECK ((length(recipient_contact) <= 320)),
    CONSTRAINT messages_recipient_name_check CHECK ((length(recipient_name) <= 255)),
    CONSTRAINT messages_recipient_type_check CHECK ((recipient_type = ANY (ARRAY['CUSTOMER'::text, 'PARTY'::text, 'USER'::text]))),
    CONSTRAINT messages_retries CHECK (((retry_count >= 0) AND (retry_count <= max_retries))),
    CONSTRAINT messages_status_check CHECK ((status = ANY (ARRAY['PENDING'::text, 'SENT'::text, 'DELIVERED'::text, 'READ'::text, 'FAILED'::text, 'CANCELLED'::text]))),
    CONSTRAINT messages_template_data_check CHECK ((jsonb_typeof(template_data) = 'object'::text)),
    CONSTRAINT messages_template_name_check CHECK ((length(template_name) <= 100)),
    CONSTRAINT messages_title_check CHECK ((length(title) <= 500)),
    CONSTRAINT messages_type_check CHECK ((type = ANY (ARRAY['PAYMENT_REMINDER'::text, 'PAYMENT_CONFIRMATION'::text, 'INVOICE_CREATED'::text, 'INVOICE_OVERDUE'::text, 'SALE_CREATED'::text, 'ORDER_CONFIRMATION'::text, 'ORDER_STATUS_UPDATE'::text, 'STOCK_ALERT'::text, 'LOW_STOCK_ALERT'::text, 'REORDER_ALERT'::text, 'CUSTOM'::text, 'WELCOME'::text, 'BIRTHDAY'::text, 'ANNIVERSARY'::text, 'PROMOTIONAL'::text, 'SYSTEM_ALERT'::text, 'BACKUP_COMPLETED'::text, 'BACKUP_FAILED'::text])))
)
WITH (fillfactor='80');
CREATE TABLE notify.preferences (
    org_id uuid,
    recipient_type text NOT NULL,
    recipient_id uuid NOT NULL,
    language text DEFAULT ''::text NOT NULL,
    time_zone text DEFAULT 'Asia/Kolkata'::text NOT NULL,
    quiet_from integer,
    quiet_until integer,
    choices jsonb DEFAULT '[]'::jsonb NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT preferences_choices_check CHECK ((jsonb_typeof(choices) = 'array'::text)),
    CONSTRAINT preferences_language_check CHECK ((length(language) <= 20)),
    CONSTRAINT preferences_owner CHECK (((recipient_type = 'USER'::text) = (org_id IS NULL))),
    CONSTRAINT preferences_quiet CHECK (((quiet_from IS NULL) = (quiet_until IS NULL))),
    CONSTRAINT preferences_quiet_from_check CHECK (((quiet_from >= 0) AND (quiet_from <= 1439))),
    CONSTRAINT preferences_quiet_until_check CHECK (((quiet_until >= 0) AND (quiet_until <= 1439))),
    CONSTRAINT preferences_recipient_type_check CHECK ((recipient_type = ANY (ARRAY['CUSTOMER'::text, 'PARTY'::text, 'USER'::text]))),
    CONSTRAINT preferences_time_zone_check CHECK ((length(time_zone) <= 64))
);
CREATE TABLE notify.push_subscriptions (
    id uuid NOT NULL,
    user_id uuid NOT NULL,
    endpoint text NOT NULL,
    p256dh text NOT NULL,
    auth text NOT NULL,
    user_agent text DEFAULT ''::text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT push_subscriptions_auth_check CHECK ((length(auth) <= 32)),
    CONSTRAINT push_subscriptions_endpoint_check CHECK ((length(endpoint) <= 2048)),
    CONSTRAINT push_subscriptions_p256dh_check CHECK ((length(p256dh) <= 100)),
    CONSTRAINT push_subscriptions_user_agent_check CHECK ((length(user_agent) <= 255))
);
CREATE TABLE notify.receipts (
    provider text NOT NULL,
    external_id text NOT NULL,
    status text NOT NULL,
    at timestamp with time zone NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    received_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT receipts_external_id_check CHECK ((length(external_id) <= 255)),
    CONSTRAINT receipts_provider_check CHECK ((length(provider) <= 40)),
    CONSTRAINT receipts_reason_check CHECK ((length(reason) <= 500)),
    CONSTRAINT receipts_status_check CHECK ((status = ANY (ARRAY['SENT'::text, 'DELIVERED'::text, 'READ'::text, 'FAILED'::text])))
);
CREATE TABLE notify.templates (
    id uuid NOT NULL,
    org_id uuid,
    name text NOT NULL,
    channel text NOT NULL,
    language text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    html text,
    variables text[] DEFAULT '{}'::text[] NOT NULL,
    provider_template text,
    updated_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT templates_body_check CHECK (((length(body) >= 1) AND (length(body) <= 20000))),
    CONSTRAINT templates_channel_check CHECK ((channel = ANY (ARRAY['EMAIL'::text, 'SMS'::text, 'WHATSAPP'::text, 'PUSH'::text, 'IN_APP'::text]))),
    CONSTRAINT templates_html_check CHECK ((length(html) <= 200000)),
    CONSTRAINT templates_language_check CHECK ((language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$'::text)),
    CONSTRAINT templates_name_check CHECK ((name ~ '^[a-z][a-z0-9_]{0,62}$'::text)),
    CONSTRAINT templates_provider_template_check CHECK ((length(provider_template) <= 100)),
    CONSTRAINT templates_subject_check CHECK ((length(subject) <= 255))
);
CREATE TABLE platform.idempotency (
    actor text NOT NULL,
    route text NOT NULL,
    key text NOT NULL,
    body_hash bigint NOT NULL,
    status integer,
    head text,
    body text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT idempotency_key_check CHECK (((length(key) >= 1) AND (length(key) <= 255)))
)
WITH (fillfactor='70');
CREATE TABLE privacy.erased (
    person uuid NOT NULL,
    erased_at timestamp with time zone DEFAULT now() NOT NULL
);
CREATE TABLE privacy.keys (
    id uuid NOT NULL,
    person uuid NOT NULL,
    sealed text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT keys_sealed_check CHECK ((length(sealed) <= 200))
);
CREATE TABLE settings.maintenance (
    lone boolean DEFAULT true NOT NULL,
    is_on boolean DEFAULT false NOT NULL,
    reason text DEFAULT ''::text NOT NULL,
    started_by uuid,
    started_at timestamp with time zone,
    expected_end_at timestamp with time zone,
    completed_at timestamp with time zone,
    CONSTRAINT maintenance_lone_check CHECK (lone),
    CONSTRAINT maintenance_reason_check CHECK ((length(reason) <= 500))
);
CREATE TABLE settings.overrides (
    org_id uuid NOT NULL,
    key text NOT NULL,
    value jsonb NOT NULL,
    updated_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT overrides_key_check CHECK (((length(key) >= 1) AND (length(key) <= 100)))
);
CREATE TABLE settings.platform (
    key text NOT NULL,
    value jsonb NOT NULL,
    updated_by uuid,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT platform_key_check CHECK (((length(key) >= 1) AND (length(key) <= 100)))
);
CREATE TABLE webhooks.attempts (
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    org_id uuid,
    at timestamp with time zone NOT NULL,
    duration_ms integer NOT NULL,
    status integer,
    error text,
    request_headers text NOT NULL,
    response_headers text NOT NULL,
    response_body text NOT NULL,
    CONSTRAINT attempts_error_check CHECK ((length(error) <= 500)),
    CONSTRAINT attempts_request_headers_check CHECK ((length(request_headers) <= 2000)),
    CONSTRAINT attempts_response_body_check CHECK ((length(response_body) <= 65536)),
    CONSTRAINT attempts_response_headers_check CHECK ((length(response_headers) <= 2000))
);
CREATE TABLE webhooks.deliveries (
    id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    org_id uuid DEFAULT (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid,
    event_id uuid NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    state text NOT NULL,
    attempts integer DEFAULT 0 NOT NULL,
    tries integer DEFAULT 0 NOT NULL,
    due_at timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
    give_up_at timestamp with time zone NOT NULL,
    last_status integer,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    settled_at timestamp with time zone,
    CONSTRAINT deliveries_body_check CHECK ((length(body) <= 1100000)),
    CONSTRAINT deliveries_last_error_check CHECK ((length(last_error) <= 500)),
    CONSTRAINT deliveries_state_check CHECK ((state = ANY (ARRAY['waiting'::text, 'delivered'::text, 'failed'::text]))),
    CONSTRAINT deliveries_subject_check CHECK ((length(subject) <= 100))
)
WITH (fillfactor='70');
CREATE TABLE webhooks.endpoints (
    id uuid NOT NULL,
    org_id uuid DEFAULT (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid,
    url text NOT NULL,
    description text NOT NULL,
    subjects text[] NOT NULL,
    secret text NOT NULL,
    previous_secret text,
    previous_until timestamp with time zone,
    is_enabled boolean DEFAULT true NOT NULL,
    disabled_reason text,
    disabled_at timestamp with time zone,
    failures_in_row integer DEFAULT 0 NOT NULL,
    not_before timestamp with time zone,
    failing_since timestamp with time zone,
    last_success_at timestamp with time zone,
    last_error text,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    is_switched_off boolean DEFAULT false NOT NULL,
    CONSTRAINT endpoints_description_check CHECK ((length(description) <= 500)),
    CONSTRAINT endpoints_disabled_reason_check CHECK ((length(disabled_reason) <= 500)),
    CONSTRAINT endpoints_last_error_check CHECK ((length(last_error) <= 500)),
    CONSTRAINT endpoints_previous_secret_check CHECK ((length(previous_secret) <= 500)),
    CONSTRAINT endpoints_secret_check CHECK ((length(secret) <= 500)),
    CONSTRAINT endpoints_subjects_check CHECK (((cardinality(subjects) >= 1) AND (cardinality(subjects) <= 100))),
    CONSTRAINT endpoints_switched_off CHECK ((NOT (is_switched_off AND is_enabled))),
    CONSTRAINT endpoints_url_check CHECK ((length(url) <= 2048))
)
WITH (fillfactor='70');
ALTER TABLE ONLY events.outbox ATTACH PARTITION events.outbox_rest DEFAULT;
ALTER TABLE ONLY audit.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY audit.heads
    ADD CONSTRAINT heads_pkey PRIMARY KEY (chain);
ALTER TABLE ONLY audit.links
    ADD CONSTRAINT links_chain_place_key UNIQUE (chain, place);
ALTER TABLE ONLY audit.links
    ADD CONSTRAINT links_pkey PRIMARY KEY (entry_id);
ALTER TABLE ONLY audit.sealer
    ADD CONSTRAINT sealer_pkey PRIMARY KEY (lone);
ALTER TABLE ONLY catalog.brands
    ADD CONSTRAINT brands_pkey PRIMARY KEY (id);
ALTER TABLE ONLY catalog.brands
    ADD CONSTRAINT brands_slug_key UNIQUE (slug);
ALTER TABLE ONLY catalog.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (id);
ALTER TABLE ONLY catalog.categories
    ADD CONSTRAINT categories_slug_key UNIQUE (slug);
ALTER TABLE ONLY events.cursors
    ADD CONSTRAINT cursors_pkey PRIMARY KEY (sink, shard);
ALTER TABLE ONLY events.failures
    ADD CONSTRAINT failures_once UNIQUE (consumer, event_id);
ALTER TABLE ONLY events.failures
    ADD CONSTRAINT failures_pkey PRIMARY KEY (id);
ALTER TABLE ONLY events.handled
    ADD CONSTRAINT handled_pkey PRIMARY KEY (handler, event_id);
ALTER TABLE ONLY events.nodes
    ADD CONSTRAINT nodes_pkey PRIMARY KEY (node);
ALTER TABLE ONLY events.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id, created_at);
ALTER TABLE ONLY events.outbox_rest
    ADD CONSTRAINT outbox_rest_pkey PRIMARY KEY (id, created_at);
ALTER TABLE ONLY events.replays
    ADD CONSTRAINT replays_pkey PRIMARY KEY (id);
ALTER TABLE ONLY events.sinks
    ADD CONSTRAINT sinks_pkey PRIMARY KEY (name);
ALTER TABLE ONLY files.files
    ADD CONSTRAINT files_object_key UNIQUE (object_id);
ALTER TABLE ONLY files.files
    ADD CONSTRAINT files_pkey PRIMARY KEY (id);
ALTER TABLE ONLY files.objects
    ADD CONSTRAINT objects_pkey PRIMARY KEY (id);
ALTER TABLE ONLY files.pictures
    ADD CONSTRAINT pictures_pkey PRIMARY KEY (object_id);
ALTER TABLE ONLY identity.memberships
    ADD CONSTRAINT memberships_pkey PRIMARY KEY (org_id, user_id);
ALTER TABLE ONLY identity.organization_addresses
    ADD CONSTRAINT organization_addresses_pkey PRIMARY KEY (id);
ALTER TABLE ONLY identity.organizations
    ADD CONSTRAINT organizations_pkey PRIMARY KEY (id);
ALTER TABLE ONLY identity.organizations
    ADD CONSTRAINT organizations_slug_key UNIQUE (slug);
ALTER TABLE ONLY identity.sessions
    ADD CONSTRAINT sessions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY identity.sign_in_failures
    ADD CONSTRAINT sign_in_failures_pkey PRIMARY KEY (scope, key);
ALTER TABLE ONLY identity.users
    ADD CONSTRAINT users_email_lower_key UNIQUE (email_lower);
ALTER TABLE ONLY identity.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (id);
ALTER TABLE ONLY identity.users
    ADD CONSTRAINT users_referral_code_key UNIQUE (referral_code);
ALTER TABLE ONLY jobs.batches
    ADD CONSTRAINT batches_pkey PRIMARY KEY (id);
ALTER TABLE ONLY jobs.crons
    ADD CONSTRAINT crons_pkey PRIMARY KEY (name);
ALTER TABLE ONLY jobs.finished
    ADD CONSTRAINT finished_pkey PRIMARY KEY (id);
ALTER TABLE ONLY jobs.queue
    ADD CONSTRAINT queue_pkey PRIMARY KEY (id);
ALTER TABLE ONLY jobs.queues
    ADD CONSTRAINT queues_pkey PRIMARY KEY (name);
ALTER TABLE ONLY jobs.runners
    ADD CONSTRAINT runners_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (message_id, number);
ALTER TABLE ONLY notify.dev_outbox
    ADD CONSTRAINT dev_outbox_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.messages
    ADD CONSTRAINT messages_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.preferences
    ADD CONSTRAINT preferences_key UNIQUE NULLS NOT DISTINCT (org_id, recipient_type, recipient_id);
ALTER TABLE ONLY notify.push_subscriptions
    ADD CONSTRAINT push_subscriptions_key UNIQUE (user_id, endpoint);
ALTER TABLE ONLY notify.push_subscriptions
    ADD CONSTRAINT push_subscriptions_pkey PRIMARY KEY (id);
ALTER TABLE ONLY notify.receipts
    ADD CONSTRAINT receipts_pkey PRIMARY KEY (provider, external_id, status);
ALTER TABLE ONLY notify.templates
    ADD CONSTRAINT templates_key UNIQUE NULLS NOT DISTINCT (org_id, name, channel, language);
ALTER TABLE ONLY notify.templates
    ADD CONSTRAINT templates_pkey PRIMARY KEY (id);
ALTER TABLE ONLY platform.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (actor, route, key);
ALTER TABLE ONLY privacy.erased
    ADD CONSTRAINT erased_pkey PRIMARY KEY (person);
ALTER TABLE ONLY privacy.keys
    ADD CONSTRAINT keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY settings.maintenance
    ADD CONSTRAINT maintenance_pkey PRIMARY KEY (lone);
ALTER TABLE ONLY settings.overrides
    ADD CONSTRAINT overrides_pkey PRIMARY KEY (org_id, key);
ALTER TABLE ONLY settings.platform
    ADD CONSTRAINT platform_pkey PRIMARY KEY (key);
ALTER TABLE ONLY webhooks.attempts
    ADD CONSTRAINT attempts_pkey PRIMARY KEY (delivery_id, number);
ALTER TABLE ONLY webhooks.deliveries
    ADD CONSTRAINT deliveries_once UNIQUE (endpoint_id, event_id);
ALTER TABLE ONLY webhooks.deliveries
    ADD CONSTRAINT deliveries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY webhooks.endpoints
    ADD CONSTRAINT endpoints_pkey PRIMARY KEY (id);
CREATE INDEX entries_by_entity ON audit.entries USING btree (entity, entity_id, id);
CREATE INDEX entries_by_org ON audit.entries USING btree (org_id, id);
CREATE INDEX entries_by_transaction ON audit.entries USING btree (transaction_id, id);
CREATE INDEX entries_by_user ON audit.entries USING btree (user_id, id);
CREATE INDEX brands_by_age ON catalog.brands USING btree (is_active, created_at, id);
CREATE INDEX brands_by_country ON catalog.brands USING btree (is_active, country, name_lower, id);
CREATE INDEX brands_by_name ON catalog.brands USING btree (is_active, name_lower, id);
CREATE INDEX brands_search ON catalog.brands USING gin (name_lower extensions.gin_trgm_ops);
CREATE INDEX categories_by_age ON catalog.categories USING btree (is_active, created_at, id);
CREATE INDEX categories_by_name ON catalog.categories USING btree (is_active, name_lower, id);
CREATE INDEX categories_by_parent ON catalog.categories USING btree (parent_id, name_lower, id);
CREATE INDEX categories_search ON catalog.categories USING gin (name_lower extensions.gin_trgm_ops);
CREATE INDEX failures_by_age ON events.failures USING btree (failed_at, id);
CREATE INDEX failures_waiting ON events.failures USING btree (sink, shard, consumer, key, ordinal, number) WHERE (state = 'waiting'::text);
CREATE INDEX handled_by_age ON events.handled USING brin (handled_at);
CREATE INDEX outbox_by_key ON ONLY events.outbox USING btree (key, ordinal, id);
CREATE INDEX outbox_by_org ON ONLY events.outbox USING btree (org_id, id) WHERE (org_id IS NOT NULL);
CREATE INDEX outbox_in_order ON ONLY events.outbox USING btree (shard, ordinal, id);
CREATE INDEX outbox_rest_key_ordinal_id_idx ON events.outbox_rest USING btree (key, ordinal, id);
CREATE INDEX outbox_rest_org_id_id_idx ON events.outbox_rest USING btree (org_id, id) WHERE (org_id IS NOT NULL);
CREATE INDEX outbox_rest_shard_ordinal_id_idx ON events.outbox_rest USING btree (shard, ordinal, id);
CREATE INDEX replays_waiting ON events.replays USING btree (requested_at) WHERE (state = 'waiting'::text);
CREATE INDEX files_by_age ON files.files USING btree (org_id, created_at, id);
CREATE INDEX files_by_name ON files.files USING btree (org_id, name, id);
CREATE INDEX files_by_size ON files.files USING btree (org_id, size, id);
CREATE INDEX objects_dropped ON files.objects USING btree (changed_at) WHERE (state = 'dropped'::text);
CREATE INDEX objects_pending ON files.objects USING btree (created_at) WHERE (state = 'pending'::text);
CREATE INDEX pictures_by_name ON files.pictures USING btree (name);
CREATE INDEX pictures_of_file ON files.pictures USING btree (file_id);
CREATE INDEX memberships_by_user ON identity.memberships USING btree (user_id);
CREATE INDEX organization_addresses_by_age ON identity.organization_addresses USING btree (org_id, created_at, id);
CREATE INDEX organization_addresses_by_label ON identity.organization_addresses USING btree (org_id, label, id);
CREATE UNIQUE INDEX organization_addresses_one_default ON identity.organization_addresses USING btree (org_id) WHERE is_default;
CREATE INDEX sessions_by_expiry ON identity.sessions USING btree (expires_at);
CREATE INDEX sessions_by_user ON identity.sessions USING btree (user_id, created_at);
CREATE INDEX sign_in_failures_by_end ON identity.sign_in_failures USING btree (until);
CREATE INDEX users_by_referrer ON identity.users USING btree (referred_by) WHERE (referred_by IS NOT NULL);
CREATE UNIQUE INDEX users_verified_phone_key ON identity.users USING btree (phone) WHERE (phone_verified_at IS NOT NULL);
CREATE INDEX batches_by_age ON jobs.batches USING btree (created_at);
CREATE INDEX batches_by_then ON jobs.batches USING btree (then_id);
CREATE INDEX crons_by_next ON jobs.crons USING btree (next_at);
CREATE INDEX finished_badly ON jobs.finished USING btree (state, id) WHERE (state <> 'done'::text);
CREATE INDEX finished_by_end ON jobs.finished USING btree (keep_until);
CREATE INDEX queue_cancelled ON jobs.queue USING btree (id) WHERE cancelled;
CREATE INDEX queue_due ON jobs.queue USING btree (queue, priority, share, id) WHERE due;
CREATE INDEX queue_later ON jobs.queue USING btree (run_at) WHERE (NOT due);
CREATE UNIQUE INDEX queue_unique ON jobs.queue USING btree (name, unique_key) WHERE (unique_key IS NOT NULL);
CREATE INDEX messages_by_age ON notify.messages USING btree (owner_id, created_at, id);
CREATE INDEX messages_by_day ON notify.messages USING brin (created_at);
CREATE INDEX messages_by_external ON notify.messages USING btree (provider, external_id) WHERE (external_id IS NOT NULL);
CREATE INDEX messages_by_recipient ON notify.messages USING btree (owner_id, recipient_id, created_at, id) WHERE (recipient_id IS NOT NULL);
CREATE INDEX messages_by_status ON notify.messages USING btree (owner_id, status, created_at, id);
CREATE INDEX messages_inbox ON notify.messages USING btree (user_id, created_at, id) WHERE ((channel = 'IN_APP'::text) AND (status = ANY (ARRAY['SENT'::text, 'DELIVERED'::text, 'READ'::text])));
CREATE INDEX messages_unread ON notify.messages USING btree (user_id) WHERE ((channel = 'IN_APP'::text) AND (status = ANY (ARRAY['SENT'::text, 'DELIVERED'::text])));
CREATE INDEX preferences_by_recipient ON notify.preferences USING btree (recipient_id, recipient_type);
CREATE INDEX push_subscriptions_by_endpoint ON notify.push_subscriptions USING hash (endpoint);
CREATE INDEX receipts_by_age ON notify.receipts USING btree (received_at);
CREATE INDEX idempotency_by_age ON platform.idempotency USING btree (created_at);
CREATE INDEX keys_by_person ON privacy.keys USING btree (person);
CREATE INDEX deliveries_by_age ON webhooks.deliveries USING btree (org_id, created_at, id);
CREATE INDEX deliveries_by_endpoint ON webhooks.deliveries USING btree (endpoint_id, created_at, id);
CREATE INDEX deliveries_by_event ON webhooks.deliveries USING btree (event_id);
CREATE INDEX deliveries_due ON webhooks.deliveries USING btree (endpoint_id, due_at, id) WHERE (state = 'waiting'::text);
CREATE INDEX deliveries_failed ON webhooks.deliveries USING btree (endpoint_id, created_at) WHERE (state = 'failed'::text);
CREATE INDEX deliveries_settled ON webhooks.deliveries USING btree (settled_at) WHERE (state <> 'waiting'::text);
CREATE INDEX deliveries_waiting ON webhooks.deliveries USING btree (due_at) WHERE (state = 'waiting'::text);
CREATE INDEX endpoints_by_age ON webhooks.endpoints USING btree (org_id, created_at, id);
ALTER INDEX events.outbox_by_key ATTACH PARTITION events.outbox_rest_key_ordinal_id_idx;
ALTER INDEX events.outbox_by_org ATTACH PARTITION events.outbox_rest_org_id_id_idx;
ALTER INDEX events.outbox_pkey ATTACH PARTITION events.outbox_rest_pkey;
ALTER INDEX events.outbox_in_order ATTACH PARTITION events.outbox_rest_shard_ordinal_id_idx;
CREATE TRIGGER in_order BEFORE INSERT ON events.outbox FOR EACH ROW EXECUTE FUNCTION events.put_in_order();
CREATE TRIGGER move BEFORE UPDATE OF status ON notify.messages FOR EACH ROW WHEN ((old.status IS DISTINCT FROM new.status)) EXECUTE FUNCTION notify.check_move();
ALTER TABLE ONLY catalog.categories
    ADD CONSTRAINT categories_parent_fkey FOREIGN KEY (parent_id) REFERENCES catalog.categories(id) ON DELETE SET NULL;
ALTER TABLE ONLY events.cursors
    ADD CONSTRAINT cursors_sink_fkey FOREIGN KEY (sink) REFERENCES events.sinks(name) ON DELETE CASCADE;
ALTER TABLE ONLY files.files
    ADD CONSTRAINT files_object_id_fkey FOREIGN KEY (object_id) REFERENCES files.objects(id);
ALTER TABLE ONLY files.pictures
    ADD CONSTRAINT pictures_file_id_fkey FOREIGN KEY (file_id) REFERENCES files.files(id);
ALTER TABLE ONLY files.pictures
    ADD CONSTRAINT pictures_object_id_fkey FOREIGN KEY (object_id) REFERENCES files.objects(id);
ALTER TABLE ONLY identity.memberships
    ADD CONSTRAINT memberships_org_id_fkey FOREIGN KEY (org_id) REFERENCES identity.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY identity.memberships
    ADD CONSTRAINT memberships_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY identity.organization_addresses
    ADD CONSTRAINT organization_addresses_org_id_fkey FOREIGN KEY (org_id) REFERENCES identity.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY identity.sessions
    ADD CONSTRAINT sessions_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY identity.users
    ADD CONSTRAINT users_referred_by_fkey FOREIGN KEY (referred_by) REFERENCES identity.users(id) ON DELETE SET NULL;
ALTER TABLE ONLY notify.attempts
    ADD CONSTRAINT attempts_message_id_fkey FOREIGN KEY (message_id) REFERENCES notify.messages(id) ON DELETE CASCADE;
ALTER TABLE ONLY notify.messages
    ADD CONSTRAINT messages_org_id_fkey FOREIGN KEY (org_id) REFERENCES identity.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY notify.preferences
    ADD CONSTRAINT preferences_org_id_fkey FOREIGN KEY (org_id) REFERENCES identity.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY notify.push_subscriptions
    ADD CONSTRAINT push_subscriptions_user_id_fkey FOREIGN KEY (user_id) REFERENCES identity.users(id) ON DELETE CASCADE;
ALTER TABLE ONLY notify.templates
    ADD CONSTRAINT templates_org_id_fkey FOREIGN KEY (org_id) REFERENCES identity.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY settings.overrides
    ADD CONSTRAINT overrides_org_id_fkey FOREIGN KEY (org_id) REFERENCES identity.organizations(id) ON DELETE CASCADE;
ALTER TABLE ONLY webhooks.endpoints
    ADD CONSTRAINT endpoints_org_id_fkey FOREIGN KEY (org_id) REFERENCES identity.organizations(id) ON DELETE CASCADE;
CREATE POLICY administrators_read ON audit.entries FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
ALTER TABLE audit.entries ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.heads ENABLE ROW LEVEL SECURITY;
ALTER TABLE audit.links ENABLE ROW LEVEL SECURITY;
CREATE POLICY managers_read ON audit.entries FOR SELECT TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY request_adds ON audit.entries FOR INSERT TO haat_request WITH CHECK (true);
ALTER TABLE audit.sealer ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_adds ON audit.heads FOR INSERT TO haat_worker WITH CHECK (true);
CREATE POLICY worker_adds ON audit.links FOR INSERT TO haat_worker WITH CHECK (true);
CREATE POLICY worker_all ON audit.entries TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_changes ON audit.heads FOR UPDATE TO haat_worker USING (true);
CREATE POLICY worker_changes ON audit.sealer FOR UPDATE TO haat_worker USING (true);
CREATE POLICY worker_reads ON audit.heads FOR SELECT TO haat_worker USING (true);
CREATE POLICY worker_reads ON audit.links FOR SELECT TO haat_worker USING (true);
CREATE POLICY worker_reads ON audit.sealer FOR SELECT TO haat_worker USING (true);
CREATE POLICY administrators_change ON catalog.brands FOR UPDATE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_change ON catalog.categories FOR UPDATE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_remove ON catalog.brands FOR DELETE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_remove ON catalog.categories FOR DELETE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
ALTER TABLE catalog.brands ENABLE ROW LEVEL SECURITY;
ALTER TABLE catalog.categories ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON catalog.brands FOR SELECT USING (true);
CREATE POLICY everybody_reads ON catalog.categories FOR SELECT USING (true);
CREATE POLICY members_add ON catalog.brands FOR INSERT TO haat_request WITH CHECK ((NULLIF(current_setting('haat.user_id'::text, true), ''::text) IS NOT NULL));
CREATE POLICY members_add ON catalog.categories FOR INSERT TO haat_request WITH CHECK ((NULLIF(current_setting('haat.user_id'::text, true), ''::text) IS NOT NULL));
CREATE POLICY administrators_change ON events.failures FOR UPDATE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text)) WITH CHECK ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_read ON events.failures FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
ALTER TABLE events.cursors ENABLE ROW LEVEL SECURITY;
ALTER TABLE events.failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE events.handled ENABLE ROW LEVEL SECURITY;
ALTER TABLE events.nodes ENABLE ROW LEVEL SECURITY;
ALTER TABLE events.outbox ENABLE ROW LEVEL SECURITY;
ALTER TABLE events.outbox_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE events.replays ENABLE ROW LEVEL SECURITY;
CREATE POLICY request_adds ON events.outbox FOR INSERT TO haat_request WITH CHECK (true);
ALTER TABLE events.sinks ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_adds ON events.outbox FOR INSERT TO haat_worker WITH CHECK (true);
CREATE POLICY worker_all ON events.cursors TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON events.failures TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON events.handled TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON events.nodes TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON events.replays TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON events.sinks TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_reads ON events.outbox FOR SELECT TO haat_worker USING (true);
ALTER TABLE files.files ENABLE ROW LEVEL SECURITY;
ALTER TABLE files.objects ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON files.files TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)) WITH CHECK ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own ON files.objects TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)) WITH CHECK ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own ON files.pictures TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)) WITH CHECK ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
ALTER TABLE files.pictures ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON files.files TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON files.objects TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON files.pictures TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY acting ON identity.organizations FOR SELECT TO haat_request USING ((id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
ALTER TABLE identity.memberships ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.organization_addresses ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.organizations ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON identity.memberships FOR SELECT TO haat_request USING ((user_id = (NULLIF(current_setting('haat.user_id'::text, true), ''::text))::uuid));
CREATE POLICY own ON identity.organization_addresses TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)) WITH CHECK ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own ON identity.sessions FOR SELECT TO haat_request USING ((user_id = (NULLIF(current_setting('haat.user_id'::text, true), ''::text))::uuid));
CREATE POLICY own ON identity.users FOR SELECT TO haat_request USING ((id = (NULLIF(current_setting('haat.user_id'::text, true), ''::text))::uuid));
ALTER TABLE identity.sessions ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.sign_in_failures ENABLE ROW LEVEL SECURITY;
ALTER TABLE identity.users ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON identity.sessions TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON identity.sign_in_failures TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_reads ON identity.memberships FOR SELECT TO haat_worker USING (true);
CREATE POLICY worker_reads ON identity.organization_addresses FOR SELECT TO haat_worker USING (true);
CREATE POLICY worker_reads ON identity.organizations FOR SELECT TO haat_worker USING (true);
CREATE POLICY worker_reads ON identity.users FOR SELECT TO haat_worker USING (true);
CREATE POLICY administrators_read ON jobs.batches FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_read ON jobs.crons FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_read ON jobs.finished FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_read ON jobs.queue FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_read ON jobs.queues FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_read ON jobs.runners FOR SELECT TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
ALTER TABLE jobs.batches ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs.crons ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs.finished ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs.queue ENABLE ROW LEVEL SECURITY;
ALTER TABLE jobs.queues ENABLE ROW LEVEL SECURITY;
CREATE POLICY request_adds ON jobs.batches FOR INSERT TO haat_request WITH CHECK (true);
CREATE POLICY request_adds ON jobs.queue FOR INSERT TO haat_request WITH CHECK ((runner IS NULL));
ALTER TABLE jobs.runners ENABLE ROW LEVEL SECURITY;
CREATE POLICY well_formed ON jobs.queue AS RESTRICTIVE FOR INSERT TO haat_request, haat_worker WITH CHECK (((attempts_max >= 1) AND (keep_seconds >= 0) AND ((priority >= 0) AND (priority <= 3)) AND ((length(queue) >= 1) AND (length(queue) <= 60)) AND ((length(name) >= 1) AND (length(name) <= 100)) AND (length(correlation_id) <= 200) AND ((COALESCE(length(unique_key), 1) >= 1) AND (COALESCE(length(unique_key), 1) <= 200)) AND (COALESCE(length(error), 0) <= 2000)));
CREATE POLICY worker_all ON jobs.batches TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON jobs.crons TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON jobs.finished TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON jobs.queue TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON jobs.queues TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON jobs.runners TO haat_worker USING (true) WITH CHECK (true);
ALTER TABLE notify.attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE notify.dev_outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY everybody_reads ON notify.dev_outbox FOR SELECT TO haat_request USING (true);
CREATE POLICY everybody_reads_the_platforms ON notify.templates FOR SELECT TO haat_request USING ((NOT (COALESCE(org_id, (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid) IS DISTINCT FROM (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)));
ALTER TABLE notify.messages ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON notify.preferences TO haat_request USING (((recipient_type = 'USER'::text) AND (org_id IS NULL) AND (recipient_id = (NULLIF(current_setting('haat.user_id'::text, true), ''::text))::uuid)));
CREATE POLICY own ON notify.push_subscriptions TO haat_request USING ((user_id = (NULLIF(current_setting('haat.user_id'::text, true), ''::text))::uuid));
CREATE POLICY own_organization ON notify.attempts TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own_organization ON notify.messages TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own_organization ON notify.preferences TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own_organization ON notify.templates TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY platform ON notify.attempts TO haat_request USING (((org_id IS NULL) AND (NULLIF(current_setting('haat.org_id'::text, true), ''::text) IS NULL) AND (current_setting('haat.role'::text, true) = 'admin'::text)));
CREATE POLICY platform ON notify.messages TO haat_request USING (((org_id IS NULL) AND (NULLIF(current_setting('haat.org_id'::text, true), ''::text) IS NULL) AND (current_setting('haat.role'::text, true) = 'admin'::text)));
CREATE POLICY platform ON notify.templates TO haat_request USING (((org_id IS NULL) AND (NULLIF(current_setting('haat.org_id'::text, true), ''::text) IS NULL) AND (current_setting('haat.role'::text, true) = 'admin'::text)));
ALTER TABLE notify.preferences ENABLE ROW LEVEL SECURITY;
ALTER TABLE notify.push_subscriptions ENABLE ROW LEVEL SECURITY;
ALTER TABLE notify.receipts ENABLE ROW LEVEL SECURITY;
CREATE POLICY recipient_marks ON notify.messages FOR UPDATE TO haat_request USING (((user_id = (NULLIF(current_setting('haat.user_id'::text, true), ''::text))::uuid) AND (channel = 'IN_APP'::text)));
CREATE POLICY recipient_reads ON notify.messages FOR SELECT TO haat_request USING (((user_id = (NULLIF(current_setting('haat.user_id'::text, true), ''::text))::uuid) AND (channel = 'IN_APP'::text)));
CREATE POLICY request_adds ON notify.messages FOR INSERT TO haat_request WITH CHECK ((NOT (COALESCE(org_id, (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid) IS DISTINCT FROM (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)));
ALTER TABLE notify.templates ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON notify.attempts TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON notify.dev_outbox TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON notify.messages TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON notify.preferences TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON notify.push_subscriptions TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON notify.receipts TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON notify.templates TO haat_worker USING (true) WITH CHECK (true);
ALTER TABLE platform.idempotency ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON platform.idempotency TO haat_request USING ((actor = ((current_setting('haat.user_id'::text, true) || '/'::text) || current_setting('haat.org_id'::text, true))));
CREATE POLICY worker_all ON platform.idempotency TO haat_worker USING (true) WITH CHECK (true);
ALTER TABLE privacy.erased ENABLE ROW LEVEL SECURITY;
ALTER TABLE privacy.keys ENABLE ROW LEVEL SECURITY;
CREATE POLICY administrators_add ON settings.platform FOR INSERT TO haat_request WITH CHECK ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_change ON settings.maintenance FOR UPDATE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_change ON settings.platform FOR UPDATE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY administrators_remove ON settings.platform FOR DELETE TO haat_request USING ((current_setting('haat.role'::text, true) = 'admin'::text));
CREATE POLICY everybody_reads ON settings.maintenance FOR SELECT TO haat_request USING (true);
CREATE POLICY everybody_reads ON settings.platform FOR SELECT TO haat_request USING (true);
ALTER TABLE settings.maintenance ENABLE ROW LEVEL SECURITY;
ALTER TABLE settings.overrides ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON settings.overrides TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
ALTER TABLE settings.platform ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_reads ON settings.maintenance FOR SELECT TO haat_worker USING (true);
CREATE POLICY worker_reads ON settings.overrides FOR SELECT TO haat_worker USING (true);
CREATE POLICY worker_reads ON settings.platform FOR SELECT TO haat_worker USING (true);
ALTER TABLE webhooks.attempts ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhooks.deliveries ENABLE ROW LEVEL SECURITY;
ALTER TABLE webhooks.endpoints ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON webhooks.attempts TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)) WITH CHECK ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own ON webhooks.deliveries TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)) WITH CHECK ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY own ON webhooks.endpoints TO haat_request USING ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid)) WITH CHECK ((org_id = (NULLIF(current_setting('haat.org_id'::text, true), ''::text))::uuid));
CREATE POLICY platform ON webhooks.attempts TO haat_request USING (((org_id IS NULL) AND (COALESCE(current_setting('haat.org_id'::text, true), ''::text) = ''::text) AND (current_setting('haat.role'::text, true) = 'admin'::text))) WITH CHECK (((org_id IS NULL) AND (COALESCE(current_setting('haat.org_id'::text, true), ''::text) = ''::text) AND (current_setting('haat.role'::text, true) = 'admin'::text)));
CREATE POLICY platform ON webhooks.deliveries TO haat_request USING (((org_id IS NULL) AND (COALESCE(current_setting('haat.org_id'::text, true), ''::text) = ''::text) AND (current_setting('haat.role'::text, true) = 'admin'::text))) WITH CHECK (((org_id IS NULL) AND (COALESCE(current_setting('haat.org_id'::text, true), ''::text) = ''::text) AND (current_setting('haat.role'::text, true) = 'admin'::text)));
CREATE POLICY platform ON webhooks.endpoints TO haat_request USING (((org_id IS NULL) AND (COALESCE(current_setting('haat.org_id'::text, true), ''::text) = ''::text) AND (current_setting('haat.role'::text, true) = 'admin'::text))) WITH CHECK (((org_id IS NULL) AND (COALESCE(current_setting('haat.org_id'::text, true), ''::text) = ''::text) AND (current_setting('haat.role'::text, true) = 'admin'::text)));
CREATE POLICY worker_all ON webhooks.attempts TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON webhooks.deliveries TO haat_worker USING (true) WITH CHECK (true);
CREATE POLICY worker_all ON webhooks.endpoints TO haat_worker USING (true) WITH CHECK (true);
GRANT USAGE ON SCHEMA audit TO haat_request;
GRANT USAGE ON SCHEMA audit TO haat_worker;
GRANT USAGE ON SCHEMA catalog TO haat_request;
GRANT USAGE ON SCHEMA catalog TO haat_worker;
GRANT USAGE ON SCHEMA events TO haat_request;
GRANT USAGE ON SCHEMA events TO haat_worker;
GRANT USAGE ON SCHEMA extensions TO haat_request;
GRANT USAGE ON SCHEMA extensions TO haat_worker;
GRANT USAGE ON SCHEMA files TO haat_request;
GRANT USAGE ON SCHEMA files TO haat_worker;
GRANT USAGE ON SCHEMA haat TO haat_request;
GRANT USAGE ON SCHEMA haat TO haat_worker;
GRANT USAGE ON SCHEMA identity TO haat_request;
GRANT USAGE ON SCHEMA identity TO haat_worker;
GRANT USAGE ON SCHEMA jobs TO haat_request;
GRANT USAGE ON SCHEMA jobs TO haat_worker;
GRANT USAGE ON SCHEMA notify TO haat_request;
GRANT USAGE ON SCHEMA notify TO haat_worker;
GRANT USAGE ON SCHEMA platform TO haat_request;
GRANT USAGE ON SCHEMA platform TO haat_worker;
GRANT USAGE ON SCHEMA privacy TO haat_request;
GRANT USAGE ON SCHEMA privacy TO haat_worker;
GRANT USAGE ON SCHEMA settings TO haat_request;
GRANT USAGE ON SCHEMA settings TO haat_worker;
GRANT USAGE ON SCHEMA webhooks TO haat_request;
GRANT USAGE ON SCHEMA webhooks TO haat_worker;
REVOKE ALL ON TYPE jobs.claimed FROM PUBLIC;
GRANT ALL ON TYPE jobs.claimed TO haat_worker;
GRANT SELECT,INSERT ON TABLE audit.entries TO haat_request;
GRANT SELECT,INSERT ON TABLE audit.entries TO haat_worker;
REVOKE ALL ON FUNCTION audit.content(e audit.entries, chain uuid, place bigint) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.content(e audit.entries, chain uuid, place bigint) TO haat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE audit.heads TO haat_worker;
REVOKE ALL ON FUNCTION audit.put_head(head audit.heads) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.put_head(head audit.heads) TO haat_worker;
REVOKE ALL ON FUNCTION audit.seal(p_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.seal(p_max integer) TO haat_worker;
REVOKE ALL ON FUNCTION audit.side(changes jsonb, lone text, other text, part text) FROM PUBLIC;
GRANT ALL ON FUNCTION audit.side(changes jsonb, lone text, other text, part text) TO haat_request;
GRANT ALL ON FUNCTION audit.side(changes jsonb, lone text, other text, part text) TO haat_worker;
REVOKE ALL ON FUNCTION audit.waiting() FROM PUBLIC;
GRANT ALL ON FUNCTION audit.waiting() TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE catalog.categories TO haat_request;
GRANT SELECT ON TABLE catalog.categories TO haat_worker;
GRANT ALL ON FUNCTION catalog.is_under(below uuid, above uuid) TO haat_request;
REVOKE ALL ON FUNCTION events.maintain(keep interval) FROM PUBLIC;
GRANT ALL ON FUNCTION events.maintain(keep interval) TO haat_worker;
REVOKE ALL ON FUNCTION events.put_in_order() FROM PUBLIC;
REVOKE ALL ON FUNCTION events.rebase() FROM PUBLIC;
REVOKE ALL ON FUNCTION events.search(sought_subjects text[], sought_key uuid, since timestamp with time zone, until timestamp with time zone, sought_org uuid, before bigint, take integer) FROM PUBLIC;
GRANT ALL ON FUNCTION events.search(sought_subjects text[], sought_key uuid, since timestamp with time zone, until timestamp with time zone, sought_org uuid, before bigint, take integer) TO haat_request;
REVOKE ALL ON FUNCTION files.find_picture(p_name text) FROM PUBLIC;
GRANT ALL ON FUNCTION files.find_picture(p_name text) TO haat_request;
REVOKE ALL ON FUNCTION identity.caller() FROM PUBLIC;
GRANT ALL ON FUNCTION identity.caller() TO haat_request;
REVOKE ALL ON FUNCTION identity.clear_failures(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.clear_failures(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer) TO haat_request;
REVOKE ALL ON FUNCTION identity.count_failure(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer, p_email_max integer, p_address_max integer, p_window_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.count_failure(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer, p_email_max integer, p_address_max integer, p_window_seconds integer) TO haat_request;
REVOKE ALL ON FUNCTION identity.count_one_failure(p_scope text, p_text text, p_max integer, p_now timestamp with time zone, p_window interval, OUT failures integer, OUT until timestamp with time zone) FROM PUBLIC;
REVOKE ALL ON FUNCTION identity.failure_key(p_text text) FROM PUBLIC;
REVOKE ALL ON FUNCTION identity.find_sign_in(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer, p_email_max integer, p_address_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.find_sign_in(p_email_lower text, p_address text, p_now timestamp with time zone, p_pair_max integer, p_email_max integer, p_address_max integer) TO haat_request;
REVOKE ALL ON FUNCTION identity.found_organization(p_id uuid, p_display_name text, p_owner_name text, p_slug text, p_gstin text, p_pan text, p_state_code text, p_currency text, p_time_zone text, p_fiscal_year_start integer, p_now timestamp with time zone, p_owned_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.found_organization(p_id uuid, p_display_name text, p_owner_name text, p_slug text, p_gstin text, p_pan text, p_state_code text, p_currency text, p_time_zone text, p_fiscal_year_start integer, p_now timestamp with time zone, p_owned_max integer) TO haat_request;
REVOKE ALL ON FUNCTION identity.my_organizations() FROM PUBLIC;
GRANT ALL ON FUNCTION identity.my_organizations() TO haat_request;
REVOKE ALL ON FUNCTION identity.open_session(p_session uuid, p_refresh_hash text, p_ip text, p_user_agent text, p_device_info jsonb, p_now timestamp with time zone, p_expires_at timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.open_session(p_session uuid, p_refresh_hash text, p_ip text, p_user_agent text, p_device_info jsonb, p_now timestamp with time zone, p_expires_at timestamp with time zone) TO haat_request;
REVOKE ALL ON FUNCTION identity.organization_exists(p_org uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.organization_exists(p_org uuid) TO haat_request;
REVOKE ALL ON FUNCTION identity.register_user(p_email text, p_email_lower text, p_phone text, p_full_name text, p_password_hash text, p_referral_code text, p_referrer_code text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.register_user(p_email text, p_email_lower text, p_phone text, p_full_name text, p_password_hash text, p_referral_code text, p_referrer_code text, p_now timestamp with time zone) TO haat_request;
REVOKE ALL ON FUNCTION identity.revoke_session(p_session uuid, p_reason text, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.revoke_session(p_session uuid, p_reason text, p_now timestamp with time zone) TO haat_request;
REVOKE ALL ON FUNCTION identity.rotate_session(p_session uuid, p_presented_hash text, p_successor_hash text, p_now timestamp with time zone, p_expires_at timestamp with time zone, p_grace_seconds integer) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.rotate_session(p_session uuid, p_presented_hash text, p_successor_hash text, p_now timestamp with time zone, p_expires_at timestamp with time zone, p_grace_seconds integer) TO haat_request;
REVOKE ALL ON FUNCTION identity.standing(p_user uuid, p_session uuid, p_now timestamp with time zone) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.standing(p_user uuid, p_session uuid, p_now timestamp with time zone) TO haat_request;
REVOKE ALL ON FUNCTION identity.upgrade_password(p_old_hash text, p_new_hash text) FROM PUBLIC;
GRANT ALL ON FUNCTION identity.upgrade_password(p_old_hash text, p_new_hash text) TO haat_request;
REVOKE ALL ON FUNCTION jobs.cancel(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.cancel(p_id uuid) TO haat_worker;
GRANT ALL ON FUNCTION jobs.cancel(p_id uuid) TO haat_request;
REVOKE ALL ON FUNCTION jobs.count_ended(p_queue text, p_batch uuid, p_count integer, p_failed integer) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.count_ended(p_queue text, p_batch uuid, p_count integer, p_failed integer) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.declare_queue(p_name text, p_concurrency_max integer) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.declare_queue(p_name text, p_concurrency_max integer) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.exchange(p_runner uuid, p_plain uuid[], p_plain_attempts integer[], p_done uuid[], p_attempts integer[], p_ended jsonb, p_queue text, p_max integer, p_after uuid, p_level integer, p_behind uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.exchange(p_runner uuid, p_plain uuid[], p_plain_attempts integer[], p_done uuid[], p_attempts integer[], p_ended jsonb, p_queue text, p_max integer, p_after uuid, p_level integer, p_behind uuid) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.finish(p_runner uuid, p_id uuid, p_attempt integer, p_result jsonb) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.finish(p_runner uuid, p_id uuid, p_attempt integer, p_result jsonb) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.give_back(p_runner uuid, p_but uuid[], p_counts boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.give_back(p_runner uuid, p_but uuid[], p_counts boolean) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.hold(p_runner uuid, p_id uuid, p_attempt integer) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.hold(p_runner uuid, p_id uuid, p_attempt integer) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.leave(p_runner uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.leave(p_runner uuid) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.put_away(p_id uuid, p_state text, p_result jsonb, p_error text) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.put_away(p_id uuid, p_state text, p_result jsonb, p_error text) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.require_administrator() FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.require_administrator() TO haat_worker;
REVOKE ALL ON FUNCTION jobs.retry(p_id uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.retry(p_id uuid) TO haat_worker;
GRANT ALL ON FUNCTION jobs.retry(p_id uuid) TO haat_request;
REVOKE ALL ON FUNCTION jobs.set_paused(p_queue text, p_paused boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.set_paused(p_queue text, p_paused boolean) TO haat_worker;
GRANT ALL ON FUNCTION jobs.set_paused(p_queue text, p_paused boolean) TO haat_request;
REVOKE ALL ON FUNCTION jobs.settle(p_runner uuid, p_done uuid[], p_attempts integer[], p_ended jsonb, p_limited boolean) FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.settle(p_runner uuid, p_done uuid[], p_attempts integer[], p_ended jsonb, p_limited boolean) TO haat_worker;
REVOKE ALL ON FUNCTION jobs.tick() FROM PUBLIC;
GRANT ALL ON FUNCTION jobs.tick() TO haat_worker;
REVOKE ALL ON FUNCTION notify.acting_owner() FROM PUBLIC;
GRANT ALL ON FUNCTION notify.acting_owner() TO haat_request;
GRANT ALL ON FUNCTION notify.acting_owner() TO haat_worker;
GRANT ALL ON FUNCTION platform.containing(sought text) TO haat_request;
GRANT ALL ON FUNCTION platform.containing(sought text) TO haat_worker;
REVOKE ALL ON FUNCTION privacy.erase(p_person uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION privacy.erase(p_person uuid) TO haat_request;
GRANT ALL ON FUNCTION privacy.erase(p_person uuid) TO haat_worker;
REVOKE ALL ON FUNCTION privacy.find_keys(p_ids uuid[]) FROM PUBLIC;
GRANT ALL ON FUNCTION privacy.find_keys(p_ids uuid[]) TO haat_request;
GRANT ALL ON FUNCTION privacy.find_keys(p_ids uuid[]) TO haat_worker;
REVOKE ALL ON FUNCTION privacy.keep_key(p_id uuid, p_person uuid, p_sealed text) FROM PUBLIC;
GRANT ALL ON FUNCTION privacy.keep_key(p_id uuid, p_person uuid, p_sealed text) TO haat_request;
GRANT ALL ON FUNCTION privacy.keep_key(p_id uuid, p_person uuid, p_sealed text) TO haat_worker;
REVOKE ALL ON FUNCTION webhooks.abandon(p_endpoint uuid, p_error text) FROM PUBLIC;
GRANT ALL ON FUNCTION webhooks.abandon(p_endpoint uuid, p_error text) TO haat_request;
GRANT ALL ON FUNCTION webhooks.abandon(p_endpoint uuid, p_error text) TO haat_worker;
REVOKE ALL ON FUNCTION webhooks.give_up(p_endpoint uuid, p_reason text, p_request text) FROM PUBLIC;
GRANT ALL ON FUNCTION webhooks.give_up(p_endpoint uuid, p_reason text, p_request text) TO haat_worker;
REVOKE ALL ON FUNCTION webhooks.overview() FROM PUBLIC;
GRANT ALL ON FUNCTION webhooks.overview() TO haat_request;
REVOKE ALL ON FUNCTION webhooks.record(p_endpoint uuid, p_attempts jsonb, p_trouble bigint, p_error text) FROM PUBLIC;
GRANT ALL ON FUNCTION webhooks.record(p_endpoint uuid, p_attempts jsonb, p_trouble bigint, p_error text) TO haat_worker;
REVOKE ALL ON FUNCTION webhooks.switch_off(p_endpoint uuid, p_reason text) FROM PUBLIC;
GRANT ALL ON FUNCTION webhooks.switch_off(p_endpoint uuid, p_reason text) TO haat_request;
REVOKE ALL ON FUNCTION webhooks.switch_on(p_endpoint uuid) FROM PUBLIC;
GRANT ALL ON FUNCTION webhooks.switch_on(p_endpoint uuid) TO haat_request;
GRANT SELECT,INSERT ON TABLE audit.links TO haat_worker;
GRANT SELECT,UPDATE ON TABLE audit.sealer TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE catalog.brands TO haat_request;
GRANT SELECT ON TABLE catalog.brands TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE events.cursors TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE events.failures TO haat_worker;
GRANT SELECT ON TABLE events.failures TO haat_request;
GRANT UPDATE(state) ON TABLE events.failures TO haat_request;
GRANT UPDATE(attempts_max) ON TABLE events.failures TO haat_request;
GRANT UPDATE(next_at) ON TABLE events.failures TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE events.handled TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE events.nodes TO haat_worker;
GRANT SELECT ON TABLE events.outbox TO haat_worker;
GRANT INSERT(event_id) ON TABLE events.outbox TO haat_request;
GRANT INSERT(event_id) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(subject) ON TABLE events.outbox TO haat_request;
GRANT INSERT(subject) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(key) ON TABLE events.outbox TO haat_request;
GRANT INSERT(key) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(priority) ON TABLE events.outbox TO haat_request;
GRANT INSERT(priority) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(data) ON TABLE events.outbox TO haat_request;
GRANT INSERT(data) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(version) ON TABLE events.outbox TO haat_request;
GRANT INSERT(version) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(user_id) ON TABLE events.outbox TO haat_request;
GRANT INSERT(user_id) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(org_id) ON TABLE events.outbox TO haat_request;
GRANT INSERT(org_id) ON TABLE events.outbox TO haat_worker;
GRANT INSERT(correlation_id) ON TABLE events.outbox TO haat_request;
GRANT INSERT(correlation_id) ON TABLE events.outbox TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE events.replays TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE events.sinks TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE files.files TO haat_request;
GRANT SELECT,UPDATE ON TABLE files.files TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE files.objects TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE files.objects TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE files.pictures TO haat_request;
GRANT SELECT,INSERT,DELETE ON TABLE files.pictures TO haat_worker;
GRANT SELECT ON TABLE identity.memberships TO haat_request;
GRANT SELECT ON TABLE identity.memberships TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE identity.organization_addresses TO haat_request;
GRANT SELECT ON TABLE identity.organization_addresses TO haat_worker;
GRANT SELECT ON TABLE identity.organizations TO haat_request;
GRANT SELECT ON TABLE identity.organizations TO haat_worker;
GRANT DELETE ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(id) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(id) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(user_id) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(user_id) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(device_info) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(device_info) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(ip) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(ip) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(user_agent) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(user_agent) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(created_at) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(created_at) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(expires_at) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(expires_at) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(rotated_at) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(rotated_at) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(revoked_at) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(revoked_at) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT(revoked_reason) ON TABLE identity.sessions TO haat_request;
GRANT SELECT(revoked_reason) ON TABLE identity.sessions TO haat_worker;
GRANT SELECT,DELETE ON TABLE identity.sign_in_failures TO haat_worker;
GRANT SELECT(id) ON TABLE identity.users TO haat_request;
GRANT SELECT(id) ON TABLE identity.users TO haat_worker;
GRANT SELECT(email) ON TABLE identity.users TO haat_request;
GRANT SELECT(email) ON TABLE identity.users TO haat_worker;
GRANT SELECT(email_lower) ON TABLE identity.users TO haat_request;
GRANT SELECT(email_lower) ON TABLE identity.users TO haat_worker;
GRANT SELECT(email_verified_at) ON TABLE identity.users TO haat_request;
GRANT SELECT(email_verified_at) ON TABLE identity.users TO haat_worker;
GRANT SELECT(phone) ON TABLE identity.users TO haat_request;
GRANT SELECT(phone) ON TABLE identity.users TO haat_worker;
GRANT SELECT(phone_verified_at) ON TABLE identity.users TO haat_request;
GRANT SELECT(phone_verified_at) ON TABLE identity.users TO haat_worker;
GRANT SELECT(full_name) ON TABLE identity.users TO haat_request;
GRANT SELECT(full_name) ON TABLE identity.users TO haat_worker;
GRANT SELECT(platform_role) ON TABLE identity.users TO haat_request;
GRANT SELECT(platform_role) ON TABLE identity.users TO haat_worker;
GRANT SELECT(is_active) ON TABLE identity.users TO haat_request;
GRANT SELECT(is_active) ON TABLE identity.users TO haat_worker;
GRANT SELECT(deactivation_reason) ON TABLE identity.users TO haat_request;
GRANT SELECT(deactivation_reason) ON TABLE identity.users TO haat_worker;
GRANT SELECT(last_login_at) ON TABLE identity.users TO haat_request;
GRANT SELECT(last_login_at) ON TABLE identity.users TO haat_worker;
GRANT SELECT(last_login_ip) ON TABLE identity.users TO haat_request;
GRANT SELECT(last_login_ip) ON TABLE identity.users TO haat_worker;
GRANT SELECT(referral_code) ON TABLE identity.users TO haat_request;
GRANT SELECT(referral_code) ON TABLE identity.users TO haat_worker;
GRANT SELECT(created_at) ON TABLE identity.users TO haat_request;
GRANT SELECT(created_at) ON TABLE identity.users TO haat_worker;
GRANT SELECT(updated_at) ON TABLE identity.users TO haat_request;
GRANT SELECT(updated_at) ON TABLE identity.users TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.batches TO haat_worker;
GRANT SELECT ON TABLE jobs.batches TO haat_request;
GRANT INSERT(id) ON TABLE jobs.batches TO haat_request;
GRANT INSERT(then_id) ON TABLE jobs.batches TO haat_request;
GRANT INSERT(total) ON TABLE jobs.batches TO haat_request;
GRANT INSERT(unfinished) ON TABLE jobs.batches TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.crons TO haat_worker;
GRANT SELECT ON TABLE jobs.crons TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.finished TO haat_worker;
GRANT SELECT ON TABLE jobs.finished TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.queue TO haat_worker;
GRANT SELECT ON TABLE jobs.queue TO haat_request;
GRANT INSERT(id) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(share) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(batch_id) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(user_id) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(run_at) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(attempts_max) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(keep_seconds) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(priority) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(due) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(queue) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(name) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(unique_key) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(correlation_id) ON TABLE jobs.queue TO haat_request;
GRANT INSERT(payload) ON TABLE jobs.queue TO haat_request;
GRANT SELECT ON TABLE jobs.everything TO haat_request;
GRANT SELECT ON TABLE jobs.everything TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.queues TO haat_worker;
GRANT SELECT ON TABLE jobs.queues TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE jobs.runners TO haat_worker;
GRANT SELECT ON TABLE jobs.runners TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.attempts TO haat_worker;
GRANT SELECT ON TABLE notify.attempts TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.dev_outbox TO haat_worker;
GRANT SELECT ON TABLE notify.dev_outbox TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.messages TO haat_worker;
GRANT SELECT,INSERT,DELETE ON TABLE notify.messages TO haat_request;
GRANT UPDATE(status) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(message) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(html) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(template_data) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(send_after) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(job_id) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(retry_count) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(failure_reason) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(read_at) ON TABLE notify.messages TO haat_request;
GRANT UPDATE(updated_at) ON TABLE notify.messages TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.preferences TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.preferences TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.push_subscriptions TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.push_subscriptions TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.receipts TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.templates TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE notify.templates TO haat_request;
GRANT SELECT,INSERT,UPDATE ON TABLE platform.idempotency TO haat_request;
GRANT SELECT,DELETE ON TABLE platform.idempotency TO haat_worker;
GRANT SELECT,UPDATE ON TABLE settings.maintenance TO haat_request;
GRANT SELECT ON TABLE settings.maintenance TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settings.overrides TO haat_request;
GRANT SELECT ON TABLE settings.overrides TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE settings.platform TO haat_request;
GRANT SELECT ON TABLE settings.platform TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE webhooks.attempts TO haat_worker;
GRANT SELECT ON TABLE webhooks.attempts TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE webhooks.deliveries TO haat_worker;
GRANT SELECT,INSERT,UPDATE ON TABLE webhooks.deliveries TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE webhooks.endpoints TO haat_worker;
GRANT SELECT,DELETE ON TABLE webhooks.endpoints TO haat_request;
GRANT INSERT(id) ON TABLE webhooks.endpoints TO haat_request;
GRANT INSERT(org_id) ON TABLE webhooks.endpoints TO haat_request;
GRANT INSERT(url),UPDATE(url) ON TABLE webhooks.endpoints TO haat_request;
GRANT INSERT(description),UPDATE(description) ON TABLE webhooks.endpoints TO haat_request;
GRANT INSERT(subjects),UPDATE(subjects) ON TABLE webhooks.endpoints TO haat_request;
GRANT INSERT(secret),UPDATE(secret) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(previous_secret) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(previous_until) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(is_enabled) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(disabled_reason) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(disabled_at) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(failures_in_row) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(not_before) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(failing_since) ON TABLE webhooks.endpoints TO haat_request;
GRANT UPDATE(updated_at) ON TABLE webhooks.endpoints TO haat_request;
