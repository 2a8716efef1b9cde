// Row-level security of webhooks: nobody crosses from one organization to another, or to the
// platform's, whatever a handler may forget.
#include <gtest/gtest.h>

#include <test/harness/actors.hpp>
#include <test/harness/database.hpp>

namespace haat::test {
namespace {

class WebhooksCrossingTest : public testing::Test {
protected:
    WebhooksCrossingTest() {
        db_.rows("with e as (insert into webhooks.endpoints (id, org_id, url, description, "
                 "subjects, secret) select gen_random_uuid(), o, 'https://x.example/', '', '{*}', "
                 "'sealed' from unnest(array[$1::uuid, $2::uuid, null]) o returning id, org_id), "
                 "d as (insert into webhooks.deliveries (id, endpoint_id, org_id, event_id, "
                 "subject, body, state, give_up_at) select gen_random_uuid(), id, org_id, "
                 "gen_random_uuid(), 'brand:created', '{}', 'failed', now() from e returning id, "
                 "org_id) insert into webhooks.attempts select id, 1, org_id, now(), 1, 500, 'no', "
                 "'', '', '' from d",
                 {actors_.org_a(), actors_.org_b()});
    }
    void act(std::string const& org, std::string const& role) {
        request_.run("set haat.org_id = '" + org + "'; set haat.role = '" + role + "'");
    }
    std::string seen(std::string const& table) {
        return request_.word("select string_agg(coalesce(org_id::text, 'platform'), ' ') from "
                             "webhooks." +
                             table);
    }
    TestDatabase db_;
    Actors const actors_{db_.connection()};
    pg::PlainConnection request_{db_.url(pg::Role::request)};
};

TEST_F(WebhooksCrossingTest, EachSeesItsOwn) {
    for (char const* const table : {"endpoints", "deliveries", "attempts"}) {
        act(actors_.org_a(), "customer");
        EXPECT_EQ(seen(table), actors_.org_a()) << table;
        act(actors_.org_b(), "admin");
        EXPECT_EQ(seen(table), actors_.org_b()) << table << ": inside a shop";
        act("", "admin");
        EXPECT_EQ(seen(table), "platform") << table;
        act("", "customer");
        EXPECT_EQ(seen(table), "") << table;
    }
}

TEST_F(WebhooksCrossingTest, NobodyWritesElsewhere) {
    act(actors_.org_a(), "customer");
    EXPECT_EQ(request_.word("with touched as (update webhooks.endpoints set url = "
                            "'https://thief.example/' where org_id is distinct from $1::uuid "
                            "returning 1) select count(*) from touched",
                            {actors_.org_a()}),
              "0");
    EXPECT_EQ(request_.word("with touched as (update webhooks.deliveries set state = 'waiting' "
                            "returning 1) select count(*) from touched"),
              "1");
    for (std::string const& org : {"'" + actors_.org_b() + "'", std::string("null")})
        EXPECT_ANY_THROW(request_.run(
            "insert into webhooks.endpoints (id, org_id, url, description, subjects, secret) "
            "values (gen_random_uuid(), " +
            org + ", 'https://thief.example/', '', '{*}', 'x')"))
            << org;
    EXPECT_ANY_THROW(request_.run("update webhooks.endpoints set org_id = null"));
    EXPECT_ANY_THROW(request_.run("delete from webhooks.attempts")) << "the log is the worker's";
    EXPECT_ANY_THROW(request_.run("select * from webhooks.overview()"));
}

} // namespace
} // namespace haat::test
