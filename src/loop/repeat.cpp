#include <loop/repeat.hpp>

#include <loop/loop.hpp>

namespace haat {

namespace {
// How soon it hears of stop() and hurry().
constexpr std::chrono::milliseconds step{50};
} // namespace

struct Repeat::Inside {
    std::chrono::milliseconds every;
    std::function<Task<void>()> what;
    bool running = false;
    bool stopping = false;
    bool hurried = false;

    Task<void> go() {
        running = true;
        while (!stopping) {
            hurried = false;
            try {
                co_await what();
            } catch (std::exception const&) { // it has said so itself, and is tried again
            }
            auto const again = std::chrono::steady_clock::now() + every;
            while (!stopping && !hurried && std::chrono::steady_clock::now() < again)
                co_await sleep_for(std::min(step, every));
        }
        running = false;
    }
};

Repeat::Repeat(std::chrono::milliseconds every, std::function<Task<void>()> what)
    : inside_(std::make_unique<Inside>(every, std::move(what))) {}
Repeat::~Repeat() = default;

void Repeat::start() { detach(inside_->go()); }
void Repeat::hurry() { inside_->hurried = true; }

Task<void> Repeat::stop() {
    inside_->stopping = true;
    while (inside_->running) co_await sleep_for(std::chrono::milliseconds(1));
}

} // namespace haat
