#include <http/wire.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <system_error>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <unistd.h>

namespace haat::http {

namespace {

// A turn hands over at most this much, so that one fast reader does not hold the loop.
constexpr std::size_t turn_bytes_max = 256 * 1024;

int choose_protocol(SSL*, unsigned char const** out, unsigned char* out_size,
                    unsigned char const* offered, unsigned offered_size, void*) {
    static constexpr unsigned char ours[] = "\x08http/1.1";
    unsigned char* chosen = nullptr;
    int const found =
        SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, offered, offered_size);
    *out = chosen;
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_NOACK;
}

[[noreturn]] void fail(std::string const& what) {
    char const* reason = ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    throw std::system_error(std::make_error_code(std::errc::invalid_argument),
                            what + (reason ? std::string(": ") + reason : ""));
}

} // namespace

TlsContext::TlsContext(std::string const& certificate_file, std::string const& private_key_file)
    : context_(SSL_CTX_new(TLS_server_method())) {
    // OpenSSL writes with write(2), which knows no MSG_NOSIGNAL.
    std::signal(SIGPIPE, SIG_IGN);
    SSL_CTX_set_min_proto_version(context_, TLS1_2_VERSION);
    SSL_CTX_set_options(context_, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                      SSL_OP_CIPHER_SERVER_PREFERENCE |
                                      SSL_OP_IGNORE_UNEXPECTED_EOF);
    SSL_CTX_set_mode(context_, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_RELEASE_BUFFERS |
                                   SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_session_id_context(context_, reinterpret_cast<unsigned char const*>("haat"), 4);
    SSL_CTX_set_alpn_select_cb(context_, choose_protocol, nullptr);
    try {
        if (SSL_CTX_use_certificate_chain_file(context_, certificate_file.c_str()) != 1)
            fail("the certificate " + certificate_file + " cannot be read");
        if (SSL_CTX_use_PrivateKey_file(context_, private_key_file.c_str(), SSL_FILETYPE_PEM) != 1)
            fail("the private key " + private_key_file + " cannot be read");
        if (SSL_CTX_check_private_key(context_) != 1)
            fail("the private key " + private_key_file + " is not the certificate's");
    } catch (...) {
        SSL_CTX_free(context_);
        throw;
    }
}
TlsContext::~TlsContext() { SSL_CTX_free(context_); }

Wire::Wire(int descriptor, TlsContext const* context) : descriptor_(descriptor) {
    if (!context) return;
    tls_ = SSL_new(context->get());
    SSL_set_fd(tls_, descriptor);
    SSL_set_accept_state(tls_);
}

ssize_t Wire::outcome(int result) {
    int const error = SSL_get_error(tls_, result);
    ERR_clear_error();
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return again;
    return error == SSL_ERROR_ZERO_RETURN ? 0 : gone;
}

ssize_t Wire::handshake() {
    if (!tls_) return 1;
    ERR_clear_error();
    int const result = SSL_do_handshake(tls_);
    if (result == 1) return 1;
    ssize_t const what = outcome(result);
    return what == again ? again : gone;
}

ssize_t Wire::read(char* into, std::size_t size) {
    if (tls_) {
        ERR_clear_error();
        int const result = SSL_read(tls_, into, static_cast<int>(std::min(size, turn_bytes_max)));
        return result > 0 ? result : outcome(result);
    }
    for (;;) {
        ssize_t const count = ::recv(descriptor_, into, size, 0);
        if (count >= 0) return count;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return again;
        if (errno != EINTR) return gone;
    }
}

ssize_t Wire::write(iovec const* parts, int count) {
    if (tls_) {
        ssize_t total = 0;
        for (int i = 0; i < count; ++i) {
            std::size_t done = 0;
            while (done < parts[i].iov_len) {
                ERR_clear_error();
                int const result =
                    SSL_write(tls_, static_cast<char const*>(parts[i].iov_base) + done,
                              static_cast<int>(std::min(parts[i].iov_len - done, turn_bytes_max)));
                if (result <= 0) {
                    ssize_t const what = outcome(result);
                    return what == again ? (total > 0 ? total : again) : gone;
                }
                done += static_cast<std::size_t>(result);
                total += result;
                if (static_cast<std::size_t>(total) >= turn_bytes_max) return total;
            }
        }
        return total;
    }
    msghdr message{};
    message.msg_iov = const_cast<iovec*>(parts);
    message.msg_iovlen = static_cast<std::size_t>(count);
    for (;;) {
        ssize_t const sent =
            count == 1 ? ::send(descriptor_, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
                       : ::sendmsg(descriptor_, &message, MSG_NOSIGNAL);
        if (sent >= 0) return sent;
        if (errno == EAGAIN || errno == EWOULDBLOCK) return again;
        if (errno != EINTR) return gone;
    }
}

ssize_t Wire::send_file(int file, std::uint64_t offset, std::uint64_t length) {
    auto const most = std::min<std::uint64_t>(length, turn_bytes_max);
    if (!tls_) {
        auto position = static_cast<off_t>(offset);
        ssize_t const sent = ::sendfile(descriptor_, file, &position, most);
        if (sent > 0) return sent;
        // 0: the file became shorter than was promised; only closing tells the client.
        return sent < 0 && (errno == EAGAIN || errno == EINTR) ? again : gone;
    }
    std::array<char, 16 * 1024> piece; // a TLS record
    ssize_t const count = ::pread(file, piece.data(), std::min<std::size_t>(most, piece.size()),
                                  static_cast<off_t>(offset));
    if (count <= 0) return gone;
    iovec const part{piece.data(), static_cast<std::size_t>(count)};
    return write(&part, 1);
}

void Wire::end_writing() {
    if (tls_) {
        ERR_clear_error();
        SSL_shutdown(tls_);
        ERR_clear_error();
    }
    ::shutdown(descriptor_, SHUT_WR);
}

void Wire::close() {
    if (tls_) SSL_free(std::exchange(tls_, nullptr));
    if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

} // namespace haat::http
