#include <modules/catalog/categories.hpp>

#include <modules/catalog/catalog.hpp>
#include <modules/catalog/slugs.hpp>

namespace haat::catalog {

namespace {

RefusalKind const slug_taken{409,
                             "CATEGORY_SLUG_TAKEN",
                             "Another category has this slug.",
                             {.constraint = "categories_slug_key", .field = "slug"}};
RefusalKind const parent_unknown{422,
                                 "CATEGORY_PARENT_UNKNOWN",
                                 "There is no such category.",
                                 {.constraint = "categories_parent_fkey", .field = "parentId"}};
RefusalKind const circle{409, "CATEGORY_CIRCLE",
                         "A category cannot stand under itself or one of its own."};

Events<Category> events{subjects::category};

Table<Category, NewCategory, CategoryId> table{"catalog.categories"};
ListOf<Category, CategoryFilter> list{
    "catalog.categories.list",
    {.select = "select {row} from catalog.categories",
     .filters = {{"search", "name_lower like platform.containing($)"},
                 {"parent_id", "parent_id = $"},
                 {"root_only", "(parent_id is null) = $"},
                 {"is_active", "is_active = $"}},
     .sorts = {{"name", "name_lower"}, {"createdAt", "created_at", Order::desc}}}};
// Two moves at once could close a circle that neither sees: moves are made one after another.
Exec<> lock_tree{"catalog.categories.lock_tree",
                 "select pg_advisory_xact_lock(hashtext('catalog.categories'))"};
One<bool, CategoryId, CategoryId> is_under{"catalog.categories.is_under",
                                           "select catalog.is_under($1, $2)"};

Task<void> check_change(RawCall& call, Tx& tx, Category const& before, Category& after) {
    co_await refill_slug(call, tx, before, after);
    if (!after.parent_id || after.parent_id == before.parent_id) co_return;
    tx.later(lock_tree);
    bool const closes = co_await tx(is_under, *after.parent_id, after.id);
    if (closes) throw Refusal(circle);
}

} // namespace

// The children of a removed category become roots, as seed 001's foreign key says.
void add_category_routes(Routes& r) {
    Routes categories = r.group("/categories", "Categories").cached(60s, "categories");
    categories.get("", &list_page<list>, "Search categories").open();
    categories.get("/{id}", &find_one<table>, "One category").open();
    categories
        .post("", &create_one<table, events, &fill_slug<CategoryId, NewCategory>>, "Add a category")
        .needs(Permit::catalog_propose)
        .idempotent()
        .refuses(slug_taken, parent_unknown);
    categories.put("/{id}", &change_one<table, events, &check_change>, "Change a category")
        .needs(Permit::platform_admin)
        .refuses(slug_taken, parent_unknown, circle);
    categories.remove("/{id}", &remove_one<table, events>, "Remove a category")
        .needs(Permit::platform_admin);
}

} // namespace haat::catalog
