-- Platform rows: everybody reads them, members of a shop propose them, administrators change them.

create schema catalog;
grant usage on schema catalog to haat_request, haat_worker;

create table catalog.brands (
    id          uuid        primary key,
    name        text        not null check (length(name) between 1 and 255),
    name_lower  text        not null generated always as (lower(name)) stored,
    slug        text        not null,
    description text        check (length(description) <= 5000),
    country     text        check (length(country) <= 100),
    logo_url    text        check (length(logo_url) <= 2048),
    metadata    jsonb       not null default '{}',
    is_active   boolean     not null default true,
    created_at  timestamptz not null default now(),
    updated_at  timestamptz not null default now(),
    constraint brands_slug_key unique (slug)
);
create index brands_by_name on catalog.brands (is_active, name_lower, id);
create index brands_by_country on catalog.brands (is_active, country, name_lower, id);
create index brands_by_age on catalog.brands (is_active, created_at, id);
create index brands_search on catalog.brands using gin (name_lower extensions.gin_trgm_ops);

create table catalog.categories (
    id                 uuid        primary key,
    name               text        not null check (length(name) between 1 and 255),
    name_lower         text        not null generated always as (lower(name)) stored,
    slug               text        not null,
    description        text        check (length(description) <= 5000),
    parent_id          uuid,
    image_url          text        check (length(image_url) <= 2048),
    product_attributes jsonb       not null default '[]',
    is_active          boolean     not null default true,
    created_at         timestamptz not null default now(),
    updated_at         timestamptz not null default now(),
    constraint categories_slug_key unique (slug),
    constraint categories_parent_fkey foreign key (parent_id)
        references catalog.categories (id) on delete set null,
    constraint categories_not_own_parent check (parent_id <> id)
);
create index categories_by_name on catalog.categories (is_active, name_lower, id);
create index categories_by_parent on catalog.categories (parent_id, name_lower, id);
create index categories_by_age on catalog.categories (is_active, created_at, id);
create index categories_search on catalog.categories using gin (name_lower extensions.gin_trgm_ops);

-- Whether `below` is `above` or stands under it in the tree.
create function catalog.is_under(below uuid, above uuid) returns boolean
    language sql stable strict
begin atomic
    with recursive up (id, parent_id) as (
        select c.id, c.parent_id from catalog.categories c where c.id = below
        union
        select c.id, c.parent_id from catalog.categories c join up on c.id = up.parent_id
    )
    select exists (select from up where up.id = above);
end;
grant execute on function catalog.is_under(uuid, uuid) to haat_request;

do $$
declare
    name text;
begin
    foreach name in array array['brands', 'categories'] loop
        execute format('alter table catalog.%I enable row level security', name);
        execute format('create policy everybody_reads on catalog.%I for select using (true)', name);
        execute format('create policy members_add on catalog.%I for insert to haat_request
            with check (nullif(current_setting(''haat.user_id'', true), '''') is not null)', name);
        execute format('create policy administrators_change on catalog.%I for update to haat_request
            using (current_setting(''haat.role'', true) = ''admin'')', name);
        execute format('create policy administrators_remove on catalog.%I for delete to haat_request
            using (current_setting(''haat.role'', true) = ''admin'')', name);
        execute format('grant select, insert, update, delete on catalog.%I to haat_request', name);
        execute format('grant select on catalog.%I to haat_worker', name);
    end loop;
end $$;
