// What every store keeps to; each store's own test file names itself a parameter of these.
#include <files/test/store_suite.hpp>

namespace haat::files::test {
namespace {

TEST_P(StoreTest, GivesBackWhatItTook) {
    for (std::size_t const size : {std::size_t(1), std::size_t(4'096), std::size_t(3'000'000)}) {
        ObjectId const one = new_id<Object>();
        std::string const bytes = some_bytes(size);
        world->await(put(store(), one, bytes, 500'000));
        EXPECT_TRUE(world->await(store().exists(one)));
        EXPECT_TRUE(world->await(read_all(store(), one, {0, size})) == bytes);
    }
}

TEST_P(StoreTest, GivesARange) {
    std::string const bytes = some_bytes(2'500'000);
    world->await(put(store(), id, bytes, 700'000));
    for (Span const span : {Span{0, 1}, Span{1'048'570, 20}, Span{2'499'999, 1},
                            Span{100, 2'400'000}, Span{0, 2'500'000}})
        EXPECT_TRUE(world->await(read_all(store(), id, span)) ==
                    bytes.substr(span.offset, span.length))
            << span.offset << " " << span.length;
}

TEST_P(StoreTest, ShowsNothingBeforeTheCommit) {
    std::string const bytes = some_bytes(100'000);
    world->await(put_half(store(), id, bytes));
    EXPECT_FALSE(world->await(store().exists(id)));
    EXPECT_THROW(world->await(read_all(store(), id, {0, 10})), Fault);
    world->await(put(store(), id, bytes, 50'000));
    EXPECT_TRUE(world->await(store().exists(id))) << "and the same id may come again";
}

TEST_P(StoreTest, RemovesAndDoesNotMindRemovingAgain) {
    world->await(put(store(), id, "some bytes", 4));
    world->await(store().remove(id));
    EXPECT_FALSE(world->await(store().exists(id)));
    EXPECT_THROW(world->await(read_all(store(), id, {0, 4})), Fault);
    world->await(store().remove(id));
}

TEST_P(StoreTest, TakesManyAtOnceConcurrent) {
    std::string const bytes = some_bytes(300'000);
    std::vector<ObjectId> ids;
    for (int i = 0; i < 16; ++i) ids.push_back(new_id<Object>());
    auto const one = [&](int i) {
        return put(store(), ids[std::size_t(i)], std::string_view(bytes).substr(std::size_t(i)),
                   100'000);
    };
    world->await(all_of(16, one));
    for (std::size_t i = 0; i < ids.size(); ++i)
        EXPECT_TRUE(world->await(read_all(store(), ids[i], {0, bytes.size() - i})) ==
                    bytes.substr(i));
}

TEST_P(StoreTest, AnIntakeHashesWhileItStreams) {
    std::string const bytes = "\xff\xd8\xff" + some_bytes(1'500'000);
    Intake intake(store(), world->workers, id, {.bytes_max = 2'000'000, .images_only = true});
    Received const received = world->await(take(intake, bytes, 65'536));
    EXPECT_EQ(received.size, bytes.size());
    EXPECT_EQ(received.media->type, "image/jpeg");
    EXPECT_EQ(received.sha256, outbound::hex(outbound::sha256(bytes)));
    EXPECT_TRUE(world->await(read_all(store(), id, {0, bytes.size()})) == bytes);
}

TEST_P(StoreTest, AnIntakeThatIsRefusedLeavesNothing) {
    IntakeLimits const limits{.bytes_max = 1'000'000, .images_only = false};
    std::string const text(1'000'001, 'x');
    {
        Intake intake(store(), world->workers, id, limits);
        EXPECT_EQ(refusal_of(take(intake, text, 65'536)), "FILE_OVER_LIMIT");
    }
    EXPECT_FALSE(world->await(store().exists(id)));
    {
        Intake intake(store(), world->workers, id, limits);
        EXPECT_EQ(refusal_of(take(intake, text.substr(0, 800'000) + '\0', 65'536)),
                  "FILE_TYPE_NOT_ALLOWED");
    }
    EXPECT_FALSE(world->await(store().exists(id)));
    {
        Intake intake(store(), world->workers, id, limits);
        EXPECT_EQ(refusal_of(take(intake, "", 1)), "FILE_EMPTY");
    }
    {
        Intake intake(store(), world->workers, id, {.bytes_max = 1'000, .images_only = true});
        EXPECT_EQ(refusal_of(take(intake, "%PDF-1.4", 8)), "FILE_TYPE_NOT_ALLOWED");
    }
    EXPECT_FALSE(world->await(store().exists(id)));
    Intake intake(store(), world->workers, id, limits);
    EXPECT_EQ(world->await(take(intake, text.substr(1), 65'536)).size, 1'000'000u)
        << "as much as is allowed";
}

} // namespace
} // namespace haat::files::test
