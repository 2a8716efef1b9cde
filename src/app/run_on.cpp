#include <app/run_on.hpp>

#include <future>

#include <loop/loop.hpp>

namespace haat::app {

void run_on(Loop& loop, std::function<Task<void>()> const& make) {
    std::promise<void> finished;
    auto run = [](std::function<Task<void>()> const& work, std::promise<void>& done) -> Task<void> {
        try {
            co_await work();
            done.set_value();
        } catch (...) {
            done.set_exception(std::current_exception());
        }
    };
    loop.post([&] { detach(run(make, finished)); });
    finished.get_future().get();
}

} // namespace haat::app
