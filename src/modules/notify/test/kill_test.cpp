// The process that sends is killed between a mail server's taking of a mail and our knowing of it:
// real processes, a real mail server, leases that run out by themselves. While one mail waits for
// its answer no other goes out: libcurl waits for the end of a mail on the thread that has them
// all.
#include <map>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <jobs/test/works.hpp>
#include <modules/notify/inside.hpp>
#include <outbound/test/stand_in.hpp>
#include <test/harness/actors.hpp>
#include <test/harness/worker.hpp>

namespace haat::test {
namespace {

namespace json = boost::json;
using notify::NotificationId;
using notify::NotificationType;
using outbound::test::Certificate;
using outbound::test::StandIn;

class NotifyKillTest : public testing::Test {
protected:
    std::unique_ptr<Process> start() {
        return start_worker(db_, {{"SMTP_HOST", "localhost"},
                                  {"SMTP_PORT", std::to_string(server_.port())},
                                  {"HAAT_SMTP_SECURITY", "none"},
                                  {"FROM_EMAIL", "Haat Shop <shop@haat.example>"}});
    }
    NotificationId send(std::string const& address, NotificationType type) {
        NotificationId id;
        giver_([&](Tx& tx) {
            notify::NewMessage message;
            message.type = type;
            message.category = notify::category_of(type);
            message.recipient_type = notify::RecipientType::CUSTOMER;
            message.recipient_contact = address;
            message.title = "Your order";
            message.message = "It is on its way";
            id = notify::add_message(tx, message, {});
        });
        return id;
    }
    std::string column(NotificationId id, std::string const& name) {
        return db_.word("select coalesce((" + name +
                        ")::text, '') from notify.messages where id = '" + to_string(id.uuid) +
                        "'");
    }
    std::string attempts(NotificationId id) {
        return db_.word("select string_agg(provider || ' ' || coalesce(outcome, '?'), ', '"
                        " order by number) from notify.attempts where message_id = '" +
                        to_string(id.uuid) + "'");
    }
    /// How many mails the server has taken of each message, by its id.
    std::map<std::string, int> taken() {
        std::map<std::string, int> all;
        for (std::string const& line : server_.seen()) {
            json::value const mail = json::parse(line);
            for (json::value const& each : mail.at("headers").as_array())
                if (each.at(0).as_string() == "Message-ID") {
                    std::string const id(each.at(1).as_string());
                    ++all[id.substr(1, id.find('@') - 1)];
                }
        }
        return all;
    }
    int taken(NotificationId id) { return taken()[to_string(id.uuid)]; }

    TestDatabase db_;
    Actors const actors_{db_.connection()};
    Giver giver_{db_};
    Certificate certificate_;
    StandIn server_{"/usr/bin/python3",
                    "smtp_server.py",
                    {certificate_.certificate_file(), certificate_.key_file(), "plain"}};
};

TEST_F(NotifyKillTest, WhatAProviderHasAndNobodyNotedGoesOutAsTheSameMail) {
    auto first = start();
    NotificationId const order = send("held@example.org", NotificationType::ORDER_STATUS_UPDATE);
    std::vector<NotificationId> others;
    for (int i = 0; i < 40; ++i)
        others.push_back(send("asha" + std::to_string(i) + "@example.org",
                              NotificationType::ORDER_STATUS_UPDATE));
    ASSERT_TRUE(soon([&] { return taken(order) == 1; }, 60s)) << first->errors();
    EXPECT_EQ(attempts(order), "smtp ?") << "the attempt was noted before the server was asked";
    auto second = start(); // and it has nothing of the other one's before that is dead
    kill(*first);
    ASSERT_TRUE(soon([&] { return column(order, "status") == "SENT"; }, 60s))
        << attempts(order) << second->errors();
    EXPECT_EQ(taken(order), 2) << "twice, with the same Message-ID";
    EXPECT_EQ(attempts(order), "smtp unknown, smtp sent");
    ASSERT_TRUE(soon(
        [&] {
            return db_.number("select count(*) from notify.messages where status = 'PENDING'") == 0;
        },
        60s))
        << second->errors();
    auto const all = taken();
    for (NotificationId const id : others) {
        EXPECT_EQ(column(id, "status"), "SENT") << attempts(id);
        EXPECT_TRUE(all.contains(to_string(id.uuid))) << "nothing is lost";
    }
    EXPECT_TRUE(soon([&] {
        return db_.number("select count(*) from jobs.queue where name = "
                          "'notify.deliver'") == 0;
    }));
}

// At random moments of a stream of mails, and the next process goes on.
TEST_F(NotifyKillTest, NothingIsLostWhenItIsKilledAgainAndAgain) {
    auto worker = start();
    std::size_t count = 0;
    for (int round = 0; round < 3; ++round) {
        auto const before = server_.seen().size();
        for (int i = 0; i < 60; ++i, ++count)
            send("ravi" + std::to_string(i) + "@example.org", NotificationType::SALE_CREATED);
        ASSERT_TRUE(soon([&] { return server_.seen().size() > before + 20; }, 60s))
            << worker->errors();
        kill(*worker);
        worker = start();
    }
    ASSERT_TRUE(soon(
        [&] {
            return db_.number("select count(*) from notify.messages where status = 'SENT'") ==
                   static_cast<std::int64_t>(count);
        },
        90s))
        << worker->errors();
    EXPECT_EQ(taken().size(), count) << "each, and nothing else";
    EXPECT_EQ(db_.number("select count(*) from notify.attempts where outcome is null"), 0);
}

} // namespace
} // namespace haat::test
