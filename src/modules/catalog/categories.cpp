#include "categories.hpp"

#include <base/clock.hpp>
#include <modules/catalog/catalog.hpp>
#include <modules/catalog/slugs.hpp>

namespace haat::catalog {

namespace {

RefusalKind const category_slug_taken{409,
                                      "CATEGORY_SLUG_TAKEN",
                                      "Another category has this slug.",
                                      {.constraint = "categories_slug_key", .field = "slug"}};
RefusalKind const category_parent_unknown{
    422,
    "CATEGORY_PARENT_UNKNOWN",
    "There is no such parent category.",
    {.constraint = "categories_parent_fkey", .field = "parentId"}};
RefusalKind const category_circle{409, "CATEGORY_CIRCLE",
                                  "A category cannot stand under itself or one of its own."};

Event<Category> const category_created{"CategoryCreated", "category:created"};
Event<Category> const category_updated{"CategoryUpdated", "category:updated"};
Event<Category> const category_deleted{"CategoryDeleted", "category:deleted"};

namespace sql {
ListOf<Category, CategoryFilter> list_categories{
    "catalog.list_categories",
    {.select = "select {row} from catalog.categories",
     .filters = {{"search", "name_lower like platform.containing($)"},
                 {"parent_id", "parent_id = $"},
                 {"root_only", "(parent_id is null) = $"},
                 {"is_active", "is_active = $"}},
     .sorts = {{"name", "name_lower"}, {"createdAt", "created_at", Order::desc}}}};
One<Category, CategoryId> find_category{"catalog.find_category",
                                        "select {row} from catalog.categories where id = $1"};
One<Category, CategoryId> lock_category{
    "catalog.lock_category", "select {row} from catalog.categories where id = $1 for update"};
One<Category, CategoryId, NewCategory> insert_category{"catalog.insert_category", R"(
    insert into catalog.categories (id, {2}) values ($1, {$2}) returning {row})"};
One<Category, Category> update_category{"catalog.update_category", R"(
    update catalog.categories set {set 1} where id = $1 returning {row})"};
Exec<CategoryId> delete_category{"catalog.delete_category",
                                 "delete from catalog.categories where id = $1"};
// Two moves at once could close a circle that neither sees: moves are made one after another.
Exec<> lock_tree{"catalog.lock_tree",
                 "select pg_advisory_xact_lock(hashtext('catalog.categories'))"};
One<bool, CategoryId, CategoryId> is_under{"catalog.is_under", "select catalog.is_under($1, $2)"};
} // namespace sql

Task<Reply<Page<Category>>> list_categories(Ask<CategoryFilter>& ask) {
    Page<Category> const page = co_await ask.read.list(sql::list_categories, ask.query());
    co_return listed(page);
}

Task<Reply<Category>> get_category(Call<>& call, CategoryId id) {
    Category const category = co_await call.read(sql::find_category, id);
    co_return ok(category);
}

Task<Reply<Category>> create_category(Call<NewCategory>& call) {
    CategoryId const id = new_id<CategoryNoun>();
    NewCategory body = call.body();
    body.slug = slug_for(body.slug, body.name.value, id.uuid);
    Tx tx = call.begin();
    Category const category = co_await tx(sql::insert_category, id, body);
    emit(tx, category_created, id, category);
    co_return co_await call.commit(tx, created(category));
}

Task<void> refuse_circle(Tx& tx, CategoryId id, CategoryId parent) {
    tx.later(sql::lock_tree);
    bool const circle = co_await tx(sql::is_under, parent, id);
    if (circle) throw Refusal(category_circle);
}

Task<Reply<Category>> update_category(Call<CategoryChange>& call, CategoryId id) {
    Tx tx = call.begin();
    Category const before = co_await tx(sql::lock_category, id);
    call.expect(before);
    Category after = before;
    describe::apply(after, call.body());
    after.updated_at = now();
    bool const moves = after.parent_id && after.parent_id != before.parent_id;
    if (moves) co_await refuse_circle(tx, id, *after.parent_id);
    after = co_await tx(sql::update_category, after);
    call.changed(before, after);
    emit(tx, category_updated, id, after);
    co_return co_await call.commit(tx, ok(after));
}

// Its children become roots, as seed 001's foreign key says.
Task<Reply<Deleted>> delete_category(Call<>& call, CategoryId id) {
    Tx tx = call.begin();
    Category const category = co_await tx(sql::lock_category, id);
    call.expect(category);
    co_await tx(sql::delete_category, id);
    emit(tx, category_deleted, id, category);
    co_return co_await call.commit(tx, deleted(id));
}

} // namespace

void add_category_routes(Routes& r) {
    Routes categories = r.group("/categories", "Categories");
    categories.get("", &list_categories, "Search categories").open().cached(60s, "categories");
    categories.get("/{id}", &get_category, "One category").open().cached(60s, "categories");
    categories.post("", &create_category, "Add a category")
        .needs(Permit::catalog_write)
        .idempotent()
        .drops("categories")
        .refuses(category_slug_taken, category_parent_unknown);
    categories.put("/{id}", &update_category, "Change a category")
        .needs(Permit::platform_admin)
        .drops("categories")
        .refuses(category_slug_taken, category_parent_unknown, category_circle);
    categories.remove("/{id}", &delete_category, "Remove a category")
        .needs(Permit::platform_admin)
        .drops("categories");
}

} // namespace haat::catalog
