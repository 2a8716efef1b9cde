#include <test/harness/fault_gate.hpp>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <test/harness/house.hpp>

namespace haat::test {

namespace {

using SteadyClock = std::chrono::steady_clock;

struct Target {
    std::string host; // a directory when it begins with '/'
    std::uint16_t port = 0;
};

// libpq's own words, so that URLs and `key='value'` are both taken.
std::map<std::string, std::string> words_of(std::string const& url) {
    char* error = nullptr;
    PQconninfoOption* const options = PQconninfoParse(url.c_str(), &error);
    if (options == nullptr) throw std::runtime_error("not a database URL");
    std::map<std::string, std::string> words;
    for (auto const* option = options; option->keyword != nullptr; ++option)
        if (option->val != nullptr) words[option->keyword] = option->val;
    PQconninfoFree(options);
    return words;
}

Target target_of(std::string const& url) {
    auto words = words_of(url);
    std::string const port = words.count("port") ? words["port"] : "5432";
    return {words.count("host") ? words["host"] : "127.0.0.1",
            static_cast<std::uint16_t>(std::stoi(port))};
}

template <class Address> Address zeroed() {
    Address address;
    std::memset(&address, 0, sizeof address);
    return address;
}

sockaddr_un unix_address(std::string const& directory, std::uint16_t port) {
    auto address = zeroed<sockaddr_un>();
    address.sun_family = AF_UNIX;
    std::string const path = directory + "/.s.PGSQL." + std::to_string(port);
    if (path.size() >= sizeof address.sun_path) throw std::runtime_error("socket path too long");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

sockaddr_in tcp_address(std::uint16_t port) {
    auto address = zeroed<sockaddr_in>();
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

template <class Address> sockaddr const* plain(Address const& address) {
    return reinterpret_cast<sockaddr const*>(&address);
}

int connect_to(Target const& target) {
    bool const local = target.host.starts_with('/');
    int const socket = ::socket(local ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int result = 0;
    if (local) {
        auto const address = unix_address(target.host, target.port);
        result = ::connect(socket, plain(address), sizeof address);
    } else {
        auto address = tcp_address(target.port);
        ::inet_pton(AF_INET, target.host.c_str(), &address.sin_addr);
        result = ::connect(socket, plain(address), sizeof address);
    }
    if (result == 0) {
        ::fcntl(socket, F_SETFL, O_NONBLOCK);
        return socket;
    }
    ::close(socket);
    return -1;
}

// Follows PostgreSQL's messages from the client: the first has no type, then type and length.
class StatementCounter {
public:
    std::uint64_t feed(char const* bytes, std::size_t size) {
        std::uint64_t found = 0;
        for (std::size_t i = 0; i < size;) {
            if (skip_ > 0) {
                std::size_t const part = std::min<std::size_t>(skip_, size - i);
                skip_ -= part;
                i += part;
                continue;
            }
            head_.push_back(bytes[i++]);
            std::size_t const type_size = started_ ? 1 : 0;
            if (head_.size() < type_size + 4) continue;
            std::uint32_t length = 0;
            std::memcpy(&length, head_.data() + type_size, 4);
            length = ntohl(length);
            if (started_ && (head_[0] == 'E' || head_[0] == 'Q')) ++found;
            // After a request for encryption (8 bytes) the true first message follows.
            started_ = started_ || length != 8;
            skip_ = length >= 4 ? length - 4 : 0;
            head_.clear();
        }
        return found;
    }

private:
    std::string head_;
    std::size_t skip_ = 0;
    bool started_ = false;
};

struct Piece {
    SteadyClock::time_point due;
    std::string bytes;
};

// One direction of a connection.
struct Stream {
    std::deque<Piece> pieces;
    bool ended = false;
};

struct Pair {
    int client = -1;
    int server = -1;
    Stream up, down;
    StatementCounter counter;
    std::uint64_t down_left = UINT64_MAX;
    bool broken = false;
};

constexpr std::size_t pieces_max = 64;

} // namespace

struct FaultGate::Inside {
    enum class Mode { pass, refuse, stall };

    Target target;
    std::map<std::string, std::string> words;
    std::string directory;
    int tcp = -1, local = -1, wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::uint16_t port = 0;
    mutable std::mutex mutex;
    Mode mode = Mode::pass;
    std::chrono::milliseconds pause{0};
    std::uint64_t cut = UINT64_MAX;
    bool closing = false, ending = false;
    GateCounters counted;
    std::list<Pair> pairs;
    std::thread thread;

    void open();
    void change(std::function<void()> const& how);
    void run();
    void turn(std::vector<pollfd>& waiting);
    int fill(std::vector<pollfd>& waiting);
    void accept_from(int listener);
    void read(Pair& pair, bool upward);
    void write(Pair& pair, bool upward);
    void sweep();
    static void reset(int& socket);
};

void FaultGate::Inside::open() {
    directory = temporary_directory("gate").string();
    tcp = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    auto address = tcp_address(0);
    socklen_t size = sizeof address;
    if (::bind(tcp, plain(address), size) != 0 || ::listen(tcp, 128) != 0 ||
        ::getsockname(tcp, reinterpret_cast<sockaddr*>(&address), &size) != 0)
        throw std::runtime_error("the gate cannot listen");
    port = ntohs(address.sin_port);
    local = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    auto const path = unix_address(directory, port);
    if (::bind(local, plain(path), sizeof path) != 0 || ::listen(local, 128) != 0)
        throw std::runtime_error("the gate cannot listen on its socket");
    thread = std::thread([this] { run(); });
}

void FaultGate::Inside::change(std::function<void()> const& how) {
    std::lock_guard const guard(mutex);
    how();
    std::uint64_t const one = 1;
    [[maybe_unused]] auto const written = ::write(wake, &one, sizeof one);
}

void FaultGate::Inside::run() {
    std::vector<pollfd> waiting;
    for (;;) {
        int pause_ms = 0;
        {
            std::lock_guard const guard(mutex);
            if (ending) return;
            pause_ms = fill(waiting);
        }
        ::poll(waiting.data(), waiting.size(), pause_ms);
        std::lock_guard const guard(mutex);
        turn(waiting);
    }
}

// What to wait for, pairs in their order; gives the milliseconds until a delayed piece is due.
int FaultGate::Inside::fill(std::vector<pollfd>& waiting) {
    waiting = {{wake, POLLIN, 0}, {tcp, POLLIN, 0}, {local, POLLIN, 0}};
    auto next = SteadyClock::time_point::max();
    auto const now = SteadyClock::now();
    for (Pair& pair : pairs) {
        auto const events = [&](Stream const& in, Stream const& out) {
            short wanted = 0;
            if (mode == Mode::stall) return wanted;
            if (!in.ended && in.pieces.size() < pieces_max) wanted |= POLLIN;
            if (!out.pieces.empty() && out.pieces.front().due <= now) wanted |= POLLOUT;
            if (!out.pieces.empty()) next = std::min(next, out.pieces.front().due);
            return wanted;
        };
        waiting.push_back({pair.client, events(pair.up, pair.down), 0});
        waiting.push_back({pair.server, events(pair.down, pair.up), 0});
    }
    if (next == SteadyClock::time_point::max()) return -1;
    auto const left = std::chrono::ceil<std::chrono::milliseconds>(next - now).count();
    return static_cast<int>(std::max<std::int64_t>(left, 0));
}

void FaultGate::Inside::turn(std::vector<pollfd>& waiting) {
    std::uint64_t drained = 0;
    [[maybe_unused]] auto const got = ::read(wake, &drained, sizeof drained);
    if (closing)
        for (Pair& pair : pairs) pair.broken = true;
    closing = false;
    std::size_t at = 3;
    for (Pair& pair : pairs) {
        short const client = waiting[at].revents, server = waiting[at + 1].revents;
        at += 2;
        if (pair.broken || mode == Mode::stall) continue;
        if ((client & (POLLIN | POLLHUP | POLLERR)) != 0) read(pair, true);
        if ((server & (POLLIN | POLLHUP | POLLERR)) != 0) read(pair, false);
        if ((server & POLLOUT) != 0) write(pair, true);
        if ((client & POLLOUT) != 0) write(pair, false);
    }
    sweep();
    if (waiting[1].revents != 0) accept_from(tcp);
    if (waiting[2].revents != 0) accept_from(local);
}

void FaultGate::Inside::accept_from(int listener) {
    int const client = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (client < 0) return;
    int const server = mode == Mode::refuse ? -1 : connect_to(target);
    if (server < 0) {
        ++counted.refused;
        ::close(client);
        return;
    }
    int const yes = 1;
    ::setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ++counted.connections;
    Pair& pair = pairs.emplace_back();
    pair.client = client;
    pair.server = server;
    pair.down_left = cut;
}

void FaultGate::Inside::read(Pair& pair, bool upward) {
    Stream& stream = upward ? pair.up : pair.down;
    if (stream.ended) return;
    char bytes[32 * 1024];
    auto size = ::recv(upward ? pair.client : pair.server, bytes, sizeof bytes, 0);
    if (size < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (size <= 0) {
        stream.ended = true;
        return;
    }
    auto count = static_cast<std::size_t>(size);
    if (upward) {
        counted.bytes_up += count;
        counted.statements += pair.counter.feed(bytes, count);
    } else {
        count = std::min<std::uint64_t>(count, pair.down_left);
        counted.bytes_down += count;
        if (pair.down_left != UINT64_MAX) pair.down_left -= count;
        stream.ended = pair.down_left == 0;
    }
    stream.pieces.push_back({SteadyClock::now() + pause, std::string(bytes, count)});
}

void FaultGate::Inside::write(Pair& pair, bool upward) {
    Stream& stream = upward ? pair.up : pair.down;
    auto const now = SteadyClock::now();
    while (!stream.pieces.empty() && stream.pieces.front().due <= now) {
        std::string& bytes = stream.pieces.front().bytes;
        auto const sent =
            ::send(upward ? pair.server : pair.client, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno != EAGAIN) pair.broken = true;
            return;
        }
        bytes.erase(0, static_cast<std::size_t>(sent));
        if (!bytes.empty()) return;
        stream.pieces.pop_front();
    }
}

// A reset rather than a polite end: what a lost database looks like.
void FaultGate::Inside::reset(int& socket) {
    linger const at_once{1, 0};
    ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    ::close(socket);
    socket = -1;
}

void FaultGate::Inside::sweep() {
    for (auto pair = pairs.begin(); pair != pairs.end();) {
        bool const done = (pair->up.ended && pair->up.pieces.empty()) ||
                          (pair->down.ended && pair->down.pieces.empty());
        if (pair->broken) {
            reset(pair->client);
            reset(pair->server);
        } else if (done) {
            ::close(pair->client);
            ::close(pair->server);
        } else {
            ++pair;
            continue;
        }
        pair = pairs.erase(pair);
    }
}

FaultGate::FaultGate(std::string const& url) : inside_(std::make_unique<Inside>()) {
    inside_->target = target_of(url);
    inside_->words = words_of(url);
    inside_->open();
}

FaultGate::FaultGate(std::string const& host, std::uint16_t port)
    : inside_(std::make_unique<Inside>()) {
    inside_->target = {host, port};
    inside_->open();
}

FaultGate::~FaultGate() {
    inside_->change([this] { inside_->ending = true; });
    inside_->thread.join();
    for (Pair& pair : inside_->pairs) {
        Inside::reset(pair.client);
        Inside::reset(pair.server);
    }
    for (int const each : {inside_->tcp, inside_->local, inside_->wake}) ::close(each);
}

std::string FaultGate::url_of(std::string const& other_role_url) const {
    auto words = words_of(other_role_url);
    words["host"] = "127.0.0.1";
    words["port"] = std::to_string(inside_->port);
    std::string url;
    for (auto const& [key, value] : words) {
        url += key + "='";
        for (char const c : value)
            url += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string{c};
        url += "' ";
    }
    return url;
}

std::string FaultGate::url() const {
    std::string words;
    for (auto const& [key, value] : inside_->words) words += key + "='" + value + "' ";
    return url_of(words);
}
std::uint16_t FaultGate::port() const { return inside_->port; }
std::string FaultGate::socket_directory() const { return inside_->directory; }

void FaultGate::pass() {
    inside_->change([this] {
        inside_->mode = Inside::Mode::pass;
        inside_->pause = std::chrono::milliseconds(0);
        inside_->cut = UINT64_MAX;
        for (Pair& pair : inside_->pairs) pair.down_left = UINT64_MAX;
    });
}
void FaultGate::refuse() {
    inside_->change([this] { inside_->mode = Inside::Mode::refuse; });
}
void FaultGate::delay(std::chrono::milliseconds pause) {
    inside_->change([this, pause] { inside_->pause = pause; });
}
void FaultGate::stall() {
    inside_->change([this] { inside_->mode = Inside::Mode::stall; });
}
void FaultGate::cut_after(std::uint64_t bytes_down) {
    inside_->change([this, bytes_down] {
        inside_->cut = bytes_down;
        for (Pair& pair : inside_->pairs) pair.down_left = bytes_down;
    });
}
void FaultGate::close_all() {
    inside_->change([this] { inside_->closing = true; });
}

GateCounters FaultGate::counters() const {
    std::lock_guard const guard(inside_->mutex);
    return inside_->counted;
}

} // namespace haat::test
