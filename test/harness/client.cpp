#include <test/harness/client.hpp>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json.hpp>

#include <http/message.hpp>

namespace haat::test {

namespace json = boost::json;

struct Answer::Parsed {
    json::value value;
};

Answer::Parsed const& Answer::parsed() const {
    if (!parsed_) {
        json::error_code error;
        auto value = json::parse(body, error);
        if (error) throw std::runtime_error("not JSON (" + std::to_string(status) + "): " + body);
        parsed_ = std::make_shared<Parsed const>(Parsed{std::move(value)});
    }
    return *parsed_;
}

namespace {

// "a.b[2].c": one step at a time; nullptr when there is none.
json::value const* follow(json::value const& from, std::string_view path) {
    json::value const* at = &from;
    while (!path.empty()) {
        if (path.front() == '.') path.remove_prefix(1);
        auto const end = path.find_first_of(".[", path.front() == '[' ? 1 : 0);
        std::string_view const step = path.substr(0, end);
        path.remove_prefix(step.size());
        if (step.front() == '[') {
            std::size_t const index = std::stoul(std::string(step.substr(1)));
            auto const* const list = at->if_array();
            if (list == nullptr || index >= list->size()) return nullptr;
            at = &(*list)[index];
        } else {
            auto const* const object = at->if_object();
            if (object == nullptr) return nullptr;
            at = object->if_contains(json::string_view(step.data(), step.size()));
            if (at == nullptr) return nullptr;
        }
    }
    return at;
}

} // namespace

std::string Answer::header(std::string_view name) const {
    for (auto const& [known, value] : headers)
        if (http::same_word(known, name)) return value;
    return {};
}

bool Answer::has_header(std::string_view name) const {
    return std::any_of(headers.begin(), headers.end(),
                       [&](auto const& each) { return http::same_word(each.first, name); });
}

std::string Answer::text(std::string_view path) const {
    auto const* const found = follow(parsed().value, path);
    if (found == nullptr) return "(absent)";
    if (auto const* const string = found->if_string()) return {string->data(), string->size()};
    return json::serialize(*found);
}

bool Answer::has(std::string_view path) const { return follow(parsed().value, path) != nullptr; }

int Answer::count(std::string_view path) const {
    auto const* const found = follow(parsed().value, path);
    if (found == nullptr) return -1;
    if (auto const* const list = found->if_array()) return static_cast<int>(list->size());
    if (auto const* const object = found->if_object()) return static_cast<int>(object->size());
    return -1;
}

std::string Answer::code() const {
    if (body.empty() || body.front() != '{') return {};
    auto const* const found = follow(parsed().value, "error.code");
    return found != nullptr && found->is_string() ? std::string(found->as_string()) : std::string();
}

Client::Client(std::uint16_t port, std::chrono::milliseconds patience)
    : port_(port), patience_(patience) {}
Client::~Client() { disconnect(); }
Client::Client(Client&& other) noexcept
    : port_(other.port_), patience_(other.patience_), socket_(std::exchange(other.socket_, -1)),
      answered_(other.answered_), buffer_(std::move(other.buffer_)),
      caller_(std::move(other.caller_)), headers_(std::move(other.headers_)),
      keeps_cookies_(other.keeps_cookies_), cookies_(std::move(other.cookies_)) {}

Client& Client::as(Caller caller) {
    caller_ = std::move(caller);
    return *this;
}

Client& Client::with(std::string const& name, std::string const& value) {
    if (value.empty())
        headers_.erase(name);
    else
        headers_[name] = value;
    return *this;
}

Client& Client::keeping_cookies() {
    keeps_cookies_ = true;
    return *this;
}

std::string Client::cookie(std::string const& name) const {
    auto const found = cookies_.find(name);
    return found == cookies_.end() ? std::string() : found->second;
}

Answer Client::get(std::string_view path, Headers const& more) {
    return send("GET", path, {}, more);
}
Answer Client::head(std::string_view path, Headers const& more) {
    return send("HEAD", path, {}, more);
}
Answer Client::post(std::string_view path, std::string_view body, Headers const& more) {
    return send("POST", path, body, more);
}
Answer Client::put(std::string_view path, std::string_view body, Headers const& more) {
    return send("PUT", path, body, more);
}
Answer Client::patch(std::string_view path, std::string_view body, Headers const& more) {
    return send("PATCH", path, body, more);
}
Answer Client::del(std::string_view path, Headers const& more) {
    return send("DELETE", path, {}, more);
}

Answer Client::send(std::string_view method, std::string_view path, std::string_view body,
                    Headers const& more) {
    std::string target;
    if (path.starts_with('!'))
        target = path.substr(1);
    else
        target = path.starts_with("/api/") ? std::string(path) : "/api/v1" + std::string(path);
    std::string request = std::string(method) + " " + target + " HTTP/1.1\r\nHost: 127.0.0.1\r\n";
    auto const line = [&](std::string const& name, std::string const& value) {
        bool const replaced = std::any_of(more.begin(), more.end(), [&](auto const& each) {
            return http::same_word(each.first, name);
        });
        if (!replaced) request += name + ": " + value + "\r\n";
    };
    if (!caller_.token.empty()) line("Authorization", "Bearer " + caller_.token);
    if (!caller_.org_id.empty()) line("X-Org-Id", caller_.org_id);
    for (auto const& [name, value] : headers_) line(name, value);
    if (!body.empty()) line("Content-Type", "application/json");
    for (auto const& [name, value] : more)
        if (!value.empty()) request += name + ": " + value + "\r\n";
    std::string jar;
    for (auto const& [name, value] : cookies_)
        jar += (jar.empty() ? "" : "; ") + name + "=" + value;
    if (!jar.empty()) line("Cookie", jar);
    if (!body.empty() || method == "POST" || method == "PUT" || method == "PATCH")
        request += "Content-Length: " + std::to_string(body.size()) + "\r\n";
    request.append("\r\n").append(body);
    Answer answer = exchange(request, method == "HEAD");
    take_cookies(answer);
    return answer;
}

// A kept connection may have been closed for idleness just now; then, and only if not a byte came
// back, the request is sent once more on a new one.
Answer Client::exchange(std::string const& request, bool head_only) {
    bool const kept = socket_ >= 0 && answered_;
    try {
        if (socket_ < 0) connect();
        write(request);
        return read_answer(head_only);
    } catch (NoAnswer const&) {
        bool const fresh = !kept || !buffer_.empty();
        disconnect();
        if (fresh) throw;
    }
    connect();
    write(request);
    return read_answer(head_only);
}

void Client::connect() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto const seconds = std::chrono::duration_cast<std::chrono::seconds>(patience_);
    timeval const limit{seconds.count(), (patience_ - seconds).count() * 1000};
    ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    int const yes = 1;
    ::setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(socket_, reinterpret_cast<sockaddr const*>(&address), sizeof address) != 0) {
        std::string const why = std::strerror(errno);
        disconnect();
        throw NoAnswer("cannot connect to port " + std::to_string(port_) + ": " + why);
    }
    buffer_.clear();
    answered_ = false;
}

void Client::disconnect() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
    buffer_.clear();
}

void Client::write(std::string_view bytes) {
    while (!bytes.empty()) {
        auto const sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) throw NoAnswer(std::string("cannot send: ") + std::strerror(errno));
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void Client::read_more() {
    char bytes[16 * 1024];
    auto const size = ::recv(socket_, bytes, sizeof bytes, 0);
    if (size == 0) throw NoAnswer("the server closed the connection");
    if (size < 0) throw NoAnswer(std::string("cannot read: ") + std::strerror(errno));
    buffer_.append(bytes, static_cast<std::size_t>(size));
}

Answer Client::read_answer(bool head_only) {
    Answer answer;
    std::size_t end = 0;
    do { // passes over "100 Continue"
        buffer_.erase(0, end == 0 ? 0 : end + 4);
        while ((end = buffer_.find("\r\n\r\n")) == std::string::npos) read_more();
        answer.status = std::stoi(buffer_.substr(buffer_.find(' ') + 1, 3));
    } while (answer.status == 100);
    std::string_view head = std::string_view(buffer_).substr(0, end);
    for (std::size_t at = head.find("\r\n"); at != std::string_view::npos;) {
        auto const next = head.find("\r\n", at + 2);
        std::string_view const line = head.substr(at + 2, next - at - 2);
        auto const colon = line.find(':');
        auto const value =
            line.substr(std::min(line.size(), line.find_first_not_of(' ', colon + 1)));
        answer.headers.emplace_back(line.substr(0, colon), value);
        at = next;
    }
    buffer_.erase(0, end + 4);
    std::string const length = answer.header("Content-Length");
    if (head_only || answer.status == 204 || answer.status == 304) {
    } else if (answer.header("Transfer-Encoding") == "chunked") {
        answer.body = read_chunks();
    } else if (!length.empty()) {
        std::size_t const size = std::stoull(length);
        while (buffer_.size() < size) read_more();
        answer.body = buffer_.substr(0, size);
        buffer_.erase(0, size);
    }
    answered_ = true;
    if (http::same_word(answer.header("Connection"), "close")) disconnect();
    return answer;
}

std::string Client::read_chunks() {
    std::string body;
    for (;;) {
        std::size_t end = 0;
        while ((end = buffer_.find("\r\n")) == std::string::npos) read_more();
        std::size_t const size = std::stoull(buffer_, nullptr, 16);
        while (buffer_.size() < end + 2 + size + 2) read_more();
        body.append(buffer_, end + 2, size);
        buffer_.erase(0, end + 2 + size + 2);
        if (size == 0) return body;
    }
}

void Client::take_cookies(Answer const& answer) {
    if (!keeps_cookies_) return;
    for (auto const& [name, value] : answer.headers) {
        if (!http::same_word(name, "Set-Cookie")) continue;
        auto const equals = value.find('=');
        auto const end = value.find(';');
        std::string const key = value.substr(0, equals);
        cookies_[key] = value.substr(equals + 1, end - equals - 1);
        if (cookies_[key].empty()) cookies_.erase(key);
    }
}

} // namespace haat::test
