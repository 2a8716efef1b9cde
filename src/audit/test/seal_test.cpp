// The sealed audit log: every row once, in spite of late commits and rivals, and no damage unseen.
#include <atomic>
#include <thread>

#include <gtest/gtest.h>

#include <audit/verify.hpp>
#include <describe/codec.hpp>
#include <test/harness/database.hpp>
#include <test/harness/house.hpp>
#include <test/harness/process.hpp>
#include <test/harness/wait.hpp>

namespace haat::test {
namespace {

using audit::Finding;
using audit::Verdict;

constexpr char const* org_a = "00000000-0000-7000-8000-00000000000a";

std::string entry(std::string const& org, std::string const& what) {
    return "insert into audit.entries (org_id, action, entity, changes, address, user_agent,"
           " request_id) values (nullif('" +
           org + "', '')::uuid, 'CREATE', '" + what + "', '{}', '::1', 'test', 'r')";
}

class SealTest : public testing::Test {
protected:
    void write(int count, std::string const& org = org_a) {
        for (int i = 0; i < count; ++i) db.exec(entry(org, "row " + std::to_string(i)));
    }
    int seal(int most = 1'000) {
        return std::stoi(worker.word("select audit.seal($1::integer)", {std::to_string(most)}));
    }
    Verdict verdict() {
        pg::PlainConnection owner(db.url(pg::Role::owner));
        return audit::verify(owner);
    }
    /// The only thing that is wrong.
    audit::Damage damage() {
        Verdict const found = verdict();
        EXPECT_FALSE(found.ok);
        EXPECT_EQ(found.damages.size(), 1u) << describe::to_json(found);
        return found.damages.empty() ? audit::Damage{} : found.damages.front();
    }
    std::int64_t entry_at(int position) {
        return db.number("select entry_id from audit.links where chain = $1::uuid"
                         " and place = $2::bigint",
                         {org_a, std::to_string(position)});
    }

    TestDatabase db;
    pg::PlainConnection worker{db.url(pg::Role::worker)};
};

TEST_F(SealTest, EveryOrganizationHasAChainAndThePlatformToo) {
    write(3);
    write(2, "");
    EXPECT_EQ(seal(), 5);
    EXPECT_EQ(seal(), 0);
    write(1);
    EXPECT_EQ(seal(), 1);
    Verdict const found = verdict();
    EXPECT_TRUE(found.ok) << describe::to_json(found);
    EXPECT_EQ(found.chains, 2);
    EXPECT_EQ(found.sealed, 6);
    EXPECT_EQ(found.waiting, 0);
}

TEST_F(SealTest, InBatches) {
    write(7);
    EXPECT_EQ(seal(3), 3);
    EXPECT_EQ(verdict().waiting, 4);
    EXPECT_EQ(seal(3), 3);
    EXPECT_EQ(seal(3), 1);
    EXPECT_TRUE(verdict().ok);
    EXPECT_EQ(verdict().sealed, 7);
}

// The row has the lower number and comes later: nothing that began before it ended is sealed yet.
TEST_F(SealTest, ALateCommitIsNotPassedOver) {
    pg::PlainConnection late(db.url(pg::Role::admin));
    late.run("begin; " + entry(org_a, "late"));
    write(2);
    EXPECT_EQ(seal(), 0);
    EXPECT_EQ(verdict().waiting, 2);
    late.run("commit");
    EXPECT_EQ(seal(), 3);
    EXPECT_TRUE(verdict().ok);
    EXPECT_EQ(db.word("select count(*) from audit.entries e left join audit.links l"
                      " on l.entry_id = e.id where l.entry_id is null"),
              "0");
}

TEST_F(SealTest, ARolledBackRowLeavesNoGap) {
    write(1);
    pg::PlainConnection other(db.url(pg::Role::admin));
    other.run("begin; " + entry(org_a, "never") + "; rollback");
    write(1);
    EXPECT_EQ(seal(), 2);
    EXPECT_TRUE(verdict().ok);
}

TEST_F(SealTest, AChangedRowIsFound) {
    write(5);
    seal();
    db.exec("update audit.entries set user_agent = 'somebody else' where id = " +
            std::to_string(entry_at(3)));
    audit::Damage const found = damage();
    EXPECT_EQ(found.finding, Finding::row_changed);
    EXPECT_EQ(found.entry_id, entry_at(3));
    EXPECT_EQ(to_string(found.chain), org_a);
}

TEST_F(SealTest, ARowOfAnotherOrganizationNowIsFound) {
    write(2);
    seal();
    db.exec("update audit.entries set org_id = null where id = " + std::to_string(entry_at(1)));
    EXPECT_EQ(damage().finding, Finding::row_changed);
}

TEST_F(SealTest, ARemovedRowIsFoundInTheMiddleAndAtTheEnd) {
    write(5);
    seal();
    std::int64_t const middle = entry_at(3);
    std::int64_t const newest = entry_at(5);
    db.exec("delete from audit.entries where id in (" + std::to_string(middle) + ", " +
            std::to_string(newest) + ")");
    Verdict const found = verdict();
    ASSERT_EQ(found.damages.size(), 2u) << describe::to_json(found);
    EXPECT_EQ(found.damages[0].finding, Finding::row_removed);
    EXPECT_EQ(found.damages[0].entry_id, middle);
    EXPECT_EQ(found.damages[1].finding, Finding::row_removed);
    EXPECT_EQ(found.damages[1].entry_id, newest);
}

TEST_F(SealTest, ARowRemovedWithItsSealIsFoundInTheMiddle) {
    write(5);
    seal();
    std::string const id = std::to_string(entry_at(3));
    db.exec("delete from audit.entries where id = " + id +
            "; delete from audit.links where entry_id = " + id);
    audit::Damage const found = damage();
    EXPECT_EQ(found.finding, Finding::seal_removed);
    EXPECT_EQ(found.position, 3);
}

TEST_F(SealTest, ARowRemovedWithItsSealIsFoundAtTheEnd) {
    write(5);
    seal();
    std::string const id = std::to_string(entry_at(5));
    db.exec("delete from audit.entries where id = " + id +
            "; delete from audit.links where entry_id = " + id);
    audit::Damage const found = damage();
    EXPECT_EQ(found.finding, Finding::chain_shortened);
    EXPECT_EQ(found.position, 5);
}

TEST_F(SealTest, AWholeChainThatIsGoneIsFound) {
    write(2);
    seal();
    db.exec("truncate audit.entries, audit.links");
    EXPECT_EQ(damage().finding, Finding::chain_shortened);
    db.exec("delete from audit.heads");
    EXPECT_TRUE(verdict().ok) << "nothing is left to tell";
}

TEST_F(SealTest, ARowThatIsSlippedInIsFound) {
    write(3);
    seal();
    db.exec("insert into audit.entries (transaction_id, action, entity, changes, address,"
            " user_agent, request_id) values ('3', 'x', 'x', '{}', '', '', '')");
    EXPECT_EQ(damage().finding, Finding::row_slipped_in);
}

// Another cluster counts its transactions from the beginning.
TEST_F(SealTest, ARestoredLogGoesOn) {
    write(3);
    seal();
    db.exec("update audit.sealer set system_identifier = 7, transaction_id = '900000000'");
    db.exec("update audit.entries set transaction_id = '800000000'");
    write(2); // one was not sealed when the dump was made, the other came after
    db.exec(
        "update audit.entries set transaction_id = '800000001' where id = "
        "(select min(id) from audit.entries where id not in (select entry_id from audit.links))");
    EXPECT_EQ(seal(), 2);
    write(1);
    EXPECT_EQ(seal(), 1);
    Verdict const found = verdict();
    EXPECT_TRUE(found.ok) << describe::to_json(found);
    EXPECT_EQ(found.sealed, 6);
}

TEST_F(SealTest, RequestsMayOnlyAddRows) {
    pg::PlainConnection request(db.url(pg::Role::request));
    request.run(std::string("set haat.org_id = '") + org_a + "'; set haat.role = 'admin'");
    request.run(entry(org_a, "mine"));
    EXPECT_EQ(request.word("select count(*) from audit.entries"), "1");
    for (char const* sql :
         {"update audit.entries set action = 'x'", "delete from audit.entries",
          "truncate audit.entries", "insert into audit.links values (1, gen_random_uuid(), 1, '')",
          "update audit.heads set place = 0", "update audit.sealer set entry_id = 0",
          "select audit.seal(1)"})
        EXPECT_THROW(request.ask(sql), pg::PlainError) << sql;
    for (char const* sql : {"update audit.entries set action = 'x'", "delete from audit.entries",
                            "delete from audit.links", "update audit.links set place = 9"})
        EXPECT_THROW(worker.ask(sql), pg::PlainError) << sql;
}

TEST_F(SealTest, TheCommandTellsWhatIsWrong) {
    ProcessOptions options;
    options.words = {"audit", "verify"};
    options.environment = {{"DATABASE_URL", db.url(pg::Role::owner)},
                           {"DATABASE_REQUEST_URL", db.url(pg::Role::request)},
                           {"DATABASE_WORKER_URL", db.url(pg::Role::worker)},
                           {"HAAT_DATA_DIR", temporary_directory("verify").string()}};
    write(3);
    seal();
    Finished const whole = run_process(options);
    EXPECT_EQ(whole.code, 0) << whole.errors;
    EXPECT_NE(whole.output.find("whole: 3 sealed rows in 1 chains"), std::string::npos)
        << whole.output;
    std::string const victim = std::to_string(entry_at(2));
    db.exec("update audit.entries set address = '::2' where id = " + victim);
    Finished const damaged = run_process(options);
    EXPECT_EQ(damaged.code, 1);
    EXPECT_NE(damaged.output.find("row " + victim + " (place 2) of organization " + org_a +
                                  " was changed"),
              std::string::npos)
        << damaged.output;
}

TEST_F(SealTest, ConcurrentWritersAndTwoSealersSealEveryRowOnce) {
    constexpr int writers = 32;
    constexpr int rows = 25;
    std::atomic<int> running{writers};
    std::vector<std::thread> all;
    for (int i = 0; i < writers; ++i)
        all.emplace_back([&] {
            pg::PlainConnection mine(db.url(pg::Role::request));
            for (int n = 0; n < rows; ++n) {
                // Some leave a gap in the numbers, some hold their transaction open for a while.
                mine.run("begin; " + entry(n % 3 == 0 ? "" : org_a, "w"));
                if (n % 5 == 0) pause_briefly();
                mine.run(n % 7 == 6 ? "rollback" : "commit");
            }
            --running;
        });
    for (int i = 0; i < 2; ++i)
        all.emplace_back([&] {
            pg::PlainConnection mine(db.url(pg::Role::worker));
            while (running > 0) mine.ask("select audit.seal(40)");
        });
    for (std::thread& one : all) one.join();
    EXPECT_TRUE(soon([&] {
        seal();
        return verdict().waiting == 0;
    }));
    Verdict const found = verdict();
    EXPECT_TRUE(found.ok) << describe::to_json(found);
    EXPECT_EQ(found.sealed, db.number("select count(*) from audit.entries"));
    EXPECT_EQ(found.sealed, writers * (rows - rows / 7));
}

} // namespace
} // namespace haat::test
