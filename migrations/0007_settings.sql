-- What operators set while haat runs, whether it is closed for work, and the sealed audit log.

create schema settings;
grant usage on schema settings to haat_request, haat_worker;

-- Only what differs from the program's defaults has a row.
create table settings.platform (
    key        text        primary key check (length(key) between 1 and 100),
    value      jsonb       not null,
    updated_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now()
);
alter table settings.platform enable row level security;
create policy everybody_reads on settings.platform for select to haat_request using (true);
create policy administrators_add on settings.platform for insert to haat_request
    with check (current_setting('haat.role', true) = 'admin');
create policy administrators_change on settings.platform for update to haat_request
    using (current_setting('haat.role', true) = 'admin');
create policy administrators_remove on settings.platform for delete to haat_request
    using (current_setting('haat.role', true) = 'admin');
create policy worker_reads on settings.platform for select to haat_worker using (true);
grant select, insert, update, delete on settings.platform to haat_request;
grant select on settings.platform to haat_worker;

create table settings.overrides (
    org_id     uuid        not null references identity.organizations on delete cascade,
    key        text        not null check (length(key) between 1 and 100),
    value      jsonb       not null,
    updated_by uuid,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    primary key (org_id, key)
);
alter table settings.overrides enable row level security;
create policy own on settings.overrides to haat_request
    using (org_id = nullif(current_setting('haat.org_id', true), '')::uuid);
create policy worker_reads on settings.overrides for select to haat_worker using (true);
grant select, insert, update, delete on settings.overrides to haat_request;
grant select on settings.overrides to haat_worker;

-- One row: whether everybody but administrators is kept out.
create table settings.maintenance (
    lone            boolean     primary key default true check (lone),
    is_on           boolean     not null default false,
    reason          text        not null default '' check (length(reason) <= 500),
    started_by      uuid,
    started_at      timestamptz,
    expected_end_at timestamptz,
    completed_at    timestamptz
);
insert into settings.maintenance default values;
alter table settings.maintenance enable row level security;
create policy everybody_reads on settings.maintenance for select to haat_request using (true);
create policy administrators_change on settings.maintenance for update to haat_request
    using (current_setting('haat.role', true) = 'admin');
create policy worker_reads on settings.maintenance for select to haat_worker using (true);
grant select, update on settings.maintenance to haat_request;
grant select on settings.maintenance to haat_worker;

-- ---- the audit log
--
-- A write adds its row and waits for nobody. Rows of transactions that have certainly ended are
-- sealed soon after: one link each in the chain of their organization. docs/decisions/0022.

alter table audit.entries
    add column operation      text not null default '',
    add column transaction_id xid8 not null default pg_current_xact_id();
create index entries_by_transaction on audit.entries (transaction_id, id);
create index entries_by_user on audit.entries (user_id, id);

create policy managers_read on audit.entries for select to haat_request
    using (org_id = nullif(current_setting('haat.org_id', true), '')::uuid);
create policy administrators_read on audit.entries for select to haat_request
    using (current_setting('haat.role', true) = 'admin');
grant select on audit.entries to haat_request;

create table audit.links (
    entry_id  bigint      primary key,
    chain     uuid        not null, -- the organization; nil: the platform
    place  bigint      not null check (place > 0),
    hash      bytea       not null check (length(hash) = 32),
    sealed_at timestamptz not null default now(),
    unique (chain, place)
);

-- The end of each chain, so that a chain that became shorter shows.
create table audit.heads (
    chain    uuid   primary key,
    place bigint not null,
    hash     bytea  not null
) with (fillfactor = 50);

-- Up to where everything is sealed, in the order of transactions.
create table audit.sealer (
    lone              boolean primary key default true check (lone),
    transaction_id    xid8    not null default '0',
    entry_id          bigint  not null default 0,
    system_identifier bigint
) with (fillfactor = 10);
insert into audit.sealer default values;

do $$
declare
    name text;
begin
    foreach name in array array['links', 'heads', 'sealer'] loop
        execute format('alter table audit.%I enable row level security', name);
        execute format('create policy worker_reads on audit.%I for select to haat_worker
            using (true)', name);
        execute format('grant select on audit.%I to haat_worker', name);
    end loop;
end $$;
create policy worker_adds on audit.links for insert to haat_worker with check (true);
create policy worker_adds on audit.heads for insert to haat_worker with check (true);
create policy worker_changes on audit.heads for update to haat_worker using (true);
create policy worker_changes on audit.sealer for update to haat_worker using (true);
grant insert on audit.links to haat_worker;
grant insert, update on audit.heads to haat_worker;
grant update on audit.sealer to haat_worker;

-- What a row was and became: a change has {"name":{"from":…,"to":…}}, what is new {"after":…}, what
-- is gone {"before":…}.
create function audit.side(changes jsonb, lone text, other text, part text) returns jsonb
    language sql immutable parallel safe set search_path = pg_catalog
    return case
        when changes ? lone and not (changes -> lone) ? part then changes -> lone
        when changes ? other and not (changes -> other) ? part then null
        else (select jsonb_object_agg(each.key, each.value -> part)
                from jsonb_each(changes) as each) end;
revoke all on function audit.side(jsonb, text, text, text) from public;
grant execute on function audit.side(jsonb, text, text, text) to haat_request, haat_worker;

-- Seals up to `p_max` rows; gives how many. Only one does so at a time: others give 0 at once.
--
-- Every transaction below the horizon has ended, so that what is seen of them is all there will
-- ever be, and a row that comes late is never passed over. The horizon is taken before the rows.
create function audit.seal(p_max integer) returns integer
    language plpgsql volatile set search_path = pg_catalog
    as $$
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

create function audit.put_head(head audit.heads) returns void
    language sql volatile set search_path = pg_catalog
    begin atomic
        insert into audit.heads (chain, place, hash)
        values (head.chain, head.place, head.hash)
            on conflict (chain) do update set place = excluded.place, hash = excluded.hash;
    end;

-- What the hash of a link is of, behind the hash before it. src/audit/verify.cpp says the same in
-- its own words, so that a changed function is found out as well.
create function audit.content(e audit.entries, chain uuid, place bigint) returns text
    language sql stable set search_path = pg_catalog
    return jsonb_build_array(
        chain, place, e.id, (extract(epoch from e.at) * 1000000)::bigint, e.user_id, e.org_id,
        e.action, e.operation, e.entity, e.entity_id, e.changes, e.address, e.user_agent,
        e.request_id)::text;

revoke all on function audit.seal(integer), audit.put_head(audit.heads),
    audit.content(audit.entries, uuid, bigint) from public;
grant execute on function audit.seal(integer), audit.put_head(audit.heads),
    audit.content(audit.entries, uuid, bigint) to haat_worker;

-- How many rows wait to be sealed (counted up to ten thousand), and since when.
create function audit.waiting() returns table (rows bigint, since timestamptz)
    language plpgsql stable security definer set search_path = pg_catalog
    as $$
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
revoke all on function audit.waiting() from public;
grant execute on function audit.waiting() to haat_request;
