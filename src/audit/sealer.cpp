#include <audit/sealer.hpp>

#include <pg/database.hpp>
#include <telemetry/log.hpp>

namespace haat::audit {

namespace {
namespace sql {
One<std::int32_t, std::int32_t> seal{"audit.seal", "select audit.seal($1) as sealed"};
}
} // namespace

Sealer::Sealer(pg::Database& database, SealerOptions options)
    : database_(database), options_(options), repeat_(options.every, [this] { return seal(); }) {}

Task<void> Sealer::seal() {
    try {
        for (std::int32_t sealed = options_.rows_max; sealed >= options_.rows_max;) {
            Tx tx(database_, pg::nobody);
            sealed = co_await tx.last()(sql::seal, options_.rows_max);
        }
        troubled_ = false;
    } catch (std::exception const& error) {
        if (!std::exchange(troubled_, true))
            log::warn("the audit log is not being sealed").field("why", error.what());
    }
}

} // namespace haat::audit
