// The settings' values as this process knows them; see settings.hpp. One for the whole process.
#pragma once

#include <atomic>
#include <chrono>
#include <map>
#include <shared_mutex>
#include <string>

#include <base/task.hpp>
#include <settings/settings.hpp>

namespace haat::pg {
class Database;
class Tx;
} // namespace haat::pg

namespace haat {

class SettingValues {
public:
    /// From any loop; `org`: nil for the platform's own value.
    template <class T>
    Task<T> get(Setting<T> const& setting, pg::Database& database, OrgId org = {}) {
        std::string const json = co_await text(setting, database, org);
        T value{};
        describe::from_json(json, value);
        co_return value;
    }

    /// On each loop that may hear of changes, before anybody asks there.
    void hear(pg::Database& database);

    /// A value was written by this transaction: every node hears of it when it commits. To be
    /// followed by forget() after the commit, so that the writer reads its write.
    static void written(pg::Tx& tx, std::string_view key);
    void forget() { generation_.fetch_add(1, std::memory_order_release); }

private:
    struct Known {
        std::map<std::string, std::string, std::less<>> values; // key -> JSON, without defaults
        std::uint64_t generation = 0;
        std::chrono::steady_clock::time_point until;
    };
    Task<std::string> text(SettingKind const& setting, pg::Database& database, OrgId org);
    static std::string text_of(SettingKind const& setting, Known const& known);

    std::atomic<std::uint64_t> generation_{1};
    std::shared_mutex mutex_;
    std::map<Uuid, Known> known_;
};

} // namespace haat
