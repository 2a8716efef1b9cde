-- People, businesses, who belongs to which, and who is signed in.
--
-- Row-level security is enabled but not forced: the owner runs migrations and the functions below,
-- never a request, and forcing it would only ask for a policy that lets the owner do everything.
-- The request role reads its own rows and writes nothing here by itself: what must be looked up
-- before a user is known, and every change, goes through the functions at the end, each of which
-- takes the caller from the setting haat.user_id, never from an argument.

create schema identity;
grant usage on schema identity to haat_request, haat_worker;

create table identity.users (
    id                  uuid        primary key,
    email               text        check (length(email) <= 254),
    email_lower         text        check (length(email_lower) <= 254),
    email_verified_at   timestamptz,
    phone               text        check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    phone_verified_at   timestamptz,
    full_name           text        not null check (length(full_name) between 1 and 120),
    password_hash       text        check (length(password_hash) <= 255),
    platform_role       text        not null default 'customer'
                        check (platform_role in ('customer', 'admin', 'system')),
    is_active           boolean     not null default true,
    deactivation_reason text        check (length(deactivation_reason) <= 500),
    locked_until        timestamptz,
    last_login_at       timestamptz,
    last_login_ip       text        check (length(last_login_ip) <= 45),
    referral_code       text        not null,
    referred_by         uuid        references identity.users (id) on delete set null,
    created_at          timestamptz not null default now(),
    updated_at          timestamptz not null default now(),
    constraint users_email_lower_key unique (email_lower),
    constraint users_referral_code_key unique (referral_code),
    constraint users_email_pair check ((email is null) = (email_lower is null)),
    constraint users_reachable check (email_lower is not null or phone_verified_at is not null)
) with (fillfactor = 90);
create unique index users_verified_phone_key on identity.users (phone)
    where phone_verified_at is not null;
create index users_by_referrer on identity.users (referred_by) where referred_by is not null;
alter table identity.users enable row level security;
create policy own on identity.users for select to haat_request
    using (id = nullif(current_setting('haat.user_id', true), '')::uuid);
create policy worker_reads on identity.users for select to haat_worker using (true);
grant select (id, email, email_lower, email_verified_at, phone, phone_verified_at, full_name,
              platform_role, is_active, deactivation_reason, last_login_at, last_login_ip,
              referral_code, created_at, updated_at)
    on identity.users to haat_request, haat_worker;

create table identity.organizations (
    id                uuid        primary key,
    display_name      text        not null check (length(display_name) between 1 and 150),
    owner_name        text        not null check (length(owner_name) between 1 and 120),
    slug              text        not null check (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'
                                                  and length(slug) <= 255),
    gstin             text        constraint organizations_gstin_check
                                  check (gstin ~ '^[0-9]{2}[A-Z]{5}[0-9]{4}[A-Z][1-9A-Z]Z[0-9A-Z]$'),
    pan               text        constraint organizations_pan_check
                                  check (pan ~ '^[A-Z]{5}[0-9]{4}[A-Z]$'),
    state_code        text        constraint organizations_state_code_check
                                  check (state_code ~ '^[0-9]{2}$'),
    currency          char(3)     not null default 'INR'
                                  constraint organizations_currency_check
                                  check (currency ~ '^[A-Z]{3}$'),
    time_zone         text        not null default 'Asia/Kolkata'
                                  constraint organizations_time_zone_check
                                  check (time_zone ~ '^[A-Z][A-Za-z]+(/[A-Za-z0-9_+-]+)*$'
                                         and length(time_zone) <= 64),
    fiscal_year_start integer     not null default 4 check (fiscal_year_start between 1 and 12),
    settings          jsonb       not null default '{}' check (jsonb_typeof(settings) = 'object'),
    status            text        not null default 'unauthorized'
                      check (status in ('unauthorized', 'authorized', 'deactivated')),
    status_reason     text        check (length(status_reason) <= 500),
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    constraint organizations_slug_key unique (slug)
);
alter table identity.organizations enable row level security;
create policy acting on identity.organizations for select to haat_request
    using (id = nullif(current_setting('haat.org_id', true), '')::uuid);
create policy worker_reads on identity.organizations for select to haat_worker using (true);
grant select on identity.organizations to haat_request, haat_worker;

create table identity.memberships (
    org_id     uuid        not null references identity.organizations (id) on delete cascade,
    user_id    uuid        not null references identity.users (id) on delete cascade,
    role       text        not null
               check (role in ('OWNER', 'MANAGER', 'ACCOUNTANT', 'STAFF', 'VIEWER')),
    created_at timestamptz not null default now(),
    constraint memberships_pkey primary key (org_id, user_id)
);
create index memberships_by_user on identity.memberships (user_id);
alter table identity.memberships enable row level security;
create policy own on identity.memberships for select to haat_request
    using (user_id = nullif(current_setting('haat.user_id', true), '')::uuid);
create policy worker_reads on identity.memberships for select to haat_worker using (true);
grant select on identity.memberships to haat_request, haat_worker;

-- One row per sign-in: a device. Its refresh tokens form one chain (the family), of which only the
-- hash of the newest and of the one before are kept; that an older one was ours is proved by the
-- seal inside the token. Sessions are found by id, so the hashes need no index.
create table identity.sessions (
    id             uuid        primary key,
    user_id        uuid        not null references identity.users (id) on delete cascade,
    refresh_hash   text        not null check (length(refresh_hash) = 43),
    previous_hash  text        check (length(previous_hash) = 43),
    device_info    jsonb       not null default '{}',
    ip             text        not null check (length(ip) <= 45),
    user_agent     text        not null check (length(user_agent) <= 255),
    created_at     timestamptz not null,
    expires_at     timestamptz not null,
    rotated_at     timestamptz,
    revoked_at     timestamptz,
    revoked_reason text        check (length(revoked_reason) <= 100),
    constraint sessions_revoked_pair check ((revoked_at is null) = (revoked_reason is null))
) with (fillfactor = 80);
create index sessions_by_user on identity.sessions (user_id, created_at);
create index sessions_by_expiry on identity.sessions (expires_at);
alter table identity.sessions enable row level security;
create policy own on identity.sessions for select to haat_request
    using (user_id = nullif(current_setting('haat.user_id', true), '')::uuid);
create policy worker_all on identity.sessions to haat_worker using (true) with check (true);
grant select (id, user_id, device_info, ip, user_agent, created_at, expires_at, rotated_at,
              revoked_at, revoked_reason)
    on identity.sessions to haat_request, haat_worker;
grant delete on identity.sessions to haat_worker;

-- Wrong passwords: per e-mail and address, per e-mail, per address. Only hashes, because people
-- type passwords into the wrong box, and unknown addresses are counted like known ones.
create table identity.sign_in_failures (
    scope    text        not null check (scope in ('pair', 'email', 'address')),
    key      bytea       not null,
    failures integer     not null,
    until    timestamptz not null, -- then the count begins anew
    constraint sign_in_failures_pkey primary key (scope, key)
) with (fillfactor = 70);
create index sign_in_failures_by_end on identity.sign_in_failures (until);
alter table identity.sign_in_failures enable row level security;
create policy worker_all on identity.sign_in_failures to haat_worker using (true) with check (true);
grant select, delete on identity.sign_in_failures to haat_worker;

create function identity.caller() returns uuid
    language sql stable set search_path = pg_catalog
    as $$ select nullif(current_setting('haat.user_id', true), '')::uuid $$;

create function identity.failure_key(p_text text) returns bytea
    language sql immutable set search_path = pg_catalog
    as $$ select sha256(convert_to(p_text, 'UTF8')) $$;

-- Always one row, so that an unknown e-mail takes the same path as a known one.
create function identity.find_sign_in(p_email_lower text, p_address text, p_now timestamptz,
                                      p_pair_max integer, p_email_max integer,
                                      p_address_max integer)
    returns table (user_id uuid, password_hash text, platform_role text, is_active boolean,
                   deactivation_reason text, is_member boolean, locked_until timestamptz,
                   blocked_until timestamptz)
    language sql stable security definer set search_path = pg_catalog
    as $$
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

create function identity.count_one_failure(p_scope text, p_text text, p_max integer,
                                           p_now timestamptz, p_window interval,
                                           out failures integer, out until timestamptz)
    language sql volatile set search_path = pg_catalog
    as $$
        insert into identity.sign_in_failures as f (scope, key, failures, until)
        values (p_scope, identity.failure_key(p_text), 1, p_now + p_window)
        on conflict (scope, key) do update
           set failures = case when f.until <= p_now then 1 else f.failures + 1 end,
               until = case when f.until <= p_now or f.failures + 1 = p_max
                            then p_now + p_window else f.until end
        returning failures, until
    $$;

-- The counters are always taken in the order pair, email, address: rivals wait, never deadlock.
create function identity.count_failure(p_email_lower text, p_address text, p_now timestamptz,
                                       p_pair_max integer, p_email_max integer,
                                       p_address_max integer, p_window_seconds integer)
    returns table (failures integer, locked_until timestamptz)
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
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

create function identity.open_session(p_session uuid, p_refresh_hash text, p_ip text,
                                      p_user_agent text, p_device_info jsonb, p_now timestamptz,
                                      p_expires_at timestamptz)
    returns void
    language sql volatile security definer set search_path = pg_catalog
    as $$
        update identity.users u set last_login_at = p_now, last_login_ip = p_ip
         where u.id = identity.caller();
        delete from identity.sessions s
         where s.user_id = identity.caller() and s.expires_at < p_now - interval '30 days';
        insert into identity.sessions (id, user_id, refresh_hash, ip, user_agent, device_info,
                                       created_at, expires_at)
        values (p_session, identity.caller(), p_refresh_hash, p_ip, p_user_agent, p_device_info,
                p_now, p_expires_at)
    $$;

-- After the right password. False when rivals have filled the counter meanwhile: a hundred guesses
-- at once must not get a hundred answers.
create function identity.clear_failures(p_email_lower text, p_address text, p_now timestamptz,
                                        p_pair_max integer)
    returns boolean
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
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

create function identity.upgrade_password(p_old_hash text, p_new_hash text) returns void
    language sql volatile security definer set search_path = pg_catalog
    as $$
        update identity.users u set password_hash = p_new_hash
         where u.id = identity.caller() and u.password_hash = p_old_hash
    $$;

create function identity.register_user(p_email text, p_email_lower text, p_phone text,
                                       p_full_name text, p_password_hash text,
                                       p_referral_code text, p_referrer_code text,
                                       p_now timestamptz)
    returns void
    language sql volatile security definer set search_path = pg_catalog
    as $$
        insert into identity.users (id, email, email_lower, phone, full_name, password_hash,
                                    referral_code, referred_by, created_at, updated_at)
        values (identity.caller(), p_email, p_email_lower, p_phone, p_full_name, p_password_hash,
                p_referral_code,
                (select r.id from identity.users r where r.referral_code = upper(p_referrer_code)),
                p_now, p_now)
    $$;

-- rotated: the successor is the newest now. repeated: the same token once more within the grace
-- (two tabs). reused: an older token; the whole session is ended. ended, inactive, unknown: no.
create function identity.rotate_session(p_session uuid, p_presented_hash text,
                                        p_successor_hash text, p_now timestamptz,
                                        p_expires_at timestamptz, p_grace_seconds integer)
    returns table (outcome text, expires_at timestamptz)
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
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

create function identity.revoke_session(p_session uuid, p_reason text, p_now timestamptz)
    returns boolean
    language sql volatile security definer set search_path = pg_catalog
    as $$
        with ended as (
            update identity.sessions s set revoked_at = p_now, revoked_reason = p_reason
             where s.id = p_session and s.user_id = identity.caller() and s.revoked_at is null
            returning 1)
        select exists (select from ended)
    $$;

-- What a request must know about its caller. Always one row.
create function identity.standing(p_user uuid, p_session uuid, p_now timestamptz)
    returns table (is_live boolean, platform_role text, memberships jsonb)
    language sql stable security definer set search_path = pg_catalog
    as $$
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

create function identity.organization_exists(p_org uuid) returns boolean
    language sql stable security definer set search_path = pg_catalog
    as $$ select exists (select from identity.organizations o where o.id = p_org) $$;

create function identity.my_organizations()
    returns table (id uuid, display_name text, owner_name text, slug text, gstin text, pan text,
                   state_code text, currency text, time_zone text, fiscal_year_start integer,
                   status text, status_reason text, role text, created_at timestamptz,
                   updated_at timestamptz)
    language sql stable security definer set search_path = pg_catalog
    as $$
        select o.id, o.display_name, o.owner_name, o.slug, o.gstin, o.pan, o.state_code,
               o.currency::text, o.time_zone, o.fiscal_year_start, o.status, o.status_reason,
               m.role, o.created_at, o.updated_at
          from identity.memberships m
          join identity.organizations o on o.id = m.org_id
         where m.user_id = identity.caller()
    $$;

-- The caller becomes its owner. A slug that is taken gets a tail, because two shops may well have
-- the same name.
create function identity.found_organization(p_id uuid, p_display_name text, p_owner_name text,
                                            p_slug text, p_gstin text, p_pan text,
                                            p_state_code text, p_currency text, p_time_zone text,
                                            p_fiscal_year_start integer, p_now timestamptz,
                                            p_owned_max integer)
    returns void
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
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

revoke all on all functions in schema identity from public;
grant execute on function
    identity.caller(),
    identity.find_sign_in(text, text, timestamptz, integer, integer, integer),
    identity.count_failure(text, text, timestamptz, integer, integer, integer, integer),
    identity.clear_failures(text, text, timestamptz, integer),
    identity.open_session(uuid, text, text, text, jsonb, timestamptz, timestamptz),
    identity.upgrade_password(text, text),
    identity.register_user(text, text, text, text, text, text, text, timestamptz),
    identity.rotate_session(uuid, text, text, timestamptz, timestamptz, integer),
    identity.revoke_session(uuid, text, timestamptz),
    identity.standing(uuid, uuid, timestamptz),
    identity.organization_exists(uuid),
    identity.my_organizations(),
    identity.found_organization(uuid, text, text, text, text, text, text, text, text, integer,
                                timestamptz, integer)
    to haat_request;
