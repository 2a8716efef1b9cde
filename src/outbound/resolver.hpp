// Names to addresses, without blocking a loop. Not for modules.
#pragma once

#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include <outbound/address.hpp>
#include <outbound/wait.hpp>

namespace haat::outbound {

struct ResolverOptions {
    std::function<std::vector<Address>(std::string const& host)> lookup = {}; // empty: the system
    std::chrono::milliseconds kept{30'000};
    int threads_max = 4; // at once; each lives as long as there are names to look up
    std::size_t names_max = 1'000;
};

class Resolver {
public:
    Resolver(Loop& loop, ResolverOptions options);
    ~Resolver() { stop(); }
    /// Lookups that still run end by themselves; nobody hears of them.
    void stop();

    /// At least one address, or Error: dns, timeout, busy. One lookup serves all who ask meanwhile.
    Task<std::vector<Address>> resolve(std::string host, Steady::time_point deadline);

private:
    struct Answer {
        bool ready = false;
        bool failed = false;
        std::vector<Address> addresses;
        Steady::time_point good_until;
        std::list<Waiter*> waiting;
    };
    struct Desk;
    void start(std::string const& host);
    void finish(std::string const& host, std::vector<Address> addresses);
    void forget_old(Steady::time_point now);

    Loop& loop_;
    ResolverOptions options_;
    std::unordered_map<std::string, std::shared_ptr<Answer>> answers_;
    std::shared_ptr<Desk> desk_;
};

} // namespace haat::outbound
