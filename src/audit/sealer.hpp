// Seals what was written to the audit log: soon after a write has committed, its row is a link in
// the chain of its organization. Every node with workers has one; of all of them one works at a
// time. docs/decisions/0022-audit-chain.md says how.
#pragma once

#include <chrono>

#include <base/task.hpp>
#include <loop/repeat.hpp>

namespace haat::pg {
class Database;
}

namespace haat::audit {

struct SealerOptions {
    std::chrono::milliseconds every{1'000};
    int rows_max = 2'000; // in one transaction
};

class Sealer {
public:
    /// `database`: the worker role's.
    explicit Sealer(pg::Database& database, SealerOptions options = {});

    // On the database's loop.
    void start() { repeat_.start(); }
    Task<void> stop() { return repeat_.stop(); }

private:
    Task<void> seal();
    pg::Database& database_;
    SealerOptions options_;
    Repeat repeat_;
    bool troubled_ = false; // said once, until it goes again
};

} // namespace haat::audit
