#include <loop/ticker.hpp>

#include <boost/asio/steady_timer.hpp>

#include <loop/loop.hpp>

namespace haat {

struct Ticker::Inside : std::enable_shared_from_this<Inside> {
    Inside(Loop& loop, std::chrono::milliseconds p, std::function<void()> w)
        : timer(loop.context()), period(p), work(std::move(w)) {}

    void wait() {
        timer.expires_after(period);
        timer.async_wait([self = weak_from_this()](boost::system::error_code const& error) {
            auto const inside = self.lock();
            if (error || !inside) return;
            inside->work();
            inside->wait();
        });
    }

    boost::asio::steady_timer timer;
    std::chrono::milliseconds period;
    std::function<void()> work;
};

Ticker::Ticker(Loop& loop, std::chrono::milliseconds period, std::function<void()> work)
    : inside_(std::make_shared<Inside>(loop, period, std::move(work))) {
    inside_->wait();
}
Ticker::~Ticker() = default;

} // namespace haat
