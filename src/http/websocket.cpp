#include <http/websocket.hpp>

#include <boost/asio/compose.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

#include <http/websocket_start.hpp>
#include <loop/loop.hpp>

namespace haat::http {

namespace asio = boost::asio;
namespace beast = boost::beast;
using boost::system::error_code;

namespace {

/// A Wire as the stream that Beast wants, so that plain and TLS share one instantiation.
class WireStream {
public:
    using executor_type = asio::io_context::executor_type;

    WireStream(asio::io_context& context, Wire wire)
        : wire_(std::move(wire)), watch_(context, wire_.descriptor()),
          executor_(context.get_executor()) {}
    WireStream(WireStream&&) = default;
    ~WireStream() { close(); }

    executor_type get_executor() { return executor_; }

    void close() {
        if (watch_.is_open()) watch_.release(); // the descriptor is the wire's to close
        wire_.close();
    }

    template <class Buffers, class Token>
    auto async_read_some(Buffers const& buffers, Token&& token) {
        return start<asio::posix::stream_descriptor::wait_read>(
            [this, buffer = first_of<asio::mutable_buffer>(buffers)] {
                return wire_.read(static_cast<char*>(buffer.data()), buffer.size());
            },
            std::forward<Token>(token));
    }
    template <class Buffers, class Token>
    auto async_write_some(Buffers const& buffers, Token&& token) {
        return start<asio::posix::stream_descriptor::wait_write>(
            [this, buffer = first_of<asio::const_buffer>(buffers)] {
                iovec const part{const_cast<void*>(buffer.data()), buffer.size()};
                return wire_.write(&part, 1);
            },
            std::forward<Token>(token));
    }

private:
    template <class Buffer, class Buffers> static Buffer first_of(Buffers const& buffers) {
        for (auto it = asio::buffer_sequence_begin(buffers);
             it != asio::buffer_sequence_end(buffers); ++it)
            if (Buffer(*it).size() > 0) return *it;
        return {};
    }

    template <asio::posix::descriptor_base::wait_type what, class Attempt, class Token>
    auto start(Attempt attempt, Token&& token) {
        auto operation = [this, attempt, count = Wire::again,
                          started = false](auto& self, error_code error = {}) mutable {
            if (!started || (count == Wire::again && !error)) count = attempt();
            if (error) return self.complete(error, 0);
            bool const first = !std::exchange(started, true);
            if (count == Wire::again) return watch_.async_wait(what, std::move(self));
            // Never from within the call that started it.
            if (first) return asio::post(executor_, std::move(self));
            if (count <= 0) return self.complete(asio::error::eof, 0);
            self.complete({}, static_cast<std::size_t>(count));
        };
        return asio::async_compose<Token, void(error_code, std::size_t)>(std::move(operation),
                                                                         token, executor_);
    }

    Wire wire_;
    asio::posix::stream_descriptor watch_;
    executor_type executor_;
};

// What Beast calls on its stream: at a time-out, and when a closing handshake is over.
void beast_close_socket(WireStream& stream) { stream.close(); }
template <class Handler>
void async_teardown(beast::role_type, WireStream& stream, Handler&& handler) {
    stream.close();
    asio::post(stream.get_executor(),
               [handler = std::forward<Handler>(handler)]() mutable { handler(error_code{}); });
}

using Socket = beast::websocket::stream<WireStream, false>;

/// Awaits one of the socket's operations, which `begin` starts with the given handler.
template <class Begin> struct Operation {
    Begin& begin;
    error_code error{};
    bool await_ready() const noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
        begin([this, waiter](error_code result, std::size_t = 0) {
            error = result;
            waiter.resume();
        });
    }
    error_code await_resume() const noexcept { return error; }
};
template <class Begin> Operation<Begin> operation(Begin& begin) { return {begin}; }

} // namespace

struct WebSocket::Inside {
    std::shared_ptr<Shard> shard;
    Seat seat;
    Socket socket;
    std::string address;
    beast::flat_buffer buffer;
    std::uint64_t closer = 0;
    bool closing = false;

    explicit Inside(WebSocketStart& start)
        : shard(std::move(start.shard)), seat(std::move(start.seat)),
          socket(WireStream(shard->loop().context(), std::move(start.wire))),
          address(std::move(start.address)) {}
    ~Inside() { shard->drop_closer(closer); }
};

WebSocket::WebSocket(std::shared_ptr<Inside> inside) : inside_(std::move(inside)) {}
WebSocket::~WebSocket() {
    // Ends the operations that still run; they keep the rest alive until they have noticed.
    inside_->closing = true;
    inside_->socket.next_layer().close();
}

void WebSocket::set(Options options) {
    inside_->socket.read_message_max(options.message_bytes_max);
    beast::websocket::stream_base::timeout timeout{};
    timeout.handshake_timeout = std::chrono::seconds(10);
    timeout.idle_timeout = options.idle_timeout;
    timeout.keep_alive_pings = true;
    inside_->socket.set_option(timeout);
}

std::string const& WebSocket::address() const { return inside_->address; }

Task<std::optional<WebSocket::Message>> WebSocket::read() {
    std::shared_ptr<Inside> const in = inside_;
    in->buffer.clear();
    auto begin = [&in](auto handler) { in->socket.async_read(in->buffer, std::move(handler)); };
    auto reading = operation(begin);
    error_code const error = co_await reading;
    std::optional<Message> message;
    if (error) co_return message;
    auto const data = in->buffer.cdata();
    message.emplace();
    message->data.assign(static_cast<char const*>(data.data()), data.size());
    message->binary = in->socket.got_binary();
    co_return message;
}

Task<bool> WebSocket::send(std::string_view data, bool binary) {
    std::shared_ptr<Inside> const in = inside_;
    if (in->closing || !in->socket.is_open()) co_return false;
    in->socket.binary(binary);
    auto begin = [&in, data](auto handler) {
        in->socket.async_write(asio::const_buffer(data.data(), data.size()), std::move(handler));
    };
    auto writing = operation(begin);
    error_code const error = co_await writing;
    co_return !error;
}
Task<bool> WebSocket::write(std::string_view text) { return send(text, false); }
Task<bool> WebSocket::write_binary(std::string_view bytes) { return send(bytes, true); }

Task<void> WebSocket::close(std::uint16_t code, std::string_view reason) {
    std::shared_ptr<Inside> const in = inside_;
    if (std::exchange(in->closing, true) || !in->socket.is_open()) co_return;
    beast::websocket::close_reason why{static_cast<beast::websocket::close_code>(code)};
    why.reason.assign(reason.data(), std::min<std::size_t>(reason.size(), 123));
    auto begin = [&in, &why](auto handler) { in->socket.async_close(why, std::move(handler)); };
    auto closing = operation(begin);
    co_await closing;
}

Task<void> run_web_socket(WebSocketStart start) {
    auto const inside = std::make_shared<WebSocket::Inside>(start);
    std::unique_ptr<WebSocket> socket(new WebSocket(inside));
    socket->set({});
    inside->socket.auto_fragment(false); // a message is one frame, written without a copy
    // Beast looks at the handshake once more, by its own rules, and writes the 101.
    beast::http::request<beast::http::empty_body> request{beast::http::verb::get, "/", 11};
    request.set(beast::http::field::host, "haat");
    request.set(beast::http::field::connection, "upgrade");
    request.set(beast::http::field::upgrade, "websocket");
    request.set(beast::http::field::sec_websocket_key, start.key);
    request.set(beast::http::field::sec_websocket_version, start.version);
    inside->socket.set_option(beast::websocket::stream_base::decorator(
        [head = std::move(start.head)](beast::websocket::response_type& response) {
            std::string_view rest = head;
            while (!rest.empty()) {
                auto const end = std::min(rest.find("\r\n"), rest.size());
                std::string_view const line = rest.substr(0, end);
                rest.remove_prefix(std::min(end + 2, rest.size()));
                auto const colon = line.find(": ");
                if (colon == std::string_view::npos) continue;
                response.insert(
                    beast::string_view(line.data(), colon),
                    beast::string_view(line.data() + colon + 2, line.size() - colon - 2));
            }
        }));
    auto begin = [&](auto handler) { inside->socket.async_accept(request, std::move(handler)); };
    auto accepting = operation(begin);
    error_code const error = co_await accepting;
    if (error) co_return;

    inside->closer = inside->shard->keep_closer([weak = std::weak_ptr(inside)] {
        auto const in = weak.lock();
        if (!in || std::exchange(in->closing, true)) return;
        beast::websocket::close_reason const why{beast::websocket::close_code::going_away};
        in->socket.async_close(why, [in](error_code) {});
    });
    Task<void> owner = start.owner(std::move(socket));
    try {
        co_await owner;
    } catch (...) {
        // The owner's unhandled trouble ends this socket and nothing else.
        co_return;
    }
}

void start_web_socket(WebSocketStart start) { detach(run_web_socket(std::move(start))); }

} // namespace haat::http
