#include <modules/catalog/brands.hpp>

#include <modules/catalog/catalog.hpp>
#include <modules/catalog/slugs.hpp>

namespace haat::catalog {

namespace {

RefusalKind const slug_taken{409,
                             "BRAND_SLUG_TAKEN",
                             "Another brand has this slug.",
                             {.constraint = "brands_slug_key", .field = "slug"}};

Events<Brand> events{subjects::brand};

Table<Brand, NewBrand, BrandId> table{"catalog.brands"};
ListOf<Brand, BrandFilter> list{
    "catalog.brands.list",
    {.select = "select {row} from catalog.brands",
     .filters = {{"search", "name_lower like platform.containing($)"},
                 {"country", "country = $"},
                 {"is_active", "is_active = $"}},
     .sorts = {{"name", "name_lower"}, {"createdAt", "created_at", Order::desc}}}};

} // namespace

void add_brand_routes(Routes& r) {
    Routes brands = r.group("/brands", "Brands").cached(60s, "brands");
    brands.get("", &list_page<list>, "Search brands").open();
    brands.get("/{id}", &find_one<table>, "One brand").open();
    brands.post("", &create_one<table, events, &fill_slug<BrandId, NewBrand>>, "Add a brand")
        .needs(Permit::catalog_propose)
        .idempotent()
        .refuses(slug_taken);
    brands.put("/{id}", &change_one<table, events, &refill_slug<Brand>>, "Change a brand")
        .needs(Permit::platform_admin)
        .refuses(slug_taken);
    brands.remove("/{id}", &remove_one<table, events>, "Remove a brand")
        .needs(Permit::platform_admin);
}

} // namespace haat::catalog
