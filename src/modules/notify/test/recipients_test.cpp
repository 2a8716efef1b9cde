// What customers and parties of an organization want, and the files that they are sent.
#include <thread>

#include <gtest/gtest.h>

#include <base/clock.hpp>
#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

class NotifyRecipients : public testing::Test {
protected:
    NotifyRecipients() {
        stage.keep("org_a", stage.actors.org_a());
        stage.keep("org_b", stage.actors.org_b());
        stage.keep("stranger", stage.actors.user(Who::stranger));
        stage.keep("asha", "01900000-0000-7000-8000-0000000000a1");
    }
    void play_seen_and_forgotten();
    Stage stage;
};

TEST_F(NotifyRecipients, HaveWishes) {
    stage.play({
        {.name = "wishes.for-customer: nothing at night",
         .as = Who::manager,
         .method = "PUT",
         .path = "/notifications/preferences/CUSTOMER/{asha}",
         .body = R"({"quietFrom":"21:00","quietUntil":"09:00","language":"hi","choices":
                     [{"channel":"SMS","category":"marketing","enabled":false}]})",
         .writes = {{"notify.preferences", 1}},
         .events = {"notification:preferences-updated"},
         .expect = {{"data.quietFrom", "21:00"}, {"data.choices[0].enabled", "false"}}},
        {.name = "wishes.for-customer: what is not named stays",
         .as = Who::owner,
         .method = "PUT",
         .path = "/notifications/preferences/CUSTOMER/{asha}",
         .body = R"({"language":"en"})",
         .writes = {{"notify.preferences", 1}},
         .events = {"notification:preferences-updated"},
         .expect = {{"data.quietUntil", "09:00"}, {"data.language", "en"}}},
        {.name = "wishes.for-customer: half a night",
         .as = Who::owner,
         .method = "PUT",
         .path = "/notifications/preferences/PARTY/{asha}",
         .body = R"({"quietFrom":"21:00"})",
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"quietUntil", "required"}}},
        {.name = "wishes.for-customer: staff may not",
         .as = Who::staff,
         .method = "PUT",
         .path = "/notifications/preferences/CUSTOMER/{asha}",
         .body = R"({"language":"en"})",
         .status = 403,
         .code = "FORBIDDEN"},
        {.name = "wishes.for-customer: not for users",
         .as = Who::owner,
         .method = "PUT",
         .path = "/notifications/preferences/USER/{stranger}",
         .body = R"({"language":"en"})",
         .status = 403,
         .code = "NOTIFICATION_WISHES_ARE_THEIRS"},
    });
    play_seen_and_forgotten();
}

void NotifyRecipients::play_seen_and_forgotten() {
    stage.play({
        {.name = "wishes.of-customer: staff see what a customer wants",
         .as = Who::staff,
         .path = "/notifications/preferences/CUSTOMER/{asha}",
         .expect = {{"data.quietFrom", "21:00"}}},
        {.name = "wishes.of-customer: a party of the same id is another",
         .as = Who::staff,
         .path = "/notifications/preferences/PARTY/{asha}",
         .expect = {{"data.quietFrom", "null"}}},
        {.name = "wishes.of-customer: another shop knows its own",
         .as = Who::other_owner,
         .path = "/notifications/preferences/CUSTOMER/{asha}",
         .expect = {{"data.quietFrom", "null"}, {"data.choices", "[]"}}},
        {.name = "wishes.of-customer: not those of users",
         .as = Who::owner,
         .path = "/notifications/preferences/USER/{stranger}",
         .status = 403,
         .code = "NOTIFICATION_WISHES_ARE_THEIRS"},
        {.name = "wishes.forget: a stranger may not",
         .as = Who::stranger,
         .method = "DELETE",
         .path = "/notifications/preferences/CUSTOMER/{asha}",
         .status = 400,
         .code = "ORGANIZATION_REQUIRED"},
        {.name = "wishes.forget: everything again",
         .as = Who::owner,
         .method = "DELETE",
         .path = "/notifications/preferences/CUSTOMER/{asha}",
         .writes = {{"notify.preferences", 1}},
         .events = {"notification:preferences-updated"},
         .expect = {{"data.quietFrom", "null"}, {"data.choices", "[]"}}},
    });
}

TEST_F(NotifyRecipients, GetFilesWithTheirMails) {
    stage.db.exec(stage.fill(R"(
        insert into files.objects (id, org_id, state)
        select ('01900000-0000-7000-8000-0000000000b' || n)::uuid,
               case when n = 2 then '{org_b}'::uuid else '{org_a}'::uuid end, 'kept'
          from generate_series(1, 3) n;
        insert into files.files (id, org_id, object_id, owner_id, name, purpose, media_type, size,
                                 sha256, pictures)
        select o.id, o.org_id, o.id, '{stranger}', 'bill.pdf', 'document', 'application/pdf',
               case right(o.id::text, 1) when '3' then 11 * 1024 * 1024 else 1000 end,
               repeat('0', 64), 'none' from files.objects o)"));
    stage.keep("f", "01900000-0000-7000-8000-0000000000b");
    auto const mail = [](std::string const& files) {
        return R"({"to":"asha@haat.test","subject":"Bill","body":"Here it is","attachments":[)" +
               files + "]}";
    };
    stage.play({
        {.name = "notifications.email: with a bill",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/email",
         .body = mail(R"("{f}1")"),
         .status = 201,
         .writes = {{"notify.messages", 1}, {"jobs.queue", 1}},
         .expect = {{"data.attachments[0]", "{f}1"}}},
        {.name = "notifications.email: with another shop's file",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/email",
         .body = mail(R"("{f}1","{f}2")"),
         .status = 404,
         .code = "FILE_NOT_FOUND"},
        {.name = "notifications.email: with more than a mail carries",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/email",
         .body = mail(R"("{f}1","{f}3")"),
         .status = 422,
         .code = "NOTIFICATION_ATTACHMENTS_TOO_LARGE"},
        {.name = "notifications.email: with more files than a mail carries",
         .as = Who::owner,
         .method = "POST",
         .path = "/notifications/email",
         .body = mail(R"("{f}1","{f}1","{f}1","{f}1","{f}1","{f}1","{f}1","{f}1","{f}1","{f}1",
                         "{f}1")"),
         .status = 422,
         .code = "VALIDATION_ERROR",
         .problems = {{"attachments", "too_many"}}},
    });
}

// Nobody has said anything of them before, so that there is no row yet to wait for.
TEST_F(NotifyRecipients, ConcurrentWishesAreAllKept) {
    for (int round = 0; round < 20; ++round) {
        std::string const path = "/notifications/preferences/PARTY/" + to_string(new_uuid());
        std::vector<std::thread> speakers;
        for (char const* const body :
             {R"({"language":"hi"})", R"({"quietFrom":"21:00","quietUntil":"09:00"})",
              R"({"choices":[{"channel":"SMS","category":"marketing","enabled":false}]})"})
            speakers.emplace_back([this, path, body] {
                EXPECT_EQ(stage.client(Who::manager).put(path, body).status, 200);
            });
        for (std::thread& each : speakers) each.join();
        Answer const kept = stage.client(Who::manager).get(path);
        EXPECT_EQ(kept.text("data.language"), "hi");
        EXPECT_EQ(kept.text("data.quietFrom"), "21:00");
        EXPECT_EQ(kept.text("data.choices[0].category"), "marketing");
    }
}

} // namespace
} // namespace haat::test
