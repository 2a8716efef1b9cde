// Each route of identity and each of its aliases: one success, one refusal, and what they leave.
// How signing in behaves in depth is in sign_in_test.cpp.
#include <gtest/gtest.h>

#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

std::string registration(std::string const& email) {
    return R"({"email":")" + email + R"(","password":"Kolhapur-7-Chappal","fullName":"Asha Rao"})";
}
std::string credential(std::string const& email, std::string const& password) {
    return R"({"email":")" + email + R"(","password":")" + password + R"("})";
}
std::string const right = credential("asha@haat.test", "Kolhapur-7-Chappal");
std::string const wrong = credential("asha@haat.test", "not-the-password");

std::map<std::string, int> const registered{{"identity.users", 1}, {"identity.sessions", 1}};
std::map<std::string, int> const signed_in{{"identity.users", 1}, {"identity.sessions", 1}};
std::map<std::string, int> const failed{{"identity.sign_in_failures", 3}};

TEST(IdentityRoutesTest, SigningUp) {
    Stage stage;
    stage.play({
        {.name = "auth.register: a shopper",
         .method = "POST",
         .path = "/auth/register",
         .body = registration("asha@haat.test"),
         .status = 201,
         .writes = registered,
         .events = {"session:created", "user:created"},
         .expect = {{"data.user.email", "asha@haat.test"},
                    {"data.user.role", "customer"},
                    {"data.accessToken", "*"},
                    {"data.refreshToken", "*"},
                    {"data.user.passwordHash", "(absent)"}}},
        {.name = "auth.register: twice",
         .method = "POST",
         .path = "/auth/register",
         .body = registration("Asha@Haat.test"),
         .status = 409,
         .code = "EMAIL_EXISTS"},
        {.name = "auth.register: two problems at once",
         .method = "POST",
         .path = "/auth/register",
         .body = R"({"email":"nobody","fullName":"A"})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"email", "format"}, {"password", "required"}}},
        {.name = "ecommerce.register: a shopper",
         .method = "POST",
         .path = "/ecommerce/auth/register",
         .body = registration("ravi@haat.test"),
         .status = 201,
         .writes = registered,
         .events = {"session:created", "user:created"}},
        {.name = "ecommerce.register: twice",
         .method = "POST",
         .path = "/ecommerce/auth/register",
         .body = registration("ravi@haat.test"),
         .status = 409,
         .code = "EMAIL_EXISTS"},
    });
}

TEST(IdentityRoutesTest, SigningIn) {
    Stage stage;
    ASSERT_EQ(stage.client().post("/auth/register", registration("asha@haat.test")).status, 201);
    stage.play({
        {.name = "auth.login: the right password",
         .method = "POST",
         .path = "/auth/login",
         .body = right,
         .writes = signed_in,
         .events = {"session:created", "user:logged-in"},
         .expect = {{"data.user.email", "asha@haat.test"}, {"data.expiresIn", "900"}}},
        {.name = "auth.login: a wrong password",
         .method = "POST",
         .path = "/auth/login",
         .body = wrong,
         .status = 401,
         .code = "INVALID_CREDENTIALS",
         .writes = failed,
         .events = {"user:login-failed"}},
        {.name = "ecommerce.login: a wrong password",
         .method = "POST",
         .path = "/ecommerce/auth/login",
         .body = wrong,
         .status = 401,
         .code = "INVALID_CREDENTIALS",
         .writes = failed,
         .events = {"user:login-failed"}},
        {.name = "ecommerce.login: the right password clears the count",
         .method = "POST",
         .path = "/ecommerce/auth/login",
         .body = right,
         .writes = {{"identity.users", 1},
                    {"identity.sessions", 1},
                    {"identity.sign_in_failures", 1}},
         .events = {"session:created", "user:logged-in"}},
    });
}

TEST(IdentityRoutesTest, GoingOn) {
    Stage stage;
    Answer const begun = stage.client().post("/auth/register", registration("asha@haat.test"));
    stage.keep("token", begun.text("data.refreshToken"));
    std::string const body = R"({"refreshToken":"{token}"})";
    std::string const guess = R"({"refreshToken":"a guess"})";
    std::map<std::string, int> const rotated{{"identity.sessions", 1}};
    Pairs const next{{"token", "data.refreshToken"}};
    stage.play({
        {.name = "auth.refresh-token: the next pair",
         .method = "POST",
         .path = "/auth/refresh-token",
         .body = body,
         .writes = rotated,
         .events = {"user:token-refreshed"},
         .expect = {{"data.accessToken", "*"}},
         .keep = next},
        {.name = "auth.refresh-token: a guess",
         .method = "POST",
         .path = "/auth/refresh-token",
         .body = guess,
         .status = 401,
         .code = "INVALID_REFRESH_TOKEN"},
        {.name = "auth.refresh: the next pair",
         .method = "POST",
         .path = "/auth/refresh",
         .body = body,
         .writes = rotated,
         .events = {"user:token-refreshed"},
         .keep = next},
        {.name = "auth.refresh: a guess",
         .method = "POST",
         .path = "/auth/refresh",
         .body = guess,
         .status = 401,
         .code = "INVALID_REFRESH_TOKEN"},
        {.name = "ecommerce.refresh: the next pair",
         .method = "POST",
         .path = "/ecommerce/auth/refresh",
         .body = body,
         .writes = rotated,
         .events = {"user:token-refreshed"},
         .keep = next},
        {.name = "ecommerce.refresh: a guess",
         .method = "POST",
         .path = "/ecommerce/auth/refresh",
         .body = guess,
         .status = 401,
         .code = "INVALID_REFRESH_TOKEN"},
    });
}

TEST(IdentityRoutesTest, GoingAway) {
    Stage stage;
    std::map<std::string, int> const ended{{"identity.sessions", 1}};
    stage.play({
        {.name = "auth.logout: the session ends",
         .as = Who::staff,
         .method = "POST",
         .path = "/auth/logout",
         .writes = ended,
         .events = {"user:logged-out"}},
        {.name = "auth.logout: it has ended",
         .as = Who::staff,
         .method = "POST",
         .path = "/auth/logout",
         .status = 401,
         .code = "TOKEN_REVOKED"},
        {.name = "ecommerce.logout: the session ends",
         .as = Who::viewer,
         .method = "POST",
         .path = "/ecommerce/auth/logout",
         .writes = ended,
         .events = {"user:logged-out"}},
        {.name = "ecommerce.logout: a guest has none",
         .method = "POST",
         .path = "/ecommerce/auth/logout",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
    });
}

TEST(IdentityRoutesTest, WhoIAm) {
    Stage stage;
    stage.play({
        {.name = "auth.me: oneself",
         .as = Who::stranger,
         .path = "/auth/me",
         .expect = {{"data.id", "{stranger}"}, {"data.role", "customer"}}},
        {.name = "auth.me: a guest is nobody",
         .path = "/auth/me",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "auth.getProfile: oneself",
         .as = Who::admin,
         .path = "/auth/getProfile",
         .expect = {{"data.role", "admin"}}},
        {.name = "auth.getProfile: a guest is nobody",
         .path = "/auth/getProfile",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "users.profile: oneself",
         .as = Who::owner,
         .path = "/users/profile",
         .expect = {{"data.id", "{owner}"}}},
        {.name = "users.profile: a guest is nobody",
         .path = "/users/profile",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
        {.name = "ecommerce.profile: oneself",
         .as = Who::owner,
         .path = "/ecommerce/auth/profile",
         .expect = {{"data.id", "{owner}"}}},
        {.name = "ecommerce.profile: a guest is nobody",
         .path = "/ecommerce/auth/profile",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
    });
}

TEST(IdentityRoutesTest, Organizations) {
    Stage stage;
    stage.play({
        {.name = "organizations.create: the founder owns it",
         .as = Who::stranger,
         .method = "POST",
         .path = "/organizations",
         .body = R"({"displayName":"Sunrise School Supplies","gstin":"27AAPFU0939F1ZV"})",
         .status = 201,
         .writes = {{"identity.organizations", 1}, {"identity.memberships", 1}},
         .events = {"user:role-changed"},
         .expect = {{"data.slug", "sunrise-school-supplies"},
                    {"data.role", "OWNER"},
                    {"data.stateCode", "27"},
                    {"data.status", "unauthorized"}},
         .keep = {{"shop", "data.id"}}},
        {.name = "organizations.create: a GSTIN that is none",
         .as = Who::stranger,
         .method = "POST",
         .path = "/organizations",
         .body = R"({"displayName":"Sunrise","gstin":"270000000000000"})",
         .status = 422,
         .code = "GSTIN_INVALID"},
        {.name = "organizations.list: one's own",
         .as = Who::stranger,
         .path = "/organizations",
         .expect = {{"data[0].id", "{shop}"}, {"meta.pagination.total", "1"}}},
        {.name = "organizations.list: a guest has none",
         .path = "/organizations",
         .status = 401,
         .code = "AUTHENTICATION_REQUIRED"},
    });
}

} // namespace
} // namespace haat::test
