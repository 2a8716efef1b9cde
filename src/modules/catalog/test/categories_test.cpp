// Categories over HTTP: a tree that stays one.
#include <gtest/gtest.h>

#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

constexpr char const* a_tree = R"(
    insert into catalog.categories (id, name, slug, parent_id) values
        ('00000000-0000-7000-8000-0000000000c1', 'Stationery', 'stationery', null),
        ('00000000-0000-7000-8000-0000000000c2', 'Pens', 'pens',
         '00000000-0000-7000-8000-0000000000c1'),
        ('00000000-0000-7000-8000-0000000000c3', 'Ball pens', 'ball-pens',
         '00000000-0000-7000-8000-0000000000c2'),
        ('00000000-0000-7000-8000-0000000000c4', 'Uniforms', 'uniforms', null))";

void keep_tree(Stage& stage) {
    stage.db.exec(a_tree);
    stage.keep("stationery", "00000000-0000-7000-8000-0000000000c1");
    stage.keep("pens", "00000000-0000-7000-8000-0000000000c2");
    stage.keep("ball_pens", "00000000-0000-7000-8000-0000000000c3");
}

TEST(CategoriesTest, AreReadByEverybody) {
    Stage stage;
    keep_tree(stage);
    stage.play({
        {.name = "categories.list: all by name",
         .path = "/categories",
         .expect = {{"data[0].name", "Ball pens"}, {"meta.pagination.total", "4"}}},
        {.name = "categories.list: the roots",
         .path = "/categories?rootOnly=true",
         .expect = {{"data[0].slug", "stationery"},
                    {"data[1].slug", "uniforms"},
                    {"meta.pagination.total", "2"}}},
        {.name = "categories.list: those under one",
         .path = "/categories?parentId={stationery}",
         .expect = {{"data[0].slug", "pens"}, {"meta.pagination.total", "1"}}},
        {.name = "categories.list: searched",
         .path = "/categories?search=PEN",
         .expect = {{"meta.pagination.total", "2"}}},
        {.name = "categories.list: an order that is none",
         .path = "/categories?order=sideways",
         .status = 422,
         .code = "VALIDATION_ERROR"},
        {.name = "categories.get: anybody",
         .path = "/categories/{pens}",
         .expect = {{"data.parentId", "{stationery}"}, {"data.productAttributes", "[]"}}},
        {.name = "categories.get: not there",
         .path = "/categories/{nobody}",
         .status = 404,
         .code = "CATEGORY_NOT_FOUND"},
    });
}

TEST(CategoriesTest, AreAddedByThoseWhoMay) {
    Stage stage;
    keep_tree(stage);
    std::string const body = R"({"name":"Erasers","parentId":"{stationery}"})";
    stage.play({
        {.name = "categories.create: a viewer may not",
         .as = Who::viewer,
         .method = "POST",
         .path = "/categories",
         .body = body,
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "categories.create: a manager adds one",
         .as = Who::manager,
         .method = "POST",
         .path = "/categories",
         .body = body,
         .status = 201,
         .writes = {{"catalog.categories", 1}},
         .events = {"category:created"},
         .expect = {{"data.slug", "erasers"}, {"data.parentId", "{stationery}"}}},
        {.name = "categories.create: the slug is taken",
         .as = Who::manager,
         .method = "POST",
         .path = "/categories",
         .body = R"({"name":"Pens","slug":"pens"})",
         .status = 409,
         .code = "CATEGORY_SLUG_TAKEN"},
        {.name = "categories.create: the parent is not there",
         .as = Who::manager,
         .method = "POST",
         .path = "/categories",
         .body = R"({"name":"Lost","parentId":"{nobody}"})",
         .status = 422,
         .code = "CATEGORY_PARENT_UNKNOWN"},
    });
}

TEST(CategoriesTest, StayATree) {
    Stage stage;
    keep_tree(stage);
    stage.play({
        {.name = "categories.update: a guest is refused",
         .method = "PUT",
         .path = "/categories/{pens}",
         .body = R"({"name":"Mine"})",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "categories.update: a new name",
         .as = Who::admin,
         .method = "PUT",
         .path = "/categories/{pens}",
         .body = R"({"name":"Writing"})",
         .writes = {{"catalog.categories", 1}},
         .events = {"category:updated"},
         .expect = {{"data.name", "Writing"}, {"data.parentId", "{stationery}"}}},
        {.name = "categories.update: not under itself",
         .as = Who::admin,
         .method = "PUT",
         .path = "/categories/{pens}",
         .body = R"({"parentId":"{pens}"})",
         .status = 409,
         .code = "CATEGORY_CIRCLE"},
        {.name = "categories.update: not under one of its own",
         .as = Who::admin,
         .method = "PUT",
         .path = "/categories/{stationery}",
         .body = R"({"parentId":"{ball_pens}"})",
         .status = 409,
         .code = "CATEGORY_CIRCLE"},
        {.name = "categories.update: to the root",
         .as = Who::admin,
         .method = "PUT",
         .path = "/categories/{ball_pens}",
         .body = R"({"parentId":null})",
         .writes = {{"catalog.categories", 1}},
         .events = {"category:updated"},
         .expect = {{"data.parentId", "null"}}},
        {.name = "categories.delete: an owner of a shop may not",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/categories/{stationery}",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "categories.delete: its children become roots",
         .as = Who::admin,
         .method = "DELETE",
         .path = "/categories/{stationery}",
         .writes = {{"catalog.categories", 2}},
         .events = {"category:deleted"},
         .expect = {{"data.isDeleted", "true"}}},
        {.name = "categories.get: a child that became a root",
         .path = "/categories/{pens}",
         .expect = {{"data.parentId", "null"}}},
    });
}

} // namespace
} // namespace haat::test
