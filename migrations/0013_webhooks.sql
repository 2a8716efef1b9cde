-- Webhooks: what an operator has switched off stays off until an operator wants it otherwise, and
-- the sizes of what is kept are the program's settings.

-- A manager's attempt to enable it breaks the constraint, whatever the way.
alter table webhooks.endpoints
    add column is_switched_off boolean not null default false,
    add constraint endpoints_switched_off check (not (is_switched_off and is_enabled));

alter table webhooks.deliveries
    drop constraint deliveries_body_check,
    add constraint deliveries_body_check check (length(body) <= 1100000) not valid;
alter table webhooks.deliveries validate constraint deliveries_body_check;
alter table webhooks.attempts
    drop constraint attempts_response_body_check,
    add constraint attempts_response_body_check check (length(response_body) <= 65536) not valid;
alter table webhooks.attempts validate constraint attempts_response_body_check;

-- Managers may change whatever is theirs, but not this.
revoke insert, update on webhooks.endpoints from haat_request;
grant insert (id, org_id, url, description, subjects, secret) on webhooks.endpoints to haat_request;
grant update (url, description, subjects, secret, previous_secret, previous_until, is_enabled,
              disabled_reason, disabled_at, failures_in_row, not_before, failing_since, updated_at)
    on webhooks.endpoints to haat_request;

-- Any organization's endpoint, by an administrator; what waits for it has failed.
create or replace function webhooks.switch_off(p_endpoint uuid, p_reason text)
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
               set is_enabled = false, is_switched_off = true, disabled_reason = p_reason,
                   disabled_at = now(), updated_at = now()
             where e.id = p_endpoint
            returning e.id, e.org_id, e.url, e.subjects, e.disabled_reason, e.is_enabled;
        perform webhooks.abandon(p_endpoint, 'the endpoint was disabled');
    end $$;

-- And back: it is enabled, with a fresh start. Nothing when it is not there; one that is not
-- switched off is left as it is.
create function webhooks.switch_on(p_endpoint uuid)
    returns table (id uuid, org_id uuid, url text, subjects text[], disabled_reason text,
                   is_enabled boolean, was_switched_off boolean)
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
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
revoke all on function webhooks.switch_on(uuid) from public;
grant execute on function webhooks.switch_on(uuid) to haat_request;

-- All endpoints with what waits and what has failed lately, for administrators.
drop function webhooks.overview();
create function webhooks.overview()
    returns table (id uuid, org_id uuid, url text, is_enabled boolean, is_switched_off boolean,
                   disabled_reason text, failing_since timestamptz, last_success_at timestamptz,
                   last_error text, waiting bigint, failed bigint, created_at timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog
    as $$
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
revoke all on function webhooks.overview() from public;
grant execute on function webhooks.overview() to haat_request;
