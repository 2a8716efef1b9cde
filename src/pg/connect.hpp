// Making a connection: resolving, TLS and SCRAM block for milliseconds, so it runs on a thread of
// its own and has a deadline.
#pragma once

#include <chrono>
#include <memory>
#include <string>

struct pg_conn;

namespace haat::pg {

struct Hangup {
    void operator()(pg_conn*) const;
};
using Wire = std::unique_ptr<pg_conn, Hangup>;

struct ConnectOptions {
    std::string url;
    std::string session; // a statement to begin with, e.g. "set default_transaction_read_only = on"
    std::chrono::milliseconds timeout{5'000};
};

struct Connected {
    Wire wire;         // null when it failed
    std::string error; // without the password
};
Connected connect(ConnectOptions const&);

/// "db.example:5432/haat as haat_request": what may stand in a log.
std::string address_of(std::string const& url);

/// `text` without any occurrence of the URL's password.
std::string without_password(std::string text, std::string const& url);

} // namespace haat::pg
