#include <test/harness/point.hpp>

#include <atomic>
#include <stdexcept>
#include <thread>

#include <base/point.hpp>
#include <loop/loop.hpp>

namespace haat::test {

namespace {

class Armed final : public AtPoint, public PointWatcher {
public:
    Armed(std::string point, std::function<void()> rival)
        : point_(std::move(point)), rival_(std::move(rival)) {
        PointWatcher* nobody = nullptr;
        if (!point_watcher.compare_exchange_strong(nobody, this))
            throw std::logic_error("another point is armed");
    }
    ~Armed() override {
        point_watcher = nullptr;
        if (thread_.joinable()) thread_.join();
    }

    bool reached() const override { return reached_; }

    bool reached(char const* point, std::coroutine_handle<> waiter) override {
        if (point_ != point || reached_.exchange(true)) return false;
        Loop& home = Loop::current();
        thread_ = std::thread([this, waiter, &home] {
            rival_();
            home.post([waiter] { waiter.resume(); });
        });
        return true;
    }

private:
    std::string const point_;
    std::function<void()> const rival_;
    std::atomic<bool> reached_{false};
    std::thread thread_;
};

} // namespace

std::unique_ptr<AtPoint> at_point(std::string point, std::function<void()> rival) {
    return std::make_unique<Armed>(std::move(point), std::move(rival));
}

} // namespace haat::test
