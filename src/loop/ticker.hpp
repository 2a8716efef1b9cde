// Work that comes back after every period on a loop, until this object goes.
#pragma once

#include <chrono>
#include <functional>
#include <memory>

namespace haat {

class Loop;

class Ticker {
public:
    /// Made and destroyed on the loop's thread, or while the loop does not run.
    Ticker(Loop& loop, std::chrono::milliseconds period, std::function<void()> work);
    ~Ticker();
    Ticker(Ticker const&) = delete;

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

} // namespace haat
