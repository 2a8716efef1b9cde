// Whether this installation is closed for work: told to every node, and the same after a restart.
#pragma once

#include <atomic>
#include <mutex>
#include <optional>
#include <string>

#include <base/words.hpp>
#include <http/gate.hpp>
#include <loop/repeat.hpp>

namespace haat::pg {
class Database;
}

namespace haat::admin {

class Maintenance final : public http::Gate {
public:
    bool closed() const override { return closed_.load(std::memory_order_acquire); }
    Refusal refusal() const override;

    /// On one loop of the process: knows the state when it resumes, then hears of changes and looks
    /// by itself every second.
    Task<void> watch(pg::Database& database);
    /// Before that loop stops.
    Task<void> stop();
    /// This node knows at once what it has just written.
    void set(bool on, std::string reason, std::optional<Timestamp> expected_end);

private:
    Task<void> load(pg::Database& database);

    std::atomic<bool> closed_{false};
    mutable std::mutex mutex_;
    std::string reason_;
    std::optional<Timestamp> expected_end_;
    std::optional<Repeat> repeat_;
};

} // namespace haat::admin
