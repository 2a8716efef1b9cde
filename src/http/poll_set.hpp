// The readiness of many sockets of one loop, in batches: one edge-triggered epoll below Asio's.
// Asio alone costs one more system call and an operation object for each wait of each socket.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace haat {
class Loop;
}

namespace haat::http {

class PollSet {
public:
    /// Something that waits for a descriptor. It may be told of events that are already old.
    class Watcher {
    public:
        virtual ~Watcher() = default;
        virtual void ready(std::uint32_t events) = 0; // EPOLLIN, EPOLLOUT, …; 0 after again()
    };

    explicit PollSet(Loop&);
    ~PollSet();

    void add(int descriptor, Watcher&); // throws std::system_error
    void remove(int descriptor);

    /// Calls ready(0) in the next turn, after the others had theirs.
    void again(std::shared_ptr<Watcher>);

    /// Keeps an object alive until no event of this turn can reach it any more.
    void bury(std::shared_ptr<Watcher>);

private:
    struct Inside;
    std::shared_ptr<Inside> inside_;
};

} // namespace haat::http
