// A load of a fixed rate: request n is due n / RATE seconds after the start, whatever became of
// those before it, and its time counts from the moment when it was due. h2load and wrk let all
// their connections' timers fire together, which measures the queue behind bursts of 64 instead.
//
//     pace PORT CONNECTIONS RATE SECONDS
//
// What is asked is told as wrk is told (bench/wrk/requests.lua): TARGETS, or TARGETS with BODY,
// TOKEN and FIRST. Answers of the first second are not counted. Ends with one line of JSON.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <random>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;

constexpr std::string_view place = "@@@@@@@@@@@@@@@"; // as wide as a number, for Content-Length

std::string from_environment(char const* name) {
    char const* const value = std::getenv(name);
    return value ? value : "";
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
    for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size())
        text.replace(at, what.size(), by);
    return text;
}

/// Gives one request after the other.
class Requests {
public:
    Requests() {
        std::ifstream targets(from_environment("TARGETS"));
        std::string const body = replaced(from_environment("BODY"), "@", place);
        for (std::string path; std::getline(targets, path);) {
            if (body.empty()) {
                ready_.push_back("GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n");
                continue;
            }
            ready_.push_back(
                "POST " + path + " HTTP/1.1\r\nHost: localhost\r\n" +
                "Content-Type: application/json\r\nAuthorization: Bearer " +
                from_environment("TOKEN") + "\r\nIdempotency-Key: " + std::string(place) +
                "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
        }
        if (ready_.empty()) throw std::runtime_error("TARGETS names no file of paths");
        number_ = std::strtoull(from_environment("FIRST").c_str(), nullptr, 10);
    }

    std::string next() {
        std::string const& chosen = ready_[random_() % ready_.size()];
        if (chosen[0] == 'G') return chosen;
        char digits[24];
        std::snprintf(digits, sizeof digits, "%015llu", ++number_);
        return replaced(chosen, place, digits);
    }

private:
    std::vector<std::string> ready_;
    std::minstd_rand random_{20};
    unsigned long long number_ = 0;
};

struct Link {
    int descriptor = -1;
    Time due;
    std::string answer;
    std::size_t size = 0; // of the whole answer, once its head is in
    int status = 0;

    void connect(std::uint16_t port) {
        descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        int const on = 1;
        ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        if (::connect(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error(std::string("cannot connect: ") + std::strerror(errno));
    }
    void send(std::string const& request, Time when) {
        due = when;
        answer.clear();
        size = 0;
        if (::send(descriptor, request.data(), request.size(), MSG_NOSIGNAL) !=
            static_cast<ssize_t>(request.size()))
            throw std::runtime_error("the server closed a connection");
    }
    /// True when the answer is whole.
    bool receive() {
        char buffer[64 * 1024];
        ssize_t const count = ::recv(descriptor, buffer, sizeof buffer, MSG_DONTWAIT);
        if (count < 0 && errno == EAGAIN) return false;
        if (count <= 0) throw std::runtime_error("the server closed a connection");
        answer.append(buffer, static_cast<std::size_t>(count));
        if (size == 0) read_head();
        return size > 0 && answer.size() >= size;
    }
    void read_head() {
        std::size_t const end = answer.find("\r\n\r\n");
        if (end == std::string::npos) return;
        status = std::atoi(answer.c_str() + 9);
        constexpr std::string_view name = "\r\nContent-Length: ";
        for (std::size_t at = 0; (at = answer.find("\r\n", at)) < end; at += 2)
            if (::strncasecmp(answer.c_str() + at, name.data(), name.size()) == 0)
                size = end + 4 + std::strtoull(answer.c_str() + at + name.size(), nullptr, 10);
        if (size == 0) throw std::runtime_error("an answer without a length");
    }
};

struct Pace {
    std::uint16_t port;
    std::size_t connections;
    double rate;
    int seconds;
};

class Run {
public:
    explicit Run(Pace const& pace)
        : pace_(pace), links_(pace.connections), poll_(::epoll_create1(EPOLL_CLOEXEC)),
          start_(Clock::now()) {
        for (Link& link : links_) {
            link.connect(pace.port);
            epoll_event event{EPOLLIN, {.ptr = &link}};
            ::epoll_ctl(poll_, EPOLL_CTL_ADD, link.descriptor, &event);
            free_.push_back(&link);
        }
    }

    void run() {
        Time const end = start_ + std::chrono::seconds(pace_.seconds + 1);
        for (Time now = start_; now < end || free_.size() < links_.size(); now = Clock::now()) {
            if (now > end + std::chrono::seconds(20))
                throw std::runtime_error("answers are missing");
            while (next_ <= now && next_ < end && !free_.empty()) send_one();
            bool const idle = free_.empty() || next_ >= end;
            wait(idle ? std::chrono::nanoseconds(std::chrono::milliseconds(100)) : next_ - now);
        }
    }

    void tell() {
        if (took_.empty()) throw std::runtime_error("nothing was answered");
        std::sort(took_.begin(), took_.end());
        auto const at = [&](double share) {
            return took_[static_cast<std::size_t>(static_cast<double>(took_.size() - 1) * share)];
        };
        std::printf("JSON {\"requests\":%zu,\"seconds\":%d,\"p50_us\":%lld,\"p99_us\":%lld,"
                    "\"max_us\":%lld,\"bad_status\":%d}\n",
                    took_.size(), pace_.seconds, at(0.5), at(0.99), at(1), bad_);
    }

private:
    void send_one() {
        Link* const link = free_.front(); // the one that rested longest, so that all are used
        free_.pop_front();
        link->send(requests_.next(), next_);
        ++sent_;
        auto const offset = std::chrono::duration<double>(static_cast<double>(sent_) / pace_.rate);
        next_ = start_ + std::chrono::duration_cast<Clock::duration>(offset);
    }

    void wait(std::chrono::nanoseconds time) {
        timespec const limit{static_cast<time_t>(std::max<long>(0, time.count()) / 1'000'000'000),
                             std::max<long>(0, time.count()) % 1'000'000'000};
        epoll_event events[64];
        int const count = ::epoll_pwait2(poll_, events, 64, &limit, nullptr);
        for (int i = 0; i < count; ++i) {
            auto* const link = static_cast<Link*>(events[i].data.ptr);
            if (!link->receive()) continue;
            free_.push_back(link);
            bad_ += link->status < 200 || link->status > 299;
            if (link->due < start_ + std::chrono::seconds(1)) continue;
            took_.push_back(
                std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - link->due)
                    .count());
        }
    }

    Pace const pace_;
    Requests requests_;
    std::vector<Link> links_;
    std::deque<Link*> free_;
    int poll_;
    Time start_;
    Time next_ = start_;
    std::uint64_t sent_ = 0;
    int bad_ = 0;
    std::vector<long long> took_; // microseconds
};

} // namespace

int main(int count, char** words) try {
    if (count != 5) throw std::runtime_error("pace PORT CONNECTIONS RATE SECONDS");
    Run run({.port = static_cast<std::uint16_t>(std::atoi(words[1])),
             .connections = static_cast<std::size_t>(std::atoi(words[2])),
             .rate = std::atof(words[3]),
             .seconds = std::atoi(words[4])});
    run.run();
    run.tell();
    return 0;
} catch (std::exception const& error) {
    std::fprintf(stderr, "pace: %s\n", error.what());
    return 1;
}
