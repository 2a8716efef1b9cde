#include <pg/plain.hpp>

#include <map>

#include <libpq-fe.h>

namespace haat::pg {

namespace {

using Result = std::unique_ptr<PGresult, decltype(&PQclear)>;

std::string trimmed(char const* text) {
    std::string line = text != nullptr ? text : "";
    while (!line.empty() && (line.back() == '\n' || line.back() == ' ')) line.pop_back();
    return line;
}

std::string field(PGresult const* result, int code) {
    char const* const text = PQresultErrorField(result, code);
    return text != nullptr ? text : "";
}

[[noreturn]] void fail(PGconn* connection, PGresult const* result) {
    std::string text = field(result, PG_DIAG_MESSAGE_PRIMARY);
    if (text.empty()) text = trimmed(PQerrorMessage(connection));
    std::string const detail = field(result, PG_DIAG_MESSAGE_DETAIL);
    if (!detail.empty()) text += " (" + detail + ")";
    std::string const position = field(result, PG_DIAG_STATEMENT_POSITION);
    if (!position.empty()) text += " at character " + position;
    throw PlainError(field(result, PG_DIAG_SQLSTATE), text);
}

Result checked(PGconn* connection, PGresult* raw) {
    Result result(raw, &PQclear);
    auto const status = PQresultStatus(raw);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK && status != PGRES_EMPTY_QUERY)
        fail(connection, raw);
    return result;
}

// libpq's own parse error quotes what it could not read, and that may be the password.
using Words = std::map<std::string, std::string>;
Words words_of(std::string const& url) {
    std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> const options(
        PQconninfoParse(url.c_str(), nullptr), &PQconninfoFree);
    if (!options)
        throw ConnectError(ConnectError::Cause::unreadable_url,
                           "the database URL cannot be read; it should look like "
                           "postgresql://user:password@host:5432/name, with %-escapes in the "
                           "password");
    Words words;
    for (auto const* option = options.get(); option->keyword != nullptr; ++option)
        if (option->val != nullptr) words[option->keyword] = option->val;
    return words;
}

std::string joined(Words const& words) {
    std::string out;
    for (auto const& [key, value] : words) {
        out += (out.empty() ? "" : " ") + key + "='";
        for (char const c : value) {
            if (c == '\'' || c == '\\') out += '\\';
            out += c;
        }
        out += '\'';
    }
    return out;
}

ConnectError::Cause cause_of(std::string const& text) {
    using enum ConnectError::Cause;
    auto const says = [&](char const* part) { return text.find(part) != std::string::npos; };
    if (says("password authentication failed") || says("no password supplied"))
        return refused_password;
    return says("FATAL:") && !says("starting up") && !says("shutting down") ? refused : away;
}

} // namespace

PlainConnection::PlainConnection(std::string const& url, std::chrono::seconds timeout)
    : connection_(nullptr, &PQfinish) {
    Words words = words_of(url);
    words.try_emplace("connect_timeout", std::to_string(timeout.count()));
    words.try_emplace("application_name", "haat");
    connection_.reset(PQconnectdb(joined(words).c_str()));
    if (PQstatus(connection_.get()) != CONNECTION_OK) {
        std::string const text = trimmed(PQerrorMessage(connection_.get()));
        throw ConnectError(cause_of(text), text);
    }
    PQsetNoticeProcessor(
        connection_.get(), [](void*, char const*) {}, nullptr);
}

std::vector<PlainConnection::Row> PlainConnection::ask(std::string const& sql,
                                                       std::vector<std::string> const& parameters) {
    std::vector<char const*> values;
    values.reserve(parameters.size());
    for (auto const& parameter : parameters) values.push_back(parameter.c_str());
    auto const result =
        checked(connection_.get(),
                PQexecParams(connection_.get(), sql.c_str(), static_cast<int>(values.size()),
                             nullptr, values.data(), nullptr, nullptr, 0));
    std::vector<Row> rows(static_cast<std::size_t>(PQntuples(result.get())));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto const at = static_cast<int>(i);
        for (int column = 0; column < PQnfields(result.get()); ++column) {
            if (PQgetisnull(result.get(), at, column) != 0)
                rows[i].emplace_back(std::nullopt);
            else
                rows[i].emplace_back(PQgetvalue(result.get(), at, column));
        }
    }
    return rows;
}

std::string PlainConnection::word(std::string const& sql,
                                  std::vector<std::string> const& parameters) {
    auto const rows = ask(sql, parameters);
    return rows.empty() || rows[0].empty() ? "" : rows[0][0].value_or("");
}

void PlainConnection::run(std::string const& sql) {
    checked(connection_.get(), PQexec(connection_.get(), sql.c_str()));
}

std::string PlainConnection::user() const { return PQuser(connection_.get()); }
std::string PlainConnection::database() const { return PQdb(connection_.get()); }
std::string PlainConnection::password() const {
    char const* const used = PQpass(connection_.get());
    return used != nullptr ? used : "";
}

namespace {
std::string taken(PGconn* connection, char* text) {
    std::unique_ptr<char, decltype(&PQfreemem)> const owned(text, &PQfreemem);
    if (!owned) throw PlainError("", trimmed(PQerrorMessage(connection)));
    return owned.get();
}
} // namespace

std::string PlainConnection::identifier(std::string const& name) {
    auto* const c = connection_.get();
    return taken(c, PQescapeIdentifier(c, name.c_str(), name.size()));
}
std::string PlainConnection::literal(std::string const& text) {
    auto* const c = connection_.get();
    return taken(c, PQescapeLiteral(c, text.c_str(), text.size()));
}
std::string PlainConnection::verifier(std::string const& role, std::string const& password) {
    auto* const c = connection_.get();
    return taken(c, PQencryptPasswordConn(c, password.c_str(), role.c_str(), "scram-sha-256"));
}

std::string with_role(std::string const& url, std::string const& user,
                      std::string const& password) {
    Words words = words_of(url);
    words["user"] = user;
    words["password"] = password;
    return joined(words);
}

std::string with_database(std::string const& url, std::string const& database) {
    Words words = words_of(url);
    words["dbname"] = database;
    return joined(words);
}

} // namespace haat::pg
