#include <http/poll_set.hpp>

#include <array>
#include <system_error>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <sys/epoll.h>

#include <loop/loop.hpp>

namespace haat::http {

namespace asio = boost::asio;

struct PollSet::Inside : std::enable_shared_from_this<PollSet::Inside> {
    asio::posix::stream_descriptor epoll;
    std::vector<std::shared_ptr<Watcher>> queued, queued_now, buried;
    bool scheduled = false; // a turn is certain to come, or is running
    bool open = true;

    explicit Inside(asio::io_context& context) : epoll(context, ::epoll_create1(EPOLL_CLOEXEC)) {}

    void arm() {
        epoll.async_wait(asio::posix::stream_descriptor::wait_read,
                         [self = shared_from_this()](boost::system::error_code error) {
                             if (!error && self->open && !self->scheduled)
                                 self->turn();
                             else if (!error && self->open)
                                 self->arm();
                         });
    }

    void schedule() {
        if (scheduled) return;
        scheduled = true;
        asio::post(epoll.get_executor(), [self = shared_from_this()] {
            if (self->open) self->turn_now();
        });
    }

    void turn() {
        turn_now();
        if (open) arm();
    }

    // Never handles more than one batch before the rest of the loop had its turn.
    void turn_now() {
        scheduled = true;
        std::array<epoll_event, 128> events;
        int const count =
            ::epoll_wait(epoll.native_handle(), events.data(), static_cast<int>(events.size()), 0);
        for (int i = 0; i < count; ++i)
            static_cast<Watcher*>(events[static_cast<std::size_t>(i)].data.ptr)
                ->ready(events[static_cast<std::size_t>(i)].events);
        queued_now.swap(queued);
        for (auto const& watcher : queued_now) watcher->ready(0);
        queued_now.clear();
        buried.clear();
        scheduled = false;
        if (!queued.empty() || !buried.empty() || count == static_cast<int>(events.size()))
            schedule();
    }
};

PollSet::PollSet(Loop& loop) : inside_(std::make_shared<Inside>(loop.context())) { inside_->arm(); }
PollSet::~PollSet() {
    inside_->open = false;
    boost::system::error_code ignored;
    inside_->epoll.close(ignored);
    inside_->queued.clear();
    inside_->buried.clear();
}

void PollSet::add(int descriptor, Watcher& watcher) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    event.data.ptr = &watcher;
    if (::epoll_ctl(inside_->epoll.native_handle(), EPOLL_CTL_ADD, descriptor, &event) != 0)
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void PollSet::remove(int descriptor) {
    ::epoll_ctl(inside_->epoll.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
}

void PollSet::again(std::shared_ptr<Watcher> watcher) {
    inside_->queued.push_back(std::move(watcher));
    inside_->schedule();
}

void PollSet::bury(std::shared_ptr<Watcher> watcher) {
    inside_->buried.push_back(std::move(watcher));
    inside_->schedule();
}

} // namespace haat::http
