// Personal data at rest: unreadable in the database, readable through it, until its key is gone.
#include <thread>

#include <gtest/gtest.h>

#include <loop/loop.hpp>
#include <pg/database.hpp>
#include <pg/test/run_loop.hpp>
#include <privacy/keyring.hpp>
#include <test/harness/database.hpp>
#include <test/harness/wait.hpp>

namespace haat::privacy {
namespace {

using test::run;

struct Person {
    Uuid id;
    std::string name;
    std::optional<Email> email;
    std::string city;
};
HAAT_DESCRIBE(Person, id, name, email, city)
HAAT_PERSONAL(Person, name)
HAAT_PERSON(Person, id)

Uuid uuid_of(unsigned char last) {
    Uuid uuid;
    uuid.bytes[0] = 0x42;
    uuid.bytes[15] = last;
    return uuid;
}
Uuid const asha = uuid_of(1);
Uuid const ravi = uuid_of(2);

/// A process: its own keys, its own connections.
class Node {
public:
    explicit Node(test::TestDatabase const& db, std::string_view secret = "the secret of all",
                  pg::Role role = pg::Role::request)
        : keyring(std::make_shared<Keyring>(secret)) {
        pg::DatabaseOptions options;
        options.url = db.url(role);
        options.read_connections = options.slow_connections = 1;
        options.write_connections = 2;
        options.keyring = keyring;
        database = std::make_unique<pg::Database>(loop, std::move(options));
        if (!run(loop, database->start())) throw std::runtime_error(database->last_error());
    }
    ~Node() { run(loop, database->stop(std::chrono::seconds(5))); }

    std::string veiled(Person const& person, bool commits = true) {
        return run(loop, write(person, commits));
    }
    std::string text(std::string_view plain, Uuid const& person) {
        return run(loop, write_text(plain, person));
    }
    std::string read(std::string text) {
        std::vector<std::string*> const texts(1, &text);
        run(loop, unveil(*database, texts));
        return text;
    }
    int erased(Uuid const& person, std::string role = "admin", Uuid const& caller = {}) {
        return run(loop, erase_one(person, std::move(role), caller));
    }

    Loop loop;
    std::shared_ptr<Keyring> keyring;
    std::unique_ptr<pg::Database> database;

private:
    static std::string encoded(Person const& person, describe::PersonalParts& parts) {
        std::string json;
        describe::encode(json, describe::shape_of<Person>, &person, parts);
        return json;
    }
    Task<std::string> write(Person const& person, bool commits) {
        Tx tx(*database, pg::nobody);
        describe::PersonalParts parts;
        std::string json = encoded(person, parts);
        veil(tx, json, parts, ravi);
        if (commits) co_await tx.commit();
        co_return json;
    }
    Task<std::string> write_text(std::string_view plain, Uuid person) {
        Tx tx(*database, pg::nobody);
        std::string text = veil_text(tx, plain, person);
        co_await tx.commit();
        co_return text;
    }
    Task<int> erase_one(Uuid person, std::string role, Uuid caller) {
        pg::Settings settings;
        settings.role = std::move(role);
        if (!caller.is_nil()) settings.user_id = to_string(caller);
        Tx tx(*database, settings);
        int const gone = co_await erase(tx, person);
        co_await tx.commit();
        co_return gone;
    }
};

class VeilTest : public testing::Test {
protected:
    std::int64_t keys_of(Uuid const& whose) {
        return db.number("select count(*) from privacy.keys where person = $1", {to_string(whose)});
    }
    test::TestDatabase db;
    Node node{db};
    Person const person{asha, "Asha \"A\" Rao", Email{"asha@haat.test"}, "Pune"};
};

TEST_F(VeilTest, HidesWhatIsPersonalAndNothingElse) {
    std::string const veiled = node.veiled(person);
    EXPECT_EQ(veiled.find("Asha"), veiled.npos) << veiled;
    EXPECT_EQ(veiled.find("asha@haat.test"), veiled.npos) << veiled;
    EXPECT_NE(veiled.find(R"("city":"Pune")"), veiled.npos) << veiled;
    EXPECT_TRUE(is_veiled(veiled));
    EXPECT_EQ(node.read(veiled), describe::to_json(person));
    EXPECT_EQ(keys_of(asha), 1);
    EXPECT_EQ(keys_of(ravi), 0);
}

TEST_F(VeilTest, PostgreSqlGivesItBackAsItCame) {
    std::string const veiled = node.veiled(person);
    std::string const kept = db.word("select ($1::jsonb)::text", {veiled});
    Person read;
    EXPECT_TRUE(describe::from_json(node.read(kept), read).empty()) << kept;
    EXPECT_EQ(read.name, person.name);
    EXPECT_EQ(read.email->value, "asha@haat.test");
}

TEST_F(VeilTest, NullTellsOfNobody) {
    std::string const veiled = node.veiled({asha, "A", std::nullopt, "Pune"});
    EXPECT_NE(veiled.find(R"("email":null)"), veiled.npos) << veiled;
}

TEST_F(VeilTest, AKeyServesUntilTheProcessEnds) {
    node.veiled(person);
    node.veiled(person);
    EXPECT_EQ(keys_of(asha), 1);
    Node another(db);
    std::string const theirs = another.veiled(person);
    EXPECT_EQ(keys_of(asha), 2);
    EXPECT_EQ(node.read(theirs), describe::to_json(person));
}

TEST_F(VeilTest, OneTransactionMakesOneKey) {
    Node& mine = node;
    run(mine.loop, [](pg::Database& database) -> Task<void> {
        Tx tx(database, pg::nobody);
        veil_text(tx, "127.0.0.1", asha);
        veil_text(tx, "a browser", asha);
        veil_text(tx, "another's", ravi);
        co_await tx.commit();
    }(*mine.database));
    EXPECT_EQ(keys_of(asha), 1);
    EXPECT_EQ(keys_of(ravi), 1);
}

// Else what is written next could be read by nobody.
TEST_F(VeilTest, AKeyOfWorkThatWasRolledBackIsNotUsed) {
    node.veiled(person, false);
    EXPECT_EQ(keys_of(asha), 0);
    std::string const veiled = node.veiled(person);
    EXPECT_EQ(keys_of(asha), 1);
    EXPECT_EQ(node.read(veiled), describe::to_json(person));
}

TEST_F(VeilTest, TextsThatAreNoJson) {
    std::string const veiled = node.text("2001:db8::1", asha);
    EXPECT_EQ(veiled.find("2001"), veiled.npos);
    EXPECT_EQ(node.read(veiled), "2001:db8::1");
    EXPECT_EQ(node.text("", asha), "");
    node.erased(asha);
    EXPECT_EQ(node.read(veiled), "");
}

TEST_F(VeilTest, WhatOnlyLooksLikeOneIsLeftAlone) {
    std::string const letters(120, 'A');
    for (std::string const& text :
         {std::string(R"({"a":"veil:1:"})"), std::string(R"({"a":"veil:1:short"})"),
          R"({"a":"veil:1:)" + letters + R"( and more"})", R"({"a":"veil:2:)" + letters + "\"}",
          R"({"a":"he said \"veil:1:)" + letters + R"(\" aloud"})",
          R"({"a":"at the end \"veil:1:)" + letters + "\"}", std::string("veil:1:"),
          std::string(R"({"a":"veil:1:)")})
        EXPECT_EQ(node.read(text), text);
}

TEST_F(VeilTest, ErasedIsErasedEverywhereAtOnce) {
    std::string const veiled = node.veiled(person);
    Node another(db);
    std::string const theirs = another.veiled(person);
    EXPECT_EQ(another.read(veiled), describe::to_json(person));
    EXPECT_EQ(node.erased(asha), 2);
    std::string const gone =
        R"({"id":")" + to_string(asha) + R"(","name":null,"email":null,)" + R"("city":"Pune"})";
    EXPECT_EQ(node.read(veiled), gone);
    // Told or not: nobody trusts a key for longer than a second.
    EXPECT_TRUE(test::soon([&] { return another.read(theirs) == gone; }));
    EXPECT_TRUE(test::soon([&] { return another.read(veiled) == gone; }));
}

TEST_F(VeilTest, WhatIsHeardIsForgotten) {
    std::string const veiled = node.veiled(person);
    node.read(veiled);
    ASSERT_TRUE(node.keyring->of_person(asha));
    heard_erased(*node.keyring, to_string(asha));
    EXPECT_FALSE(node.keyring->of_person(asha));
    node.veiled(person);
    heard_erased(*node.keyring, ""); // the connection was lost: anybody may have been erased
    EXPECT_FALSE(node.keyring->of_person(asha));
}

// A process that has not heard yet, and one that writes about the person afterwards.
TEST_F(VeilTest, WhatIsWrittenAfterwardsCannotBeReadEither) {
    node.veiled(person);
    Node another(db);
    EXPECT_EQ(another.erased(asha), 1);
    EXPECT_EQ(another.read(node.veiled(person)).find("Asha"), std::string::npos);
    EXPECT_EQ(another.read(another.veiled(person)).find("Asha"), std::string::npos);
    EXPECT_EQ(keys_of(asha), 0);
}

// The key is on its way while the person is erased: the erasure waits for the transaction.
TEST_F(VeilTest, AConcurrentErasureMissesNoKey) {
    pg::PlainConnection writer(db.url());
    writer.run("begin");
    writer.word("select privacy.keep_key($1, $2, 'sealed')",
                {to_string(uuid_of(9)), to_string(asha)});
    std::thread erasing([&] { EXPECT_EQ(node.erased(asha), 1); });
    EXPECT_TRUE(test::soon([&] {
        return db.number("select count(*) from pg_locks where locktype = 'advisory' and not granted"
                         " and database = (select oid from pg_database"
                         " where datname = current_database())") == 1;
    }));
    writer.run("commit");
    erasing.join();
    EXPECT_EQ(keys_of(asha), 0);
}

TEST_F(VeilTest, OnlyAdministratorsEraseOthers) {
    node.veiled(person);
    EXPECT_THROW(node.erased(asha, "customer", ravi), std::exception);
    EXPECT_THROW(node.erased(asha, "anonymous"), std::exception);
    EXPECT_EQ(keys_of(asha), 1);
    EXPECT_EQ(node.erased(asha, "customer", asha), 1);
}

TEST_F(VeilTest, RequestsCannotReadTheTables) {
    node.veiled(person);
    for (pg::Role const role : {pg::Role::request, pg::Role::worker}) {
        pg::PlainConnection connection(db.url(role));
        EXPECT_THROW(connection.word("select count(*) from privacy.keys"), pg::PlainError);
        EXPECT_THROW(connection.word("select count(*) from privacy.erased"), pg::PlainError);
        EXPECT_THROW(connection.run("delete from privacy.keys"), pg::PlainError);
    }
}

TEST_F(VeilTest, AnotherServersSecretOpensNothing) {
    std::string const veiled = node.veiled(person);
    Node stranger(db, "another secret");
    EXPECT_EQ(stranger.read(veiled).find("Asha"), std::string::npos);
    EXPECT_EQ(node.read(veiled), describe::to_json(person));
}

TEST_F(VeilTest, ASealedKeyIsGoodForItsPersonOnly) {
    Key key;
    key.id = uuid_of(3);
    key.person = asha;
    std::string const sealed = node.keyring->seal(key);
    ASSERT_TRUE(node.keyring->open(key.id, asha, sealed));
    EXPECT_FALSE(node.keyring->open(key.id, ravi, sealed));
    EXPECT_FALSE(node.keyring->open(uuid_of(4), asha, sealed));
    EXPECT_FALSE(node.keyring->open(key.id, asha, "nonsense"));
}

TEST_F(VeilTest, CommandsReadItAsWell) {
    std::string text = node.veiled(person);
    pg::PlainConnection worker(db.url(pg::Role::worker));
    Keyring keyring("the secret of all");
    unveil(worker, keyring, {&text});
    EXPECT_EQ(text, describe::to_json(person));
}

} // namespace
} // namespace haat::privacy
