// Files that go with a mail: out of the store, over real SMTP, read back by the receiving side.
#include <atomic>

#include <modules/notify/test/office.hpp>
#include <outbound/crypto.hpp>

namespace haat::test {
namespace {

Task<void> put(files::Store& store, files::ObjectId id, std::string const& bytes) {
    std::unique_ptr<files::Writer> const writer = co_await store.put(id);
    co_await writer->write(bytes);
    co_await writer->commit();
}

// Two files go with it, one is taken away before the next mail.
TEST_F(NotifyDelivery, AMailCarriesItsFiles) {
    PostOffice office;
    Workers workers(1);
    store_ = std::make_unique<files::LocalStore>(temporary_directory("files"), workers);
    std::string const pdf = "%PDF-1.7\n" + std::string(200'000, '\0') + "\r\n.\r\n";
    std::vector<Uuid> ids;
    for (std::string const& bytes : {pdf, std::string("a,b\n1,2\n")}) {
        files::ObjectId const object = new_id<files::Object>();
        Loop loop;
        run(loop, put(*store_, object, bytes));
        db_.rows("insert into files.objects (id, org_id, state) values ($1::uuid, $2::uuid, "
                 "'kept')",
                 {to_string(object.uuid), actors_.org_a()});
        db_.rows("insert into files.files (id, org_id, object_id, owner_id, name, purpose, "
                 "media_type, size, sha256, pictures) values ($1::uuid, $2::uuid, $1::uuid, "
                 "$3::uuid, $4, 'document', $5, $6::bigint, repeat('0', 64), 'none')",
                 {to_string(object.uuid), actors_.org_a(), actors_.user(Who::owner),
                  ids.empty() ? "Rechnung März.pdf" : "lines.csv",
                  ids.empty() ? "application/pdf" : "text/csv", std::to_string(bytes.size())});
        ids.push_back(object.uuid);
    }
    PostOptions options;
    options.smtp = mail_server(office.server);
    start(options);
    notify::SendOptions with;
    with.attachments = ids;
    auto const id = send(stranger(), with);
    ASSERT_TRUE(becomes(id, "SENT")) << column(id, "failure_reason");
    json::object const seen = office.seen();
    EXPECT_EQ(seen.at("type").as_string(), "multipart/mixed");
    EXPECT_EQ(seen.at("defects").as_array().size(), 0u);
    json::array const& files = seen.at("attachments").as_array();
    ASSERT_EQ(files.size(), 2u);
    EXPECT_EQ(files[0].at("name").as_string(), "Rechnung März.pdf");
    EXPECT_EQ(files[0].at("type").as_string(), "application/pdf");
    EXPECT_EQ(files[0].at("sha256").as_string(), outbound::hex(outbound::sha256(pdf)));
    EXPECT_EQ(files[1].at("name").as_string(), "lines.csv");
    EXPECT_NE(seen.at("text").as_string().find("Asha"), json::string::npos);
    db_.rows("delete from files.files where id = $1::uuid", {to_string(ids[1])});
    auto const without = send(stranger(), with);
    ASSERT_TRUE(becomes(without, "FAILED"));
    EXPECT_EQ(column(without, "failure_reason"), "a file that was attached is gone, or too large");
    EXPECT_EQ(attempts(without), "") << "nobody was asked";
    db_.exec("update files.files set size = 11 * 1024 * 1024");
    with.attachments.pop_back();
    auto const large = send(stranger(), with);
    ASSERT_TRUE(becomes(large, "FAILED"));
    EXPECT_EQ(office.server.seen().size(), 1u);
    stop();
}

/// A store that nobody reaches.
class StoreThatIsAway final : public files::Store {
public:
    Task<std::unique_ptr<files::Writer>> put(files::ObjectId) override { return away<Writing>(); }
    Task<files::Content> get(files::ObjectId, files::Span) override {
        ++asked;
        return away<files::Content>();
    }
    Task<bool> exists(files::ObjectId) override { co_return false; }
    Task<void> remove(files::ObjectId) override { co_return; }
    std::string presign(files::Link const&) const override { return {}; }
    Task<int> sweep(std::chrono::seconds) override { co_return 0; }
    std::atomic<int> asked{0};

private:
    using Writing = std::unique_ptr<files::Writer>;
    template <class T> static Task<T> away() {
        throw Refusal(files::storage_away);
        co_return T();
    }
};

TEST_F(NotifyDelivery, AMailWaitsForAStoreThatIsAway) {
    PostOffice office;
    auto away = std::make_unique<StoreThatIsAway>();
    StoreThatIsAway const& store = *away;
    store_ = std::move(away);
    db_.exec("insert into files.objects (id, org_id, state) values "
             "('01900000-0000-7000-8000-0000000000b1', '" +
             actors_.org_a() +
             "', 'kept'); insert into files.files (id, org_id, object_id, owner_id, name, purpose, "
             "media_type, size, sha256, pictures) select id, org_id, id, id, 'x', 'document', "
             "'text/csv', 8, repeat('0', 64), 'none' from files.objects");
    PostOptions options;
    options.smtp = mail_server(office.server);
    start(options);
    notify::SendOptions with;
    Uuid file;
    ASSERT_TRUE(parse("01900000-0000-7000-8000-0000000000b1", file));
    with.attachments = {file};
    auto const id = send(stranger(), with);
    ASSERT_TRUE(soon([&] { return column(id, "retry_count") == "1"; }));
    EXPECT_EQ(column(id, "status"), "PENDING");
    ASSERT_TRUE(hurried_to(id, "FAILED"));
    EXPECT_EQ(column(id, "failure_reason"), "the store of the attached files is away");
    EXPECT_EQ(store.asked, 4);
    EXPECT_EQ(office.server.seen().size(), 0u);
    stop();
}

} // namespace
} // namespace haat::test
