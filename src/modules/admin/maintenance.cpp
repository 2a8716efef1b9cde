#include <modules/admin/maintenance.hpp>

#include <algorithm>

#include <base/clock.hpp>
#include <events/events.hpp>
#include <http/routes.hpp>
#include <modules/admin/admin.hpp>
#include <pg/database.hpp>
#include <settings/rows.hpp>
#include <telemetry/log.hpp>

namespace haat::admin {

namespace {

RefusalKind const maintenance_running{409, "MAINTENANCE_RUNNING",
                                      "Maintenance has been started already."};
RefusalKind const maintenance_not_running{409, "MAINTENANCE_NOT_RUNNING",
                                          "There is no maintenance to complete."};

constexpr std::string_view channel = "haat_maintenance";
constexpr std::chrono::seconds look_every{1};
constexpr std::int64_t retry_seconds_min = 5;
constexpr std::int64_t retry_seconds_standard = 120; // when nobody said how long it takes
constexpr std::int64_t retry_seconds_max = 3'600;

struct MaintenanceNoun {};

using settings::MaintenanceView;
using settings::StartRow;

struct NewMaintenance {
    Text<1, 500> reason;
    std::optional<Timestamp> expected_end_at;
};
HAAT_DESCRIBE(NewMaintenance, reason, expected_end_at)
HAAT_NOTES(NewMaintenance,
           {.field = "reason",
            .text = "What those who are kept out read.",
            .example = "The stock is being counted."},
           {.field = "expected_end_at", .text = "They are told to come back then."})

Event<MaintenanceView> const started{subjects::system_maintenance_started};
Event<MaintenanceView> const completed{subjects::system_maintenance_completed};

// There is one maintenance, so that its events have one key.
constexpr Id<MaintenanceNoun> the_one{Uuid{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}};

Task<Reply<MaintenanceView>> finish(Maintenance& gate, RawCall& call, Tx& tx,
                                    MaintenanceView const& before, MaintenanceView const& after) {
    call.changed(before, after);
    emit(tx, after.is_on ? started : completed, the_one, after);
    tx.notify(channel, "");
    Reply<MaintenanceView> answer = ok(after);
    answer.entity = the_one.uuid;
    RawReply done = co_await call.commit(tx, std::move(answer));
    gate.set(after.is_on, after.reason, after.expected_end_at);
    co_return std::move(done);
}

Task<Reply<MaintenanceView>> start(Maintenance& gate, Call<NewMaintenance>& call) {
    NewMaintenance const& body = call.body();
    Tx tx = call.begin();
    MaintenanceView const before = co_await tx(settings::lock_maintenance);
    if (before.is_on) throw Refusal(maintenance_running);
    StartRow const row{body.reason.value, body.expected_end_at, call.actor().user};
    MaintenanceView const after = co_await tx(settings::start_maintenance, row);
    co_return co_await finish(gate, call, tx, before, after);
}

Task<Reply<MaintenanceView>> complete(Maintenance& gate, Call<>& call) {
    Tx tx = call.begin();
    MaintenanceView const before = co_await tx(settings::lock_maintenance);
    if (!before.is_on) throw Refusal(maintenance_not_running);
    MaintenanceView const after = co_await tx(settings::complete_maintenance);
    co_return co_await finish(gate, call, tx, before, after);
}

} // namespace

Refusal Maintenance::refusal() const {
    std::lock_guard const lock(mutex_);
    std::int64_t seconds = retry_seconds_standard;
    if (expected_end_)
        seconds = std::clamp((expected_end_->micros - now().micros) / 1'000'000, retry_seconds_min,
                             retry_seconds_max);
    Refusal refusal = Refusal(http::maintenance).retry_after(static_cast<int>(seconds));
    std::string reason;
    describe::encode_string(reason, reason_);
    return std::move(refusal).with("reason", std::move(reason));
}

void Maintenance::set(bool on, std::string reason, std::optional<Timestamp> expected_end) {
    std::lock_guard const lock(mutex_);
    reason_ = std::move(reason);
    expected_end_ = expected_end;
    closed_.store(on, std::memory_order_release);
}

Task<void> Maintenance::load(pg::Database& database) {
    pg::Reader read(database, pg::nobody);
    MaintenanceView const view = co_await read(settings::find_maintenance);
    set(view.is_on, view.reason, view.expected_end_at);
}

Task<void> Maintenance::watch(pg::Database& database) {
    database.listen(std::string(channel), [this](std::string_view) {
        if (repeat_) repeat_->hurry();
    });
    co_await load(database);
    repeat_.emplace(look_every, [this, &database] { return load(database); });
    repeat_->start();
}

Task<void> Maintenance::stop() {
    if (repeat_) co_await repeat_->stop();
}

void add_maintenance_routes(Routes& r, Maintenance& gate) {
    Routes all = r.group("/system/maintenance", "System");
    all.post("/start", &start, gate, "Keep everybody out but administrators")
        .needs(Permit::platform_admin)
        .answers(200)
        .refuses(maintenance_running);
    all.post("/complete", &complete, gate, "Let everybody in again")
        .needs(Permit::platform_admin)
        .answers(200)
        .refuses(maintenance_not_running);
}

} // namespace haat::admin
