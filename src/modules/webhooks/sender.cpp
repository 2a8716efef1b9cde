#include <modules/webhooks/sender.hpp>

#include <algorithm>

#include <sodium.h>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <loop/loop.hpp>

namespace haat::webhooks {

namespace {

using std::chrono::duration_cast;
using std::chrono::steady_clock;

constexpr std::int64_t micros_in_second = 1'000'000;
constexpr std::size_t error_kept_max = 500;
constexpr std::size_t header_kept_max = 200;
constexpr std::chrono::seconds retry_after_max = 1h;
constexpr milliseconds behind_all_patience = 24h * 36'500;

// One dead path must not close a host for all who have endpoints there: each endpoint is left
// alone by itself, and the client's breakers stay shut.
outbound::Options client_options(outbound::Options options) {
    options.breaker_failures = 1 << 30;
    options.running_max = std::max(options.running_max, 1'024);
    options.running_per_host_max = options.running_max;
    options.idle_connections_max = std::max(options.idle_connections_max, 256);
    return options;
}

/// As text that PostgreSQL takes, cut at a whole character.
std::string kept_text(std::string_view text, std::size_t bytes_max) {
    std::string kept(text.substr(0, bytes_max));
    bool const was_cut = kept.size() < text.size();
    for (int i = 0; was_cut && i < 4 && !kept.empty() && !is_utf8(kept); ++i) kept.pop_back();
    if (!is_utf8(kept) || kept.find('\0') != std::string::npos) return "(not a text)";
    return kept;
}

// Cookies and whatever else an answer holds are nobody's business.
std::string kept_headers(outbound::Reply const& reply) {
    std::string kept;
    for (char const* const name : {"Content-Type", "Date", "Retry-After", "Server"}) {
        std::string_view const value = reply.header(name);
        if (value.empty()) continue;
        kept.append(name).append(": ").append(kept_text(value, header_kept_max)).append("\n");
    }
    return kept;
}

outbound::Request request_of(Options const& options, Target const& target, Due const& due,
                             std::string signature) {
    outbound::Request request = outbound::json_request(target.url, due.body);
    request.headers.push_back({"User-Agent", "haat-webhooks/1"});
    request.headers.push_back({"Haat-Event-Id", to_string(due.event_id)});
    request.headers.push_back({"Haat-Delivery-Id", to_string(due.id.uuid)});
    request.headers.push_back({"Haat-Subject", due.subject});
    request.headers.push_back({"Haat-Attempt", std::to_string(due.number)});
    request.headers.push_back({"Haat-Signature", std::move(signature)});
    request.purpose = "webhook";
    request.reach = outbound::Reach::world;
    request.times.whole = options.timeout;
    request.times.connect = std::min(request.times.connect, options.timeout);
    request.times.silence = std::min(request.times.silence, options.timeout);
    request.body_bytes_max = answer_bytes_max;
    request.attempts_max = 1; // we have our own, over days
    request.redirects_max = 0;
    request.path_secret = true;
    return request;
}

/// The log shows what was sent, but for what proves that it came from us.
std::string shown_headers(outbound::Request const& request) {
    std::string shown;
    for (outbound::Header const& header : request.headers) {
        bool const secret = header.name == "Haat-Signature";
        shown.append(header.name).append(": ").append(secret ? "***" : header.value).append("\n");
    }
    return shown;
}

Verdict verdict_of(int status) {
    if (status >= 200 && status < 300) return Verdict::delivered;
    if (status == 410) return Verdict::gone;
    bool const busy = status == 408 || status == 425 || status == 429 || status >= 500;
    return busy ? Verdict::trouble : Verdict::refused;
}

void read_reply(Options const& options, outbound::Reply const& reply, Outcome& outcome) {
    Attempt& attempt = outcome.attempt;
    outcome.verdict = verdict_of(reply.status);
    outcome.retry_after = reply.retry_after();
    attempt.status = reply.status;
    attempt.delivered = outcome.verdict == Verdict::delivered;
    attempt.response_headers = kept_headers(reply);
    attempt.response_body = kept_text(reply.body, options.answer_bytes_kept);
    if (attempt.delivered) return;
    bool const elsewhere = reply.status >= 300 && reply.status < 400;
    attempt.error = "it answered " + std::to_string(reply.status) +
                    (elsewhere ? "; redirects are not followed" : "");
}

void read_error(outbound::Error const& error, Outcome& outcome) {
    bool const ours =
        error.kind() == outbound::ErrorKind::stopped || error.kind() == outbound::ErrorKind::busy;
    outcome.verdict = ours ? Verdict::not_sent : Verdict::trouble;
    outcome.attempt.error =
        std::string(name_of(error.kind())) + ": " + kept_text(error.text(), error_kept_max - 50);
}

std::int64_t doubled(milliseconds first, milliseconds most, std::int32_t times) {
    std::int64_t delay = std::max<std::int64_t>(1, first.count());
    for (std::int32_t i = 0; i < times && delay < most.count(); ++i) delay *= 2;
    return std::min<std::int64_t>(delay, most.count());
}

/// A quarter to both sides, so that what failed together does not come back together.
std::int64_t with_jitter(std::int64_t delay) {
    std::int64_t const span = std::max<std::int64_t>(1, delay / 2);
    return std::max<std::int64_t>(1, delay - span / 2 +
                                         randombytes_uniform(static_cast<std::uint32_t>(span)));
}

} // namespace

Sender::Sender(Options options) : inside_(std::make_unique<Inside>(std::move(options))) {}
Sender::~Sender() = default;

outbound::Client& Sender::Inside::client() {
    Loop& loop = Loop::current();
    std::lock_guard const lock(mutex);
    auto& mine = clients[&loop];
    if (!mine) mine = std::make_unique<outbound::Client>(loop, client_options(options.client));
    return *mine;
}

Task<Outcome> Sender::Inside::attempt(Target const& target, Due const& due) {
    Outcome outcome;
    Attempt& attempt = outcome.attempt;
    attempt.delivery_id = due.id;
    attempt.number = due.number;
    attempt.at = now();
    attempt.retry_ms = retry_ms(due.tries);
    std::vector<std::string> secrets;
    if (auto secret = vault.open(target.secret, target.id)) secrets.push_back(std::move(*secret));
    if (target.previous_secret)
        if (auto secret = vault.open(*target.previous_secret, target.id))
            secrets.push_back(std::move(*secret));
    if (secrets.empty()) {
        outcome.verdict = Verdict::trouble;
        attempt.error = "its secret was sealed by another server and cannot be read: rotate it";
        co_return outcome;
    }
    outbound::Request request =
        request_of(options, target, due,
                   signature_of(attempt.at.micros / micros_in_second, due.body, secrets));
    attempt.request_headers = shown_headers(request);
    auto const began = steady_clock::now();
    try {
        outbound::Reply const reply = co_await client().send(std::move(request));
        read_reply(options, reply, outcome);
    } catch (outbound::Error const& error) {
        read_error(error, outcome);
    }
    attempt.duration_ms =
        static_cast<std::int32_t>(duration_cast<milliseconds>(steady_clock::now() - began).count());
    co_return outcome;
}

std::int64_t Sender::Inside::retry_ms(std::int32_t tries) const {
    bool const last = options.attempts_max > 0 && tries + 1 >= options.attempts_max;
    if (last) return behind_all_patience.count();
    return with_jitter(doubled(options.retry_first, options.retry_max, tries));
}

std::int64_t Sender::Inside::pause_ms(std::int32_t failures, Outcome const& worst) const {
    std::int64_t const own = with_jitter(doubled(options.pause_first, options.pause_max, failures));
    if (!worst.retry_after) return own;
    auto const asked = duration_cast<milliseconds>(
        std::clamp(*worst.retry_after, std::chrono::seconds(0), retry_after_max));
    return std::max<std::int64_t>(own, asked.count());
}

} // namespace haat::webhooks
