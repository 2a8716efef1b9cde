-- Where an organization works and sends from. One of them is the default.

create table identity.organization_addresses (
    id             uuid        primary key,
    org_id         uuid        not null default nullif(current_setting('haat.org_id', true), '')::uuid
                               references identity.organizations (id) on delete cascade,
    label          text        not null check (length(label) <= 50),
    recipient_name text        not null check (length(recipient_name) <= 255),
    phone          text        check (phone ~ '^\+[1-9][0-9]{6,14}$'),
    line1          text        not null check (length(line1) <= 255),
    line2          text        check (length(line2) <= 255),
    landmark       text        check (length(landmark) <= 255),
    city           text        not null check (length(city) <= 100),
    state          text        not null check (length(state) <= 100),
    postal_code    text        not null check (length(postal_code) <= 30),
    country        text        not null check (length(country) <= 100),
    lat            float8      check (lat between -90 and 90),
    lng            float8      check (lng between -180 and 180),
    is_default     boolean     not null,
    created_at     timestamptz not null default now(),
    updated_at     timestamptz not null default now()
);
create index organization_addresses_by_age on identity.organization_addresses (org_id, created_at, id);
create index organization_addresses_by_label on identity.organization_addresses (org_id, label, id);
create unique index organization_addresses_one_default on identity.organization_addresses (org_id)
    where is_default;

alter table identity.organization_addresses enable row level security;
create policy own on identity.organization_addresses to haat_request
    using (org_id = nullif(current_setting('haat.org_id', true), '')::uuid)
    with check (org_id = nullif(current_setting('haat.org_id', true), '')::uuid);
create policy worker_reads on identity.organization_addresses for select to haat_worker using (true);
grant select, insert, update, delete on identity.organization_addresses to haat_request;
grant select on identity.organization_addresses to haat_worker;
