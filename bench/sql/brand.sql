\set i random(1, 5000)
\startpipeline
select set_config('haat.user_id', '', true), set_config('haat.org_id', '', true), set_config('haat.role', '', true), set_config('statement_timeout', '100', true);
select id, name, slug, description, country, logo_url, metadata, is_active, created_at, updated_at from catalog.brands where id = lpad(:i::text, 32, '0')::uuid;
\endpipeline
