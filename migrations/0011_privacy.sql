-- The keys with which personal data is encrypted where it is written down for good: the audit log,
-- the outbox, kept answers. A person has several, each sealed by the program; who destroys them
-- erases the person there. docs/decisions/0027.

create schema privacy;
grant usage on schema privacy to haat_request, haat_worker;

create table privacy.keys (
    id         uuid        primary key,
    person     uuid        not null,
    sealed     text        not null check (length(sealed) <= 200),
    created_at timestamptz not null default now()
);
create index keys_by_person on privacy.keys (person);

-- Who was erased: what is still written about them afterwards can be read by nobody.
create table privacy.erased (
    person    uuid        primary key,
    erased_at timestamptz not null default now()
);

alter table privacy.keys enable row level security;
alter table privacy.erased enable row level security;

-- The lock lets an erasure wait for transactions that are about to commit a key.
create function privacy.keep_key(p_id uuid, p_person uuid, p_sealed text) returns void
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
    begin
        perform pg_advisory_xact_lock_shared(hashtextextended('haat.person ' || p_person, 0));
        insert into privacy.keys (id, person, sealed)
        select p_id, p_person, p_sealed
         where not exists (select from privacy.erased e where e.person = p_person);
    end $$;

-- Of use to those only who have what they are the keys of, and the program's own secret.
create function privacy.find_keys(p_ids uuid[])
    returns table (id uuid, person uuid, sealed text)
    language sql stable security definer set search_path = pg_catalog
    as $$ select k.id, k.person, k.sealed from privacy.keys k where k.id = any (p_ids) $$;

-- How many keys there were. Everybody may erase themselves, administrators and workers anybody.
create function privacy.erase(p_person uuid) returns integer
    language plpgsql volatile security definer set search_path = pg_catalog
    as $$
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

revoke all on function privacy.keep_key(uuid, uuid, text), privacy.find_keys(uuid[]),
    privacy.erase(uuid) from public;
grant execute on function privacy.keep_key(uuid, uuid, text), privacy.find_keys(uuid[]),
    privacy.erase(uuid) to haat_request, haat_worker;
