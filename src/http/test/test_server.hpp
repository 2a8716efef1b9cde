// A real server on a free port with a service whose answers are chosen by path. Header-only.
#pragma once

#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <thread>

#include <fmt/format.h>

#include <http/server.hpp>
#include <http/static_files.hpp>
#include <http/websocket.hpp>
#include <loop/loop.hpp>
#include <test/harness/wait.hpp>

#include <http/test/raw_client.hpp>

namespace haat::http::test {

inline Task<void> echo_messages(std::unique_ptr<WebSocket> socket) {
    WebSocket::Options options;
    options.message_bytes_max = 64 * 1024;
    socket->set(options);
    for (;;) {
        std::optional<WebSocket::Message> message = co_await socket->read();
        if (!message) break;
        bool sent = false;
        if (message->binary)
            sent = co_await socket->write_binary(message->data);
        else
            sent = co_await socket->write(message->data);
        if (!sent) break;
        if (message->data == "bye") {
            co_await socket->close(1000, "as you wish");
            break;
        }
    }
}

/// What the service's sources have done so far.
struct SourceFacts {
    std::atomic<int> given{0};
    std::atomic<int> alive{0};
};

/// So many pieces of a thousand bytes, and then the end, or an error.
class PieceSource : public BodySource {
public:
    PieceSource(SourceFacts& facts, std::size_t count, std::string_view kind)
        : facts_(facts), left_(count), kind_(kind) {
        ++facts_.alive;
    }
    ~PieceSource() override { --facts_.alive; }

    Task<std::string_view> next() override {
        if (kind_ == "/pieces-slow") co_await sleep_for(std::chrono::milliseconds(1));
        if (left_ == 0 && kind_ == "/pieces-broken") throw std::runtime_error("half is enough");
        if (left_ == 0) co_return std::string_view();
        --left_;
        ++facts_.given;
        piece_.assign(1'000, static_cast<char>('a' + left_ % 26));
        co_return std::string_view(piece_);
    }

private:
    SourceFacts& facts_;
    std::size_t left_;
    std::string kind_;
    std::string piece_;
};

class TestService : public Service {
public:
    StaticFiles* files = nullptr;
    SourceFacts sources;
    std::atomic<int> finished_count{0};
    std::atomic<int> broken_count{0};
    std::atomic<std::uint64_t> streamed{0};
    std::shared_ptr<SharedBody> shared = std::make_shared<SharedBody>();

    Plan plan(Request const& head) override {
        if (head.path == "/plan-throws") throw std::runtime_error("no plan");
        if (head.path == "/none") return {0, false};
        return {head.path.starts_with("/stream") ? 64ULL << 20 : 1024 * 1024,
                head.path.starts_with("/stream")};
    }

    Task<Response> answer(Request& request) override {
        if (request.path == "/slow") co_return co_await slow(request);
        if (request.path.starts_with("/stream")) co_return co_await stream(request);
        co_return at_once(request);
    }

    Response refuse(Request const&, Trouble trouble) override {
        static constexpr int statuses[] = {400, 414, 431, 431, 413, 408, 408,
                                           503, 429, 417, 501, 505, 503, 500};
        Response response;
        response.status = statuses[static_cast<std::size_t>(trouble)];
        response.header("Content-Type", "text/plain");
        response.body = fmt::format("trouble {}", static_cast<int>(trouble));
        return response;
    }
    void finished(Request const&, Response const&, Exchange const&) override { ++finished_count; }
    void broke(Request const&, std::exception_ptr) override { ++broken_count; }

private:
    static std::size_t number(std::string_view text) {
        return std::strtoull(std::string(text).c_str(), nullptr, 10);
    }

    Response at_once(Request& request) {
        Response response;
        response.header("Content-Type", "text/plain; charset=utf-8");
        if (request.path == "/throw") throw std::runtime_error("broken on purpose");
        if (request.path == "/echo")
            response.body = request.body;
        else if (request.path == "/big")
            response.body.assign(number(request.query), 'x');
        else if (request.path == "/text")
            response.body = text(number(request.query));
        else if (request.path == "/tagged") {
            response.body = text(4096);
            response.header("ETag", "\"strong\"");
        } else if (request.path == "/coded") {
            response.body = text(4096);
            response.header("Content-Encoding", "x-ours");
        } else if (request.path == "/shared") {
            if (shared->plain.empty()) shared->plain = text(4096);
            response.shared = shared;
        } else if (request.path == "/nothing")
            response.status = 204;
        else if (request.path.starts_with("/pieces"))
            response.source =
                std::make_shared<PieceSource>(sources, number(request.query), request.path);
        else if (request.path == "/close")
            response.close = true;
        else if (request.path == "/who")
            response.body = fmt::format("{} {} {} {}", request.address, request.host,
                                        request.secure, request.from_loopback);
        else if (request.path == "/socket")
            response.upgrade = &echo_messages;
        else if (request.path.starts_with("/files/") && files) {
            auto found = files->answer(request, request.path.substr(7));
            if (found) return std::move(*found);
            response.status = 404;
        } else
            response.body =
                fmt::format("{} {} {}", request.method_text, request.target, request.body);
        return response;
    }

    static Task<Response> slow(Request& request) {
        std::chrono::milliseconds const time(number(request.query));
        co_await sleep_for(time);
        Response response;
        response.body = fmt::format("slept {}", request.query);
        co_return response;
    }

    Task<Response> stream(Request& request) {
        Response response;
        if (request.path == "/stream-ignored" || !request.stream) co_return response;
        std::uint64_t total = 0;
        for (;;) {
            std::string_view const piece = co_await request.stream->next();
            if (piece.empty()) break;
            total += piece.size();
            streamed = total;
            if (request.path == "/stream-slow") co_await sleep_for(std::chrono::milliseconds(1));
        }
        response.body = fmt::format("{} bytes", total);
        co_return response;
    }

public:
    static std::string text(std::size_t size) {
        std::string out;
        for (std::size_t i = 0; out.size() < size; ++i)
            out += fmt::format("line {} of some text\n", i);
        out.resize(size);
        return out;
    }
};

class TestServer {
public:
    explicit TestServer(ServerOptions options = {}, int loop_count = 2) {
        options.address = "127.0.0.1";
        options.port = 0;
        std::vector<Loop*> loops;
        std::vector<Service*> services;
        for (int i = 0; i < loop_count; ++i) {
            loops_.emplace_back(i);
            services_.emplace_back();
        }
        for (auto& loop : loops_) loops.push_back(&loop);
        for (auto& service : services_) services.push_back(&service);
        server_ = std::make_unique<Server>(options, loops, services, workers_);
        server_->listen();
        for (auto& loop : loops_) threads_.emplace_back([&loop] { loop.run(); });
    }
    ~TestServer() {
        for (auto& loop : loops_) loop.stop();
        for (auto& thread : threads_) thread.join();
        server_.reset();
    }

    std::uint16_t port() const { return server_->port(); }
    Server& server() { return *server_; }
    TestService& service(std::size_t i = 0) { return services_[i]; }
    Loop& loop(std::size_t i = 0) { return loops_[i]; }
    RawClient client() const { return RawClient(port()); }
    RawResponse ask(std::string_view request) const { return client().ask(request); }
    RawResponse get(std::string_view target, std::string_view headers = {}) const {
        return ask(fmt::format("GET {} HTTP/1.1\r\nHost: haat\r\n{}\r\n", target, headers));
    }

private:
    std::deque<Loop> loops_;
    std::deque<TestService> services_;
    Workers workers_{2};
    std::unique_ptr<Server> server_;
    std::vector<std::thread> threads_;
};

/// True as soon as the condition holds; false when the deadline passes first.
template <class Condition>
bool eventually(Condition condition,
                std::chrono::milliseconds deadline = std::chrono::seconds(10)) {
    return haat::test::soon(condition, deadline);
}

} // namespace haat::http::test
