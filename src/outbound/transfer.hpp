// One libcurl transfer: its options, its callbacks, its pieces. Only for engine.cpp.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>

#include <curl/curl.h>

#include <outbound/engine.hpp>
#include <outbound/wait.hpp>

namespace haat::outbound {

class Transfer : public std::enable_shared_from_this<Transfer> {
public:
    struct Place {
        Loop& loop;
        Guard const& guard;
        EngineOptions const& options;
        std::set<curl_socket_t>& sockets; // that libcurl has, used and kept ones; outlives it
        /// Takes the transfer from libcurl and calls ended().
        std::function<void(Transfer&, CURLcode)> drop;
    };
    Transfer(CURL* easy, Order const& order, Place place);
    ~Transfer();
    Transfer(Transfer const&) = delete;

    CURL* easy() const { return easy_; }
    void prepare();
    /// libcurl has it: the clock runs.
    void begun();
    /// libcurl is done with it.
    void ended(CURLcode code);
    void stop();
    Waiter& over() { return over_; }
    Outcome outcome();

private:
    // Set-up
    void prepare_http();
    void prepare_body();
    void prepare_mail();
    void prepare_addresses();
    void add_header(std::string const& line);

    // Called by libcurl
    static curl_socket_t open_socket(void* self, curlsocktype purpose, curl_sockaddr* address);
    static int close_socket(void* sockets, curl_socket_t socket);
    static int connected(void* self, char* remote, char* local, int remote_port, int local_port);
    static std::size_t read(char* into, std::size_t size, std::size_t count, void* self);
    static int seek(void* self, curl_off_t offset, int origin);
    static std::size_t write(char* from, std::size_t size, std::size_t count, void* self);
    static std::size_t header(char* from, std::size_t size, std::size_t count, void* self);
    std::size_t give(char* into, std::size_t room);
    std::size_t take(std::string_view piece);
    bool note_header(std::string_view line);

    // Source and sink run outside of libcurl's callbacks, so they may do what they like.
    static Task<void> fill(std::shared_ptr<Transfer> self);
    static Task<void> drain(std::shared_ptr<Transfer> self);
    void start_filling();
    void start_draining();
    void go_on();
    void check_over();

    void fail(ErrorKind kind, std::string text);
    void give_up(); // outside of libcurl's callbacks
    void touch() { last_progress_ = Steady::now(); }
    void watch_silence();
    Error error_of(CURLcode code) const;

    CURL* easy_;
    Order const& order_;
    Place place_;
    Waiter over_;
    boost::asio::steady_timer silence_;
    Steady::time_point last_progress_;
    curl_slist* headers_ = nullptr;
    curl_slist* pins_ = nullptr;
    curl_slist* recipients_ = nullptr;
    char words_[CURL_ERROR_SIZE] = {};

    Outcome outcome_;
    bool running_ = false; // libcurl has it
    bool connected_ = false;
    std::size_t header_bytes_ = 0;

    std::string_view body_;
    std::string outgoing_; // from the source, not yet taken by libcurl
    std::size_t outgoing_at_ = 0;
    bool source_ended_ = false;
    bool filling_ = false;
    bool sending_paused_ = false;

    std::string incoming_; // for the sink
    std::uint64_t received_ = 0;
    bool draining_ = false;
    bool receiving_paused_ = false;
};

} // namespace haat::outbound
