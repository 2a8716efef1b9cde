#include <pg/connect.hpp>

#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include <libpq-fe.h>
#include <poll.h>

namespace haat::pg {

namespace {

using Clock = std::chrono::steady_clock;

struct ParsedUrl {
    explicit ParsedUrl(std::string const& url)
        : options(PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree) {}
    std::string_view value(std::string_view keyword) const {
        for (PQconninfoOption* o = options.get(); o && o->keyword; ++o)
            if (keyword == o->keyword && o->val) return o->val;
        return {};
    }
    std::unique_ptr<PQconninfoOption, void (*)(PQconninfoOption*)> options;
};

/// False when the deadline has passed.
bool wait_for(PGconn* wire, short events, Clock::time_point deadline) {
    for (;;) {
        auto const left =
            std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now());
        if (left.count() <= 0) return false;
        pollfd one{PQsocket(wire), events, 0};
        int const ready = poll(&one, 1, static_cast<int>(left.count()));
        if (ready > 0) return true;
        if (ready < 0 && errno != EINTR) return false;
    }
}

bool shake_hands(PGconn* wire, Clock::time_point deadline, std::string& error) {
    if (PQstatus(wire) == CONNECTION_BAD) return false;
    for (PostgresPollingStatusType want = PGRES_POLLING_WRITING; want != PGRES_POLLING_OK;) {
        if (want == PGRES_POLLING_FAILED) return false;
        if (!wait_for(wire, want == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline)) {
            error = "no answer in time";
            return false;
        }
        want = PQconnectPoll(wire);
    }
    return true;
}

bool run(PGconn* wire, char const* sql, Clock::time_point deadline, std::string& error) {
    if (!PQsendQuery(wire, sql)) return false;
    bool well = true;
    for (;;) {
        int const flushing = PQflush(wire);
        if (flushing < 0) return false;
        while (!PQisBusy(wire)) {
            PGresult* const result = PQgetResult(wire);
            if (!result) return well;
            if (PQresultStatus(result) != PGRES_COMMAND_OK) well = false;
            PQclear(result);
        }
        short const events = flushing == 1 ? POLLIN | POLLOUT : POLLIN;
        if (!wait_for(wire, events, deadline)) {
            error = "no answer in time";
            return false;
        }
        if (!PQconsumeInput(wire)) return false;
    }
}

} // namespace

void Hangup::operator()(pg_conn* wire) const { PQfinish(wire); }

std::string without_password(std::string text, std::string const& url) {
    std::string const password(ParsedUrl(url).value("password"));
    if (password.empty()) return text;
    for (std::size_t at = 0; (at = text.find(password, at)) != text.npos; at += 3)
        text.replace(at, password.size(), "***");
    return text;
}

std::string address_of(std::string const& url) {
    ParsedUrl const parsed(url);
    if (!parsed.options) return "an unreadable URL";
    std::string text(parsed.value("host").empty() ? "localhost" : parsed.value("host"));
    if (!parsed.value("port").empty()) text.append(":").append(parsed.value("port"));
    text.append("/").append(parsed.value("dbname"));
    return text.append(" as ").append(parsed.value("user"));
}

Connected connect(ConnectOptions const& options) {
    Connected made;
    // libpq quotes what it cannot parse, password and all: its words are not taken over.
    if (!ParsedUrl(options.url).options) {
        made.error = "the database URL cannot be understood";
        return made;
    }
    Clock::time_point const deadline = Clock::now() + options.timeout;
    // What stands before dbname (the URL) may be overruled by it; what follows may not.
    char const* const words[] = {
        "fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
        "tcp_user_timeout",          "dbname",          "client_encoding",     nullptr};
    char const* const values[] = {"haat", "30",   "5", "3", "10000", options.url.c_str(),
                                  "UTF8", nullptr};
    made.wire.reset(PQconnectStartParams(words, values, 1));
    if (!made.wire) {
        made.error = "out of memory";
        return made;
    }
    PGconn* const wire = made.wire.get();
    PQsetNoticeProcessor(
        wire, [](void*, char const*) {}, nullptr);
    bool well = shake_hands(wire, deadline, made.error);
    well = well && PQsetnonblocking(wire, 1) == 0;
    well = well &&
           (options.session.empty() || run(wire, options.session.c_str(), deadline, made.error));
    if (well) return made;
    if (made.error.empty()) made.error = PQerrorMessage(wire);
    while (!made.error.empty() && made.error.back() == '\n') made.error.pop_back();
    made.error = without_password(std::move(made.error), options.url);
    made.wire.reset();
    return made;
}

} // namespace haat::pg
