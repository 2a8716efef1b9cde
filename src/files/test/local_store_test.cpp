// The store on a disk of this machine.
#include <fstream>

#include <files/library.hpp>
#include <files/local_store.hpp>
#include <files/test/store_suite.hpp>
#include <test/harness/database.hpp>
#include <test/harness/house.hpp>
#include <test/harness/wait.hpp>

namespace haat::files::test {
namespace {

namespace fs = std::filesystem;
using haat::test::soon;
using haat::test::TestDatabase;

class LocalWorld final : public StoreWorld {
public:
    Store& store() override { return store_; }
    fs::path const directory = haat::test::temporary_directory("files");
    int files_in(char const* folder) const {
        int count = 0;
        std::error_code error;
        for (auto const& entry : fs::recursive_directory_iterator(directory / folder, error))
            count += entry.is_regular_file();
        return count;
    }

private:
    LocalStore store_{directory, workers};
};
std::unique_ptr<StoreWorld> make_local() { return std::make_unique<LocalWorld>(); }

INSTANTIATE_TEST_SUITE_P(Local, StoreTest, testing::Values(StoreMaker{"Local", &make_local}),
                         &name_of);

TEST(LocalStoreTest, RemovesThePartOfAnUploadThatFails) {
    LocalWorld world;
    world.await(put_half(world.store(), new_id<Object>(), "half of it"));
    EXPECT_TRUE(soon([&] { return world.files_in("incoming") == 0; }));
    EXPECT_EQ(world.files_in("objects"), 0);
}

TEST(LocalStoreTest, SweepsThePartsThatADeadProcessLeft) {
    LocalWorld world;
    fs::create_directories(world.directory / "incoming");
    std::ofstream(world.directory / "incoming/old.part") << "half";
    fs::last_write_time(world.directory / "incoming/old.part",
                        fs::file_time_type::clock::now() - 48h);
    std::ofstream(world.directory / "incoming/new.part") << "half";
    EXPECT_EQ(world.await(world.store().sweep(24h)), 1);
    EXPECT_EQ(world.files_in("incoming"), 1);
}

TEST(LocalStoreTest, NoticesAnObjectThatBecameShorter) {
    LocalWorld world;
    ObjectId const id = new_id<Object>();
    world.await(put(world.store(), id, "eleven bytes", 5));
    EXPECT_THROW(world.await(read_all(world.store(), id, {0, 13})), Fault);
}

// ---- orphans

class OrphansTest : public testing::Test {
protected:
    OrphansTest() {
        pg::DatabaseOptions options;
        options.url = db.url(pg::Role::worker);
        options.read_connections = options.write_connections = options.slow_connections = 1;
        worker.emplace(world.loop, options);
        EXPECT_TRUE(world.await(worker->start()));
    }
    ~OrphansTest() override { world.await(worker->stop(2s)); }

    /// An object with its bytes, whose row was touched so long ago.
    std::string add(char const* state, char const* age) {
        ObjectId const id = new_id<Object>();
        world.await(put(world.store(), id, "bytes", 5));
        std::string const text = to_string(id.uuid);
        db.exec("insert into files.objects values ('" + text +
                "', '00000000-0000-7000-8000-00000000000a', '" + state + "', now() - interval '" +
                age + "', now() - interval '" + age + "')");
        return text;
    }
    bool there(std::string const& id) {
        ObjectId object;
        parse(id, object.uuid);
        return world.await(world.store().exists(object));
    }
    Orphans collect() { return world.await(collect_orphans(*worker, world.store())); }

    TestDatabase db;
    LocalWorld world;
    std::optional<pg::Database> worker;
};

TEST_F(OrphansTest, WhatNobodyRefersToIsRemovedInTime) {
    std::string const kept = add("kept", "90 days");
    std::string const running = add("pending", "23 hours");
    std::string const abandoned = add("pending", "25 hours");
    std::string const dropped = add("dropped", "16 minutes");
    std::string const read = add("dropped", "1 minute");
    EXPECT_EQ(collect().objects, 1);
    EXPECT_FALSE(there(dropped));
    EXPECT_TRUE(there(abandoned)) << "it is dropped now, and removed later";
    db.exec("update files.objects set changed_at = now() - interval '1 hour' where id = '" +
            abandoned + "'");
    EXPECT_EQ(collect().objects, 1);
    EXPECT_FALSE(there(abandoned));
    EXPECT_TRUE(there(kept));
    EXPECT_TRUE(there(running));
    EXPECT_TRUE(there(read));
    EXPECT_EQ(db.number("select count(*) from files.objects"), 3);
    EXPECT_EQ(collect().objects, 0);
}

TEST_F(OrphansTest, AnUploadThatWasGivenUpCannotBeKept) {
    std::string const slow = add("pending", "25 hours");
    collect();
    ObjectId object;
    parse(slow, object.uuid);
    pg::Settings const nobody;
    Tx tx(*worker, nobody);
    try {
        world.await(keep_object(tx, object));
        ADD_FAILURE() << "it was kept";
    } catch (Refusal const& refusal) {
        EXPECT_EQ(refusal.code(), "UPLOAD_EXPIRED");
    }
}

} // namespace
} // namespace haat::files::test
