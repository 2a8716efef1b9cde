#include <outbound/resolver.hpp>

#include <thread>

#include <netdb.h>
#include <sys/socket.h>

#include <outbound/error.hpp>

namespace haat::outbound {

namespace {

std::vector<Address> ask_system(std::string const& host) {
    addrinfo hints{};
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = SOCK_STREAM;
    hints.ai_flags = AI_ADDRCONFIG;
    addrinfo* found = nullptr;
    int failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    if (failed != 0) { // a machine with nothing but loopback has no configured address at all
        hints.ai_flags = 0;
        failed = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
    }
    std::vector<Address> addresses;
    if (failed != 0) return addresses;
    for (addrinfo* each = found; each != nullptr; each = each->ai_next) {
        Address address;
        if (address_of(each->ai_addr, address)) addresses.push_back(address);
    }
    ::freeaddrinfo(found);
    return addresses;
}

} // namespace

// What the lookup threads and the loop share. It outlives the resolver while a thread is still in
// getaddrinfo, which nothing can interrupt.
struct Resolver::Desk {
    std::mutex mutex;
    Resolver* owner = nullptr; // null: nobody wants to know any more
    std::deque<std::string> queue;
    int threads = 0;
    std::function<std::vector<Address>(std::string const& host)> lookup;

    static void work(std::shared_ptr<Desk> const& desk) {
        for (;;) {
            std::string host;
            {
                std::lock_guard const lock(desk->mutex);
                if (desk->owner == nullptr || desk->queue.empty()) {
                    --desk->threads;
                    return;
                }
                host = std::move(desk->queue.front());
                desk->queue.pop_front();
            }
            std::vector<Address> addresses;
            try {
                addresses = desk->lookup ? desk->lookup(host) : ask_system(host);
            } catch (std::exception const&) {
                addresses.clear(); // there is nothing under that name
            }
            std::lock_guard const lock(desk->mutex);
            if (desk->owner == nullptr) continue;
            desk->owner->loop_.post([desk, host, found = std::move(addresses)] {
                if (desk->owner != nullptr) desk->owner->finish(host, found);
            });
        }
    }
};

Resolver::Resolver(Loop& loop, ResolverOptions options)
    : loop_(loop), options_(std::move(options)), desk_(std::make_shared<Desk>()) {
    desk_->owner = this;
    desk_->lookup = options_.lookup;
}

void Resolver::stop() {
    std::lock_guard const lock(desk_->mutex);
    desk_->owner = nullptr;
    for (auto& [host, answer] : answers_)
        for (Waiter* const waiter : answer->waiting) waiter->wake();
}

Task<std::vector<Address>> Resolver::resolve(std::string host, Steady::time_point deadline) {
    Address literal;
    if (parse(host, literal)) co_return std::vector<Address>(1, literal);
    if (desk_->owner == nullptr) throw Error(ErrorKind::stopped, "haat is shutting down");
    auto const now = Steady::now();
    std::shared_ptr<Answer> answer;
    if (auto const found = answers_.find(host); found != answers_.end()) answer = found->second;
    if (answer && answer->ready && answer->good_until <= now) answer.reset();
    if (!answer) {
        forget_old(now);
        if (answers_.size() >= options_.names_max)
            throw Error(ErrorKind::busy, "too many names are being looked up");
        answer = std::make_shared<Answer>();
        answers_[host] = answer;
        start(host);
    }
    if (!answer->ready) {
        Waiter waiter(loop_, deadline);
        auto const place = answer->waiting.insert(answer->waiting.end(), &waiter);
        bool const woken = co_await waiter;
        answer->waiting.erase(place);
        if (!woken) throw Error(ErrorKind::timeout, "looking up " + host + " took too long");
        if (!answer->ready) throw Error(ErrorKind::stopped, "haat is shutting down");
    }
    if (answer->failed) throw Error(ErrorKind::dns, "there is no address for " + host);
    co_return answer->addresses;
}

void Resolver::start(std::string const& host) {
    std::lock_guard const lock(desk_->mutex);
    desk_->queue.push_back(host);
    if (desk_->threads >= options_.threads_max) return;
    ++desk_->threads;
    std::thread([desk = desk_] { Desk::work(desk); }).detach();
}

void Resolver::finish(std::string const& host, std::vector<Address> addresses) {
    auto const found = answers_.find(host);
    if (found == answers_.end()) return;
    std::shared_ptr<Answer> const answer = found->second;
    answer->ready = true;
    answer->failed = addresses.empty();
    answer->addresses = std::move(addresses);
    answer->good_until = Steady::now() + options_.kept;
    // A name that leads nowhere is asked again at the next request.
    if (answer->failed || options_.kept.count() == 0) answers_.erase(found);
    for (Waiter* const waiter : answer->waiting) waiter->wake();
}

void Resolver::forget_old(Steady::time_point now) {
    if (answers_.size() < options_.names_max) return;
    std::erase_if(answers_, [&](auto const& one) {
        return one.second->ready && one.second->good_until <= now;
    });
    // All of them fresh: those that are not being looked up may go as well.
    if (answers_.size() >= options_.names_max)
        std::erase_if(answers_, [](auto const& one) { return one.second->ready; });
}

} // namespace haat::outbound
