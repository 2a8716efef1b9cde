// Brands over HTTP: everybody reads, shops add, administrators change.
#include <gtest/gtest.h>

#include <base/clock.hpp>
#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

TEST(BrandsTest, AreAddedByThoseWhoMay) {
    Stage stage;
    std::string const cello = R"({"name":"Cello Gripper","country":"India"})";
    stage.play({
        {.name = "brands.create: a guest is refused",
         .method = "POST",
         .path = "/brands",
         .body = cello,
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "brands.create: a shopper belongs to no shop",
         .as = Who::stranger,
         .method = "POST",
         .path = "/brands",
         .body = cello,
         .status = 400,
         .code = "ORGANIZATION_REQUIRED"},
        {.name = "brands.create: staff may not",
         .as = Who::staff,
         .method = "POST",
         .path = "/brands",
         .body = cello,
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "brands.create: a manager adds one",
         .as = Who::manager,
         .method = "POST",
         .path = "/brands",
         .body = cello,
         .status = 201,
         .writes = {{"catalog.brands", 1}},
         .events = {"brand:created"},
         .expect = {{"data.name", "Cello Gripper"},
                    {"data.slug", "cello-gripper"},
                    {"data.country", "India"},
                    {"data.isActive", "true"},
                    {"data.description", "null"}},
         .keep = {{"cello", "data.id"}}},
        {.name = "brands.create: two problems are told at once",
         .as = Who::owner,
         .method = "POST",
         .path = "/brands",
         .body = R"({"name":"","logoUrl":"not a url"})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"name", "too_short"}, {"logoUrl", "format"}}},
        {.name = "brands.create: a slug is taken once",
         .as = Who::owner,
         .method = "POST",
         .path = "/brands",
         .body = R"({"name":"Other","slug":"cello-gripper"})",
         .status = 409,
         .code = "BRAND_SLUG_TAKEN"},
        {.name = "brands.create: not JSON",
         .as = Who::owner,
         .method = "POST",
         .path = "/brands",
         .body = R"({"name":)",
         .status = 400,
         .code = "MALFORMED_JSON"},
    });
}

TEST(BrandsTest, TheBodyMayBeWrapped) {
    Stage stage;
    stage.play({
        {.name = "brands.create: the body may be wrapped",
         .as = Who::owner,
         .method = "POST",
         .path = "/brands",
         .body = R"({"data":{"name":"Wrapped"}})",
         .status = 201,
         .writes = {{"catalog.brands", 1}},
         .events = {"brand:created"},
         .expect = {{"data.slug", "wrapped"}}},
    });
}

constexpr char const* three_brands = R"(
    insert into catalog.brands (id, name, slug, country, is_active) values
        ('00000000-0000-7000-8000-0000000000b1', 'Cello', 'cello', 'India', true),
        ('00000000-0000-7000-8000-0000000000b2', 'Camlin', 'camlin', 'India', true),
        ('00000000-0000-7000-8000-0000000000b3', 'Faber', 'faber', 'Germany', true),
        ('00000000-0000-7000-8000-0000000000b4', 'Gone', 'gone', 'India', false))";

TEST(BrandsTest, AreReadByEverybody) {
    Stage stage;
    stage.db.exec(three_brands);
    stage.keep("cello", "00000000-0000-7000-8000-0000000000b1");
    stage.play({
        {.name = "brands.list: the active ones by name",
         .path = "/brands",
         .expect = {{"data[0].name", "Camlin"},
                    {"data[1].name", "Cello"},
                    {"data[2].name", "Faber"},
                    {"data[3]", "(absent)"},
                    {"meta.pagination.total", "3"},
                    {"meta.pagination.totalIsExact", "true"},
                    {"meta.pagination.hasMore", "false"}}},
        {.name = "brands.list: searched, filtered and sorted",
         .path = "/brands?search=c&country=India&sortBy=name&order=desc",
         .expect = {{"data[0].name", "Cello"},
                    {"data[1].name", "Camlin"},
                    {"data[2]", "(absent)"}}},
        {.name = "brands.list: by pages",
         .path = "/brands?limit=2&page=2",
         .expect = {{"data[0].name", "Faber"},
                    {"meta.pagination.page", "2"},
                    {"meta.pagination.totalPages", "2"},
                    {"meta.pagination.hasMore", "false"}}},
        {.name = "brands.list: the first of a walk",
         .path = "/brands?limit=2",
         .expect = {{"data[1].name", "Cello"}, {"meta.pagination.hasMore", "true"}},
         .keep = {{"next", "meta.pagination.nextCursor"}}},
        {.name = "brands.list: the next of a walk",
         .path = "/brands?limit=2&cursor={next}",
         .expect = {{"data[0].name", "Faber"}, {"meta.pagination.hasMore", "false"}}},
        {.name = "brands.list: a limit beyond 100",
         .path = "/brands?limit=101",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"limit", "too_large"}}},
        {.name = "brands.list: too deep",
         .path = "/brands?skip=10001",
         .status = 422,
         .code = "VALIDATION_ERROR"},
        {.name = "brands.list: a cursor of another list",
         .path = "/brands?limit=2&country=India&cursor={next}",
         .status = 422,
         .code = "VALIDATION_ERROR"},
        {.name = "brands.get: anybody",
         .path = "/brands/{cello}",
         .expect = {{"data.name", "Cello"}, {"data.slug", "cello"}},
         .expect_headers = {{"ETag", "*"}}},
        {.name = "brands.get: not there",
         .path = "/brands/{nobody}",
         .status = 404,
         .code = "BRAND_NOT_FOUND"},
        {.name = "brands.get: what is no id cannot exist",
         .path = "/brands/seven",
         .status = 404,
         .code = "BRAND_NOT_FOUND"},
    });
}

TEST(BrandsTest, AreChangedByAdministrators) {
    Stage stage;
    stage.db.exec(three_brands);
    stage.keep("cello", "00000000-0000-7000-8000-0000000000b1");
    stage.play({
        {.name = "brands.update: an owner of a shop may not",
         .as = Who::owner,
         .method = "PUT",
         .path = "/brands/{cello}",
         .body = R"({"name":"Mine"})",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "brands.update: what is given, and null empties",
         .as = Who::admin,
         .method = "PUT",
         .path = "/brands/{cello}",
         .body = R"({"name":"Cello World","country":null})",
         .writes = {{"catalog.brands", 1}},
         .events = {"brand:updated"},
         .expect = {{"data.name", "Cello World"},
                    {"data.slug", "cello"},
                    {"data.country", "null"}}},
        {.name = "brands.update: the slug of another",
         .as = Who::admin,
         .method = "PUT",
         .path = "/brands/{cello}",
         .body = R"({"slug":"faber"})",
         .status = 409,
         .code = "BRAND_SLUG_TAKEN"},
        {.name = "brands.update: not there",
         .as = Who::admin,
         .method = "PUT",
         .path = "/brands/{nobody}",
         .body = "{}",
         .status = 404,
         .code = "BRAND_NOT_FOUND"},
        {.name = "brands.update: what was read is stale",
         .as = Who::admin,
         .method = "PUT",
         .path = "/brands/{cello}",
         .headers = {{"If-Match", "\"stale\""}},
         .body = R"({"name":"Late"})",
         .status = 412,
         .code = "PRECONDITION_FAILED"},
        {.name = "brands.delete: a manager may not",
         .as = Who::manager,
         .method = "DELETE",
         .path = "/brands/{cello}",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "brands.delete: it is gone",
         .as = Who::admin,
         .method = "DELETE",
         .path = "/brands/{cello}",
         .writes = {{"catalog.brands", 1}},
         .events = {"brand:deleted"},
         .expect = {{"data.id", "{cello}"}, {"data.isDeleted", "true"}}},
        {.name = "brands.delete: not there any more",
         .as = Who::admin,
         .method = "DELETE",
         .path = "/brands/{cello}",
         .status = 404,
         .code = "BRAND_NOT_FOUND"},
    });
}

TEST(BrandsTest, AnAuditRowSaysWhoChangedWhat) {
    Stage stage;
    stage.db.exec(three_brands);
    stage.client(Who::admin)
        .put("/brands/00000000-0000-7000-8000-0000000000b1", R"({"name":"Cello World"})");
    auto const rows = stage.db.rows("select user_id, action, entity, entity_id,"
                                    " changes -> 'name' ->> 'from', changes -> 'name' ->> 'to'"
                                    " from audit.entries");
    ASSERT_EQ(rows.size(), 1u);
    EXPECT_EQ(rows[0][0], stage.actors.user(Who::admin));
    EXPECT_EQ(rows[0][3], "00000000-0000-7000-8000-0000000000b1");
    EXPECT_EQ(rows[0][4], "Cello");
    EXPECT_EQ(rows[0][5], "Cello World");
}

TEST(BrandsTest, AKeyMakesOneBrandOfTwoRequests) {
    Stage stage;
    Headers const key{{"Idempotency-Key", "brand-1"}};
    Scenario const first{.name = "brands.create: with a key",
                         .as = Who::manager,
                         .method = "POST",
                         .path = "/brands",
                         .headers = key,
                         .body = R"({"name":"Once"})",
                         .status = 201,
                         .writes = {{"catalog.brands", 1}},
                         .events = {"brand:created"}};
    Answer const made = stage.play_one(first);
    Client client = stage.client(Who::manager);
    auto const before = stage.db.versions();
    Answer const again = client.post("/brands", R"({"name":"Once"})", key);
    EXPECT_EQ(again.status, 201);
    EXPECT_EQ(again.body, made.body);
    EXPECT_TRUE(before.written_until(stage.db.versions()).empty());
    Answer const other = client.post("/brands", R"({"name":"Twice"})", key);
    EXPECT_EQ(other.status, 422);
    EXPECT_EQ(other.code(), "IDEMPOTENCY_MISMATCH");
    EXPECT_TRUE(before.written_until(stage.db.versions()).empty());
}

TEST(BrandsTest, AChangeEndsWhatWasCached) {
    Stage stage;
    stage.db.exec(three_brands);
    std::string const path = "/brands/00000000-0000-7000-8000-0000000000b1";
    // A client for each loop or so: every loop has a cache of its own.
    std::vector<Client> readers;
    for (int i = 0; i < 8; ++i) readers.push_back(stage.client());
    for (Client& reader : readers) EXPECT_EQ(reader.get(path).text("data.name"), "Cello");
    Answer const changed = stage.client(Who::admin).put(path, R"({"name":"Cello World"})");
    ASSERT_EQ(changed.status, 200) << changed.body;
    for (Client& reader : readers) EXPECT_EQ(reader.get(path).text("data.name"), "Cello World");
}

TEST(BrandsTest, AnEtagSavesTheBody) {
    Stage stage;
    stage.db.exec(three_brands);
    std::string const path = "/brands/00000000-0000-7000-8000-0000000000b1";
    Client client = stage.client();
    Answer const first = client.get(path);
    Answer const second = client.get(path, {{"If-None-Match", first.header("ETag")}});
    EXPECT_EQ(second.status, 304);
    EXPECT_EQ(second.body, "");
    EXPECT_EQ(client.get(path, {{"If-None-Match", "\"other\""}}).status, 200);
    Answer const changed =
        stage.client(Who::admin)
            .put(path, R"({"name":"New"})", {{"If-Match", first.header("ETag")}});
    EXPECT_EQ(changed.status, 200) << changed.body;
}

// A list must not ask once per row.
TEST(BrandsTest, AListIsOneQuery) {
    Stage stage([](app::Config& config) { config.cache = false; });
    stage.db.exec(three_brands);
    Client client = stage.client();
    client.get("/brands");
    EXPECT_EQ(stage.server.statements_of([&] { client.get("/brands?limit=1"); }),
              stage.server.statements_of([&] { client.get("/brands?limit=100"); }));
}

} // namespace
} // namespace haat::test
