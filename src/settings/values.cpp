#include <settings/values.hpp>

#include <mutex>

#include <pg/database.hpp>
#include <telemetry/log.hpp>

namespace haat {

namespace {

using std::chrono::steady_clock;

constexpr std::string_view channel = "haat_settings";
// A connection that broke without a sound is noticed late.
constexpr std::chrono::seconds known_for{10};
constexpr std::size_t organizations_max = 10'000;

struct ValueRow {
    std::string key;
    Json value;
    bool is_own = false;
};
HAAT_DESCRIBE(ValueRow, key, value, is_own)

namespace sql {
Many<ValueRow, OrgId> values{"settings.values", R"(
    select key, value, false as is_own from settings.platform
    union all
    select key, value, true from settings.overrides where org_id = $1)"};
}

} // namespace

void SettingValues::hear(pg::Database& database) {
    database.listen(std::string(channel), [this](std::string_view) { forget(); });
}

void SettingValues::written(pg::Tx& tx, std::string_view key) { tx.notify(channel, key); }

std::string SettingValues::text_of(SettingKind const& setting, Known const& known) {
    auto const found = known.values.find(std::string_view(setting.key()));
    if (found == known.values.end()) return setting.standard();
    std::string kept;
    if (setting.normalize(found->second, kept).empty()) return kept;
    // It was written by a version with another type or other limits.
    log::warn("a setting does not fit and its default is used").field("key", setting.key());
    return setting.standard();
}

Task<std::string> SettingValues::text(SettingKind const& setting, pg::Database& database,
                                      OrgId org) {
    std::uint64_t const generation = generation_.load(std::memory_order_acquire);
    if (database.listening()) {
        std::shared_lock const lock(mutex_);
        auto const found = known_.find(org.uuid);
        if (found != known_.end() && found->second.generation == generation &&
            steady_clock::now() < found->second.until)
            co_return text_of(setting, found->second);
    }
    pg::Settings settings;
    if (!org.uuid.is_nil()) settings.org_id = to_string(org.uuid);
    pg::Reader read(database, settings);
    std::vector<ValueRow> const rows = co_await read(sql::values, org);
    Known fresh;
    fresh.generation = generation; // of before it was asked: what changed meanwhile ends it
    fresh.until = steady_clock::now() + known_for;
    for (ValueRow const& row : rows) {
        std::string& value = fresh.values[row.key];
        if (row.is_own || value.empty()) value = row.value.text;
    }
    std::string answer = text_of(setting, fresh);
    std::unique_lock const lock(mutex_);
    if (known_.size() >= organizations_max) known_.clear();
    known_[org.uuid] = std::move(fresh);
    co_return answer;
}

} // namespace haat
