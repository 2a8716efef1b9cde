#include <outbound/client.hpp>

#include <algorithm>
#include <charconv>

#include <curl/curl.h>
#include <sodium.h>

#include <base/clock.hpp>
#include <loop/loop.hpp>
#include <outbound/engine.hpp>
#include <outbound/hosts.hpp>
#include <outbound/meter.hpp>
#include <outbound/resolver.hpp>
#include <telemetry/log.hpp>

namespace haat::outbound {

namespace {

constexpr milliseconds backoff_max = 20s;

HostLimits limits_of(Options const& options) {
    HostLimits limits;
    limits.running_max = options.running_max;
    limits.running_per_host_max = options.running_per_host_max;
    limits.waiting_max = options.waiting_max;
    limits.waiting_per_host_max = options.waiting_per_host_max;
    limits.breaker = {options.breaker_failures, options.breaker_pause};
    return limits;
}

ResolverOptions resolver_options(Options const& options) {
    ResolverOptions resolver;
    resolver.lookup = options.lookup;
    resolver.kept = options.names_kept;
    return resolver;
}

EngineOptions engine_options(Options const& options) {
    return {options.ca_file, options.idle_connections_max};
}

bool repeatable(Request const& request) {
    switch (request.method) {
    case Method::post:
    case Method::patch: return !request.idempotency_key.empty();
    default: return true;
    }
}

bool worth_another(int status) {
    return status == 429 || status == 502 || status == 503 || status == 504;
}

bool is_token(std::string_view name) {
    constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
    return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               marks.find(c) != marks.npos;
    });
}

bool same_word(std::string_view a, std::string_view b) {
    auto const lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(),
                                              [&](char x, char y) { return lower(x) == lower(y); });
}

/// As libcurl takes them. A line break in a value would be a header of somebody else's choice.
std::vector<std::string> header_lines(Request const& request) {
    std::vector<std::string> lines;
    bool typed = false;
    auto const add = [&](std::string_view name, std::string_view value) {
        bool const plain = std::none_of(value.begin(), value.end(), [](unsigned char c) {
            return (c < 0x20 && c != '\t') || c == 0x7f;
        });
        if (!is_token(name) || !plain)
            throw Error(ErrorKind::bad_request, "a header cannot be sent as it is");
        typed = typed || same_word(name, "Content-Type");
        // Without a value libcurl wants a semicolon, else it takes the header away.
        lines.push_back(value.empty() ? std::string(name) + ";"
                                      : std::string(name) + ": " + std::string(value));
    };
    for (Header const& header : request.headers) add(header.name, header.value);
    if (!request.idempotency_key.empty()) add("Idempotency-Key", request.idempotency_key);
    if (!typed && !request.body.empty()) add("Content-Type", "application/octet-stream");
    return lines;
}

milliseconds left_until(Steady::time_point deadline) {
    return std::chrono::duration_cast<milliseconds>(deadline - Steady::now());
}

/// Half of it is certain, half is chance, so that those who failed together do not return so.
milliseconds pause_before(int attempt, milliseconds backoff) {
    auto const doubled = backoff * (1LL << std::min(attempt - 1, 16));
    auto const whole = std::min<milliseconds>(doubled, std::max(backoff, backoff_max)).count();
    auto const chance = randombytes_uniform(static_cast<std::uint32_t>(whole / 2 + 1));
    return milliseconds(whole / 2 + chance);
}

struct Attempt {
    Reply reply;
    std::optional<Error> error;
    std::exception_ptr thrown; // by source or sink: not the host's fault
    std::string last_words;
    std::uint64_t bytes_in = 0;
    std::uint64_t bytes_out = 0;
};

Health health_of(Attempt const& attempt) {
    if (attempt.thrown) return Health::unknown;
    if (!attempt.error) return attempt.reply.status >= 500 ? Health::bad : Health::good;
    switch (attempt.error->kind()) {
    case ErrorKind::dns:
    case ErrorKind::refused:
    case ErrorKind::tls:
    case ErrorKind::timeout:
    case ErrorKind::closed: return Health::bad;
    case ErrorKind::status: return Health::good; // a mail server that says no is well
    default: return Health::unknown;
    }
}

} // namespace

struct Client::Inside : std::enable_shared_from_this<Inside> {
    Inside(Loop& on, Options how)
        : loop(on), options(std::move(how)), guard(options.allowed_networks),
          resolver(on, resolver_options(options)),
          hosts(std::make_shared<Hosts>(on, limits_of(options))),
          world(on, guard, engine_options(options)), house(on, guard, engine_options(options)) {
        if (options.meter == nullptr) options.meter = &own_meter;
    }

    void stop() {
        stopped = true;
        hosts->stop();
        world.stop();
        house.stop();
        resolver.stop();
    }

    /// A connection that was made for the operator is never lent to a stranger's URL.
    Engine& engine_of(Reach reach) { return reach == Reach::house ? house : world; }

    static Task<Reply> exchange(std::shared_ptr<Inside> in, Request request);
    static Task<std::string> hand_over(std::shared_ptr<Inside> in, Submission const& mail);
    Task<Reply> with_retries(Request& request, Target const& target, Steady::time_point deadline);
    Task<Attempt> attempt(Order order, std::string key, std::string_view purpose,
                          Steady::time_point deadline);
    Task<void> connect_and_run(Order& order, Attempt& attempt, Steady::time_point deadline);
    std::optional<milliseconds> pause_after(Attempt const& attempt, Request& request, int number,
                                            Steady::time_point deadline) const;
    Task<void> rest(milliseconds pause) const;

    Loop& loop;
    Options options;
    Guard guard;
    Resolver resolver;
    std::shared_ptr<Hosts> hosts;
    Engine world;
    Engine house;
    Meter own_meter;
    bool stopped = false;
};

// ---- one attempt

Task<void> Client::Inside::connect_and_run(Order& order, Attempt& attempt,
                                           Steady::time_point deadline) {
    auto const connect_by = std::min(deadline, Steady::now() + order.times.connect);
    order.addresses = co_await resolver.resolve(order.target.host, connect_by);
    // All of them: a name that leads to a private address as well is up to something.
    for (Address const& address : order.addresses)
        if (!guard.permits(address, order.reach))
            throw Error(ErrorKind::forbidden_address,
                        order.target.host + " leads to an address that is not public");
    order.times.whole = left_until(deadline);
    if (order.times.whole <= 0ms)
        throw Error(ErrorKind::timeout, order.target.host + " took too long");
    Outcome outcome = co_await engine_of(order.reach).run(order);
    attempt.error = std::move(outcome.error);
    attempt.thrown = outcome.thrown;
    attempt.reply = std::move(outcome.reply);
    attempt.last_words = std::move(outcome.last_words);
    attempt.bytes_in = outcome.bytes_in;
    attempt.bytes_out = outcome.bytes_out;
}

Task<Attempt> Client::Inside::attempt(Order order, std::string key, std::string_view purpose,
                                      Steady::time_point deadline) {
    Attempt attempt;
    try {
        Hosts::Turn turn = co_await hosts->enter(std::move(key), deadline);
        try {
            co_await connect_and_run(order, attempt, deadline);
        } catch (Error const& error) {
            attempt.error = error;
        }
        if (turn.report(health_of(attempt))) {
            options.meter->breaker_opened(purpose);
            log::warn("a host is left alone for a while").field("host", order.target.host);
        }
    } catch (Error const& error) {
        attempt.error = error;
    }
    co_return attempt;
}

// ---- again, where that is safe

/// How long to wait before the next attempt; nothing: there is none.
std::optional<milliseconds> Client::Inside::pause_after(Attempt const& attempt, Request& request,
                                                        int number,
                                                        Steady::time_point deadline) const {
    if (attempt.thrown || number >= request.attempts_max) return std::nullopt;
    std::optional<std::chrono::seconds> asked;
    bool safe = repeatable(request);
    if (attempt.error) {
        switch (attempt.error->kind()) {
        case ErrorKind::dns:
        case ErrorKind::refused:
        case ErrorKind::timeout:
        case ErrorKind::closed: break;
        default: return std::nullopt;
        }
        safe = safe || !attempt.error->perhaps_done; // it never left
    } else {
        if (!worth_another(attempt.reply.status)) return std::nullopt;
        asked = attempt.reply.retry_after();
    }
    if (!safe) return std::nullopt;
    // A sink may have had some of it; a source may be used up.
    if (attempt.error && request.sink && attempt.bytes_in > 0) return std::nullopt;
    milliseconds pause = pause_before(number, options.backoff);
    if (asked) pause = std::max<milliseconds>(pause, *asked);
    if (left_until(deadline) <= pause) return std::nullopt;
    if (request.source && !request.source->rewind()) return std::nullopt;
    return pause;
}

/// Not longer than the client is there: then the next attempt learns it.
Task<void> Client::Inside::rest(milliseconds pause) const {
    auto const end = Steady::now() + pause;
    while (!stopped && Steady::now() < end)
        co_await sleep_for(std::min<milliseconds>(left_until(end) + 1ms, 50ms));
}

Task<Reply> Client::Inside::with_retries(Request& request, Target const& target,
                                         Steady::time_point deadline) {
    Order order;
    order.target = target;
    order.reach = request.reach;
    order.times = request.times;
    order.body_bytes_max = request.body_bytes_max;
    order.method = name_of(request.method);
    order.headers = header_lines(request);
    order.body = request.body;
    order.source = request.source;
    order.source_size = request.source_size;
    order.sink = request.sink;
    order.repeatable = repeatable(request) && request.attempts_max > 1;
    for (int number = 1;; ++number) {
        Attempt attempt = co_await this->attempt(order, target.key(), request.purpose, deadline);
        auto const pause = pause_after(attempt, request, number, deadline);
        if (pause) {
            options.meter->retried(request.purpose);
            co_await rest(*pause);
            continue;
        }
        if (attempt.thrown) std::rethrow_exception(attempt.thrown);
        if (attempt.error) throw Error(*attempt.error);
        attempt.reply.attempts = number;
        co_return std::move(attempt.reply);
    }
}

// ---- redirects, log, metrics

namespace {

bool is_redirect(int status) {
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/// As RFC 9110 has it; to another origin go neither credentials nor the trust in its address.
void follow(Request& request, Target& target, Reply const& reply) {
    Target const next = target_from(target, reply.header("Location"));
    bool const get = reply.status == 303 || ((reply.status == 301 || reply.status == 302) &&
                                             request.method == Method::post);
    if (get && request.method != Method::head) {
        request.method = Method::get;
        request.body.clear();
        request.source = nullptr;
        request.source_size.reset();
        std::erase_if(request.headers, [](Header const& header) {
            return same_word(header.name.substr(0, 8), "content-");
        });
    }
    if (next.key() != target.key()) {
        request.reach = Reach::world;
        request.idempotency_key.clear();
        std::erase_if(request.headers, [](Header const& header) {
            return !same_word(header.name, "accept") && !same_word(header.name, "content-type");
        });
    }
    if (target.https && !next.https)
        throw Error(ErrorKind::bad_request, target.host + " redirects to plain http");
    if (request.source && !request.source->rewind())
        throw Error(ErrorKind::bad_request, "a body that was read cannot be sent once more");
    target = next;
}

struct Story { // what the log and the metrics tell of a request
    std::string url;
    std::string names; // of the headers
    std::string_view method;
    std::string_view purpose;
    Steady::time_point begin = Steady::now();
};

std::string header_names(std::vector<Header> const& headers) {
    std::string names;
    for (Header const& header : headers) names += (names.empty() ? "" : ",") + header.name;
    return names;
}

void tell(Story const& story, Meter& meter, Reply const* reply, Error const* error) {
    auto const duration = Steady::now() - story.begin;
    if (reply) meter.answered(story.purpose, reply->status, duration);
    if (error) meter.failed(story.purpose, error->kind(), duration);
    bool const well = reply != nullptr && reply->status < 500;
    log::Line line(well ? log::Level::info : log::Level::warn, "outbound request");
    line.field("purpose", story.purpose).field("method", story.method).field("url", story.url);
    line.field("ms", std::chrono::duration<double, std::milli>(duration).count());
    if (!story.names.empty()) line.field("headers", story.names);
    if (reply) line.field("status", reply->status).field("attempts", reply->attempts);
    if (error) line.field("error", name_of(error->kind())).field("why", error->text());
}

} // namespace

Task<Reply> Client::Inside::exchange(std::shared_ptr<Inside> in, Request request) {
    Story story;
    story.url = masked_url(request.url, request.path_secret);
    story.names = header_names(request.headers);
    story.method = name_of(request.method);
    story.purpose = request.purpose;
    auto const deadline = Steady::now() + request.times.whole;
    in->options.meter->began();
    std::exception_ptr failed;
    try {
        Target target = target_of(request.url);
        for (int hop = 0;; ++hop) {
            Reply reply = co_await in->with_retries(request, target, deadline);
            if (hop < request.redirects_max && is_redirect(reply.status) &&
                !reply.header("Location").empty()) {
                follow(request, target, reply);
                continue;
            }
            in->options.meter->ended();
            tell(story, *in->options.meter, &reply, nullptr);
            co_return reply;
        }
    } catch (Error const& error) {
        tell(story, *in->options.meter, nullptr, &error);
        failed = std::current_exception();
    } catch (...) { // of a source or a sink; its owner tells
        failed = std::current_exception();
    }
    in->options.meter->ended();
    std::rethrow_exception(failed);
}

Task<std::string> Client::Inside::hand_over(std::shared_ptr<Inside> in, Submission const& mail) {
    bool const tls = mail.security == Submission::Security::tls;
    auto const at = std::min(mail.from.rfind('@'), mail.from.size());
    std::string const domain = at < mail.from.size() ? mail.from.substr(at + 1) : "localhost";
    Order order;
    order.target.host = mail.host;
    order.target.port = mail.port;
    order.target.url =
        (tls ? "smtps://" : "smtp://") + mail.host + ":" + std::to_string(mail.port) + "/" + domain;
    order.reach = Reach::house; // the operator named the server
    order.times = mail.times;
    order.body_bytes_max = 1024 * 1024;
    order.mail = &mail;
    Story story;
    story.url = (tls ? "smtps://" : "smtp://") + mail.host;
    story.method = "MAIL";
    story.purpose = "mail";
    in->options.meter->began();
    std::string key = "smtp://" + mail.host + ":" + std::to_string(mail.port);
    auto const deadline = story.begin + mail.times.whole;
    Attempt attempt = co_await in->attempt(order, std::move(key), story.purpose, deadline);
    in->options.meter->ended();
    if (attempt.error) {
        attempt.error->body = attempt.last_words;
        tell(story, *in->options.meter, nullptr, &*attempt.error);
        throw Error(*attempt.error);
    }
    attempt.reply.status = 250;
    tell(story, *in->options.meter, &attempt.reply, nullptr);
    co_return std::move(attempt.last_words);
}

// ---- the face

Client::Client(Loop& loop, Options options)
    : inside_(std::make_shared<Inside>(loop, std::move(options))) {}

Client::~Client() { inside_->stop(); }

Task<Reply> Client::send(Request request) { return Inside::exchange(inside_, std::move(request)); }

Task<std::string> Client::submit(Submission const& mail) {
    return Inside::hand_over(inside_, mail);
}

Task<void> Client::read_json(Request request, describe::Shape const& shape, void* into) {
    bool const typed = std::any_of(request.headers.begin(), request.headers.end(),
                                   [](Header const& h) { return same_word(h.name, "accept"); });
    if (!typed) request.headers.push_back({"Accept", "application/json"});
    std::string const url = request.url;
    Reply const reply = co_await send(std::move(request));
    std::string const host = target_of(url).host;
    expect_ok(reply, host);
    Problems problems;
    bool const json = describe::decode(reply.body, shape, into, problems);
    if (json && problems.empty()) co_return;
    std::string where = problems.empty() ? "" : problems.front().path;
    throw Error(ErrorKind::bad_reply,
                host + " answered something else than was agreed" +
                    (where.empty() ? "" : ": " + where + " " + sentence_of(problems.front())));
}

Client::Load Client::load() const {
    Hosts const& hosts = *inside_->hosts;
    return {hosts.running(), hosts.waiting(), hosts.known(), hosts.open_breakers()};
}

} // namespace haat::outbound
