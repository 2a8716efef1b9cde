// Reading request bodies, whole or as a stream, and skipping what nobody read.
#include <cassert>

#include <http/connection.hpp>

namespace haat::http {

namespace {
constexpr std::size_t burst_bytes_max = 256 * 1024;
constexpr std::uint64_t linger_bytes_max = 1024 * 1024;
} // namespace

/// Suspends the service's coroutine until bytes came, the time is over, or the others had a turn.
struct Connection::BodyWait {
    Connection& connection;
    bool await_ready() const noexcept { return false; }
    [[gnu::noinline]] void await_suspend(std::coroutine_handle<> waiter) {
        connection.body_waiter_ = waiter;
        // Suspended out of somebody else's event: nobody below would start the wait.
        if (!connection.running_) connection.run();
    }
    void await_resume() const noexcept {}
};

Task<std::string_view> Connection::next() {
    for (;;) {
        std::string_view const piece = body_trouble_ ? std::string_view{} : take_piece();
        if (body_trouble_) throw BodyError{*body_trouble_};
        if (!piece.empty() || body_done_) co_return piece;
        BodyWait wait_for_bytes{*this};
        co_await wait_for_bytes;
    }
}

/// What is there of the body. Empty: wait, or it is done, or body_trouble_ or broken_ are set.
std::string_view Connection::take_piece() {
    if (body_trouble_ || body_done_) return {};
    if (burst_ > burst_bytes_max) {
        burst_ = 0;
        yielded_ = true;
        shard_->poll().again(shared_from_this());
        return {};
    }
    std::string_view const piece = work_->parser.framing().chunked ? take_chunk() : take_counted();
    burst_ += piece.size();
    body_seen_ += piece.size();
    bytes_in_ += piece.size();
    if (body_seen_ > body_max_) {
        body_trouble_ = Trouble::body_too_large;
        return {};
    }
    return piece;
}

std::string_view Connection::take_counted() {
    Workspace& work = *work_;
    if (work.begin == work.end && !refill()) return {};
    std::string_view const piece = work.unread().substr(0, body_left_);
    work.begin += piece.size();
    body_left_ -= piece.size();
    body_done_ = body_left_ == 0;
    return piece;
}

std::string_view Connection::take_chunk() {
    Workspace& work = *work_;
    for (;;) {
        RequestParser::Piece const piece = work.parser.chunk(work.unread());
        work.begin += piece.consumed;
        if (piece.step == RequestParser::Step::trouble) {
            body_trouble_ = work.parser.trouble();
            return {};
        }
        if (piece.step == RequestParser::Step::done) body_done_ = true;
        if (body_done_ || !piece.bytes.empty()) return piece.bytes;
        if (!refill()) return {};
    }
}

/// More from the socket, behind the head, whose bytes the request's views need.
bool Connection::refill() {
    if (!readable_) {
        send_continue();
        burst_ = 0;
        return false;
    }
    ssize_t const count = fill(work_->head_end);
    if (count == Wire::again) {
        send_continue();
        burst_ = 0;
        return false;
    }
    if (count > 0) {
        continue_due_ = false; // it did not wait for us
        progressed(static_cast<std::size_t>(count));
        return true;
    }
    // The client ended in the middle of a body: there is nobody to tell.
    body_trouble_ = Trouble::bad_request;
    broken_ = true;
    return false;
}

void Connection::send_continue() {
    if (!continue_due_) return;
    continue_due_ = false;
    work_->output.append("HTTP/1.1 100 Continue\r\n\r\n");
}

bool Connection::step_leftover() {
    for (;;) {
        std::string_view const piece = take_piece();
        if (broken_) return false;
        if (body_trouble_) {
            broken_ = true;
            return false;
        }
        if (body_done_) {
            end_request();
            return true;
        }
        if (!piece.empty()) continue;
        if (flush() && !yielded_) wait(Wait::body);
        return false;
    }
}

/// What was still under way to us must be read, or the kernel answers it with a reset, and that
/// takes our answer from the client before it has read it.
bool Connection::step_linger() {
    if (!flush()) return false;
    if (waiting_ != Wait::linger) {
        wire_.end_writing();
        wait(Wait::linger);
        body_seen_ = 0;
        if (!shard_->may_linger()) broken_ = true;
        return !broken_;
    }
    if (!readable_) return false;
    work_->begin = work_->end = work_->head_end = 0;
    ssize_t const count = fill(0);
    if (count == Wire::again) return false;
    body_seen_ += count > 0 ? static_cast<std::uint64_t>(count) : 0;
    if (count <= 0 || body_seen_ > linger_bytes_max) {
        retire();
        return false;
    }
    return true;
}

} // namespace haat::http
