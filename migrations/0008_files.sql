-- Files of organizations. Bytes are kept outside the database, in a store, under the object's id;
-- a row of files.objects is there before them and goes after them, so that no byte is ever without
-- a row that says what it is for. A file is a name for an object: it is there whole or not at all.
-- Pictures are made of a file that is an image, in smaller sizes; each is an object of its own.

create schema files;
grant usage on schema files to haat_request, haat_worker;

create table files.objects (
    id         uuid        primary key,
    org_id     uuid        not null,
    state      text        not null default 'pending'
                           check (state in ('pending', 'kept', 'dropped')),
    created_at timestamptz not null default now(),
    changed_at timestamptz not null default now()
);
create index objects_pending on files.objects (created_at) where state = 'pending';
create index objects_dropped on files.objects (changed_at) where state = 'dropped';

create table files.files (
    id         uuid        primary key,
    org_id     uuid        not null default nullif(current_setting('haat.org_id', true), '')::uuid,
    object_id  uuid        not null references files.objects (id),
    owner_id   uuid        not null,
    name       text        not null check (length(name) between 1 and 255),
    purpose    text        not null check (purpose in ('image', 'document')),
    media_type text        not null check (length(media_type) <= 100),
    size       bigint      not null check (size > 0),
    sha256     text        not null check (sha256 ~ '^[0-9a-f]{64}$'),
    pictures   text        not null check (pictures in ('none', 'waiting', 'made', 'refused')),
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    constraint files_object_key unique (object_id)
);
create index files_by_age on files.files (org_id, created_at, id);
create index files_by_name on files.files (org_id, name, id);
create index files_by_size on files.files (org_id, size, id);

create table files.pictures (
    object_id  uuid        primary key references files.objects (id),
    org_id     uuid        not null,
    file_id    uuid        not null references files.files (id),
    name       text        not null check (name ~ '^[0-9a-f]{64}\.(webp|jpg)$'),
    media_type text        not null check (media_type in ('image/webp', 'image/jpeg')),
    width      integer     not null check (width > 0),
    height     integer     not null check (height > 0),
    size       bigint      not null check (size > 0)
);
create index pictures_of_file on files.pictures (file_id);
create index pictures_by_name on files.pictures (name);

do $$
declare
    name text;
begin
    foreach name in array array['objects', 'files', 'pictures'] loop
        execute format('alter table files.%I enable row level security', name);
        execute format('create policy own on files.%I to haat_request
            using (org_id = nullif(current_setting(''haat.org_id'', true), '''')::uuid)
            with check (org_id = nullif(current_setting(''haat.org_id'', true), '''')::uuid)', name);
        execute format('create policy worker_all on files.%I to haat_worker
            using (true) with check (true)', name);
        execute format('grant select, insert, update, delete on files.%I to haat_request', name);
    end loop;
end $$;
grant select, insert, update, delete on files.objects to haat_worker;
grant select, update on files.files to haat_worker;
grant select, insert, delete on files.pictures to haat_worker;

-- A picture's name is the hash of its bytes: whoever knows it may see them, in any organization.
create function files.find_picture(p_name text)
    returns table (object_id uuid, media_type text, size bigint)
    language sql stable security definer set search_path = pg_catalog
    as $$
        select p.object_id, p.media_type, p.size from files.pictures p
         where p.name = p_name order by p.object_id limit 1
    $$;
revoke all on all functions in schema files from public;
grant execute on function files.find_picture(text) to haat_request;
