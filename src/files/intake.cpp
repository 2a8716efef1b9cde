#include <files/intake.hpp>

#include <openssl/evp.h>

#include <loop/loop.hpp>
#include <outbound/crypto.hpp>

namespace haat::files {

RefusalKind const unsupported_file{
    415, "FILE_TYPE_NOT_ALLOWED",
    "Files of this kind are not taken; what a file is, its content decides."};
RefusalKind const empty_file{422, "FILE_EMPTY", "The file is empty."};
RefusalKind const oversized_file{413, "FILE_OVER_LIMIT", "The file is larger than is allowed."};

namespace {
// Large enough that going to a worker and back costs nothing beside the work.
constexpr std::size_t flush_bytes = 512 * 1024;
} // namespace

struct Intake::Hash {
    EVP_MD_CTX* context = EVP_MD_CTX_new();

    Hash() { EVP_DigestInit_ex(context, EVP_sha256(), nullptr); }
    Hash(Hash const&) = delete;
    ~Hash() { EVP_MD_CTX_free(context); }
    void add(std::string_view bytes) { EVP_DigestUpdate(context, bytes.data(), bytes.size()); }
    std::string hex() {
        std::string digest(32, '\0');
        EVP_DigestFinal_ex(context, reinterpret_cast<unsigned char*>(digest.data()), nullptr);
        return outbound::hex(digest);
    }
};

Intake::Intake(Store& store, Workers& workers, ObjectId id, IntakeLimits limits)
    : store_(store), workers_(workers), id_(id), limits_(limits), hash_(std::make_unique<Hash>()) {}
Intake::~Intake() = default;

Task<void> Intake::take(std::string_view piece) {
    size_ += piece.size();
    if (size_ > limits_.bytes_max) throw Refusal(oversized_file);
    detector_.feed(piece);
    if (detector_.hopeless()) throw Refusal(unsupported_file);
    buffer_ += piece;
    if (buffer_.size() >= flush_bytes) co_await flush();
}

Task<void> Intake::flush() {
    if (!writer_) writer_ = co_await store_.put(id_);
    auto hash = [this] {
        hash_->add(buffer_);
        return true;
    };
    co_await on(workers_, hash);
    co_await writer_->write(buffer_);
    buffer_.clear();
}

Task<Received> Intake::finish() {
    if (size_ == 0) throw Refusal(empty_file);
    Received received;
    received.media = detector_.finish();
    if (received.media == nullptr || (limits_.images_only && !received.media->image))
        throw Refusal(unsupported_file);
    co_await flush();
    co_await writer_->commit();
    received.size = size_;
    received.sha256 = hash_->hex();
    co_return received;
}

} // namespace haat::files
