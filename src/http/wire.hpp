// One connected socket, plain or TLS, never blocking: what both look like to a connection.
#pragma once

#include <cstdint>
#include <string>
#include <utility>

#include <sys/types.h>
#include <sys/uio.h>

struct ssl_st;
struct ssl_ctx_st;

namespace haat::http {

class TlsContext {
public:
    /// TLS 1.2 and later, ALPN http/1.1. Throws std::system_error naming the file that is at fault.
    TlsContext(std::string const& certificate_file, std::string const& private_key_file);
    ~TlsContext();
    TlsContext(TlsContext const&) = delete;
    TlsContext& operator=(TlsContext const&) = delete;
    ssl_ctx_st* get() const { return context_; }

private:
    ssl_ctx_st* context_;
};

class Wire {
public:
    static constexpr ssize_t again = -1; // wait until the descriptor is ready
    static constexpr ssize_t gone = -2;  // reset, or broken TLS

    /// Takes over the descriptor; TLS when there is a context.
    Wire(int descriptor, TlsContext const*);
    ~Wire() { close(); }
    Wire(Wire&& other) noexcept
        : descriptor_(std::exchange(other.descriptor_, -1)),
          tls_(std::exchange(other.tls_, nullptr)) {}
    Wire& operator=(Wire&&) = delete;

    int descriptor() const { return descriptor_; }
    bool tls() const { return tls_ != nullptr; }

    ssize_t handshake();                        // 1: done
    ssize_t read(char* into, std::size_t size); // 0: the peer has ended its side
    ssize_t write(iovec const* parts, int count);
    ssize_t send_file(int file, std::uint64_t offset, std::uint64_t length);
    void end_writing();
    void close();

private:
    ssize_t outcome(int result);

    int descriptor_;
    ssl_st* tls_ = nullptr;
};

} // namespace haat::http
