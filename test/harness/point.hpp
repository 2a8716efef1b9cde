// Lets a rival run exactly where a command says HAAT_POINT("…"), once.
//
//     auto rival = at_point("brands.create.after_insert", [&] { other.post("/brands", same); });
//     Answer const answer = client.post("/brands", same);
//     EXPECT_TRUE(rival->reached());
#pragma once

#include <functional>
#include <memory>
#include <string>

namespace haat::test {

class AtPoint {
public:
    virtual ~AtPoint() = default;
    /// Whether the point was reached; then the rival has run to its end, or will before the
    /// destructor returns.
    virtual bool reached() const = 0;
};

/// The rival runs on a thread of its own while the coroutine at the point is suspended. One point
/// at a time in a process.
std::unique_ptr<AtPoint> at_point(std::string point, std::function<void()> rival);

} // namespace haat::test
