#include <http/connection.hpp>

#include <cassert>
#include <cstring>

#include <sys/epoll.h>

#include <loop/loop.hpp>

namespace haat::http {

namespace {
constexpr int steps_in_a_turn = 64;                 // then the others: a pipelined flood must wait
constexpr std::size_t output_bytes_max = 64 * 1024; // unsent answers before reading on
constexpr std::size_t spare_input_bytes = 48 * 1024;
constexpr std::size_t credit_bytes = 4 * 1024; // so much moved buys one more second

Nanoseconds nanoseconds(std::chrono::milliseconds time) {
    return std::chrono::nanoseconds(time).count();
}
} // namespace

Connection::Connection(std::shared_ptr<Shard> shard, Wire wire, Address const& peer,
                       std::optional<Seat> seat)
    : shard_(std::move(shard)), wire_(std::move(wire)), seat_(std::move(seat)), peer_(peer),
      peer_trusted_(shard_->shared().proxies.trusts(peer)), peer_text_(peer.text()) {}

void Connection::start() {
    if (wire_.tls()) {
        stage_ = Stage::handshake;
        wait(Wait::handshake);
    }
    run();
}

void Connection::ready(std::uint32_t events) {
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable_ = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) ended_ = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) writable_ = true;
    if (events == 0) yielded_ = false;
    run();
}

void Connection::run() {
    if (running_) return;
    running_ = true;
    int steps = 0;
    while (!broken_ && step()) {
        if (++steps < steps_in_a_turn) continue;
        shard_->poll().again(shared_from_this());
        break;
    }
    running_ = false;
    if (broken_) die();
}

/// True: something moved, come again. False: nothing to do before the next event.
bool Connection::step() {
    switch (stage_) {
    case Stage::handshake: return step_handshake();
    case Stage::head: return step_head();
    case Stage::body: return step_body();
    case Stage::answering: return step_answering();
    case Stage::tail: return step_tail();
    case Stage::leftover: return step_leftover();
    case Stage::linger: return step_linger();
    case Stage::closed: return false;
    }
    return false;
}

bool Connection::step_handshake() {
    ssize_t const result = wire_.handshake();
    if (result == Wire::again) return false;
    if (result == Wire::gone) {
        retire();
        return false;
    }
    waiting_ = Wait::none;
    stage_ = Stage::head;
    return true;
}

bool Connection::step_head() {
    if (!work_) {
        if (!readable_) {
            wait(Wait::idle);
            return false;
        }
        work_ = shard_->borrow();
        work_->connection = this;
    }
    Workspace& work = *work_;
    if (work.output.size() > output_bytes_max && !flush()) return false;
    if (work.begin < work.end) {
        switch (work.parser.head(work.unread())) {
        case RequestParser::Step::done: begin_request(); return true;
        case RequestParser::Step::trouble: refuse(work.parser.trouble()); return true;
        case RequestParser::Step::need_more: break;
        }
    }
    if (!flush()) return false; // everything that is answered goes out before we wait
    ssize_t const count = readable_ ? fill(0) : Wire::again;
    if (count > 0) return true;
    if (count != Wire::again) { // between requests, or within a head that nobody will end
        retire();
        return false;
    }
    if (work.begin < work.end) {
        wait(Wait::header);
        return false;
    }
    shard_->give_back(std::move(work_));
    if (shard_->draining())
        retire();
    else
        wait(Wait::idle);
    return false;
}

ssize_t Connection::fill(std::size_t from) {
    Workspace& work = *work_;
    if (work.begin > from) {
        std::size_t const size = work.end - work.begin;
        if (size > 0) std::memmove(work.input.get() + from, work.input.get() + work.begin, size);
        work.begin = from;
        work.end = from + size;
    }
    std::size_t const room = work.capacity - work.end;
    assert(room > 0);
    ssize_t const count = wire_.read(work.input.get() + work.end, room);
    if (count > 0) {
        work.end += static_cast<std::size_t>(count);
        LoopCounters::add(shard_->counters().bytes_in, static_cast<std::uint64_t>(count));
        // Less than asked for: the socket is empty, and the next byte makes a new event.
        if (static_cast<std::size_t>(count) < room && !ended_ && !wire_.tls()) readable_ = false;
    } else if (count == Wire::again) {
        readable_ = false;
    }
    return count;
}

void Connection::begin_request() {
    Workspace& work = *work_;
    auto const& framing = work.parser.framing();
    Request& request = work.parser.request();
    waiting_ = Wait::none;
    deadline_ = 0;
    in_request_ = true;
    LoopCounters::add(shard_->counters().requests_running, 1);
    LoopCounters::add(shard_->counters().requests, 1);
    work.begin += work.parser.head_size();
    work.head_end = work.begin;
    request.received = std::chrono::steady_clock::now();
    keep_ = framing.keep_alive;
    identify();
    bytes_in_ = work.parser.head_size();
    body_done_ = !framing.has_body();
    body_left_ = framing.content_length;
    body_seen_ = 0;
    continue_due_ = framing.expects_continue;
    if (body_done_) {
        start_answer();
        return;
    }
    Service::Plan plan;
    try {
        plan = shard_->service().plan(request);
    } catch (...) {
        fail(std::current_exception());
        return;
    }
    body_max_ = plan.body_bytes_max;
    body_allowance_ = nanoseconds(shard_->options().body_timeout);
    if (framing.content_length > body_max_) {
        refuse(Trouble::body_too_large);
    } else if (plan.stream) {
        request.stream = this;
        start_answer();
    } else {
        request.body.reserve(std::min<std::uint64_t>(framing.content_length, 64 * 1024));
        stage_ = Stage::body;
    }
}

void Connection::identify() {
    Request& request = work_->parser.request();
    bool const proxied = work_->parser.framing().proxy_header;
    request.secure = wire_.tls();
    request.address = peer_text_;
    request.from_loopback = !proxied && peer_.is_loopback();
    if (!proxied || !peer_trusted_) return;
    client_ = shard_->shared().proxies.client_of(request.headers, peer_);
    request.address = client_.address;
    if (!client_.host.empty()) request.host = client_.host;
    if (client_.secure) request.secure = *client_.secure;
}

bool Connection::step_body() {
    std::string& body = work_->parser.request().body;
    for (;;) {
        std::string_view const piece = take_piece();
        if (broken_) return false;
        if (body_trouble_) {
            refuse(*body_trouble_);
            return true;
        }
        body.append(piece);
        if (body_done_) {
            start_answer();
            return true;
        }
        if (!piece.empty()) continue;
        if (flush() && !yielded_) wait(Wait::body);
        return false;
    }
}

void Connection::start_answer() {
    stage_ = Stage::answering;
    waiting_ = Wait::none;
    deadline_ = 0;
    work_->serving.handle.resume();
}

bool Connection::step_answering() {
    if (body_waiter_ && !yielded_ && (readable_ || body_trouble_ || work_->begin < work_->end)) {
        std::exchange(body_waiter_, nullptr).resume();
        if (stage_ != Stage::answering || body_waiter_) return true;
    }
    if (!gone_ && !flush()) return false;
    if (room_waiter_) {
        std::exchange(room_waiter_, nullptr).resume();
        return true;
    }
    if (!gone_ && body_waiter_ && !yielded_) wait(Wait::body);
    return false;
}

/// The serving coroutine is suspended and the response (or the error) is in the workspace.
void Connection::answered() {
    complete();
    run();
}

void Connection::complete() {
    Workspace& work = *work_;
    if (gone_) {
        finish_exchange();
        return;
    }
    if (streaming_) {
        end_stream(std::exchange(work.error, nullptr));
        return;
    }
    if (work.error)
        fail(std::exchange(work.error, nullptr));
    else if (work.response.upgrade)
        upgrade();
    else
        send();
}

void Connection::fail(std::exception_ptr error) {
    try {
        std::rethrow_exception(error);
    } catch (BodyError const& problem) {
        refuse(problem.trouble);
        return;
    } catch (...) {
        shard_->service().broke(work_->parser.request(), error);
    }
    work_->response = shard_->service().refuse(work_->parser.request(), Trouble::failed);
    send();
}

/// After any trouble the connection ends: nobody knows where the next request would begin.
void Connection::refuse(Trouble trouble) {
    if (!work_) {
        work_ = shard_->borrow();
        work_->connection = this;
    }
    if (!in_request_) {
        in_request_ = true;
        LoopCounters::add(shard_->counters().requests_running, 1);
        LoopCounters::add(shard_->counters().requests, 1);
        work_->parser.request().received = std::chrono::steady_clock::now();
        identify();
    }
    keep_ = false;
    work_->response = shard_->service().refuse(work_->parser.request(), trouble);
    work_->coding = Coding::identity;
    send();
}

void Connection::refuse_at_once(Trouble trouble) {
    keep_ = false;
    if (wire_.tls()) { // a handshake for a refusal is what an attacker would like
        retire();
        return;
    }
    refuse(trouble);
    run();
}

void Connection::check_deadline(Nanoseconds now) {
    if (deadline_ == 0 || now < deadline_ || stage_ == Stage::closed) return;
    deadline_ = 0;
    Wait const waited = std::exchange(waiting_, Wait::none);
    switch (waited) {
    case Wait::header: refuse(Trouble::header_timeout); break;
    case Wait::body: body_trouble_ = Trouble::body_timeout; break;
    case Wait::handshake:
    case Wait::idle:
    case Wait::linger:
    case Wait::write: die(); break;
    case Wait::none: return;
    }
    run();
}

void Connection::wait(Wait what) {
    if (waiting_ == what) return;
    auto const& options = shard_->options();
    waiting_ = what;
    waiting_since_ = steady_now();
    switch (what) {
    case Wait::none: deadline_ = 0; return;
    case Wait::handshake:
    case Wait::header: deadline_ = waiting_since_ + nanoseconds(options.header_timeout); return;
    case Wait::idle: deadline_ = waiting_since_ + nanoseconds(options.idle_timeout); return;
    case Wait::body: deadline_ = waiting_since_ + std::max<Nanoseconds>(body_allowance_, 1); return;
    case Wait::write:
        deadline_ = waiting_since_ + std::max<Nanoseconds>(write_allowance_, 1);
        return;
    case Wait::linger: deadline_ = waiting_since_ + nanoseconds(std::chrono::seconds(2)); return;
    }
}

/// The wait for a body or for a reader is over: its time is spent, and what moved buys new time.
void Connection::progressed(std::size_t bytes) {
    Nanoseconds* allowance = nullptr;
    if (waiting_ == Wait::body)
        allowance = &body_allowance_;
    else if (waiting_ == Wait::write)
        allowance = &write_allowance_;
    else
        return;
    *allowance -= steady_now() - waiting_since_;
    *allowance += static_cast<Nanoseconds>(bytes * (1'000'000'000 / credit_bytes));
    waiting_ = Wait::none;
    deadline_ = 0;
}

void Connection::drain() {
    if (stage_ != Stage::head || work_) return;
    // A request may be on its way in the kernel: it is answered, an idle client is let go.
    readable_ = true;
    run();
}

void Connection::close_now() { die(); }

/// The socket ends now, whatever was to be written.
void Connection::die() {
    broken_ = false;
    if (stage_ == Stage::closed || gone_) return;
    if (stage_ == Stage::answering) {
        // The service still works with the request: it finishes, and its answer is dropped.
        hang_up();
        if (!body_trouble_) body_trouble_ = Trouble::bad_request;
        if (body_waiter_ || room_waiter_) shard_->poll().again(shared_from_this());
        return;
    }
    if (in_request_) {
        if (stage_ == Stage::body) work_->response.status = 499; // for the log: nobody reads it
        gone_ = true;
        finish_exchange();
    } else {
        retire();
    }
}

/// The connection ends, its exchange goes on without it.
void Connection::hang_up() {
    gone_ = true;
    waiting_ = Wait::none;
    deadline_ = 0;
    shard_->poll().remove(wire_.descriptor());
    wire_.close();
    seat_.reset();
}

void Connection::retire() {
    if (stage_ == Stage::closed) return;
    stage_ = Stage::closed;
    waiting_ = Wait::none;
    deadline_ = 0;
    if (work_) shard_->give_back(std::move(work_));
    if (wire_.descriptor() >= 0) {
        shard_->poll().remove(wire_.descriptor());
        wire_.close();
    }
    seat_.reset();
    shard_->forget(*this);
}

Workspace::Workspace(Shard& shard)
    : parser({shard.options().header_bytes_max, shard.options().header_count_max,
              shard.options().target_bytes_max}),
      capacity(shard.options().header_bytes_max + spare_input_bytes), input(new char[capacity]),
      serving(serve(*this, shard)) {}

Workspace::~Workspace() { serving.handle.destroy(); }

void Workspace::clear() {
    begin = end = head_end = sent = 0;
    output.clear();
    if (output.capacity() > 4 * output_bytes_max) output = {};
    parser.reset();
    response = {};
    body = {};
    coding = Coding::identity;
    connection = nullptr;
}

} // namespace haat::http
