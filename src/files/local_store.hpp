// Objects as files of a directory: written beside, synchronised, then renamed into their place.
#pragma once

#include <filesystem>

#include <files/store.hpp>

namespace haat {
class Workers;
}

namespace haat::files {

class LocalStore final : public Store {
public:
    /// Makes the directories when the first object comes.
    LocalStore(std::filesystem::path directory, Workers& workers);

    Task<std::unique_ptr<Writer>> put(ObjectId id) override;
    Task<Content> get(ObjectId id, Span span) override;
    Task<bool> exists(ObjectId id) override;
    Task<void> remove(ObjectId id) override;
    std::string presign(Link const& link) const override;
    Task<int> sweep(std::chrono::seconds age) override;

private:
    std::filesystem::path place_of(ObjectId id) const;
    std::filesystem::path incoming() const { return directory_ / "incoming"; }

    std::filesystem::path directory_;
    Workers& workers_;
};

} // namespace haat::files
