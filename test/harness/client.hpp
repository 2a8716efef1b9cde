// A small blocking HTTP client over one kept connection, for asserting.
//
//     Client client(server.port());
//     Answer const answer = client.as(owner).post("/brands", R"({"name":"Cello"})");
//     EXPECT_EQ(answer.text("data.name"), "Cello");
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace haat::test {

using namespace std::chrono_literals;

using Headers = std::vector<std::pair<std::string, std::string>>;

class Answer {
public:
    int status = 0;
    Headers headers;
    std::string body;

    /// The first header of this name (any case), or empty.
    std::string header(std::string_view name) const;
    bool has_header(std::string_view name) const;

    /// "data.items[0].name" -> the JSON there; strings without their quotes. Throws when the body
    /// is not JSON; "(absent)" when nothing is there.
    std::string text(std::string_view path) const;
    bool has(std::string_view path) const;
    /// The number of elements or members; -1 when there is no list or object.
    int count(std::string_view path) const;
    /// error.code, or empty.
    std::string code() const;

private:
    struct Parsed;
    Parsed const& parsed() const;
    mutable std::shared_ptr<Parsed const> parsed_;
};

/// Who calls; see actors.hpp.
struct Caller {
    std::string token; // empty: nobody
    std::string org_id;
};

/// The server did not answer: it closed, refused or kept silent.
class NoAnswer : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

class Client {
public:
    explicit Client(std::uint16_t port, std::chrono::milliseconds patience = 20s);
    ~Client();
    Client(Client&&) noexcept;
    Client(Client const&) = delete;

    /// From now on; a default Caller is nobody.
    Client& as(Caller caller);
    /// From now on sent with every request; an empty value ends it.
    Client& with(std::string const& name, std::string const& value);
    /// From now on cookies are kept and sent, as a browser would.
    Client& keeping_cookies();
    std::string cookie(std::string const& name) const;

    // Paths that do not begin with "/api/", or with '!' for the root, go below /api/v1.
    Answer get(std::string_view path, Headers const& more = {});
    Answer head(std::string_view path, Headers const& more = {});
    Answer post(std::string_view path, std::string_view body = "{}", Headers const& more = {});
    Answer put(std::string_view path, std::string_view body, Headers const& more = {});
    Answer patch(std::string_view path, std::string_view body, Headers const& more = {});
    Answer del(std::string_view path, Headers const& more = {});
    Answer send(std::string_view method, std::string_view path, std::string_view body = {},
                Headers const& more = {});

    void disconnect();
    bool connected() const { return socket_ >= 0; }

private:
    Answer exchange(std::string const& request, bool head_only);
    void connect();
    void write(std::string_view bytes);
    void read_more();
    Answer read_answer(bool head_only);
    std::string read_chunks();
    void take_cookies(Answer const&);

    std::uint16_t port_;
    std::chrono::milliseconds patience_;
    int socket_ = -1;
    bool answered_ = false; // on this connection, so that its closing means idleness
    std::string buffer_;
    Caller caller_;
    std::map<std::string, std::string> headers_;
    bool keeps_cookies_ = false;
    std::map<std::string, std::string> cookies_;
};

} // namespace haat::test
