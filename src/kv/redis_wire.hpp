// A byte stream to Redis, plain or TLS, TCP or a socket of this machine, and the words of its
// protocol (hiredis reads the answers). Private to this room, since it needs Asio and hiredis.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl.hpp>
#include <hiredis/hiredis.h>

#include <kv/redis_url.hpp>

namespace haat::kv {

/// One command: how many words it has, then the words. A word may come in two parts.
class Command {
public:
    Command(std::string& out, std::size_t words);
    Command& word(std::string_view text) { return word(text, {}); }
    Command& word(std::string_view first, std::string_view second);
    Command& number(std::int64_t number);

private:
    std::string& out_;
};

struct FreeReply {
    void operator()(redisReply* reply) const { freeReplyObject(reply); }
};
using Answer = std::unique_ptr<redisReply, FreeReply>;

inline std::string_view text_of(redisReply const& reply) {
    return {reply.str, static_cast<std::size_t>(reply.len)};
}
/// Whole numbers travel as integers or, from scripts, as text.
std::int64_t number_of(redisReply const& reply);

/// Takes bytes as they come, gives answers as they are whole.
class AnswerReader {
public:
    AnswerReader() : reader_(redisReaderCreate()) {}
    bool feed(char const* bytes, std::size_t size) {
        return redisReaderFeed(reader_.get(), bytes, size) == REDIS_OK;
    }
    /// False when the stream makes no sense. No answer: there is none yet.
    bool next(Answer& answer);

private:
    struct Free {
        void operator()(redisReader* reader) const { redisReaderFree(reader); }
    };
    std::unique_ptr<redisReader, Free> reader_;
};

/// Handlers get what went wrong, or an empty text. One read and one write at a time.
class Wire : public std::enable_shared_from_this<Wire> {
public:
    using Done = std::function<void(std::string const& trouble)>;
    using Moved = std::function<void(std::string const& trouble, std::size_t bytes)>;

    /// `ca_file`: whom to believe besides the system's authorities.
    Wire(boost::asio::io_context& context, RedisAddress const& address, std::string ca_file);

    void connect(Done done);
    void read(char* into, std::size_t room, Moved done);
    void write(std::string_view bytes, Done done);
    void close();

private:
    using Socket = boost::asio::generic::stream_protocol::socket;
    void connected(boost::system::error_code const& error, Done const& done);
    void shake_hands(Done const& done);

    RedisAddress address_;
    std::string ca_file_;
    Socket socket_;
    boost::asio::ip::tcp::resolver resolver_;
    std::optional<boost::asio::ssl::context> tls_context_;
    std::optional<boost::asio::ssl::stream<Socket&>> tls_;
};

} // namespace haat::kv
