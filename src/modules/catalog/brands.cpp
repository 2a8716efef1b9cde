#include "brands.hpp"

#include <base/clock.hpp>
#include <modules/catalog/catalog.hpp>
#include <modules/catalog/slugs.hpp>

namespace haat::catalog {

namespace {

RefusalKind const brand_slug_taken{409,
                                   "BRAND_SLUG_TAKEN",
                                   "Another brand has this slug.",
                                   {.constraint = "brands_slug_key", .field = "slug"}};

Event<Brand> const brand_created{"BrandCreated", "brand:created"};
Event<Brand> const brand_updated{"BrandUpdated", "brand:updated"};
Event<Brand> const brand_deleted{"BrandDeleted", "brand:deleted"};

namespace sql {
ListOf<Brand, BrandFilter> list_brands{
    "catalog.list_brands",
    {.select = "select {row} from catalog.brands",
     .filters = {{"search", "name_lower like platform.containing($)"},
                 {"country", "country = $"},
                 {"is_active", "is_active = $"}},
     .sorts = {{"name", "name_lower"}, {"createdAt", "created_at", Order::desc}}}};
One<Brand, BrandId> find_brand{"catalog.find_brand",
                               "select {row} from catalog.brands where id = $1"};
One<Brand, BrandId> lock_brand{"catalog.lock_brand",
                               "select {row} from catalog.brands where id = $1 for update"};
One<Brand, BrandId, NewBrand> insert_brand{"catalog.insert_brand", R"(
    insert into catalog.brands (id, {2}) values ($1, {$2}) returning {row})"};
One<Brand, Brand> update_brand{"catalog.update_brand", R"(
    update catalog.brands set {set 1} where id = $1 returning {row})"};
Exec<BrandId> delete_brand{"catalog.delete_brand", "delete from catalog.brands where id = $1"};
} // namespace sql

Task<Reply<Page<Brand>>> list_brands(Ask<BrandFilter>& ask) {
    Page<Brand> const page = co_await ask.read.list(sql::list_brands, ask.query());
    co_return listed(page);
}

Task<Reply<Brand>> get_brand(Call<>& call, BrandId id) {
    Brand const brand = co_await call.read(sql::find_brand, id);
    co_return ok(brand);
}

Task<Reply<Brand>> create_brand(Call<NewBrand>& call) {
    BrandId const id = new_id<BrandNoun>();
    NewBrand body = call.body();
    body.slug = slug_for(body.slug, body.name.value, id.uuid);
    Tx tx = call.begin();
    Brand const brand = co_await tx(sql::insert_brand, id, body);
    emit(tx, brand_created, id, brand);
    co_return co_await call.commit(tx, created(brand));
}

Task<Reply<Brand>> update_brand(Call<BrandChange>& call, BrandId id) {
    Tx tx = call.begin();
    Brand const before = co_await tx(sql::lock_brand, id);
    call.expect(before);
    Brand after = before;
    describe::apply(after, call.body());
    after.updated_at = now();
    after = co_await tx(sql::update_brand, after);
    call.changed(before, after);
    emit(tx, brand_updated, id, after);
    co_return co_await call.commit(tx, ok(after));
}

Task<Reply<Deleted>> delete_brand(Call<>& call, BrandId id) {
    Tx tx = call.begin();
    Brand const brand = co_await tx(sql::lock_brand, id);
    call.expect(brand);
    co_await tx(sql::delete_brand, id);
    emit(tx, brand_deleted, id, brand);
    co_return co_await call.commit(tx, deleted(id));
}

} // namespace

void add_brand_routes(Routes& r) {
    Routes brands = r.group("/brands", "Brands");
    brands.get("", &list_brands, "Search brands").open().cached(60s, "brands");
    brands.get("/{id}", &get_brand, "One brand").open().cached(60s, "brands");
    brands.post("", &create_brand, "Add a brand")
        .needs(Permit::catalog_write)
        .idempotent()
        .drops("brands")
        .refuses(brand_slug_taken);
    brands.put("/{id}", &update_brand, "Change a brand")
        .needs(Permit::platform_admin)
        .drops("brands")
        .refuses(brand_slug_taken);
    brands.remove("/{id}", &delete_brand, "Remove a brand")
        .needs(Permit::platform_admin)
        .drops("brands");
}

} // namespace haat::catalog
