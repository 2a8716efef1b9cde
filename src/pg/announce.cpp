// Notifications apart from the transactions they speak of.
#include <algorithm>

#include <pg/inside.hpp>

namespace haat::pg {

namespace {

// Nothing is lost with it that could be missed, so that it need not wait for the disk.
Exec<std::string, std::string> say{"haat.announce", R"(
    select pg_notify($1, $2) from set_config('synchronous_commit', 'off', true))"};

Task<void> announce_all(Database& database, Database::Inside& inside) {
    Reader reader(database, nobody);
    while (!inside.to_announce.empty()) {
        std::vector<Announcement> const now = std::exchange(inside.to_announce, {});
        for (Announcement const& one : now) {
            try {
                co_await reader(say, one.channel, one.payload);
            } catch (std::exception const& error) {
                std::string const why = "other nodes were not told: " + std::string(error.what());
                if (inside.options.on_trouble && !inside.stopping) inside.options.on_trouble(why);
            }
        }
    }
    inside.announcing = false;
}

} // namespace

void Database::announce(std::string_view channel, std::string_view payload) {
    auto& waiting = inside_->to_announce;
    Announcement one{std::string(channel), std::string(payload)};
    if (std::find(waiting.begin(), waiting.end(), one) != waiting.end()) return;
    waiting.push_back(std::move(one));
    if (!std::exchange(inside_->announcing, true)) detach(announce_all(*this, *inside_));
}

} // namespace haat::pg
