\startpipeline
select set_config('haat.user_id', '', true), set_config('haat.org_id', '', true), set_config('haat.role', '', true), set_config('statement_timeout', '100', true);
select id, name, slug, description, country, logo_url, metadata, is_active, created_at, updated_at from catalog.brands where country = 'India' and is_active = true order by name_lower, id limit 21;
select count(*) from (select 1 from catalog.brands where country = 'India' and is_active = true limit 10001) counted;
\endpipeline
