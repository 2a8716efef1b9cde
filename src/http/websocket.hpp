// A WebSocket after its upgrade: messages in and out, on one loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <base/task.hpp>

namespace haat::http {

struct WebSocketStart;

/// One reader and one writer at a time. Pings, pongs and the idle time-out run by themselves while
/// somebody reads. Lives and dies on its loop; destroying it closes the socket.
class WebSocket {
public:
    struct Message {
        std::string data;
        bool binary = false;
    };
    struct Options {
        std::size_t message_bytes_max = 1024 * 1024;
        std::chrono::milliseconds idle_timeout = std::chrono::seconds(60); // half of it: a ping
    };

    ~WebSocket();

    /// Before the first read().
    void set(Options);

    /// The next message; nullopt when the socket is closed, broken, idle too long or too talkative.
    Task<std::optional<Message>> read();

    /// False when the socket is closed. The data may go when the task is done.
    Task<bool> write(std::string_view text);
    Task<bool> write_binary(std::string_view bytes);

    /// Says goodbye and waits for the other side's; `code` as in RFC 6455, 7.4.
    Task<void> close(std::uint16_t code = 1000, std::string_view reason = {});

    std::string const& address() const; // the client's, as Request::address said

private:
    friend Task<void> run_web_socket(WebSocketStart);
    struct Inside;
    explicit WebSocket(std::shared_ptr<Inside>);
    Task<bool> send(std::string_view data, bool binary);
    std::shared_ptr<Inside> inside_;
};

} // namespace haat::http
