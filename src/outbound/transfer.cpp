#include <outbound/transfer.hpp>

#include <algorithm>
#include <charconv>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace haat::outbound {

namespace {

constexpr std::size_t header_bytes_max = 128 * 1024;
constexpr std::size_t pieces_bytes_max = 256 * 1024; // kept between libcurl and a source or sink

template <class Value> void set(CURL* easy, CURLoption option, Value value) {
    // Fails only for options that this libcurl was built without, which the tests would show.
    curl_easy_setopt(easy, option, value);
}
void set(CURL* easy, CURLoption option, std::string const& value) {
    curl_easy_setopt(easy, option, value.c_str());
}

} // namespace

Transfer::Transfer(CURL* easy, Order const& order, Place place)
    : easy_(easy), order_(order), place_(std::move(place)),
      over_(place_.loop, Steady::time_point::max()), silence_(place_.loop.context()),
      body_(order.mail ? std::string_view(order.mail->message) : order.body) {}

Transfer::~Transfer() {
    curl_easy_reset(easy_); // nothing of this request may be in the next one
    curl_slist_free_all(headers_);
    curl_slist_free_all(pins_);
    curl_slist_free_all(recipients_);
}

// ---- set-up

void Transfer::prepare() {
    auto const milliseconds_of = [](milliseconds time) {
        return static_cast<long>(std::max<std::int64_t>(1, time.count()));
    };
    set(easy_, CURLOPT_PRIVATE, this);
    set(easy_, CURLOPT_URL, order_.target.url);
    set(easy_, CURLOPT_PROTOCOLS_STR, order_.mail ? "smtp,smtps" : "http,https");
    set(easy_, CURLOPT_PATH_AS_IS, 1L);
    set(easy_, CURLOPT_PROXY, ""); // the environment does not redirect us
    set(easy_, CURLOPT_NOSIGNAL, 1L);
    set(easy_, CURLOPT_QUICK_EXIT, 1L);
    set(easy_, CURLOPT_ERRORBUFFER, words_);
    set(easy_, CURLOPT_CONNECTTIMEOUT_MS, milliseconds_of(order_.times.connect));
    set(easy_, CURLOPT_TIMEOUT_MS, milliseconds_of(order_.times.whole));
    set(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
    set(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    set(easy_, CURLOPT_SSL_VERIFYPEER, 1L);
    set(easy_, CURLOPT_SSL_VERIFYHOST, 2L);
    if (!place_.options.ca_file.empty()) set(easy_, CURLOPT_CAINFO, place_.options.ca_file);
    set(easy_, CURLOPT_OPENSOCKETFUNCTION, &Transfer::open_socket);
    set(easy_, CURLOPT_OPENSOCKETDATA, this);
    set(easy_, CURLOPT_CLOSESOCKETFUNCTION, &Transfer::close_socket);
    set(easy_, CURLOPT_CLOSESOCKETDATA, &place_.sockets); // the connection outlives the transfer
    set(easy_, CURLOPT_PREREQFUNCTION, &Transfer::connected);
    set(easy_, CURLOPT_PREREQDATA, this);
    set(easy_, CURLOPT_WRITEFUNCTION, &Transfer::write);
    set(easy_, CURLOPT_WRITEDATA, this);
    set(easy_, CURLOPT_HEADERFUNCTION, &Transfer::header);
    set(easy_, CURLOPT_HEADERDATA, this);
    set(easy_, CURLOPT_READFUNCTION, &Transfer::read);
    set(easy_, CURLOPT_READDATA, this);
    set(easy_, CURLOPT_SEEKFUNCTION, &Transfer::seek);
    set(easy_, CURLOPT_SEEKDATA, this);
    prepare_addresses();
    if (order_.mail)
        prepare_mail();
    else
        prepare_http();
}

/// The name's addresses as we have checked them, so that nobody asks for them once more.
void Transfer::prepare_addresses() {
    Address literal;
    if (parse(order_.target.host, literal)) return;
    std::string pin = "+" + order_.target.host + ":" + std::to_string(order_.target.port) + ":";
    for (Address const& address : order_.addresses) {
        if (pin.back() != ':') pin += ',';
        pin += address.is_v4() ? to_string(address) : "[" + to_string(address) + "]";
    }
    pins_ = curl_slist_append(nullptr, pin.c_str());
    set(easy_, CURLOPT_RESOLVE, pins_);
}

void Transfer::add_header(std::string const& line) {
    headers_ = curl_slist_append(headers_, line.c_str());
}

void Transfer::prepare_http() {
    set(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    if (order_.target.https) set(easy_, CURLOPT_PIPEWAIT, 1L); // rather share than connect
    set(easy_, CURLOPT_USERAGENT, "haat");
    if (order_.sink)
        set(easy_, CURLOPT_BUFFERSIZE, 128L * 1024);
    else
        set(easy_, CURLOPT_ACCEPT_ENCODING, "gzip");
    if (order_.method == "HEAD")
        set(easy_, CURLOPT_NOBODY, 1L);
    else
        set(easy_, CURLOPT_CUSTOMREQUEST, order_.method);
    for (std::string const& line : order_.headers) add_header(line);
    add_header("Expect:"); // a round trip for nothing
    prepare_body();
    set(easy_, CURLOPT_HTTPHEADER, headers_);
}

void Transfer::prepare_body() {
    bool const has_body = order_.source || !body_.empty() || order_.method == "POST" ||
                          order_.method == "PUT" || order_.method == "PATCH";
    if (!has_body) return;
    set(easy_, CURLOPT_UPLOAD, 1L);
    curl_off_t size = -1; // in chunks
    if (!order_.source) size = static_cast<curl_off_t>(body_.size());
    if (order_.source && order_.source_size) size = static_cast<curl_off_t>(*order_.source_size);
    set(easy_, CURLOPT_INFILESIZE_LARGE, size);
    if (order_.source) set(easy_, CURLOPT_UPLOAD_BUFFERSIZE, 128L * 1024);
    // libcurl sends again when a kept connection turns out to be dead, and asks seek() only if
    // there was a body; without one, what must not happen twice goes on a connection of its own.
    if (!order_.repeatable && size == 0) set(easy_, CURLOPT_FRESH_CONNECT, 1L);
}

void Transfer::prepare_mail() {
    Submission const& mail = *order_.mail;
    if (mail.security == Submission::Security::starttls)
        set(easy_, CURLOPT_USE_SSL, static_cast<long>(CURLUSESSL_ALL));
    if (!mail.user.empty()) {
        set(easy_, CURLOPT_USERNAME, mail.user);
        set(easy_, CURLOPT_PASSWORD, mail.password);
    }
    set(easy_, CURLOPT_SERVER_RESPONSE_TIMEOUT,
        static_cast<long>(std::max<std::int64_t>(1, mail.times.silence.count() / 1'000)));
    set(easy_, CURLOPT_MAIL_FROM, "<" + mail.from + ">");
    for (std::string const& recipient : mail.recipients)
        recipients_ = curl_slist_append(recipients_, ("<" + recipient + ">").c_str());
    set(easy_, CURLOPT_MAIL_RCPT, recipients_);
    set(easy_, CURLOPT_UPLOAD, 1L);
    set(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(body_.size()));
}

// ---- called by libcurl

/// The last word on where we connect, whatever was resolved and by whom.
curl_socket_t Transfer::open_socket(void* self, curlsocktype, curl_sockaddr* to) {
    auto& transfer = *static_cast<Transfer*>(self);
    Address address;
    if (!address_of(&to->addr, address) ||
        !transfer.place_.guard.permits(address, transfer.order_.reach)) {
        transfer.fail(ErrorKind::forbidden_address,
                      transfer.order_.target.host + " leads to an address that is not public");
        return CURL_SOCKET_BAD;
    }
    curl_socket_t const socket = ::socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    if (socket != CURL_SOCKET_BAD) transfer.place_.sockets.insert(socket);
    return socket;
}

int Transfer::close_socket(void* sockets, curl_socket_t socket) {
    static_cast<std::set<curl_socket_t>*>(sockets)->erase(socket);
    return ::close(socket);
}

/// The connection stands, a kept one too; the request has not been sent.
int Transfer::connected(void* self, char* remote, char*, int, int) {
    auto& transfer = *static_cast<Transfer*>(self);
    Address address;
    if (!parse(remote, address) || !transfer.place_.guard.permits(address, transfer.order_.reach)) {
        transfer.fail(ErrorKind::forbidden_address,
                      transfer.order_.target.host + " leads to an address that is not public");
        return CURL_PREREQFUNC_ABORT;
    }
    transfer.connected_ = true;
    transfer.touch();
    return CURL_PREREQFUNC_OK;
}

std::size_t Transfer::read(char* into, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->give(into, size * count);
}

std::size_t Transfer::give(char* into, std::size_t room) {
    touch();
    if (outcome_.thrown) return CURL_READFUNC_ABORT;
    std::string_view rest = body_;
    if (order_.source) rest = std::string_view(outgoing_).substr(outgoing_at_);
    std::size_t const size = std::min(room, rest.size());
    std::copy_n(rest.data(), size, into);
    outcome_.bytes_out += size;
    if (!order_.source) {
        body_.remove_prefix(size);
        return size;
    }
    outgoing_at_ += size;
    if (!source_ended_) start_filling();
    if (size > 0 || source_ended_) return size;
    sending_paused_ = true;
    return CURL_READFUNC_PAUSE;
}

/// libcurl wants to begin again, because the connection it took was dead.
int Transfer::seek(void* self, curl_off_t offset, int origin) {
    auto& transfer = *static_cast<Transfer*>(self);
    Order const& order = transfer.order_;
    if (origin != SEEK_SET || offset != 0 || order.source || !order.repeatable)
        return CURL_SEEKFUNC_FAIL;
    transfer.body_ = order.body;
    return CURL_SEEKFUNC_OK;
}

std::size_t Transfer::header(char* from, std::size_t size, std::size_t count, void* self) {
    auto& transfer = *static_cast<Transfer*>(self);
    bool const fine = transfer.note_header({from, size * count});
    return fine ? size * count : 0;
}

bool Transfer::note_header(std::string_view line) {
    touch();
    header_bytes_ += line.size();
    if (header_bytes_ > header_bytes_max) {
        fail(ErrorKind::too_large, "the headers of " + order_.target.host + " are too large");
        return false;
    }
    while (line.ends_with('\n') || line.ends_with('\r')) line.remove_suffix(1);
    if (order_.mail) {
        if (!line.starts_with("221")) outcome_.last_words = line; // good-bye says nothing
        return true;
    }
    Reply& reply = outcome_.reply;
    if (line.starts_with("HTTP/")) { // after a 1xx comes another
        auto const space = std::min(line.find(' '), line.size());
        auto const begin = std::min(space + 1, line.size());
        std::from_chars(line.data() + begin, line.data() + line.size(), reply.status);
        reply.http_version = line.substr(5, space - 5);
        reply.headers.clear();
        return true;
    }
    auto const colon = line.find(':');
    if (colon == line.npos) return true;
    std::string_view value = line.substr(colon + 1);
    while (value.starts_with(' ') || value.starts_with('\t')) value.remove_prefix(1);
    while (value.ends_with(' ') || value.ends_with('\t')) value.remove_suffix(1);
    reply.headers.push_back({std::string(line.substr(0, colon)), std::string(value)});
    return true;
}

std::size_t Transfer::write(char* from, std::size_t size, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->take({from, size * count});
}

std::size_t Transfer::take(std::string_view piece) {
    touch();
    if (outcome_.thrown) return 0;
    bool const to_sink = order_.sink && outcome_.reply.ok();
    if (to_sink && incoming_.size() >= pieces_bytes_max) {
        receiving_paused_ = true;
        start_draining();
        return CURL_WRITEFUNC_PAUSE; // the same piece comes again
    }
    received_ += piece.size();
    if (received_ > order_.body_bytes_max) {
        fail(ErrorKind::too_large, "the answer of " + order_.target.host + " is too large");
        return 0;
    }
    (to_sink ? incoming_ : outcome_.reply.body).append(piece);
    if (to_sink) start_draining();
    return piece.size();
}

// ---- source and sink

void Transfer::start_filling() {
    if (filling_ || source_ended_ || outgoing_.size() - outgoing_at_ >= pieces_bytes_max / 2)
        return;
    filling_ = true;
    place_.loop.post([self = shared_from_this()] { detach(fill(self)); });
}

Task<void> Transfer::fill(std::shared_ptr<Transfer> self) {
    Transfer& in = *self;
    try {
        while (in.running_ && !in.source_ended_ &&
               in.outgoing_.size() - in.outgoing_at_ < pieces_bytes_max) {
            std::string_view const piece = co_await in.order_.source->next();
            in.outgoing_.erase(0, in.outgoing_at_);
            in.outgoing_at_ = 0;
            in.outgoing_.append(piece);
            in.source_ended_ = piece.empty();
            in.go_on();
        }
    } catch (...) {
        in.outcome_.thrown = std::current_exception();
    }
    in.filling_ = false;
    if (in.outcome_.thrown) in.give_up();
    in.check_over();
}

void Transfer::start_draining() {
    if (draining_) return;
    draining_ = true;
    place_.loop.post([self = shared_from_this()] { detach(drain(self)); });
}

Task<void> Transfer::drain(std::shared_ptr<Transfer> self) {
    Transfer& in = *self;
    std::string piece;
    try {
        while (!in.incoming_.empty()) {
            piece.clear();
            std::swap(piece, in.incoming_);
            co_await in.order_.sink->take(piece);
            in.go_on();
        }
    } catch (...) {
        in.outcome_.thrown = std::current_exception();
    }
    in.draining_ = false;
    if (in.outcome_.thrown) in.give_up();
    in.check_over();
}

/// There is room or there are bytes again.
void Transfer::go_on() {
    if (!running_ || !(sending_paused_ || receiving_paused_)) return;
    touch();
    sending_paused_ = receiving_paused_ = false; // libcurl may pause again inside of this call
    // What was kept back is given to us inside of this call, and may turn out to be too much.
    if (curl_easy_pause(easy_, CURLPAUSE_CONT) != CURLE_OK) give_up();
}

void Transfer::check_over() {
    if (!running_ && !filling_ && !draining_) over_.wake();
}

// ---- beginning and end

void Transfer::begun() {
    running_ = true;
    touch();
    watch_silence();
}

void Transfer::watch_silence() {
    silence_.expires_at(last_progress_ + order_.times.silence);
    silence_.async_wait([weak = weak_from_this()](boost::system::error_code const& error) {
        auto const self = weak.lock();
        if (error || !self || !self->running_) return;
        bool const theirs = self->connected_ && !self->sending_paused_ && !self->receiving_paused_;
        if (!theirs) self->touch();
        if (Steady::now() < self->last_progress_ + self->order_.times.silence)
            return self->watch_silence();
        self->fail(ErrorKind::timeout, self->order_.target.host + " fell silent");
        self->give_up();
    });
}

void Transfer::fail(ErrorKind kind, std::string text) {
    if (!outcome_.error) outcome_.error.emplace(kind, std::move(text));
}

void Transfer::give_up() {
    if (running_) place_.drop(*this, CURLE_ABORTED_BY_CALLBACK);
}

void Transfer::stop() {
    fail(ErrorKind::stopped, "haat is shutting down");
    give_up();
}

void Transfer::ended(CURLcode code) {
    running_ = false;
    silence_.cancel();
    outcome_.bytes_in = received_;
    long status = 0;
    curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
    if (order_.mail) outcome_.reply.status = static_cast<int>(status);
    if (code != CURLE_OK && !outcome_.error && !outcome_.thrown) outcome_.error = error_of(code);
    // Before the connection stood, nothing was said; afterwards nobody knows.
    if (outcome_.error) outcome_.error->perhaps_done = connected_;
    if (outcome_.error && order_.mail) outcome_.error->status = outcome_.reply.status;
    check_over();
}

Error Transfer::error_of(CURLcode code) const {
    std::string const& host = order_.target.host;
    std::string const why = words_[0] != '\0' ? words_ : curl_easy_strerror(code);
    switch (code) {
    case CURLE_OPERATION_TIMEDOUT: return {ErrorKind::timeout, host + " took too long"};
    case CURLE_COULDNT_RESOLVE_HOST: return {ErrorKind::dns, "there is no address for " + host};
    case CURLE_COULDNT_CONNECT: return {ErrorKind::refused, host + " cannot be reached"};
    case CURLE_URL_MALFORMAT: return {ErrorKind::bad_request, "that URL cannot be asked for"};
    case CURLE_UNSUPPORTED_PROTOCOL: return {ErrorKind::bad_reply, host + " speaks no HTTP"};
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_USE_SSL_FAILED: return {ErrorKind::tls, host + ": " + why};
    case CURLE_BAD_CONTENT_ENCODING: return {ErrorKind::bad_reply, host + ": " + why};
    case CURLE_LOGIN_DENIED: return {ErrorKind::status, host + " refused the user and password"};
    default: break;
    }
    if (order_.mail && outcome_.reply.status >= 400)
        return {ErrorKind::status, host + " refused the mail"};
    return {ErrorKind::closed, host + " ended the connection: " + why};
}

Outcome Transfer::outcome() { return std::move(outcome_); }

} // namespace haat::outbound
