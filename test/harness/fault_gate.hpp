// A gate between haat and PostgreSQL (or any TCP or Unix-socket server) that can be made to fail.
// The question is always: does haat answer fast, and does it recover by itself?
//
//     FaultGate gate(db.url());
//     … a server on gate.url() …
//     gate.refuse();  gate.close_all();   // the database is gone
//     gate.pass();                        // and comes back
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace haat::test {

struct GateCounters {
    std::uint64_t connections = 0; // accepted and passed on
    std::uint64_t refused = 0;
    std::uint64_t bytes_up = 0; // from haat to the database
    std::uint64_t bytes_down = 0;
    std::uint64_t statements = 0; // Execute and Query messages of PostgreSQL's protocol
};

class FaultGate {
public:
    /// `url` is a URL or conninfo that libpq reads; it may name a socket directory or a host.
    explicit FaultGate(std::string const& url);
    /// Before any TCP server, such as Redis.
    FaultGate(std::string const& host, std::uint16_t port);
    ~FaultGate();
    FaultGate(FaultGate const&) = delete;

    /// The same database through the gate: TCP on 127.0.0.1.
    std::string url() const;
    std::string url_of(std::string const& other_role_url) const;
    std::uint16_t port() const;
    /// The gate's Unix socket too; the directory that holds `.s.PGSQL.<port>`.
    std::string socket_directory() const;

    // From now on, for connections that are there and that come:
    void pass();                                 // everything, at once
    void refuse();                               // new connections are closed at once
    void delay(std::chrono::milliseconds pause); // every piece, in both directions
    void stall();                                // nothing moves, nothing is closed
    /// Closes each connection after this many bytes more from the database.
    void cut_after(std::uint64_t bytes_down);
    void close_all(); // the connections that are there, by a reset

    GateCounters counters() const;
    /// How many statements went through while `work` ran: a query per row shows at once.
    template <class Work> std::uint64_t statements_of(Work work) const {
        std::uint64_t const before = counters().statements;
        work();
        return counters().statements - before;
    }

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat::test
