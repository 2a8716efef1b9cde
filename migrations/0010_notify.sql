-- Messages to people: what is sent, how it went, in which words, and who wants what and when.
--
-- A message belongs to an organization, or to the platform when it has none. Requests add messages
-- and see their organization's; people see what was sent to them in the application; everything
-- that has to do with sending is the worker's. docs/decisions/0025-messages.md.

create schema notify;
grant usage on schema notify to haat_request, haat_worker;

-- The acting organization, or nobody: what the platform's own rows have as their owner.
create function notify.acting_owner() returns uuid
    language sql stable set search_path = pg_catalog
    return coalesce(nullif(current_setting('haat.org_id', true), ''),
                    '00000000-0000-0000-0000-000000000000')::uuid;
revoke all on function notify.acting_owner() from public;
grant execute on function notify.acting_owner() to haat_request, haat_worker;

create table notify.messages (
    id                 uuid        primary key,
    org_id             uuid        references identity.organizations on delete cascade,
    owner_id           uuid        not null generated always as
                       (coalesce(org_id, '00000000-0000-0000-0000-000000000000'::uuid)) stored,
    channel            text        not null
                       check (channel in ('EMAIL', 'SMS', 'WHATSAPP', 'PUSH', 'IN_APP')),
    type               text        not null check (type in (
                           'PAYMENT_REMINDER', 'PAYMENT_CONFIRMATION', 'INVOICE_CREATED',
                           'INVOICE_OVERDUE', 'SALE_CREATED', 'ORDER_CONFIRMATION',
                           'ORDER_STATUS_UPDATE', 'STOCK_ALERT', 'LOW_STOCK_ALERT', 'REORDER_ALERT',
                           'CUSTOM', 'WELCOME', 'BIRTHDAY', 'ANNIVERSARY', 'PROMOTIONAL',
                           'SYSTEM_ALERT', 'BACKUP_COMPLETED', 'BACKUP_FAILED')),
    category           text        not null
                       check (category in ('transactional', 'reminder', 'alert', 'general',
                                           'marketing')),
    status             text        not null default 'PENDING'
                       check (status in ('PENDING', 'SENT', 'DELIVERED', 'READ', 'FAILED',
                                         'CANCELLED')),
    recipient_type     text        not null check (recipient_type in ('CUSTOMER', 'PARTY', 'USER')),
    recipient_id       uuid,
    recipient_name     text        not null check (length(recipient_name) <= 255),
    recipient_contact  text        check (length(recipient_contact) <= 320),
    user_id            uuid        generated always as
                       (case when recipient_type = 'USER' then recipient_id end) stored,
    title              text        not null check (length(title) <= 500),
    message            text        not null check (length(message) <= 100000),
    html               text        check (length(html) <= 500000),
    template_name      text        check (length(template_name) <= 100),
    template_data      jsonb       check (jsonb_typeof(template_data) = 'object'),
    provider_template  text        check (length(provider_template) <= 100),
    language           text        not null default '' check (length(language) <= 20),
    is_urgent          boolean     not null default false,
    is_secret          boolean     not null default false,
    send_after         timestamptz not null,
    job_id             uuid        not null,   -- the job that may send it; any other one ends
    sending_since      timestamptz,            -- a provider is being asked
    provider           text        check (length(provider) <= 40),
    external_id        text        check (length(external_id) <= 255),
    retry_count        integer     not null default 0,
    max_retries        integer     not null default 3 check (max_retries between 0 and 10),
    failure_reason     text        check (length(failure_reason) <= 500),
    sent_at            timestamptz,
    delivered_at       timestamptz,
    read_at            timestamptz,
    created_by         uuid,
    party_id           uuid,
    customer_id        uuid,
    invoice_id         uuid,
    sale_id            uuid,
    invoice_payment_id uuid,
    sale_receipt_id    uuid,
    order_id           uuid,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    constraint messages_retries check (retry_count between 0 and max_retries)
) with (fillfactor = 80);
create index messages_by_age on notify.messages (owner_id, created_at, id);
create index messages_by_status on notify.messages (owner_id, status, created_at, id);
create index messages_by_day on notify.messages using brin (created_at);
create index messages_by_recipient on notify.messages (owner_id, recipient_id, created_at, id)
    where recipient_id is not null;
create index messages_inbox on notify.messages (user_id, created_at, id)
    where channel = 'IN_APP' and status in ('SENT', 'DELIVERED', 'READ');
create index messages_unread on notify.messages (user_id)
    where channel = 'IN_APP' and status in ('SENT', 'DELIVERED');
create index messages_by_external on notify.messages (provider, external_id)
    where external_id is not null;

-- PENDING -> SENT -> DELIVERED -> READ; FAILED and CANCELLED on the way. A failed one may be tried
-- once more while it has retries left.
create function notify.check_move() returns trigger
    language plpgsql set search_path = pg_catalog
    as $$
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
create trigger move before update of status on notify.messages
    for each row when (old.status is distinct from new.status)
    execute function notify.check_move();

-- Each time a provider was asked, and what it said.
create table notify.attempts (
    message_id   uuid        not null references notify.messages on delete cascade,
    org_id       uuid,
    number       integer     not null check (number > 0),
    provider     text        not null check (length(provider) <= 40),
    started_at   timestamptz not null,
    ended_at     timestamptz,
    outcome      text        check (outcome in ('sent', 'permanent', 'temporary', 'throttled',
                                                'misconfigured', 'unknown')),
    code         text        not null default '' check (length(code) <= 100),
    reason       text        not null default '' check (length(reason) <= 1000),
    perhaps_sent boolean     not null default false,
    primary key (message_id, number)
);

-- Words of an organization's own, or of the platform, instead of those that are built in.
create table notify.templates (
    id                uuid        primary key,
    org_id            uuid        references identity.organizations on delete cascade,
    name              text        not null check (name ~ '^[a-z][a-z0-9_]{0,62}$'),
    channel           text        not null
                      check (channel in ('EMAIL', 'SMS', 'WHATSAPP', 'PUSH', 'IN_APP')),
    language          text        not null check (language ~ '^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$'),
    subject           text        not null check (length(subject) <= 255),
    body              text        not null check (length(body) between 1 and 20000),
    html              text        check (length(html) <= 200000),
    variables         text[]      not null default '{}',
    provider_template text        check (length(provider_template) <= 100),
    updated_by        uuid,
    created_at        timestamptz not null default now(),
    updated_at        timestamptz not null default now(),
    constraint templates_key unique nulls not distinct (org_id, name, channel, language)
);

-- What somebody wants. Users have theirs once for all organizations; what an organization knows of
-- its customers and parties belongs to it.
create table notify.preferences (
    org_id         uuid        references identity.organizations on delete cascade,
    recipient_type text        not null check (recipient_type in ('CUSTOMER', 'PARTY', 'USER')),
    recipient_id   uuid        not null,
    language       text        not null default '' check (length(language) <= 20),
    time_zone      text        not null default 'Asia/Kolkata' check (length(time_zone) <= 64),
    quiet_from     integer     check (quiet_from between 0 and 1439),
    quiet_until    integer     check (quiet_until between 0 and 1439),
    choices        jsonb       not null default '[]' check (jsonb_typeof(choices) = 'array'),
    updated_at     timestamptz not null default now(),
    constraint preferences_key unique nulls not distinct (org_id, recipient_type, recipient_id),
    constraint preferences_owner check ((recipient_type = 'USER') = (org_id is null)),
    constraint preferences_quiet check ((quiet_from is null) = (quiet_until is null))
);

-- Browsers that want to be told.
create table notify.push_subscriptions (
    id         uuid        primary key,
    user_id    uuid        not null references identity.users on delete cascade,
    endpoint   text        not null check (length(endpoint) <= 2048),
    p256dh     text        not null check (length(p256dh) <= 100),
    auth       text        not null check (length(auth) <= 32),
    user_agent text        not null default '' check (length(user_agent) <= 255),
    created_at timestamptz not null default now(),
    constraint push_subscriptions_key unique (user_id, endpoint)
);
create index push_subscriptions_by_endpoint on notify.push_subscriptions
    using hash (endpoint);

-- What providers said afterwards; kept because it may come before we know their id.
create table notify.receipts (
    provider    text        not null check (length(provider) <= 40),
    external_id text        not null check (length(external_id) <= 255),
    status      text        not null check (status in ('SENT', 'DELIVERED', 'READ', 'FAILED')),
    at          timestamptz not null,
    reason      text        not null default '' check (length(reason) <= 500),
    received_at timestamptz not null default now(),
    primary key (provider, external_id, status)
);
create index receipts_by_age on notify.receipts (received_at);

-- What would have been sent, in development.
create table notify.dev_outbox (
    id         bigint      generated always as identity primary key,
    message_id uuid        not null,
    channel    text        not null,
    recipient  text        not null,
    subject    text        not null,
    body       text        not null,
    html       text,
    at         timestamptz not null
);

do $$
declare
    name text;
begin
    foreach name in array array['messages', 'attempts', 'templates', 'preferences',
                                'push_subscriptions', 'receipts', 'dev_outbox'] loop
        execute format('alter table notify.%I enable row level security', name);
        execute format('create policy worker_all on notify.%I to haat_worker
            using (true) with check (true)', name);
        execute format('grant select, insert, update, delete on notify.%I to haat_worker', name);
    end loop;
    -- Administrators without an organization act for the platform.
    foreach name in array array['messages', 'attempts', 'templates'] loop
        execute format('create policy platform on notify.%I to haat_request
            using (org_id is null and nullif(current_setting(''haat.org_id'', true), '''') is null
                   and current_setting(''haat.role'', true) = ''admin'')', name);
        execute format('create policy own_organization on notify.%I to haat_request
            using (org_id = nullif(current_setting(''haat.org_id'', true), '''')::uuid)', name);
    end loop;
end $$;

-- Whatever happens may lead to a message: of the acting organization, or of the platform.
create policy request_adds on notify.messages for insert to haat_request
    with check (coalesce(org_id, nullif(current_setting('haat.org_id', true), '')::uuid)
                is not distinct from nullif(current_setting('haat.org_id', true), '')::uuid);
create policy recipient_reads on notify.messages for select to haat_request
    using (user_id = nullif(current_setting('haat.user_id', true), '')::uuid
           and channel = 'IN_APP');
create policy recipient_marks on notify.messages for update to haat_request
    using (user_id = nullif(current_setting('haat.user_id', true), '')::uuid
           and channel = 'IN_APP');
grant select, insert, delete on notify.messages to haat_request;
grant update (status, read_at, updated_at, retry_count, job_id, send_after, failure_reason,
              message, html, template_data) on notify.messages to haat_request;
grant select on notify.attempts to haat_request;

create policy everybody_reads_the_platforms on notify.templates for select to haat_request
    using (coalesce(org_id, nullif(current_setting('haat.org_id', true), '')::uuid)
           is not distinct from nullif(current_setting('haat.org_id', true), '')::uuid);
grant select, insert, update, delete on notify.templates to haat_request;

create policy own on notify.preferences to haat_request
    using (recipient_type = 'USER' and org_id is null
           and recipient_id = nullif(current_setting('haat.user_id', true), '')::uuid);
create policy own_organization on notify.preferences to haat_request
    using (org_id = nullif(current_setting('haat.org_id', true), '')::uuid);
grant select, insert, update, delete on notify.preferences to haat_request;

create policy own on notify.push_subscriptions to haat_request
    using (user_id = nullif(current_setting('haat.user_id', true), '')::uuid);
grant select, insert, update, delete on notify.push_subscriptions to haat_request;

create policy everybody_reads on notify.dev_outbox for select to haat_request using (true);
grant select on notify.dev_outbox to haat_request;
