// The router: literals before parameters, aliases, methods, and what it cuts out of a path.
#include <gtest/gtest.h>

#include <http/router.hpp>

namespace haat {
namespace {

using http::Method;

struct ThingNoun {
    static constexpr std::string_view noun = "thing";
};
Task<Reply<None>> plain(Call<>&) { co_return nothing(); }
Task<Reply<None>> one(Call<>&, Id<ThingNoun>) { co_return nothing(); }
Task<Reply<None>> two(Call<>&, Slug, Id<ThingNoun>) { co_return nothing(); }

class RouterTest : public testing::Test {
protected:
    RouterTest() {
        Routes things = routes_.group("/things", "Things");
        things.get("", &plain, "All").open();
        things.post("", &plain, "Add").needs(Permit::signed_in).alias("/api/v1/things/add");
        things.get("/{id}", &one, "One").open();
        things.get("/search", &plain, "Search").open();
        things.get("/{slug}/parts/{id}", &two, "Part").open();
        routes_.root("Operations").get("/health", &plain, "Health").open();
        router_ = std::make_unique<http::Router>(routes_.all());
    }
    std::string_view summary(Method method, std::string_view path) const {
        http::Match const match = router_->find(method, path);
        return match.route ? match.route->canonical().summary : "none";
    }
    Routes routes_;
    std::unique_ptr<http::Router> router_;
};

TEST_F(RouterTest, LiteralsComeBeforeParameters) {
    EXPECT_EQ(summary(Method::get, "/api/v1/things/search"), "Search");
    EXPECT_EQ(summary(Method::get, "/api/v1/things/searches"), "One");
    EXPECT_EQ(summary(Method::get, "/api/v1/things/search/parts/7"), "Part");
}

TEST_F(RouterTest, SeedSpellingsReachTheSameHandler) {
    EXPECT_EQ(summary(Method::get, "/api/things/search"), "Search");
    EXPECT_EQ(summary(Method::get, "/api/v1/things/"), "All");
    EXPECT_EQ(summary(Method::post, "/api/v1/things/add"), "Add");
    EXPECT_EQ(summary(Method::head, "/api/v1/things"), "All");
    EXPECT_EQ(summary(Method::get, "/health"), "Health");
}

TEST_F(RouterTest, WhatIsNotThereIsNotFound) {
    for (std::string_view path :
         {"", "things", "/", "/api", "/api/v1", "/api/v1/thing", "/api/v1/things//parts/7",
          "/api/v1/things/a/parts", "//api/v1/things", "/api/v1/things/a/b/c/d/e/f/g/h/i/j/k"})
        EXPECT_FALSE(router_->find(Method::get, path).path_exists) << path;
}

TEST_F(RouterTest, AnotherMethodIsToldApartFromAnotherPath) {
    http::Match const match = router_->find(Method::del, "/api/v1/things");
    EXPECT_TRUE(match.path_exists);
    EXPECT_EQ(match.route, nullptr);
    EXPECT_EQ(router_->allowed("/api/v1/things"), "GET, HEAD, POST, OPTIONS");
    EXPECT_EQ(router_->allowed("/api/v1/nothing"), "");
}

TEST_F(RouterTest, ArgumentsAreCutOutInOrder) {
    http::Match const match = router_->find(Method::get, "/api/v1/things/blue%20pen/parts/42");
    ASSERT_EQ(match.argument_count, 2u);
    EXPECT_EQ(match.arguments[0], "blue%20pen");
    EXPECT_EQ(match.arguments[1], "42");
}

TEST_F(RouterTest, TwoRoutesForOnePathAreRefused) {
    Routes routes;
    routes.get("/x", &plain, "a").open();
    routes.get("/x", &plain, "b").open();
    EXPECT_THROW(http::Router{routes.all()}, Fault);
}

TEST(Routes, AHandlerTakesAllParametersOfItsPath) {
    Routes routes;
    EXPECT_THROW(routes.get("/x/{id}", &plain, "forgets the id").open(), Fault);
}

} // namespace
} // namespace haat
