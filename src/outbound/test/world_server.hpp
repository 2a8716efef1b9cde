// A stand-in for the world: a plain HTTP/1.1 server whose answers, good and bad, a test writes
// byte by byte. A thread for each connection, so that a handler may block as it likes.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <test/harness/wait.hpp>

namespace haat::outbound::test {

using namespace std::chrono_literals;
using haat::test::soon;

struct Seen {
    std::string method;
    std::string target;
    std::string head; // the lines of the headers, lower-case names
    std::string body;
    int connection = 0; // the how manieth of the server
    std::string header(std::string_view name) const {
        auto const at = head.find("\n" + std::string(name) + ": ");
        if (at == head.npos) return {};
        auto const begin = at + name.size() + 3;
        return head.substr(begin, head.find('\r', begin) - begin);
    }
};

class WorldServer;

class Exchange {
public:
    Exchange(WorldServer& server, int socket) : server_(server), socket_(socket) {}
    Seen seen;

    /// False when the other side has gone.
    bool send(std::string_view bytes) const {
        while (!bytes.empty()) {
            auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }
    void reply(int status, std::string_view body = {}, std::string_view headers = {}) const {
        send(fmt::format("HTTP/1.1 {} Whatever\r\nContent-Length: {}\r\n{}\r\n{}", status,
                         body.size(), headers, body));
    }
    void close() { open_ = false; }
    /// Until the other side closes or the test is over.
    void hold() const;
    /// The same for so long at most.
    void hold(std::chrono::milliseconds time) const;
    bool open() const { return open_; }

private:
    WorldServer& server_;
    int socket_;
    bool open_ = true;
};

class WorldServer {
public:
    using Handler = std::function<void(Exchange&)>;
    explicit WorldServer(Handler handler, char const* address = "127.0.0.1")
        : handler_(std::move(handler)), address_(address),
          listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in name{};
        name.sin_family = AF_INET;
        ::inet_pton(AF_INET, address, &name.sin_addr);
        socklen_t size = sizeof name;
        if (::bind(listener_, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
            ::listen(listener_, 512) != 0)
            throw std::runtime_error("the test's server cannot listen");
        ::getsockname(listener_, reinterpret_cast<sockaddr*>(&name), &size);
        port_ = ntohs(name.sin_port);
        acceptor_ = std::thread([this] { accept(); });
    }
    ~WorldServer() {
        stopping_ = true;
        ::shutdown(listener_, SHUT_RDWR);
        acceptor_.join();
        {
            std::lock_guard const lock(mutex_);
            for (int const socket : sockets_) ::shutdown(socket, SHUT_RDWR);
        }
        for (auto& thread : threads_) thread.join();
        ::close(listener_);
    }
    WorldServer(WorldServer const&) = delete;

    std::uint16_t port() const { return port_; }
    std::string url(std::string_view target = "/") const {
        return fmt::format("http://{}:{}{}", address_, port_, target);
    }
    std::string url_of(std::string_view host, std::string_view target = "/") const {
        return fmt::format("http://{}:{}{}", host, port_, target);
    }
    int connections() const { return connections_; }
    int requests() const { return requests_; }
    int most_at_once() const { return most_; }
    bool stopping() const { return stopping_; }
    std::size_t open_connections() const {
        std::lock_guard const lock(mutex_);
        return sockets_.size();
    }
    std::vector<Seen> seen() const {
        std::lock_guard const lock(mutex_);
        return seen_;
    }

private:
    void accept() {
        for (;;) {
            int const socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
            if (socket < 0) return;
            int const number = ++connections_;
            std::lock_guard const lock(mutex_);
            sockets_.push_back(socket);
            threads_.emplace_back([this, socket, number] { serve(socket, number); });
        }
    }

    void serve(int socket, int number) {
        std::string bytes;
        for (bool open = true; open && !stopping_;) {
            Exchange exchange(*this, socket);
            if (!read(socket, bytes, exchange.seen)) break;
            exchange.seen.connection = number;
            ++requests_;
            {
                std::lock_guard const lock(mutex_);
                seen_.push_back(exchange.seen);
                if (seen_.back().body.size() > 4'096) seen_.back().body.resize(4'096);
            }
            int const now = ++running_;
            int most = most_;
            while (most < now && !most_.compare_exchange_weak(most, now)) {
            }
            handler_(exchange);
            --running_;
            open = exchange.open();
        }
        std::lock_guard const lock(mutex_);
        sockets_.remove(socket);
        ::close(socket);
    }

    static bool more(int socket, std::string& bytes) {
        char buffer[64 * 1024];
        auto const got = ::recv(socket, buffer, sizeof buffer, 0);
        if (got > 0) bytes.append(buffer, static_cast<std::size_t>(got));
        return got > 0;
    }

    static bool read(int socket, std::string& bytes, Seen& seen) {
        std::size_t end = 0;
        while ((end = bytes.find("\r\n\r\n")) == bytes.npos)
            if (!more(socket, bytes)) return false;
        std::string head = bytes.substr(0, end + 2);
        bytes.erase(0, end + 4);
        auto const line = head.find("\r\n");
        auto const space = head.find(' ');
        seen.method = head.substr(0, space);
        seen.target = head.substr(space + 1, head.find(' ', space + 1) - space - 1);
        seen.head = head.substr(line + 1);
        bool name = true;
        for (char& c : seen.head) { // names are told from values by the first colon of a line
            if (c == '\n') name = true;
            if (c == ':') name = false;
            if (name && c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        }
        if (seen.header("transfer-encoding") == "chunked") return read_chunks(socket, bytes, seen);
        std::size_t const size = std::strtoull(seen.header("content-length").c_str(), nullptr, 10);
        while (bytes.size() < size)
            if (!more(socket, bytes)) return false;
        seen.body = bytes.substr(0, size);
        bytes.erase(0, size);
        return true;
    }

    static bool read_chunks(int socket, std::string& bytes, Seen& seen) {
        for (;;) {
            std::size_t line = 0;
            while ((line = bytes.find("\r\n")) == bytes.npos)
                if (!more(socket, bytes)) return false;
            std::size_t const size = std::strtoull(bytes.c_str(), nullptr, 16);
            while (bytes.size() < line + 2 + size + 2)
                if (!more(socket, bytes)) return false;
            seen.body.append(bytes, line + 2, size);
            bytes.erase(0, line + 2 + size + 2);
            if (size == 0) return true;
        }
    }

    Handler handler_;
    std::string address_;
    int listener_;
    std::uint16_t port_ = 0;
    std::atomic<bool> stopping_{false};
    std::atomic<int> connections_{0}, requests_{0}, running_{0}, most_{0};
    std::thread acceptor_;
    mutable std::mutex mutex_;
    std::list<int> sockets_;
    std::list<std::thread> threads_;
    std::vector<Seen> seen_;
};

inline void Exchange::hold(std::chrono::milliseconds time) const {
    auto const until = std::chrono::steady_clock::now() + time;
    while (!server_.stopping() && std::chrono::steady_clock::now() < until) {
        pollfd one{socket_, POLLIN | POLLRDHUP, 0};
        ::poll(&one, 1, 5);
        if ((one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0) return;
        if ((one.revents & POLLIN) != 0) haat::test::pause_briefly();
    }
}
inline void Exchange::hold() const { hold(1h); }

} // namespace haat::outbound::test
