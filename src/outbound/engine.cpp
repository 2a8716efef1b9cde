#include <outbound/engine.hpp>

#include <csignal>
#include <mutex>
#include <set>
#include <unordered_map>

#include <idn2.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <outbound/transfer.hpp>

namespace haat::outbound {

namespace {

namespace asio = boost::asio;
using Descriptor = asio::posix::stream_descriptor;
using boost::system::error_code;

void start_libcurl() {
    static std::once_flag once;
    std::call_once(once, [] {
        std::signal(SIGPIPE, SIG_IGN); // OpenSSL writes to connections that the peer has closed
        curl_global_init(CURL_GLOBAL_DEFAULT);
    });
}

/// A socket of libcurl's that it wants to be told about. It stays libcurl's.
struct Watched : std::enable_shared_from_this<Watched> {
    Watched(asio::io_context& context, int socket) : descriptor(context, socket) {}
    ~Watched() { let_go(); }
    void let_go() {
        if (descriptor.is_open()) descriptor.release();
    }
    Descriptor descriptor;
    bool wants_read = false, wants_write = false; // as libcurl said last
    bool waits_read = false, waits_write = false; // as Asio was told
};

/// Frees what curl_url() makes.
struct UrlHandle {
    CURLU* handle = curl_url();
    UrlHandle() = default;
    UrlHandle(UrlHandle const&) = delete;
    ~UrlHandle() { curl_url_cleanup(handle); }

    std::string part(CURLUPart part, unsigned flags = 0) const {
        char* text = nullptr;
        if (curl_url_get(handle, part, &text, flags) != CURLUE_OK) return {};
        std::string copy(text);
        curl_free(text);
        return copy;
    }
};

constexpr unsigned url_flags = CURLU_DISALLOW_USER | CURLU_PATH_AS_IS;

Target target_in(UrlHandle const& url) {
    Target target;
    std::string const scheme = url.part(CURLUPART_SCHEME);
    if (scheme != "http" && scheme != "https")
        throw Error(ErrorKind::bad_request, "only http and https are spoken");
    target.https = scheme == "https";
    target.host = ascii_host(url.part(CURLUPART_HOST));
    // "example.org." is the same host, and must not be another one to the guard and the breaker.
    while (target.host.ends_with('.')) target.host.pop_back();
    if (target.host.empty() || target.host.size() > 253)
        throw Error(ErrorKind::bad_request, "the URL has no host that could be asked");
    curl_url_set(url.handle, CURLUPART_HOST, target.host.c_str(), 0);
    curl_url_set(url.handle, CURLUPART_FRAGMENT, nullptr, 0);
    target.port =
        static_cast<std::uint16_t>(std::stoi("0" + url.part(CURLUPART_PORT, CURLU_DEFAULT_PORT)));
    target.url = url.part(CURLUPART_URL);
    return target;
}

} // namespace

// libcurl would do it, but only in a locale of UTF-8.
std::string ascii_host(std::string const& host) {
    bool wide = false;
    std::string ascii = host;
    for (char& c : ascii) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
        wide = wide || static_cast<unsigned char>(c) >= 0x80;
    }
    if (!wide) return ascii;
    unsigned char* found = nullptr;
    if (idn2_lookup_u8(reinterpret_cast<unsigned char const*>(host.c_str()), &found,
                       IDN2_NONTRANSITIONAL | IDN2_NFC_INPUT) != IDN2_OK)
        return {};
    ascii = reinterpret_cast<char const*>(found);
    idn2_free(found);
    return ascii;
}

std::string Target::key() const {
    return (https ? "https://" : "http://") + host + ":" + std::to_string(port);
}

Target target_of(std::string_view text) {
    start_libcurl();
    UrlHandle const url;
    if (text.size() > 16 * 1024 ||
        curl_url_set(url.handle, CURLUPART_URL, std::string(text).c_str(), url_flags) != CURLUE_OK)
        throw Error(ErrorKind::bad_request, "that is no URL that could be asked for");
    return target_in(url);
}

Target target_from(Target const& base, std::string_view location) {
    UrlHandle const url;
    curl_url_set(url.handle, CURLUPART_URL, base.url.c_str(), url_flags);
    if (location.empty() || location.size() > 16 * 1024 ||
        curl_url_set(url.handle, CURLUPART_URL, std::string(location).c_str(), url_flags) !=
            CURLUE_OK)
        throw Error(ErrorKind::bad_request, base.host + " redirects to nowhere");
    return target_in(url);
}

// Everything is on the loop's thread. libcurl is entered at three places only: a socket is ready,
// the timer is due, a transfer is added; nobody else's code runs inside of it.
struct Engine::Inside : std::enable_shared_from_this<Inside> {
    Inside(Loop& on, Guard const& guarding, EngineOptions how)
        : loop(on), guard(guarding), options(std::move(how)), timer(on.context()) {
        start_libcurl();
        multi = curl_multi_init();
        curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, &Inside::on_socket);
        curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, this);
        curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, &Inside::on_timer);
        curl_multi_setopt(multi, CURLMOPT_TIMERDATA, this);
        curl_multi_setopt(multi, CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_MULTIPLEX));
        curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS,
                          static_cast<long>(options.idle_connections_max));
    }
    ~Inside() {
        for (CURL* const easy : spare) curl_easy_cleanup(easy);
        for (auto const& [socket, watched] : watching) watched->let_go();
        // libcurl says good-bye to mail servers and waits for their answer, which may never come.
        for (curl_socket_t const socket : sockets) ::shutdown(socket, SHUT_RDWR);
        curl_multi_cleanup(multi);
    }

    static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) {
        static_cast<Inside*>(self)->watch(socket, what);
        return 0;
    }
    static int on_timer(CURLM*, long milliseconds, void* self) {
        static_cast<Inside*>(self)->set_timer(milliseconds);
        return 0;
    }

    void watch(curl_socket_t socket, int what) {
        auto const found = watching.find(socket);
        if (what == CURL_POLL_REMOVE) {
            if (found == watching.end()) return;
            found->second->let_go();
            watching.erase(found);
            return;
        }
        if (found == watching.end())
            watching[socket] = std::make_shared<Watched>(loop.context(), socket);
        Watched& watched = *watching[socket];
        watched.wants_read = what == CURL_POLL_IN || what == CURL_POLL_INOUT;
        watched.wants_write = what == CURL_POLL_OUT || what == CURL_POLL_INOUT;
        wait_again(watched);
    }

    void wait_again(Watched& watched) {
        if (watched.wants_read && !watched.waits_read) {
            watched.waits_read = true;
            wait(watched, Descriptor::wait_read, CURL_CSELECT_IN);
        }
        if (watched.wants_write && !watched.waits_write) {
            watched.waits_write = true;
            wait(watched, Descriptor::wait_write, CURL_CSELECT_OUT);
        }
    }

    void wait(Watched& watched, Descriptor::wait_type type, int what) {
        watched.descriptor.async_wait(type, [weak = weak_from_this(),
                                             watching_weak = watched.weak_from_this(),
                                             what](error_code const& error) {
            auto const self = weak.lock();
            auto const ready = watching_weak.lock();
            if (!self || !ready) return;
            (what == CURL_CSELECT_IN ? ready->waits_read : ready->waits_write) = false;
            if (error || !ready->descriptor.is_open()) return;
            bool const wanted = what == CURL_CSELECT_IN ? ready->wants_read : ready->wants_write;
            if (!wanted) return;
            self->act(ready->descriptor.native_handle(), what);
            if (ready->descriptor.is_open()) self->wait_again(*ready);
        });
    }

    void set_timer(long milliseconds) {
        if (milliseconds < 0) {
            timer.cancel();
            return;
        }
        timer.expires_after(std::chrono::milliseconds(milliseconds));
        timer.async_wait([weak = weak_from_this()](error_code const& error) {
            auto const self = weak.lock();
            if (self && !error) self->act(CURL_SOCKET_TIMEOUT, 0);
        });
    }

    void act(curl_socket_t socket, int what) {
        int still_running = 0;
        curl_multi_socket_action(multi, socket, what, &still_running);
        int left = 0;
        while (CURLMsg const* const message = curl_multi_info_read(multi, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            CURL* const easy = message->easy_handle;
            CURLcode const code = message->data.result; // the message goes with the handle
            Transfer* transfer = nullptr;
            curl_easy_getinfo(easy, CURLINFO_PRIVATE, &transfer);
            drop(*transfer, code);
        }
    }

    void drop(Transfer& transfer, CURLcode code) {
        std::shared_ptr<Transfer> const kept = transfer.shared_from_this();
        curl_multi_remove_handle(multi, transfer.easy());
        running.erase(&transfer);
        transfer.ended(code);
    }

    CURL* take_easy() {
        if (spare.empty()) return curl_easy_init();
        CURL* const easy = spare.back();
        spare.pop_back();
        return easy;
    }
    void give_back(CURL* easy) {
        if (spare.size() < 64)
            spare.push_back(easy);
        else
            curl_easy_cleanup(easy);
    }

    Loop& loop;
    Guard const& guard;
    EngineOptions options;
    CURLM* multi = nullptr;
    asio::steady_timer timer;
    std::unordered_map<curl_socket_t, std::shared_ptr<Watched>> watching;
    std::unordered_map<Transfer*, std::shared_ptr<Transfer>> running;
    std::set<curl_socket_t> sockets;
    std::vector<CURL*> spare;
    bool stopped = false;
};

Engine::Engine(Loop& loop, Guard const& guard, EngineOptions options)
    : inside_(std::make_shared<Inside>(loop, guard, std::move(options))) {}

Engine::~Engine() { stop(); }

void Engine::stop() {
    inside_->stopped = true;
    auto const running = inside_->running;
    for (auto const& [transfer, kept] : running) transfer->stop();
}

Task<Outcome> Engine::run(Order const& order) {
    std::shared_ptr<Inside> const in = inside_;
    Outcome outcome;
    if (in->stopped) {
        outcome.error.emplace(ErrorKind::stopped, "haat is shutting down");
        co_return outcome;
    }
    CURL* const easy = in->take_easy();
    {
        Transfer::Place place{
            in->loop, in->guard, in->options, in->sockets,
            [raw = in.get()](Transfer& transfer, CURLcode code) { raw->drop(transfer, code); }};
        auto const transfer = std::make_shared<Transfer>(easy, order, std::move(place));
        transfer->prepare();
        transfer->begun();
        in->running[transfer.get()] = transfer;
        if (curl_multi_add_handle(in->multi, easy) != CURLM_OK)
            in->drop(*transfer, CURLE_FAILED_INIT);
        co_await transfer->over();
        outcome = transfer->outcome();
    }
    in->give_back(easy);
    co_return outcome;
}

} // namespace haat::outbound
