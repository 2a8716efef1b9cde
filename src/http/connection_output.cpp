// From the service's answer to bytes on the wire.
#include <http/connection.hpp>

#include <unistd.h>

#include <fmt/format.h>

#include <loop/loop.hpp>

#include <http/websocket_start.hpp>

namespace haat::http {

namespace {
constexpr std::size_t copied_body_max = 16 * 1024; // above it a copy costs more than a second part
constexpr std::size_t worker_body_min = 64 * 1024; // below it the loop compresses by itself
constexpr std::uint64_t leftover_bytes_max = 64 * 1024;
constexpr std::size_t stream_bytes_ahead = 128 * 1024; // so much may wait for the client

struct Completed {
    Workspace& work;
    bool await_ready() const noexcept { return false; }
    // Not inlined: what follows may resume this very coroutine with the next request.
    [[gnu::noinline]] void await_suspend(std::coroutine_handle<>) { work.connection->answered(); }
    void await_resume() const noexcept {}
};

bool without_body(int status) { return status < 200 || status == 204 || status == 304; }

std::string& coded_slot(SharedBody& shared, Coding coding) {
    return coding == Coding::gzip     ? shared.gzip
           : coding == Coding::brotli ? shared.brotli
                                      : shared.zstd;
}

Task<void> encode(Workspace& work, Shard& shard, Coding coding) {
    std::shared_ptr<SharedBody> const shared = work.response.shared;
    if (shared && !coded_slot(*shared, coding).empty()) {
        work.connection->set_coding(coding, {});
        co_return;
    }
    std::string_view const plain = shared ? shared->plain : work.response.body;
    std::string encoded;
    if (plain.size() < worker_body_min) {
        encoded = compress(coding, plain);
    } else {
        auto job = [coding, plain] { return compress(coding, plain); };
        try {
            encoded = co_await on(shard.shared().workers, job);
        } catch (WorkersBusy const&) {
            co_return; // plain is better than late
        }
    }
    if (!encoded.empty()) work.connection->set_coding(coding, std::move(encoded));
}

} // namespace

/// Waits until the client has taken enough of what was put; false: it is gone.
struct Connection::Room {
    Connection& connection;
    bool await_ready() const noexcept {
        return connection.gone_ || connection.work_->output.size() < stream_bytes_ahead;
    }
    // Not inlined, as in Completed.
    [[gnu::noinline]] void await_suspend(std::coroutine_handle<> waiter) {
        connection.room_waiter_ = waiter;
        connection.run();
    }
    bool await_resume() const noexcept { return !connection.gone_; }
};

namespace {
Task<void> stream(Workspace& work) {
    Connection& connection = *work.connection;
    if (!connection.begin_stream()) co_return;
    bool wanted = true;
    while (wanted) {
        std::string_view const piece = co_await work.response.source->next();
        if (piece.empty()) break;
        connection.put(piece);
        Connection::Room room{connection};
        wanted = co_await room;
    }
}
} // namespace

Serving serve(Workspace& work, Shard& shard) {
    for (;;) {
        try {
            Task<Response> answer = shard.service().answer(work.parser.request());
            work.response = co_await answer;
            if (work.response.source) {
                Task<void> streaming = stream(work);
                co_await streaming;
            }
            Coding const coding = work.connection->coding_for(work.response);
            if (coding != Coding::identity) {
                Task<void> encoding = encode(work, shard, coding);
                co_await encoding;
            }
        } catch (...) {
            work.error = std::current_exception();
        }
        Completed completed{work};
        co_await completed;
    }
}

Coding Connection::coding_for(Response& response) {
    if (!response.compressible || gone_ || response.upgrade || response.file.descriptor >= 0 ||
        response.source || response.size() < shard_->options().compress_bytes_min ||
        response.status == 206 || without_body(response.status))
        return Coding::identity;
    auto const type = find_line(response.head, "Content-Type");
    if (!type || !worth_compressing(*type) || find_line(response.head, "Content-Encoding"))
        return Coding::identity;
    response.head.append("Vary: Accept-Encoding\r\n");
    return choose_coding(work_->parser.framing().accept_encoding);
}

/// `encoded` is empty when the shared body has this form already.
void Connection::set_coding(Coding coding, std::string encoded) {
    Response& response = work_->response;
    work_->coding = coding;
    if (!response.shared)
        response.body = std::move(encoded);
    else if (!encoded.empty())
        coded_slot(*response.shared, coding) = std::move(encoded);
    response.header("Content-Encoding", name_of(coding));
    weaken_etag(response.head);
}

void Connection::choose_persistence() {
    Response const& response = work_->response;
    keep_ = keep_ && !response.close && !shard_->draining();
    if (!keep_ || body_done_) return;
    if (work_->parser.framing().chunked) {
        while (!body_done_ && !body_trouble_ && work_->begin < work_->end)
            if (take_piece().empty()) break;
        keep_ = body_done_;
    } else {
        keep_ = !continue_due_ && body_left_ <= leftover_bytes_max;
    }
}

void Connection::put_head(std::uint64_t length) {
    Workspace& work = *work_;
    Response const& response = work.response;
    Persistence persistence = Persistence::implied;
    if (!keep_)
        persistence = Persistence::close;
    else if (!work.parser.framing().version_1_1)
        persistence = Persistence::keep_alive;
    std::size_t const before = work.output.size();
    append_head(work.output, response.status, response.head, shard_->date().get(), length,
                persistence);
    bytes_out_ = work.output.size() - before;
}

bool Connection::begin_stream() {
    if (gone_) return false;
    auto const& framing = work_->parser.framing();
    bool const bodiless = without_body(work_->response.status);
    chunked_ = framing.version_1_1 && !bodiless;
    choose_persistence();
    // An old client learns the end of the body from the end of the connection.
    keep_ = keep_ && (framing.version_1_1 || bodiless);
    put_head(chunked_ ? chunked_length : no_length);
    streaming_ = true;
    bool const wanted = !bodiless && work_->parser.request().method != Method::head;
    chunked_ = chunked_ && wanted;
    return wanted;
}

void Connection::put(std::string_view piece) {
    if (gone_) return;
    std::string& output = work_->output;
    std::size_t const before = output.size();
    if (chunked_) fmt::format_to(std::back_inserter(output), "{:x}\r\n", piece.size());
    output.append(piece);
    if (chunked_) output.append("\r\n");
    bytes_out_ += output.size() - before;
}

void Connection::end_stream(std::exception_ptr error) {
    streaming_ = false;
    if (error) {
        // A proper end would make the client take a part for the whole.
        shard_->service().broke(work_->parser.request(), error);
        keep_ = false;
        hang_up();
    } else if (chunked_) {
        work_->output.append("0\r\n\r\n");
        bytes_out_ += 5;
    }
    finish_exchange();
}

void Connection::send() {
    Workspace& work = *work_;
    Response& response = work.response;
    Request const& request = work.parser.request();
    choose_persistence();
    std::string_view body = response.body;
    if (response.shared) {
        body = work.coding == Coding::identity ? std::string_view(response.shared->plain)
                                               : coded_slot(*response.shared, work.coding);
    }
    bool const from_file = response.file.descriptor >= 0;
    std::uint64_t const length = from_file ? response.file.length : body.size();
    bool const bodiless = without_body(response.status);
    put_head(bodiless ? no_length : length);
    if (bodiless || request.method == Method::head) {
        finish_exchange();
        return;
    }
    bytes_out_ += length;
    if (from_file || body.size() > copied_body_max) {
        work.body = body;
        stage_ = Stage::tail;
        return;
    }
    work.output.append(body);
    finish_exchange();
}

/// False: the peer must read first, and has the write time-out for it.
bool Connection::may_write() {
    if (writable_) return true;
    if (waiting_ != Wait::write && write_allowance_ <= 0)
        write_allowance_ = std::chrono::nanoseconds(shard_->options().write_timeout).count();
    wait(Wait::write);
    return false;
}

/// Books what a write did; not above 0 when it must wait or the socket is gone.
ssize_t Connection::checked(ssize_t outcome) {
    if (outcome == Wire::again) {
        writable_ = false;
        may_write();
    } else if (outcome <= 0) {
        broken_ = true;
    } else {
        written(static_cast<std::size_t>(outcome));
    }
    return outcome;
}

void Connection::written(std::size_t bytes) {
    LoopCounters::add(shard_->counters().bytes_out, bytes);
    if (waiting_ == Wait::write) progressed(bytes);
}

bool Connection::flush() {
    Workspace& work = *work_;
    while (work.sent < work.output.size()) {
        if (!may_write()) return false;
        iovec const part{work.output.data() + work.sent, work.output.size() - work.sent};
        ssize_t const count = checked(wire_.write(&part, 1));
        if (count <= 0) return false;
        work.sent += static_cast<std::size_t>(count);
    }
    work.output.clear();
    work.sent = 0;
    write_allowance_ = 0;
    return true;
}

bool Connection::step_tail() {
    Workspace& work = *work_;
    FileBody& file = work.response.file;
    if (!may_write()) return false;
    if (file.descriptor >= 0) {
        if (!flush()) return false;
        if (file.length > 0) {
            ssize_t const count =
                checked(wire_.send_file(file.descriptor, file.offset, file.length));
            if (count <= 0) return false;
            file.offset += static_cast<std::uint64_t>(count);
            file.length -= static_cast<std::uint64_t>(count);
        }
        if (file.length > 0) {
            shard_->poll().again(shared_from_this());
            return false;
        }
    } else {
        iovec const parts[2] = {{work.output.data() + work.sent, work.output.size() - work.sent},
                                {const_cast<char*>(work.body.data()), work.body.size()}};
        ssize_t const count = checked(wire_.write(parts, 2));
        if (count <= 0) return false;
        auto const of_head =
            std::min<std::size_t>(static_cast<std::size_t>(count), parts[0].iov_len);
        work.sent += of_head;
        work.body.remove_prefix(static_cast<std::size_t>(count) - of_head);
        if (!work.body.empty()) return true;
    }
    write_allowance_ = 0;
    finish_exchange();
    return true;
}

void Connection::finish_exchange() {
    Workspace& work = *work_;
    Request const& request = work.parser.request();
    if (work.response.file.descriptor >= 0)
        ::close(std::exchange(work.response.file.descriptor, -1));
    if (!gone_ && work.begin == work.end) flush();
    Exchange exchange;
    exchange.bytes_in = bytes_in_;
    exchange.bytes_out = bytes_out_;
    exchange.duration = std::chrono::steady_clock::now() - request.received;
    try {
        shard_->service().finished(request, work.response, exchange);
    } catch (...) {
        shard_->service().broke(request, std::current_exception());
    }
    LoopCounters::add(shard_->counters().requests_running, -1);
    in_request_ = false;
    if (gone_) {
        retire();
    } else if (keep_ && !body_done_) {
        body_max_ = body_seen_ + body_left_;
        stage_ = Stage::leftover;
    } else {
        end_request();
    }
}

void Connection::end_request() {
    Workspace& work = *work_;
    bytes_in_ = bytes_out_ = 0;
    body_done_ = true;
    body_trouble_.reset();
    work.body = {};
    work.coding = Coding::identity;
    work.response = Response{};
    if (keep_) {
        work.parser.reset();
        waiting_ = waiting_ == Wait::write ? waiting_ : Wait::none;
        stage_ = Stage::head;
    } else {
        stage_ = Stage::linger;
    }
}

void Connection::upgrade() {
    Workspace& work = *work_;
    Request const& request = work.parser.request();
    bool const proper = work.parser.framing().upgrade && request.method == Method::get &&
                        work.begin == work.end && !work.parser.framing().has_body() &&
                        !request.header("Sec-WebSocket-Key").empty();
    if (!proper || !flush()) {
        refuse(Trouble::bad_request);
        return;
    }
    shard_->poll().remove(wire_.descriptor());
    WebSocketStart start{shard_,
                         std::move(wire_),
                         std::move(*seat_),
                         std::string(request.header("Sec-WebSocket-Key")),
                         std::string(request.header("Sec-WebSocket-Version")),
                         std::string(request.address),
                         std::move(work.response.head),
                         std::move(work.response.upgrade)};
    seat_.reset();
    gone_ = true; // for this connection; the socket lives on
    keep_ = false;
    start_web_socket(std::move(start));
    work.response.status = 101;
    finish_exchange();
}

} // namespace haat::http
