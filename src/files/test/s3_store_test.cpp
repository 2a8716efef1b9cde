// The store in a bucket: the suite of all stores over both ways to name a bucket, and what only a
// store behind a network can do wrong.
#include <files/test/s3_server.hpp>
#include <files/test/store_suite.hpp>
#include <test/harness/wait.hpp>

namespace haat::files::test {
namespace {

class S3World final : public StoreWorld {
public:
    S3World(S3Server& server, S3Options options)
        : server_(server), store_(std::move(options), workers, S3Server::client()) {}
    S3Store& store() override { return store_; }
    S3Server& server() { return server_; }
    ~S3World() override { leave(10s); }
    void leave(std::chrono::milliseconds patience) {
        await(store_.leave(std::chrono::steady_clock::now() + patience));
    }

private:
    S3Server& server_;
    S3Store store_;
};

/// One for all tests of this process that do not stop it.
S3Server& shared_server() {
    static S3Server server;
    return server;
}
std::unique_ptr<StoreWorld> make_path() {
    return std::make_unique<S3World>(shared_server(), shared_server().options(true));
}
std::unique_ptr<StoreWorld> make_virtual() {
    return std::make_unique<S3World>(shared_server(), shared_server().options(false));
}
/// Without its packages there is no server: `make test` installs them.
std::vector<StoreMaker> makers() {
    if (!s3_is_there()) return {};
    return {StoreMaker{"S3PathStyle", &make_path}, StoreMaker{"S3VirtualHost", &make_virtual}};
}
INSTANTIATE_TEST_SUITE_P(S3, StoreTest, testing::ValuesIn(makers()), &name_of);

class S3StoreTest : public testing::Test {
protected:
    void SetUp() override {
        if (!s3_is_there()) GTEST_SKIP() << "no packages in test/peers (tools/test-peers)";
    }
    std::string outcome_of(StoreWorld& world, Task<void> task) {
        try {
            world.await(std::move(task));
            return "done";
        } catch (Refusal const& refusal) {
            return std::string(refusal.code());
        } catch (Fault const& fault) {
            return fault.what();
        }
    }
    ObjectId const id = new_id<Object>();
};

TEST_F(S3StoreTest, SendsLargeObjectsInParts) {
    S3World world(shared_server(), shared_server().options());
    std::string const bytes = some_bytes(20'000'000);
    world.await(put(world.store(), id, bytes, 1'000'000));
    EXPECT_TRUE(world.await(read_all(world.store(), id, {0, bytes.size()})) == bytes);
    std::string const exactly = some_bytes(2 * 8 * 1024 * 1024);
    ObjectId const another = new_id<Object>();
    world.await(put(world.store(), another, exactly, 3'000'000));
    EXPECT_TRUE(world.await(read_all(world.store(), another, {0, exactly.size()})) == exactly);
}

Task<void> put_half_and(Store& store, ObjectId id, std::string const& bytes,
                        std::function<void()> const& then) {
    std::unique_ptr<Writer> const writer = co_await store.put(id);
    co_await writer->write(bytes);
    then();
}

TEST_F(S3StoreTest, TakesBackThePartsOfAnUploadThatFails) {
    S3Server server;
    S3World world(server, server.options());
    std::string const bytes = some_bytes(20'000'000);
    auto const look = [&] {
        EXPECT_EQ(server.uploads(), 1);
        EXPECT_EQ(server.parts(), 2);
    };
    world.await(put_half_and(world.store(), id, bytes, look));
    world.leave(10s);
    EXPECT_EQ(server.uploads(), 0);
    EXPECT_EQ(server.parts(), 0);
    S3World another(server, server.options());
    EXPECT_FALSE(another.await(another.store().exists(id)));
}

TEST_F(S3StoreTest, IsLeftInTimeThoughTheServerHangs) {
    S3Server server;
    S3World world(server, server.options());
    std::string const bytes = some_bytes(10'000'000);
    auto const hang = [&] { server.process().signal(SIGSTOP); };
    world.await(put_half_and(world.store(), id, bytes, hang));
    world.leave(50ms); // without the deadline it would be minutes, and the test would fail
    EXPECT_EQ(outcome_of(world, put(world.store(), id, "bytes", 5)), "STORAGE_UNAVAILABLE");
}

TEST_F(S3StoreTest, IsRefusedWithAnotherSecret) {
    S3Options options = shared_server().options();
    options.key.secret.value = "wrong";
    S3World world(shared_server(), options);
    EXPECT_NE(outcome_of(world, put(world.store(), id, "bytes", 5)).find("403"), std::string::npos);
    S3World right(shared_server(), shared_server().options());
    EXPECT_FALSE(right.await(right.store().exists(id)));
}

TEST_F(S3StoreTest, ThatGoesAwayIsAnAnswer) {
    S3Server server;
    S3World world(server, server.options());
    world.await(put(world.store(), id, "bytes", 5));
    server.process().signal(SIGKILL);
    server.process().wait();
    EXPECT_EQ(outcome_of(world, put(world.store(), new_id<Object>(), "bytes", 5)),
              "STORAGE_UNAVAILABLE");
    EXPECT_EQ(outcome_of(world, world.store().remove(id)), "STORAGE_UNAVAILABLE");
}

Task<void> put_until_killed(Store& store, ObjectId id, std::string const& bytes,
                            haat::test::Process& server) {
    std::unique_ptr<Writer> const writer = co_await store.put(id);
    co_await writer->write(bytes);
    server.signal(SIGKILL);
    server.wait();
    co_await writer->write(bytes);
    co_await writer->commit();
}

TEST_F(S3StoreTest, ThatGoesAwayInTheMiddleIsAnAnswer) {
    S3Server server;
    S3World world(server, server.options());
    std::string const bytes = some_bytes(10'000'000);
    EXPECT_EQ(outcome_of(world, put_until_killed(world.store(), id, bytes, server.process())),
              "STORAGE_UNAVAILABLE");
}

Task<outbound::Reply> fetch(Loop& loop, std::string url) {
    outbound::Client client(loop, S3Server::client());
    outbound::Request request;
    request.url = std::move(url);
    request.reach = outbound::Reach::house;
    co_return co_await client.send(std::move(request));
}

TEST_F(S3StoreTest, GivesLinksOfItsOwn) {
    for (bool const path_style : {true, false}) {
        S3World world(shared_server(), shared_server().options(path_style));
        ObjectId const one = new_id<Object>();
        world.await(put(world.store(), one, "a bill", 6));
        Link link;
        link.object = one;
        link.media_type = "application/pdf";
        link.disposition = "attachment; filename=\"a b.pdf\"; filename*=UTF-8''%C3%BC.pdf";
        std::string const url = world.store().presign(link);
        outbound::Reply const reply = world.await(fetch(world.loop, url));
        EXPECT_EQ(reply.status, 200) << reply.body;
        EXPECT_EQ(reply.body, "a bill");
        EXPECT_EQ(reply.header("content-type"), "application/pdf");
        EXPECT_EQ(reply.header("content-disposition"), link.disposition);
        std::string changed = url;
        changed.replace(changed.find("application"), 11, "text");
        EXPECT_EQ(world.await(fetch(world.loop, changed)).status, 403);
    }
}

} // namespace
} // namespace haat::files::test
