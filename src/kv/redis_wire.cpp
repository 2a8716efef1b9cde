#include <kv/redis_wire.hpp>

#include <array>
#include <charconv>
#include <cstring>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/write.hpp>

namespace haat::kv {

namespace asio = boost::asio;
using boost::system::error_code;

// ---- words

namespace {
constexpr std::size_t small_word = 200;
constexpr std::size_t count_room = 24;

char* put_count(char* to, char kind, std::size_t count) {
    *to++ = kind;
    if (count < 10)
        *to++ = static_cast<char>('0' + count);
    else
        to = std::to_chars(to, to + 20, count).ptr;
    *to++ = '\r';
    *to++ = '\n';
    return to;
}
char* put(char* to, std::string_view text) {
    return static_cast<char*>(std::memcpy(to, text.data(), text.size())) + text.size();
}
} // namespace

Command::Command(std::string& out, std::size_t words) : out_(out) {
    std::array<char, count_room> text;
    out_.append(text.data(), put_count(text.data(), '*', words));
}

// Small words, which nearly all are, are put together here and appended once.
Command& Command::word(std::string_view first, std::string_view second) {
    std::array<char, count_room + small_word + 2> text;
    std::size_t const size = first.size() + second.size();
    char* end = put_count(text.data(), '$', size);
    if (size <= small_word) {
        if (!first.empty()) end = put(end, first);
        if (!second.empty()) end = put(end, second);
        out_.append(text.data(), put(end, "\r\n"));
        return *this;
    }
    out_.append(text.data(), end).append(first).append(second).append("\r\n");
    return *this;
}

Command& Command::number(std::int64_t number) {
    std::array<char, 24> text{};
    char const* const end = std::to_chars(text.data(), text.data() + text.size(), number).ptr;
    return word({text.data(), static_cast<std::size_t>(end - text.data())});
}

std::int64_t number_of(redisReply const& reply) {
    if (reply.type == REDIS_REPLY_INTEGER) return reply.integer;
    std::int64_t number = 0;
    if (reply.type == REDIS_REPLY_STRING) std::from_chars(reply.str, reply.str + reply.len, number);
    return number;
}

bool AnswerReader::next(Answer& answer) {
    void* found = nullptr;
    bool const sound = redisReaderGetReply(reader_.get(), &found) == REDIS_OK;
    answer.reset(static_cast<redisReply*>(found));
    return sound;
}

// ---- bytes

Wire::Wire(asio::io_context& context, RedisAddress const& address, std::string ca_file)
    : address_(address), ca_file_(std::move(ca_file)), socket_(context), resolver_(context) {}

void Wire::connect(Done done) {
    auto const self = shared_from_this();
    if (!address_.socket.empty()) {
        asio::local::stream_protocol::endpoint const local(address_.socket);
        socket_.async_connect(local, [self, done = std::move(done)](error_code const& error) {
            self->connected(error, done);
        });
        return;
    }
    resolver_.async_resolve(
        address_.host, std::to_string(address_.port),
        [self, done = std::move(done)](error_code const& error, auto const& found) {
            if (error) return done("its host is unknown: " + error.message());
            std::vector<Socket::endpoint_type> endpoints;
            for (auto const& each : found) endpoints.emplace_back(each.endpoint());
            asio::async_connect(self->socket_, endpoints,
                                [self, done](error_code const& failed, auto const&) {
                                    self->connected(failed, done);
                                });
        });
}

void Wire::connected(error_code const& error, Done const& done) {
    if (error) return done("no connection: " + error.message());
    error_code ignored;
    if (address_.socket.empty()) socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
    if (address_.tls) return shake_hands(done);
    done({});
}

void Wire::shake_hands(Done const& done) {
    error_code error;
    tls_context_.emplace(asio::ssl::context::tls_client);
    tls_context_->set_default_verify_paths(error);
    if (!ca_file_.empty()) tls_context_->load_verify_file(ca_file_, error);
    if (error) return done("the file of authorities cannot be read: " + error.message());
    tls_context_->set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
    tls_.emplace(socket_, *tls_context_);
    tls_->set_verify_mode(asio::ssl::verify_peer, error);
    tls_->set_verify_callback(asio::ssl::host_name_verification(address_.host), error);
    SSL_set_tlsext_host_name(tls_->native_handle(), address_.host.c_str());
    tls_->async_handshake(asio::ssl::stream_base::client,
                          [self = shared_from_this(), done](error_code const& failed) {
                              done(failed ? "no TLS: " + failed.message() : std::string());
                          });
}

void Wire::read(char* into, std::size_t room, Moved done) {
    auto handler = [self = shared_from_this(), done = std::move(done)](error_code const& error,
                                                                       std::size_t size) {
        done(error ? error.message() : std::string(), size);
    };
    if (tls_)
        tls_->async_read_some(asio::buffer(into, room), std::move(handler));
    else
        socket_.async_read_some(asio::buffer(into, room), std::move(handler));
}

void Wire::write(std::string_view bytes, Done done) {
    auto handler = [self = shared_from_this(), done = std::move(done)](error_code const& error,
                                                                       std::size_t) {
        done(error ? error.message() : std::string());
    };
    asio::const_buffer const buffer(bytes.data(), bytes.size());
    if (tls_)
        asio::async_write(*tls_, buffer, std::move(handler));
    else
        asio::async_write(socket_, buffer, std::move(handler));
}

void Wire::close() {
    error_code ignored;
    resolver_.cancel();
    socket_.close(ignored);
}

} // namespace haat::kv
