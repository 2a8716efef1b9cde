#include <test/harness/load.hpp>

#include <test/harness/wait.hpp>

namespace haat::test {

WriteLoad::WriteLoad(std::uint16_t port, Caller const& caller, int threads) {
    for (int i = 0; i < threads; ++i)
        threads_.emplace_back([this, port, caller, i] { run(port, caller, i); });
}

void WriteLoad::stop() {
    stopping_ = true;
    for (std::thread& thread : threads_)
        if (thread.joinable()) thread.join();
}

std::vector<std::string> WriteLoad::acknowledged() const {
    std::lock_guard const guard(mutex_);
    return acknowledged_;
}

std::map<int, int> WriteLoad::statuses() const {
    std::lock_guard const guard(mutex_);
    return statuses_;
}

void WriteLoad::run(std::uint16_t port, Caller const& caller, int number) {
    Client client(port);
    client.as(caller);
    for (int i = 0; !stopping_; ++i) {
        std::string const name = "Load " + std::to_string(number) + " " + std::to_string(i);
        auto const began = std::chrono::steady_clock::now();
        Answer answer;
        try {
            answer = client.post("/brands", "{\"name\":\"" + name + "\"}");
        } catch (NoAnswer const&) {
            client.disconnect();
        }
        note(answer, std::chrono::duration_cast<std::chrono::milliseconds>(
                         std::chrono::steady_clock::now() - began));
        if (answer.status != 201) pause_briefly(); // a server that is away must not be flooded
    }
}

void WriteLoad::note(Answer const& answer, std::chrono::milliseconds took) {
    if (answer.status == 503 && !answer.has_header("Retry-After")) ++without_retry_after_;
    std::lock_guard const guard(mutex_);
    ++statuses_[answer.status];
    if (took.count() > slowest_ms_) slowest_ms_ = took.count();
    if (answer.status != 201) return;
    acknowledged_.push_back(answer.text("data.id"));
    ++written_;
}

} // namespace haat::test
