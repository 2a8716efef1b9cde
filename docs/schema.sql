-- The schema as the migrations make it. Written by `haat docs`.
CREATE SCHEMA audit;
CREATE SCHEMA catalog;
CREATE SCHEMA events;
CREATE SCHEMA extensions;
CREATE SCHEMA haat;
CREATE SCHEMA identity;
CREATE SCHEMA platform;
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA extensions;
COMMENT ON EXTENSION pg_trgm IS 'text similarity measurement and index searching based on trigrams';
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
CREATE FUNCTION platform.containing(sought text) RETURNS text
    LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
    RETURN (('%'::text || replace(replace(replace(lower(sought), '\'::text, '\\'::text), '%'::text, '\%'::text), '_'::text, '\_'::text)) || '%'::text);
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
    request_id text NOT NULL
);
ALTER TABLE audit.entries ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME audit.entries_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
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
CREATE TABLE events.outbox (
    id bigint NOT NULL,
    event_id uuid NOT NULL,
    transaction_id xid8 DEFAULT pg_current_xact_id() NOT NULL,
    subject text NOT NULL,
    key uuid NOT NULL,
    priority text NOT NULL,
    data jsonb NOT NULL,
    version integer DEFAULT 1 NOT NULL,
    user_id uuid,
    org_id uuid,
    correlation_id text NOT NULL,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT outbox_priority_check CHECK ((priority = ANY (ARRAY['low'::text, 'medium'::text, 'high'::text, 'critical'::text]))),
    CONSTRAINT outbox_subject_check CHECK ((length(subject) <= 100))
);
ALTER TABLE events.outbox ALTER COLUMN id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME events.outbox_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
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
ALTER TABLE ONLY audit.entries
    ADD CONSTRAINT entries_pkey PRIMARY KEY (id);
ALTER TABLE ONLY catalog.brands
    ADD CONSTRAINT brands_pkey PRIMARY KEY (id);
ALTER TABLE ONLY catalog.brands
    ADD CONSTRAINT brands_slug_key UNIQUE (slug);
ALTER TABLE ONLY catalog.categories
    ADD CONSTRAINT categories_pkey PRIMARY KEY (id);
ALTER TABLE ONLY catalog.categories
    ADD CONSTRAINT categories_slug_key UNIQUE (slug);
ALTER TABLE ONLY events.outbox
    ADD CONSTRAINT outbox_event_id_key UNIQUE (event_id);
ALTER TABLE ONLY events.outbox
    ADD CONSTRAINT outbox_pkey PRIMARY KEY (id);
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
ALTER TABLE ONLY platform.idempotency
    ADD CONSTRAINT idempotency_pkey PRIMARY KEY (actor, route, key);
CREATE INDEX entries_by_entity ON audit.entries USING btree (entity, entity_id, id);
CREATE INDEX entries_by_org ON audit.entries USING btree (org_id, id);
CREATE INDEX brands_by_age ON catalog.brands USING btree (is_active, created_at, id);
CREATE INDEX brands_by_country ON catalog.brands USING btree (is_active, country, name_lower, id);
CREATE INDEX brands_by_name ON catalog.brands USING btree (is_active, name_lower, id);
CREATE INDEX brands_search ON catalog.brands USING gin (name_lower extensions.gin_trgm_ops);
CREATE INDEX categories_by_age ON catalog.categories USING btree (is_active, created_at, id);
CREATE INDEX categories_by_name ON catalog.categories USING btree (is_active, name_lower, id);
CREATE INDEX categories_by_parent ON catalog.categories USING btree (parent_id, name_lower, id);
CREATE INDEX categories_search ON catalog.categories USING gin (name_lower extensions.gin_trgm_ops);
CREATE INDEX memberships_by_user ON identity.memberships USING btree (user_id);
CREATE INDEX organization_addresses_by_age ON identity.organization_addresses USING btree (org_id, created_at, id);
CREATE INDEX organization_addresses_by_label ON identity.organization_addresses USING btree (org_id, label, id);
CREATE UNIQUE INDEX organization_addresses_one_default ON identity.organization_addresses USING btree (org_id) WHERE is_default;
CREATE INDEX sessions_by_expiry ON identity.sessions USING btree (expires_at);
CREATE INDEX sessions_by_user ON identity.sessions USING btree (user_id, created_at);
CREATE INDEX sign_in_failures_by_end ON identity.sign_in_failures USING btree (until);
CREATE INDEX users_by_referrer ON identity.users USING btree (referred_by) WHERE (referred_by IS NOT NULL);
CREATE UNIQUE INDEX users_verified_phone_key ON identity.users USING btree (phone) WHERE (phone_verified_at IS NOT NULL);
CREATE INDEX idempotency_by_age ON platform.idempotency USING btree (created_at);
ALTER TABLE ONLY catalog.categories
    ADD CONSTRAINT categories_parent_fkey FOREIGN KEY (parent_id) REFERENCES catalog.categories(id) ON DELETE SET NULL;
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
ALTER TABLE audit.entries ENABLE ROW LEVEL SECURITY;
CREATE POLICY request_adds ON audit.entries FOR INSERT TO haat_request WITH CHECK (true);
CREATE POLICY worker_all ON audit.entries TO haat_worker USING (true) WITH CHECK (true);
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
ALTER TABLE events.outbox ENABLE ROW LEVEL SECURITY;
CREATE POLICY request_adds ON events.outbox FOR INSERT TO haat_request WITH CHECK (true);
CREATE POLICY worker_all ON events.outbox TO haat_worker USING (true) WITH CHECK (true);
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
ALTER TABLE platform.idempotency ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON platform.idempotency TO haat_request USING ((actor = ((current_setting('haat.user_id'::text, true) || '/'::text) || current_setting('haat.org_id'::text, true))));
CREATE POLICY worker_all ON platform.idempotency TO haat_worker USING (true) WITH CHECK (true);
GRANT USAGE ON SCHEMA audit TO haat_request;
GRANT USAGE ON SCHEMA audit TO haat_worker;
GRANT USAGE ON SCHEMA catalog TO haat_request;
GRANT USAGE ON SCHEMA catalog TO haat_worker;
GRANT USAGE ON SCHEMA events TO haat_request;
GRANT USAGE ON SCHEMA events TO haat_worker;
GRANT USAGE ON SCHEMA extensions TO haat_request;
GRANT USAGE ON SCHEMA extensions TO haat_worker;
GRANT USAGE ON SCHEMA haat TO haat_request;
GRANT USAGE ON SCHEMA haat TO haat_worker;
GRANT USAGE ON SCHEMA identity TO haat_request;
GRANT USAGE ON SCHEMA identity TO haat_worker;
GRANT USAGE ON SCHEMA platform TO haat_request;
GRANT USAGE ON SCHEMA platform TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE catalog.categories TO haat_request;
GRANT SELECT ON TABLE catalog.categories TO haat_worker;
GRANT ALL ON FUNCTION catalog.is_under(below uuid, above uuid) TO haat_request;
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
GRANT ALL ON FUNCTION platform.containing(sought text) TO haat_request;
GRANT ALL ON FUNCTION platform.containing(sought text) TO haat_worker;
GRANT INSERT ON TABLE audit.entries TO haat_request;
GRANT SELECT,INSERT ON TABLE audit.entries TO haat_worker;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE catalog.brands TO haat_request;
GRANT SELECT ON TABLE catalog.brands TO haat_worker;
GRANT INSERT ON TABLE events.outbox TO haat_request;
GRANT SELECT,INSERT,DELETE,UPDATE ON TABLE events.outbox TO haat_worker;
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
GRANT SELECT,INSERT,UPDATE ON TABLE platform.idempotency TO haat_request;
GRANT SELECT,DELETE ON TABLE platform.idempotency TO haat_worker;
