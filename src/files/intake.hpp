// The way of a file into the store: limited, looked at and hashed while it streams.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <files/media.hpp>
#include <files/store.hpp>

namespace haat {
class Workers;
}

namespace haat::files {

extern RefusalKind const unsupported_file; // 415
extern RefusalKind const empty_file;       // 422
extern RefusalKind const oversized_file;   // 413

struct IntakeLimits {
    std::uint64_t bytes_max = 5 * 1024 * 1024;
    bool images_only = false;
};

struct Received {
    Media const* media = nullptr;
    std::uint64_t size = 0;
    std::string sha256; // hex
};

/// One file. Dropped before finish() has returned: nothing is left of it in the store.
class Intake {
public:
    Intake(Store& store, Workers& workers, ObjectId id, IntakeLimits limits);
    ~Intake();
    Intake(Intake const&) = delete;

    Task<void> take(std::string_view piece);
    Task<Received> finish();

private:
    struct Hash;
    Task<void> flush();

    Store& store_;
    Workers& workers_;
    ObjectId id_;
    IntakeLimits limits_;
    Detector detector_;
    std::unique_ptr<Hash> hash_;
    std::unique_ptr<Writer> writer_;
    std::string buffer_;
    std::uint64_t size_ = 0;
};

} // namespace haat::files
