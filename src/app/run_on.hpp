// From a thread to a loop and back.
#pragma once

#include <functional>

#include <base/task.hpp>

namespace haat {
class Loop;
}

namespace haat::app {

/// Runs a task on a loop from another thread and waits for it; throws what it throws.
void run_on(Loop& loop, std::function<Task<void>()> const& make);

} // namespace haat::app
