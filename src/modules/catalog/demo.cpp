#include <modules/catalog/catalog.hpp>

#include <pg/pg.hpp>

namespace haat::catalog {

namespace sql {
namespace {
// Fixed ids, so that a second run finds them.
Exec<> demo_brands{"catalog.demo_brands", R"(
    insert into catalog.brands (id, name, slug, country, description) values
        ('01900000-0000-7000-8000-000000000001', 'Classmate', 'classmate', 'India',
         'Notebooks and stationery.'),
        ('01900000-0000-7000-8000-000000000002', 'Cello', 'cello', 'India', 'Pens and bottles.'),
        ('01900000-0000-7000-8000-000000000003', 'Camlin', 'camlin', 'India', 'Colours and art.'),
        ('01900000-0000-7000-8000-000000000004', 'Fabindia', 'fabindia', 'India',
         'Handwoven textiles.'),
        ('01900000-0000-7000-8000-000000000005', 'Faber-Castell', 'faber-castell', 'Germany',
         'Pencils since 1761.')
    on conflict do nothing)"};
Exec<> demo_categories{"catalog.demo_categories", R"(
    insert into catalog.categories (id, name, slug, parent_id, product_attributes) values
        ('01900000-0000-7000-8000-000000000101', 'School supplies', 'school-supplies', null, '[]'),
        ('01900000-0000-7000-8000-000000000102', 'Notebooks', 'notebooks',
         '01900000-0000-7000-8000-000000000101',
         '[{"name": "ruling", "type": "choice", "unit": null, "required": true,
            "filterable": true, "allowedValues": ["single", "double", "square", "plain"]},
           {"name": "pages", "type": "number", "unit": null, "required": false,
            "filterable": true, "allowedValues": []}]'),
        ('01900000-0000-7000-8000-000000000103', 'Pens', 'pens',
         '01900000-0000-7000-8000-000000000101', '[]'),
        ('01900000-0000-7000-8000-000000000104', 'Textiles', 'textiles', null, '[]'),
        ('01900000-0000-7000-8000-000000000105', 'Sarees', 'sarees',
         '01900000-0000-7000-8000-000000000104',
         '[{"name": "fabric", "type": "choice", "unit": null, "required": true,
            "filterable": true, "allowedValues": ["cotton", "silk", "linen"]},
           {"name": "gsm", "type": "number", "unit": "g/m2", "required": false,
            "filterable": true, "allowedValues": []}]')
    on conflict do nothing)"};
} // namespace
} // namespace sql

Task<void> seed_demo(pg::Database& database) {
    Tx tx(database, {});
    tx.later(sql::demo_brands);
    tx.later(sql::demo_categories);
    co_await tx.commit();
}

} // namespace haat::catalog
