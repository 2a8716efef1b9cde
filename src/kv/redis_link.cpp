#include <kv/redis_link.hpp>

#include <algorithm>
#include <random>

#include <boost/asio/post.hpp>

#include <kv/redis_scripts.hpp>
#include <telemetry/log.hpp>

namespace haat::kv {

namespace {
constexpr milliseconds backoff_first{50};
constexpr milliseconds grace{10};
constexpr std::size_t input_bytes = 64 * 1024;

milliseconds with_jitter(milliseconds wait) {
    thread_local std::minstd_rand random{std::random_device{}()};
    std::uniform_real_distribution<double> factor(0.5, 1.0);
    return milliseconds(
        static_cast<std::int64_t>(static_cast<double>(wait.count()) * factor(random)));
}

// What is Redis's own word, and nothing of ours: "WRONGPASS invalid username-password pair …".
std::string sentence_of(redisReply const& refusal) {
    std::string_view const text = text_of(refusal);
    if (text.starts_with("WRONGPASS") || text.starts_with("NOAUTH") || text.starts_with("ERR AUTH"))
        return "it refuses the password";
    return "it refuses us: " + std::string(text.substr(0, 200));
}
} // namespace

RedisLink::RedisLink(Loop& loop, RedisOptions const& options, RedisAddress address)
    : loop_(loop), options_(options), address_(std::move(address)), retry_(loop.context()),
      deadline_(loop.context()), input_(input_bytes) {}

RedisLink::~RedisLink() {
    if (wire_) wire_->close();
}

// ---- connecting

void RedisLink::open() {
    wanted_ = true;
    reader_ = AnswerReader();
    out_.clear();
    wire_ = std::make_shared<Wire>(loop_.context(), address_, options_.ca_file);
    wire_->connect([self = weak_from_this(), wire = wire_](std::string const& trouble) {
        if (auto const link = self.lock()) link->wired(wire, trouble);
    });
    deadline_.expires_after(options_.connect_timeout);
    deadline_.async_wait(
        [self = weak_from_this(), wire = wire_](boost::system::error_code const& error) {
            auto const link = self.lock();
            if (!error && link && link->wire_ == wire && !link->up())
                link->lose("no connection in time");
        });
}

void RedisLink::wired(std::shared_ptr<Wire> const& wire, std::string const& trouble) {
    if (wire != wire_) return;
    if (!trouble.empty()) return lose(trouble);
    greet();
    read_more();
}

void RedisLink::greet() {
    auto const word = [this](std::size_t words, std::string_view name) {
        ++greetings_due_;
        return Command(out_, words).word(name);
    };
    greetings_due_ = 0;
    std::string const& password = address_.password.empty() ? options_.password : address_.password;
    if (!password.empty() && address_.user.empty())
        word(2, "AUTH").word(password);
    else if (!password.empty())
        word(3, "AUTH").word(address_.user).word(password);
    if (address_.database != 0) word(2, "SELECT").number(address_.database);
    word(3, "CLIENT").word("SETNAME").word("haat");
    for (Script const* const script : scripts) word(3, "SCRIPT").word("LOAD").word(script->text);
    word(1, "PING"); // which a Redis that still loads its data refuses
    flush();
}

void RedisLink::take_greeting(Answer answer) {
    if (answer->type == REDIS_REPLY_ERROR) return lose(sentence_of(*answer));
    if (--greetings_due_ > 0) return;
    deadline_.cancel();
    watching_ = false;
    if (connections_++ > 0) reconnects_.fetch_add(1, std::memory_order_relaxed);
    log::info("redis up").field("at", address_.name());
    {
        std::lock_guard const lock(mutex_);
        trouble_.clear();
    }
    up_.store(true, std::memory_order_release);
    if (on_up) on_up();
}

void RedisLink::open_later() {
    backoff_ = std::min(options_.backoff_max, std::max(backoff_first, backoff_ * 2));
    retry_.expires_after(with_jitter(backoff_));
    retry_.async_wait([self = weak_from_this()](boost::system::error_code const& error) {
        auto const link = self.lock();
        if (!error && link && link->wanted_ && !link->wire_) link->open();
    });
}

void RedisLink::say(std::string const& trouble) {
    std::lock_guard const lock(mutex_);
    // Once for each cause, not for each attempt.
    if (trouble_ != trouble && wanted_)
        log::warn("redis away").field("at", address_.name()).field("why", trouble);
    trouble_ = trouble;
}

void RedisLink::lose(std::string const& why) {
    if (!wire_) return;
    auto const keep = shared_from_this();
    up_.store(false, std::memory_order_release);
    say(why);
    std::exchange(wire_, nullptr)->close();
    deadline_.cancel();
    writing_ = watching_ = suspected_ = false;
    greetings_due_ = 0;
    out_.clear();
    if (wanted_) open_later();
    // Whoever goes on now may ask again, or make another one go away: forget() works on this too.
    while (!waiting_.empty()) {
        Waiting const first = waiting_.front();
        waiting_.pop_front();
        if (first.waiter) first.waiter->finish(nullptr);
    }
}

void RedisLink::close() {
    wanted_ = false;
    retry_.cancel();
    lose("closed");
}

std::string RedisLink::trouble() const {
    std::lock_guard const lock(mutex_);
    return trouble_;
}

// ---- out

bool RedisLink::takes() const {
    return up() && waiting_.size() < options_.waiting_max &&
           out_.size() < options_.bytes_waiting_max;
}

Command RedisLink::write(std::size_t words) {
    if (!flushing_) {
        // At the end of this turn of the loop, so that what comes in one turn goes out together,
        // and the clock is asked once for all of it.
        flushing_ = true;
        turn_ = Clock::now();
        boost::asio::post(loop_.context(), [self = weak_from_this()] {
            auto const link = self.lock();
            if (!link) return;
            link->flushing_ = false;
            link->flush();
        });
    }
    return {out_, words};
}

void RedisLink::flush() {
    if (writing_ || out_.empty() || !wire_) return;
    writing_ = true;
    sending_.clear();
    std::swap(sending_, out_);
    wire_->write(sending_, [self = weak_from_this(), wire = wire_](std::string const& trouble) {
        auto const link = self.lock();
        if (!link || link->wire_ != wire) return;
        link->writing_ = false;
        if (!trouble.empty()) return link->lose(trouble);
        link->flush();
    });
}

// ---- in

void RedisLink::expect(Asked* waiter) {
    waiting_.push_back({waiter, turn_});
    watch();
}

void RedisLink::forget(Asked const* waiter) {
    for (Waiting& each : waiting_)
        if (each.waiter == waiter) each.waiter = nullptr;
}

// Late is who answers nothing for the time-out, or one command not within four of them: a long row
// that is worked off is no sign of illness. A loop that was held up itself looks into its socket
// before it blames Redis.
void RedisLink::watch() {
    if (watching_ || waiting_.empty() || !up()) return;
    watching_ = true;
    deadline_.expires_at(suspected_ ? Clock::now() + grace : late_at());
    deadline_.async_wait(
        [self = weak_from_this(), wire = wire_](boost::system::error_code const& error) {
            auto const link = self.lock();
            if (error || !link || link->wire_ != wire) return;
            link->watching_ = false;
            bool const late = !link->waiting_.empty() && link->late_at() <= Clock::now();
            if (late && link->suspected_) return link->lose("no answer in time");
            link->suspected_ = late;
            link->watch();
        });
}

Clock::time_point RedisLink::late_at() const {
    Clock::time_point const since = waiting_.front().since;
    return std::min(std::max(since, answered_) + options_.timeout, since + 4 * options_.timeout);
}

void RedisLink::read_more() {
    wire_->read(
        input_.data(), input_.size(),
        [self = weak_from_this(), wire = wire_](std::string const& trouble, std::size_t size) {
            auto const link = self.lock();
            if (!link || link->wire_ != wire) return;
            if (!trouble.empty()) return link->lose("connection lost: " + trouble);
            link->received(size);
        });
}

void RedisLink::received(std::size_t size) {
    auto const wire = wire_;
    answered_ = Clock::now();
    if (!reader_.feed(input_.data(), size)) return lose("no memory for its answer");
    for (;;) {
        Answer answer;
        if (!reader_.next(answer)) return lose("its answer makes no sense: is it a Redis?");
        if (!answer) break;
        if (greetings_due_ > 0)
            take_greeting(std::move(answer));
        else if (!take(std::move(answer)))
            return lose("it answers what nobody asked");
        if (wire_ != wire) return; // lost, by us or by whoever went on
    }
    read_more();
}

bool RedisLink::take(Answer answer) {
    if (waiting_.empty()) return false;
    Waiting const first = waiting_.front();
    waiting_.pop_front();
    latency_.observe(answered_ - first.since);
    backoff_ = milliseconds{0};
    bool const read_only =
        answer->type == REDIS_REPLY_ERROR && text_of(*answer).starts_with("READONLY");
    if (first.waiter) first.waiter->finish(std::move(answer));
    // It became a replica: its successor is found by connecting again.
    if (read_only) lose("it has become a replica");
    return true;
}

void Asked::finish(Answer answer) {
    answer_ = std::move(answer);
    done_ = true;
    if (handle_) handle_.resume(); // and may be gone
}

} // namespace haat::kv
