// The outbox as a table: the order that is set on writing, its days, and an envelope's two ways.
#include <gtest/gtest.h>

#include <describe/codec.hpp>
#include <events/test/node.hpp>
#include <pg/plain.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

std::string insert_sql(std::string const& key, std::string const& at = "clock_timestamp()") {
    return "insert into events.outbox (event_id, subject, key, priority, data, correlation_id, "
           "created_at) values (gen_random_uuid(), 'textile:displayed', '" +
           key + "', 'low', '{}', '', " + at + ")";
}

constexpr char const* some_key = "00000000-0000-7000-8000-000000000001";

TEST(OutboxTest, AnEventStandsBehindTheOneBeforeItInItsKey) {
    TestDatabase db;
    pg::PlainConnection early(db.url(pg::Role::admin));
    early.run("begin; select pg_current_xact_id()");
    db.exec(insert_sql(some_key));
    early.run(insert_sql(some_key));
    early.run("commit");
    EXPECT_EQ(db.word("select count(distinct ordinal) from events.outbox"), "1");
    EXPECT_EQ(db.word("select count(distinct transaction_id) from events.outbox"), "2");
}

TEST(OutboxTest, TheRequestRoleCannotChooseAPlaceInTheOrder) {
    TestDatabase db;
    pg::PlainConnection request(db.url(pg::Role::request));
    EXPECT_THROW(request.run("insert into events.outbox (id, event_id, subject, key, priority, "
                             "data, correlation_id) values (1, gen_random_uuid(), 'x', "
                             "gen_random_uuid(), 'low', '{}', '')"),
                 pg::PlainError);
    EXPECT_THROW(request.run(insert_sql(some_key)), pg::PlainError) << "nor a day";
}

TEST(OutboxTest, DaysAreMadeAndOldOnesDroppedWhenEverySinkHasThem) {
    TestDatabase db;
    std::string const old = "now() - interval '20 days'";
    db.exec(insert_sql(some_key));
    EXPECT_EQ(db.word("select count(*) from events.outbox_rest"), "1");
    EXPECT_EQ(db.word("select events.maintain(interval '14 days')"), "0");
    EXPECT_EQ(db.word("select count(*) from events.outbox_rest"), "0") << "it moved into its day";
    EXPECT_EQ(db.word("select count(*) from events.outbox"), "1");
    EXPECT_EQ(db.word("select count(*) from pg_inherits where inhparent = "
                      "'events.outbox'::regclass"),
              "5");
    db.exec(insert_sql(some_key));
    EXPECT_EQ(db.word("select count(*) from events.outbox_rest"), "0");

    db.exec(R"(set role haat_owner; do $$
        declare day date := (now() at time zone 'UTC')::date - 20;
        begin
            execute format('create table events.outbox_%s partition of events.outbox '
                           'for values from (%L) to (%L)', to_char(day, 'YYYYMMDD'),
                           day::timestamp at time zone 'UTC',
                           (day + 1)::timestamp at time zone 'UTC');
        end $$; reset role)");
    db.exec(insert_sql(some_key, old));
    db.exec("insert into events.sinks (name) values ('slow');"
            "insert into events.cursors (sink, shard) values ('slow', 1)");
    EXPECT_EQ(db.word("select events.maintain(interval '14 days')"), "0") << "one sink lacks it";
    db.exec("update events.cursors set ordinal = (select max(ordinal) from events.outbox), "
            "id = 1000000");
    EXPECT_EQ(db.word("select events.maintain(interval '14 days')"), "1");
    EXPECT_EQ(db.word("select count(*) from events.outbox"), "2");
}

TEST(OutboxTest, ASinkThatIsGoneForGoodHoldsNothing) {
    TestDatabase db;
    db.exec(insert_sql(some_key, "now() - interval '20 days'"));
    db.exec("insert into events.sinks (name, seen_at) values ('gone', now() - interval '15 days');"
            "insert into events.cursors (sink, shard) values ('gone', 1)");
    db.exec("select events.maintain(interval '14 days')");
    EXPECT_EQ(db.word("select count(*) from events.outbox"), "0");
}

// A dump that was loaded into a new cluster, whose transactions count from the beginning.
TEST(OutboxTest, AfterARestoreThePastStaysBeforeThePresent) {
    World world;
    world.steps(20);
    {
        Node node(world.worker_url());
        ASSERT_TRUE(soon([&] { return world.effects() == 20; }));
    }
    world.step(3); // was not delivered before the dump
    world.db.exec("update events.outbox set ordinal = ordinal + 1000000000, transaction_id = "
                  "(transaction_id::text::bigint + 1000000000)::text::xid8;"
                  "update events.cursors set ordinal = ordinal + 1000000000 "
                  "where sink = 'handlers'");
    world.steps(5); // before anybody noticed
    Node node(world.worker_url());
    world.steps(15);
    ASSERT_TRUE(soon([&] { return world.effects() == 41; })) << world.effects();
    EXPECT_EQ(world.missing(), 0);
    EXPECT_EQ(world.doubles(), 0);
    EXPECT_EQ(world.out_of_order(), 0);
}

TEST(EnvelopeTest, SaysWhatIsKnownAndIsReadAgain) {
    events::StoredEvent event;
    event.event_id.bytes[15] = 7;
    event.subject = "brand:created";
    event.data.text = R"({"name":"Cello \"blue\""})";
    event.created_at.micros = 1'700'000'000'000'000;
    std::string text;
    write_envelope(text, event);
    EXPECT_EQ(text, R"({"subject":"brand:created","data":{"name":"Cello \"blue\""},)"
                    R"("timestamp":"2023-11-14T22:13:20.000Z",)"
                    R"("eventId":"00000000-0000-0000-0000-000000000007","version":"1"})");
    event.user_id = event.event_id;
    event.correlation_id = "c-1";
    text.clear();
    write_envelope(text, event);
    events::StoredEvent const again = events::read_envelope(text);
    EXPECT_EQ(again.event_id, event.event_id);
    EXPECT_EQ(again.subject, event.subject);
    EXPECT_EQ(again.data, event.data);
    EXPECT_EQ(again.user_id, event.user_id);
    EXPECT_EQ(again.correlation_id, "c-1");
    EXPECT_EQ(again.created_at, event.created_at);
}

TEST(EnvelopeTest, OfOthersIsTakenAsItIs) {
    auto const event = events::read_envelope(
        R"({"subject":"order.created","data":{},"eventId":"evt_1","version":2,"x":1})");
    EXPECT_EQ(event.subject, "order:created");
    EXPECT_EQ(event.version, 2);
    EXPECT_EQ(event.event_id, events::key_of("evt_1"));
    EXPECT_NE(event.event_id, events::key_of("evt_2"));
    for (char const* bad : {"", "[]", "{}", R"({"subject":1,"data":{},"eventId":"a"})", "{"})
        EXPECT_THROW(events::read_envelope(bad), Fault) << bad;
}

} // namespace
} // namespace haat::test
