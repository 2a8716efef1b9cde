// Objects in a bucket of anything that speaks S3.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <files/store.hpp>
#include <outbound/sigv4.hpp>

namespace haat {
class Loop;
class Workers;
} // namespace haat

namespace haat::files {

struct S3Options {
    std::string endpoint; // "https://s3.ap-south-1.amazonaws.com"; empty: Amazon's, of the region
    std::string bucket;
    std::string region = "us-east-1";
    outbound::AwsKey key;
    bool path_style = false;                  // the bucket in the path, not in the host's name
    std::size_t part_bytes = 8 * 1024 * 1024; // a larger object goes up in parts of this size
};

/// A request about one object.
struct S3Question {
    explicit S3Question(outbound::Method m, ObjectId id, std::string q = "", std::string b = "")
        : method(m), object(id), query(std::move(q)), body(std::move(b)) {}

    outbound::Method method;
    ObjectId object;
    std::string query; // percent-encoded
    std::string body;
    std::vector<outbound::Header> headers;
};

class S3Store final : public Store {
public:
    S3Store(S3Options options, Workers& workers, outbound::Options client);
    ~S3Store() override;

    Task<std::unique_ptr<Writer>> put(ObjectId id) override;
    Task<Content> get(ObjectId id, Span span) override;
    Task<bool> exists(ObjectId id) override;
    Task<void> remove(ObjectId id) override;
    std::string presign(Link const& link) const override;
    /// Parts of uploads that a dead process began are the bucket's to remove, by a lifecycle rule:
    /// AbortIncompleteMultipartUpload.
    Task<int> sweep(std::chrono::seconds age) override;
    /// Uploads that were given up are taken back until then.
    Task<void> leave(std::chrono::steady_clock::time_point deadline) override;

    S3Options const& options() const { return options_; }
    /// A request about the object, signed and sent. Any status; storage_away when there is none,
    /// or the server has a trouble of its own.
    Task<outbound::Reply> ask(S3Question question);

private:
    std::string url_of(ObjectId id, std::string const& query) const;
    outbound::AwsScope scope() const { return {options_.region, "s3"}; }

    /// What the store has on one loop, used on that loop only.
    struct Branch {
        std::unique_ptr<outbound::Client> client; // none: the loop was left
        int asking = 0;
    };
    Branch& branch();

    S3Options const options_;
    Workers& workers_;
    outbound::Options const client_options_;
    std::mutex mutex_; // of the map
    std::map<Loop*, Branch> branches_;
};

} // namespace haat::files
