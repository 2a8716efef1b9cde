// A database with its people, workers with a post office, and mail servers, for tests of messages
// on their way.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include <boost/json.hpp>

#include <app/run_on.hpp>
#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <files/local_store.hpp>
#include <jobs/test/works.hpp>
#include <modules/notify/inside.hpp>
#include <modules/notify/post.hpp>
#include <outbound/test/stand_in.hpp>
#include <outbound/test/world.hpp>
#include <test/harness/actors.hpp>
#include <test/harness/house.hpp>

namespace haat::test {

namespace json = boost::json;
using notify::Channel;
using notify::PostOptions;
using outbound::test::Certificate;
using outbound::test::Exchange;
using outbound::test::StandIn;
using outbound::test::WorldServer;

inline constexpr char phone[] = "+919876543210";

/// A database with its people, and workers with a post office.
class NotifyDelivery : public testing::Test {
protected:
    ~NotifyDelivery() override { stop(); }

    void start(PostOptions options = {}) {
        options.client.allowed_networks = {outbound::test::network("127.0.0.1")};
        auto const post = std::make_shared<notify::Post>(std::move(options));
        posts_.push_back(post);
        works_ = std::make_unique<Works>(db_, 0);
        works_->services.add(*post);
        if (store_) works_->services.add<files::Store>(*store_);
        works_->before = [post](Loop& loop) { post->add(loop); };
        works_->add(db_, [](jobs::RunnerOptions& runner) { runner.poll = 20ms; });
    }
    /// As a process ends that was asked to.
    void stop() {
        if (!works_) return;
        works_->stop();
        posts_.back()->forget_loops();
        works_.reset();
    }
    /// As one ends that is killed; another one begins where it was.
    void kill() {
        works_->halt();
        // What its handlers were asking with is never freed either: they wait there for ever.
        static auto* const left =
            std::make_unique<std::vector<std::shared_ptr<notify::Post>>>().release();
        left->push_back(posts_.back());
        // A process that dies hangs up; what it was just saying may not come after its end.
        db_.exec("select pg_terminate_backend(pid) from pg_stat_activity"
                 " where datname = current_database() and usename = 'haat_worker'");
        EXPECT_TRUE(soon([&] {
            return db_.number("select count(*) from pg_stat_activity"
                              " where datname = current_database() and usename = 'haat_worker'") ==
                   0;
        }));
        db_.exec("update jobs.runners set lease_until = now() - interval '1 second'");
        works_.reset();
    }

    notify::NotificationId send(notify::Recipient const& to, notify::SendOptions const& options,
                                std::string const& name = "Asha") {
        notify::NotificationId id;
        giver_([&](Tx& tx) {
            notify::WelcomeWords const words{name};
            id = notify::send(tx, notify::welcome, words, to, options);
        });
        return id;
    }
    notify::NotificationId
    send_sms(notify::NotificationType type = notify::NotificationType::ORDER_STATUS_UPDATE) {
        notify::NotificationId id;
        giver_([&](Tx& tx) {
            notify::NewMessage message;
            message.type = type;
            message.category = notify::category_of(type);
            message.recipient_type = notify::RecipientType::CUSTOMER;
            message.recipient_contact = phone;
            message.message = "Your order is on its way";
            notify::SendOptions options;
            options.channel = Channel::SMS;
            id = notify::add_message(tx, message, options);
        });
        return id;
    }
    std::string column(notify::NotificationId id, std::string const& name) {
        return db_.word("select coalesce((" + name +
                        ")::text, '') from notify.messages where id = '" + to_string(id.uuid) +
                        "'");
    }
    bool becomes(notify::NotificationId id, std::string const& status) {
        return soon([&] { return column(id, "status") == status; });
    }
    /// The time comes for what waits.
    void hurry() {
        db_.exec("update jobs.queue set run_at = now() where name = 'notify.deliver';"
                 "notify haat_jobs");
    }
    /// Until it has this state, never minding how long it is to wait between.
    bool hurried_to(notify::NotificationId id, std::string const& status) {
        return soon([&] {
            hurry();
            pause_briefly();
            return column(id, "status") == status;
        });
    }
    std::string attempts(notify::NotificationId id) {
        return db_.word("select string_agg(provider || ' ' || coalesce(outcome, '?'), ', '"
                        " order by number) from notify.attempts where message_id = '" +
                        to_string(id.uuid) + "'");
    }
    std::int64_t events(std::string const& subject) {
        return db_.number("select count(*) from events.outbox where subject = '" + subject + "'");
    }
    notify::Recipient stranger() {
        notify::Recipient to;
        Uuid id;
        EXPECT_TRUE(parse(actors_.user(Who::stranger), id));
        to.id = id;
        return to;
    }

    TestDatabase db_;
    Actors const actors_{db_.connection()};
    Giver giver_{db_};
    std::vector<std::shared_ptr<notify::Post>> posts_;
    std::unique_ptr<files::Store> store_; // of the next start()
    std::unique_ptr<Works> works_;
};

inline outbound::SmtpOptions mail_server(StandIn& server) {
    outbound::SmtpOptions smtp;
    smtp.host = "localhost";
    smtp.port = server.port();
    smtp.security = outbound::SmtpSecurity::none;
    smtp.from = {"Haat Shop", {"shop@haat.example"}};
    return smtp;
}

struct PostOffice {
    Certificate certificate;
    StandIn server{"/usr/bin/python3",
                   "smtp_server.py",
                   {certificate.certificate_file(), certificate.key_file(), "plain"}};
    json::object seen(std::size_t count = 1) { return json::parse(server.seen(count)).as_object(); }
    static std::string header(json::object const& seen, std::string_view name) {
        for (json::value const& each : seen.at("headers").as_array())
            if (each.at(0).as_string() == name) return std::string(each.at(1).as_string());
        return {};
    }
};

} // namespace haat::test
