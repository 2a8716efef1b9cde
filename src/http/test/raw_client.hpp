// A blocking client for tests: bytes out, bytes in, every wait with a deadline. Header-only.
#pragma once

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

namespace haat::http::test {

struct RawResponse {
    int status = 0; // 0: the connection ended instead
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    bool whole = true; // false: the connection ended within a chunked body

    std::string header(std::string_view name) const {
        for (auto const& [key, value] : headers)
            if (key.size() == name.size() &&
                ::strncasecmp(key.data(), name.data(), name.size()) == 0)
                return value;
        return {};
    }
};

/// Throws std::runtime_error when a deadline passes; the end of a connection is an answer.
class RawClient {
public:
    using Milliseconds = std::chrono::milliseconds;

    explicit RawClient(std::uint16_t port, char const* from = nullptr, int receive_buffer = 0) {
        descriptor_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (receive_buffer > 0)
            ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_buffer,
                         sizeof receive_buffer);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        if (from) {
            ::inet_pton(AF_INET, from, &address.sin_addr);
            if (::bind(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
                throw std::runtime_error(std::string("cannot bind to ") + from);
        }
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int const on = 1;
        ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error(std::string("connect: ") + std::strerror(errno));
    }
    RawClient(RawClient&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)), unread_(std::move(other.unread_)) {}
    RawClient& operator=(RawClient&&) = delete;
    ~RawClient() {
        if (descriptor_ >= 0) ::close(descriptor_);
    }

    int descriptor() const { return descriptor_; }

    /// False when the server has closed.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            ssize_t const count = ::send(descriptor_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(count));
        }
        return true;
    }
    void end_sending() { ::shutdown(descriptor_, SHUT_WR); }

    /// One response, by Content-Length or in chunks; `bodyless` for an answer to HEAD.
    RawResponse read_response(bool bodyless = false, Milliseconds deadline = Milliseconds(10'000)) {
        auto const until = std::chrono::steady_clock::now() + deadline;
        RawResponse response;
        std::size_t end;
        while ((end = unread_.find("\r\n\r\n")) == std::string::npos)
            if (!more(until)) return response;
        parse_head(unread_.substr(0, end + 2), response);
        unread_.erase(0, end + 4);
        if (bodyless || response.status < 200 || response.status == 204 || response.status == 304)
            return response;
        if (response.header("Transfer-Encoding") == "chunked") {
            read_chunks(response, until);
            return response;
        }
        std::size_t const length =
            std::strtoull(response.header("Content-Length").c_str(), nullptr, 10);
        while (unread_.size() < length)
            if (!more(until)) throw std::runtime_error("the body ended early");
        response.body = unread_.substr(0, length);
        unread_.erase(0, length);
        return response;
    }

    RawResponse ask(std::string_view request) {
        send(request);
        return read_response();
    }

    /// Everything until the server closes.
    std::string read_to_end(Milliseconds deadline = Milliseconds(10'000)) {
        auto const until = std::chrono::steady_clock::now() + deadline;
        while (more(until)) {
        }
        return std::exchange(unread_, {});
    }

    /// True when the server has closed and nothing is unread.
    bool closed(Milliseconds deadline = Milliseconds(10'000)) {
        return read_to_end(deadline).empty();
    }

    /// True when no byte comes for so long.
    bool silent_for(Milliseconds time) {
        pollfd waiting{descriptor_, POLLIN, 0};
        return unread_.empty() && ::poll(&waiting, 1, static_cast<int>(time.count())) == 0;
    }

    /// Exactly so many bytes, for what is not HTTP.
    std::string read_bytes(std::size_t size, Milliseconds deadline = Milliseconds(10'000)) {
        auto const until = std::chrono::steady_clock::now() + deadline;
        while (unread_.size() < size)
            if (!more(until)) break;
        std::string bytes = unread_.substr(0, size);
        unread_.erase(0, bytes.size());
        return bytes;
    }

private:
    /// `whole` stays false when the connection ends before the last chunk.
    void read_chunks(RawResponse& response, std::chrono::steady_clock::time_point until) {
        response.whole = false;
        for (;;) {
            std::size_t end;
            while ((end = unread_.find("\r\n")) == std::string::npos)
                if (!more(until)) return;
            std::size_t const size = std::strtoull(unread_.c_str(), nullptr, 16);
            while (unread_.size() < end + 2 + size + 2)
                if (!more(until)) return;
            response.body += unread_.substr(end + 2, size);
            unread_.erase(0, end + 2 + size + 2);
            response.whole = size == 0;
            if (response.whole) return;
        }
    }

    bool more(std::chrono::steady_clock::time_point until) {
        auto const left =
            std::chrono::duration_cast<Milliseconds>(until - std::chrono::steady_clock::now());
        pollfd waiting{descriptor_, POLLIN, 0};
        if (left.count() <= 0 || ::poll(&waiting, 1, static_cast<int>(left.count())) == 0)
            throw std::runtime_error("no answer within the deadline; so far: " +
                                     unread_.substr(0, 200));
        char buffer[64 * 1024];
        ssize_t const count = ::recv(descriptor_, buffer, sizeof buffer, 0);
        if (count <= 0) return false;
        unread_.append(buffer, static_cast<std::size_t>(count));
        return true;
    }

    static void parse_head(std::string_view head, RawResponse& response) {
        response.status = std::atoi(std::string(head.substr(9, 3)).c_str());
        head.remove_prefix(head.find("\r\n") + 2);
        while (!head.empty()) {
            auto const end = head.find("\r\n");
            std::string_view const line = head.substr(0, end);
            head.remove_prefix(end + 2);
            auto const colon = line.find(": ");
            if (colon != std::string_view::npos)
                response.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
        }
    }

    int descriptor_ = -1;
    std::string unread_;
};

} // namespace haat::http::test
