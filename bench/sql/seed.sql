-- The brands that everybody reads: five thousand, a tenth of them from India. Their ids are numbers
-- written as UUIDs, so that pgbench can ask for them too.
delete from catalog.brands where slug like 'bench-%';
insert into catalog.brands (id, name, slug, description, country, logo_url, metadata, is_active)
select lpad(i::text, 32, '0')::uuid,
       'Brand ' || substr(md5(i::text), 1, 12),
       'bench-' || i,
       'What this brand is known for, told in a sentence or two. ' || md5('d' || i::text),
       (array['India', 'Japan', 'Germany', 'Italy', 'France', 'Brazil', 'Kenya', 'Spain', 'Nepal',
              'Vietnam'])[1 + i % 10],
       'https://cdn.example.test/brands/' || i || '/logo.webp',
       jsonb_build_object('founded', 1900 + i % 120, 'tier', i % 3),
       true
  from generate_series(1, 5000) i;
vacuum analyze catalog.brands;
checkpoint;
