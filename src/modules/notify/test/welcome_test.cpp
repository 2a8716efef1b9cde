// The whole server: somebody registers, and a mail goes out.
#include <gtest/gtest.h>

#include <test/harness/server.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

TEST(NotifyWelcome, WhoeverRegistersIsWelcomed) {
    TestDatabase db;
    TestServer server(db, [](app::Config& config) { config.jobs.run = true; });
    Answer const answer = server.client().post(
        "/auth/register",
        R"({"email":"asha@haat.test","password":"Haat-demo-2026","fullName":"Asha <Rao>"})");
    ASSERT_EQ(answer.status, 201) << answer.body;
    ASSERT_TRUE(soon([&] { return db.number("select count(*) from notify.dev_outbox") == 1; }));
    EXPECT_EQ(db.word("select recipient || ' ' || subject from notify.dev_outbox"),
              "asha@haat.test Welcome, Asha <Rao>");
    EXPECT_TRUE(soon([&] { return db.word("select status from notify.messages") == "SENT"; }));
    EXPECT_EQ(db.word("select id = (select event_id from events.outbox where subject ="
                      " 'user:created') from notify.messages"),
              "t");
    EXPECT_NE(server.client().get("!/dev/outbox").body.find("Asha &lt;Rao&gt;"), std::string::npos);
}

} // namespace
} // namespace haat::test
