// One client: reads requests, asks the service, writes answers. A state machine driven by
// readiness.
#pragma once

#include <coroutine>
#include <memory>
#include <optional>

#include <http/compress.hpp>
#include <http/poll_set.hpp>
#include <http/request_parser.hpp>
#include <http/shard.hpp>
#include <http/wire.hpp>

namespace haat::http {

class Connection;

/// The coroutine that asks the service, request after request: one frame for many requests.
struct Serving {
    struct promise_type {
        Serving get_return_object() {
            return {std::coroutine_handle<promise_type>::from_promise(*this)};
        }
        std::suspend_always initial_suspend() noexcept { return {}; }
        std::suspend_always final_suspend() noexcept { return {}; }
        void return_void() noexcept {}
        [[noreturn]] void unhandled_exception() noexcept { std::terminate(); }
    };
    std::coroutine_handle<promise_type> handle;
};

struct Workspace;
Serving serve(Workspace&, Shard&);

/// What a connection needs while it has a request: buffers, parser, response. An idle connection
/// has none, so that ten thousand of them are cheap, and busy ones use memory that is still warm.
struct Workspace {
    explicit Workspace(Shard&);
    ~Workspace();
    Workspace(Workspace const&) = delete;
    Workspace& operator=(Workspace const&) = delete;

    RequestParser parser;
    std::size_t capacity;
    std::unique_ptr<char[]> input;
    std::size_t begin = 0, end = 0; // the bytes not used yet
    std::size_t head_end = 0;       // the request's views point before this

    std::string output;
    std::size_t sent = 0; // of output

    Response response;
    Coding coding = Coding::identity; // of the response
    std::string_view body;            // what is still to be written of a large one
    std::exception_ptr error;

    Connection* connection = nullptr;
    Serving serving;

    std::string_view unread() const { return {input.get() + begin, end - begin}; }
    void clear();
};

class Connection final : public PollSet::Watcher,
                         public std::enable_shared_from_this<Connection>,
                         private BodyStream {
public:
    Connection(std::shared_ptr<Shard>, Wire, Address const& peer, std::optional<Seat>);

    void start();
    void refuse_at_once(Trouble); // instead of start()
    void ready(std::uint32_t events) override;
    void check_deadline(Nanoseconds now);
    void drain();
    void close_now();
    int descriptor() const { return wire_.descriptor(); }
    bool busy() const { return stage_ == Stage::answering; } // the service holds our coroutine

    // For the serving coroutine.
    void answered();
    Shard& shard() { return *shard_; }
    Coding coding_for(Response&);
    void set_coding(Coding, std::string encoded);
    bool begin_stream(); // the head; false: no body is wanted
    void put(std::string_view piece);
    struct Room;

    std::size_t place = 0; // in the shard's list

private:
    enum class Stage : std::uint8_t {
        handshake,
        head,      // reading one, or idle
        body,      // reading a whole one
        answering, // the service has it
        tail,      // writing a large body
        leftover,  // skipping what the service did not read
        linger,    // all written; waiting for the peer to read and close
        closed,
    };
    enum class Wait : std::uint8_t { none, handshake, idle, header, body, write, linger };

    void run();
    bool step();
    bool step_handshake();
    bool step_head();
    bool step_body();
    bool step_answering();
    bool step_tail();
    bool step_leftover();
    bool step_linger();

    ssize_t fill(std::size_t from); // reads into input behind `end`; moves what is there to `from`
    void begin_request();
    void identify();
    void start_answer();
    void complete();
    void fail(std::exception_ptr);
    void refuse(Trouble);
    void send();
    void put_head(std::uint64_t length);
    void choose_persistence();
    void end_stream(std::exception_ptr);
    void finish_exchange();
    void upgrade();
    void end_request();
    bool flush();
    void begin_linger();
    void die();
    void hang_up();
    void retire();
    void wait(Wait);
    void progressed(std::size_t bytes);
    void written(std::size_t bytes);
    ssize_t checked(ssize_t outcome); // of a write
    bool may_write();

    Task<std::string_view> next() override;
    std::string_view take_piece();
    std::string_view take_counted();
    bool refill();
    std::string_view take_chunk();
    void send_continue();

    std::shared_ptr<Shard> shard_;
    Wire wire_;
    std::unique_ptr<Workspace> work_;
    std::optional<Seat> seat_;

    Stage stage_ = Stage::head;
    Wait waiting_ = Wait::none;
    bool readable_ = true, writable_ = true;
    bool ended_ = false;   // the peer will send no more: an event tells once, reads must go on
    bool running_ = false; // run() is below us on the stack
    bool keep_ = true;     // the connection goes on after this answer
    bool broken_ = false;  // the socket failed; die() at the end of run()
    bool gone_ = false;    // no socket any more, but the service still works on the request
    bool in_request_ = false, yielded_ = false, continue_due_ = false, body_done_ = true;
    bool streaming_ = false; // the head is out, pieces of the body follow
    bool chunked_ = false;   // each piece has its size in front: the peer speaks HTTP/1.1

    Nanoseconds deadline_ = 0; // 0: none
    Nanoseconds waiting_since_ = 0;
    Nanoseconds body_allowance_ = 0, write_allowance_ = 0;
    std::uint64_t body_left_ = 0, body_seen_ = 0, body_max_ = 0;
    std::uint64_t bytes_in_ = 0, bytes_out_ = 0;
    std::size_t burst_ = 0; // body bytes taken without giving others a turn
    std::optional<Trouble> body_trouble_;
    std::coroutine_handle<> body_waiter_;
    struct BodyWait;
    std::coroutine_handle<> room_waiter_;

    Address peer_;
    bool peer_trusted_;
    std::string peer_text_;
    TrustedProxies::Client client_; // what the request's views of it point to
};

} // namespace haat::http
