// Time zones and the ticks of cron expressions, without a database.
#include <fstream>

#include <gtest/gtest.h>

#include <base/refusal.hpp>
#include <base/text_forms.hpp>
#include <jobs/cron.hpp>
#include <test/harness/table.hpp>

namespace haat::test {
namespace {

struct Offset {
    std::string zone;
    Timestamp at;
    std::int32_t minutes = 0;
};
HAAT_DESCRIBE(Offset, zone, at, minutes)

TEST(ZoneTest, OffsetsAreThoseOfTheMachinesTable) {
    table<Offset>(R"(
        zone                | at                   | minutes
        Asia/Kolkata        | 2026-07-01T00:00:00Z | 330
        Asia/Kolkata        | 1943-01-01T00:00:00Z | 390     # the war
        UTC                 | 2026-07-01T00:00:00Z | 0
        Europe/Berlin       | 2026-03-29T00:59:59Z | 60
        Europe/Berlin       | 2026-03-29T01:00:00Z | 120
        Europe/Berlin       | 2026-10-25T01:00:00Z | 60
        Europe/Berlin       | 2099-07-01T00:00:00Z | 120     # by the rule, not by the table
        America/New_York    | 2099-01-01T00:00:00Z | -300
        Australia/Lord_Howe | 2060-01-01T00:00:00Z | 660     # half an hour of summer
        America/Sao_Paulo   | 2060-01-01T00:00:00Z | -180    # no summer any more
        Europe/Dublin       | 2060-07-01T00:00:00Z | 60      # summer is the standard there
        Asia/Kathmandu      | 2026-07-01T00:00:00Z | 345
    )",
                  [](Offset const& c) {
                      Zone const zone(c.zone);
                      EXPECT_EQ(zone.offset_at(c.at.micros / 1'000'000), c.minutes * 60);
                  });
}

TEST(ZoneTest, NamesThatAreNoneAreRefused) {
    for (char const* name :
         {"", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "Asia/Kolkata "})
        EXPECT_THROW(Zone{name}, Fault) << name;
    EXPECT_THROW(Zone("cut off", "TZif2"), Fault);
}

struct Tick {
    std::string expression;
    std::string zone;
    Timestamp after;
    std::optional<Timestamp> next;
};
HAAT_DESCRIBE(Tick, expression, zone, after, next)

void check_tick(Tick const& c) {
    CronText when;
    ASSERT_TRUE(CronText::read(c.expression, when));
    auto const next = when.next(Zone(c.zone), c.after.micros / 1'000'000);
    ASSERT_EQ(next.has_value(), c.next.has_value());
    if (next) EXPECT_EQ(to_string(Timestamp{*next * 1'000'000}), to_string(*c.next));
}

TEST(CronTextTest, Ticks) {
    table<Tick>(R"(
        expression            | zone         | after                | next
        "* * * * *"           | UTC          | 2026-01-01T00:00:00Z | 2026-01-01T00:01:00Z
        "* * * * *"           | UTC          | 2026-01-01T00:00:59Z | 2026-01-01T00:01:00Z
        "0 2 * * *"           | Asia/Kolkata | 2026-01-01T00:00:00Z | 2026-01-01T20:30:00Z
        "0 2 * * *"           | Asia/Kolkata | 2026-01-01T20:30:00Z | 2026-01-02T20:30:00Z
        "0 9 * * 1"           | Asia/Kolkata | 2026-01-01T00:00:00Z | 2026-01-05T03:30:00Z
        "0 1 1 * *"           | Asia/Kolkata | 2026-01-15T00:00:00Z | 2026-01-31T19:30:00Z
        "*/20 8-9 * * *"      | UTC          | 2026-01-01T08:41:00Z | 2026-01-01T09:00:00Z
        "5,35 * * * *"        | UTC          | 2026-01-01T08:05:00Z | 2026-01-01T08:35:00Z
        "0 0 29 2 *"          | UTC          | 2026-01-01T00:00:00Z | 2028-02-29T00:00:00Z
        "0 0 31 2 *"          | UTC          | 2026-01-01T00:00:00Z | -
        "0 0 13 * 5"          | UTC          | 2026-01-01T00:00:00Z | 2026-01-02T00:00:00Z
        "0 0 * * 7"           | UTC          | 2026-01-01T00:00:00Z | 2026-01-04T00:00:00Z
        "0 0 1 1/4 *"         | UTC          | 2026-01-02T00:00:00Z | 2026-05-01T00:00:00Z
        "59 23 31 12 *"       | UTC          | 2026-12-31T23:59:00Z | 2027-12-31T23:59:00Z
    )",
                check_tick);
}

// Clocks go forward over 02:30 on the 29th of March, and come back to it on the 25th of October.
TEST(CronTextTest, TicksWhenClocksChange) {
    table<Tick>(R"(
        expression     | zone          | after                | next
        "30 2 * * *"   | Europe/Berlin | 2026-03-28T12:00:00Z | 2026-03-29T01:00:00Z # made up for
        "30 2 * * *"   | Europe/Berlin | 2026-03-29T01:00:00Z | 2026-03-30T00:30:00Z
        "30 2 * * *"   | Europe/Berlin | 2026-10-24T12:00:00Z | 2026-10-25T00:30:00Z # the first
        "30 2 * * *"   | Europe/Berlin | 2026-10-25T00:30:00Z | 2026-10-26T01:30:00Z # once
        "30 * * * *"   | Europe/Berlin | 2026-10-25T00:30:00Z | 2026-10-25T01:30:00Z # every hour
        "30 * * * *"   | Europe/Berlin | 2026-03-29T00:30:00Z | 2026-03-29T01:30:00Z # none twice
        "*/15 * * * *" | Europe/Berlin | 2026-10-25T00:45:00Z | 2026-10-25T01:00:00Z
        "0 0 * * *"    | America/Havana | 2026-03-07T12:00:00Z | 2026-03-08T05:00:00Z
        "30 0 * * *"   | Asia/Beirut   | 2026-10-23T12:00:00Z | 2026-10-23T21:30:00Z
    )",
                check_tick);
}

TEST(CronTextTest, WhatIsWrongIsNotTaken) {
    CronText into;
    for (char const* text : {"", "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *",
                             "* * * 13 *", "* * * * 8", "5-1 * * * *", "*/0 * * * *", "a * * * *",
                             "1,,2 * * * *", "-1 * * * *", "1- * * * *", "99999999999 * * * *"})
        EXPECT_FALSE(CronText::read(text, into)) << text;
}

// Ticks come one after another, each once, whatever the zone does.
TEST(CronTextTest, EveryQuarterOfAnHourOfAYear) {
    for (char const* name : {"Europe/Berlin", "Asia/Kolkata", "America/New_York",
                             "Australia/Lord_Howe", "Africa/Casablanca"}) {
        Zone const zone(name);
        CronText const when("*/30 * * * *");
        std::int64_t at = 1'767'225'600; // 2026
        int ticks = 0;
        while (at < 1'767'225'600 + 365 * 86'400) {
            auto const next = when.next(zone, at);
            ASSERT_TRUE(next);
            ASSERT_EQ(*next - at, 1'800) << name << " " << at;
            at = *next;
            ++ticks;
        }
        EXPECT_EQ(ticks, 365 * 48);
    }
}

} // namespace
} // namespace haat::test
