// An organization's addresses over HTTP: its own and nobody else's, one of them the default.
#include <gtest/gtest.h>

#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

std::string const office = R"({"recipientName":"Meera Joshi","line1":"14 Laxmi Road","city":"Pune",
    "state":"Maharashtra","postalCode":"411030"})";

// One person, two organizations, one key: two addresses.
TEST(OrganizationAddressesTest, AKeyBelongsToTheActingOrganization) {
    Stage stage;
    stage.db.exec("insert into identity.memberships (org_id, user_id, role) values ('" +
                  stage.actors.org_b() + "', '" + stage.actors.user(Who::owner) + "', 'OWNER')");
    Client client = stage.client(Who::owner);
    auto const made_for = [&](std::string const& org) {
        return client
            .post("/organizations/addresses", office, {{"X-Org-Id", org}, {"Idempotency-Key", "a"}})
            .text("data.id");
    };
    std::string const of_a = made_for(stage.actors.org_a());
    std::string const of_b = made_for(stage.actors.org_b());
    EXPECT_NE(of_a, of_b);
    EXPECT_EQ(made_for(stage.actors.org_a()), of_a);
    EXPECT_EQ(made_for(stage.actors.org_b()), of_b);
}

TEST(OrganizationAddressesTest, BelongToTheActingOrganization) {
    Stage stage;
    stage.play({
        {.name = "addresses.create: staff may not",
         .as = Who::staff,
         .method = "POST",
         .path = "/organizations/addresses",
         .body = office,
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "addresses.create: the first is the default",
         .as = Who::owner,
         .method = "POST",
         .path = "/organizations/addresses",
         .body = office,
         .status = 201,
         .writes = {{"identity.organization_addresses", 1}},
         .events = {"organization-address:created"},
         .expect = {{"data.city", "Pune"}, {"data.isDefault", "true"}, {"data.country", "India"}},
         .keep = {{"first", "data.id"}}},
        {.name = "addresses.create: what is missing is told",
         .as = Who::owner,
         .method = "POST",
         .path = "/organizations/addresses",
         .body = R"({"recipientName":"Meera"})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"line1", "required"},
                      {"city", "required"},
                      {"state", "required"},
                      {"postalCode", "required"}}},
        {.name = "addresses.list: members see their own",
         .as = Who::viewer,
         .path = "/organizations/addresses",
         .expect = {{"data[0].id", "{first}"}, {"meta.pagination.total", "1"}}},
        {.name = "addresses.list: others see none of them",
         .as = Who::other_owner,
         .path = "/organizations/addresses",
         .expect = {{"meta.pagination.total", "0"}}},
        {.name = "addresses.list: an intruder is told nothing",
         .as = Who::other_owner,
         .path = "/organizations/addresses",
         .headers = {{"X-Org-Id", "{org_a}"}},
         .status = 404,
         .code = "ORGANIZATION_NOT_FOUND"},
        {.name = "addresses.get: members",
         .as = Who::viewer,
         .path = "/organizations/addresses/{first}",
         .expect = {{"data.recipientName", "Meera Joshi"}}},
        {.name = "addresses.get: of others it is not there",
         .as = Who::other_owner,
         .path = "/organizations/addresses/{first}",
         .status = 404,
         .code = "ADDRESS_NOT_FOUND"},
        {.name = "addresses.update: of others it is not there",
         .as = Who::other_owner,
         .method = "PUT",
         .path = "/organizations/addresses/{first}",
         .body = R"({"city":"Stolen"})",
         .status = 404,
         .code = "ADDRESS_NOT_FOUND"},
        {.name = "addresses.delete: of others it is not there",
         .as = Who::other_owner,
         .method = "DELETE",
         .path = "/organizations/addresses/{first}",
         .status = 404,
         .code = "ADDRESS_NOT_FOUND"},
    });
}

TEST(OrganizationAddressesTest, HaveExactlyOneDefault) {
    Stage stage;
    stage.client(Who::owner).post("/organizations/addresses", office);
    stage.play({
        {.name = "addresses.create: another",
         .as = Who::manager,
         .method = "POST",
         .path = "/organizations/addresses",
         .body = office,
         .status = 201,
         .writes = {{"identity.organization_addresses", 1}},
         .events = {"organization-address:created"},
         .expect = {{"data.isDefault", "false"}},
         .keep = {{"second", "data.id"}}},
        {.name = "addresses.update: another becomes the default",
         .as = Who::manager,
         .method = "PUT",
         .path = "/organizations/addresses/{second}",
         .body = R"({"isDefault":true,"line2":"First floor"})",
         .writes = {{"identity.organization_addresses", 2}},
         .events = {"organization-address:updated"},
         .expect = {{"data.isDefault", "true"}, {"data.line2", "First floor"}}},
        {.name = "addresses.delete: not the default while there are others",
         .as = Who::manager,
         .method = "DELETE",
         .path = "/organizations/addresses/{second}",
         .status = 409,
         .code = "CANNOT_DELETE_DEFAULT"},
    });
    Answer const list = stage.client(Who::owner).get("/organizations/addresses?isDefault=false");
    stage.keep("first", list.text("data[0].id"));
    stage.play({
        {.name = "addresses.delete: one that is not the default",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/organizations/addresses/{first}",
         .writes = {{"identity.organization_addresses", 1}},
         .events = {"organization-address:deleted"},
         .expect = {{"data.isDeleted", "true"}}},
        {.name = "addresses.delete: the last one",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/organizations/addresses/{second}",
         .writes = {{"identity.organization_addresses", 1}},
         .events = {"organization-address:deleted"}},
    });
}

} // namespace
} // namespace haat::test
