#include <outbound/smtp.hpp>

#include <algorithm>
#include <optional>
#include <thread>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <loop/loop.hpp>

namespace haat::outbound {

namespace {

Submission::Security security_of(SmtpOptions const& options) {
    switch (options.security) {
    case SmtpSecurity::starttls: return Submission::Security::starttls;
    case SmtpSecurity::tls: return Submission::Security::tls;
    case SmtpSecurity::none: return Submission::Security::none;
    case SmtpSecurity::automatic: break;
    }
    return options.port == 465 ? Submission::Security::tls : Submission::Security::starttls;
}

bool is_loopback(std::string_view host) {
    return host == "localhost" || host == "::1" || host == "[::1]" || host.starts_with("127.");
}

/// "5.1.1" of "550 5.1.1 no such user".
std::string_view enhanced_code(std::string_view words) {
    if (words.size() < 9 || words.find_first_not_of("0123456789") != 3) return {};
    std::string_view const rest = words.substr(4);
    auto const end = std::min(rest.find(' '), rest.size());
    std::string_view const code = rest.substr(0, end);
    bool const digits = code.find_first_not_of("0123456789.") == code.npos;
    return digits && std::count(code.begin(), code.end(), '.') == 2 ? code : std::string_view();
}

Delivery refused(Error const& error) {
    if (error.status < 400) return failed_delivery(error);
    std::string_view const words = error.body;
    std::string_view const enhanced = enhanced_code(words);
    Delivery delivery;
    delivery.code = enhanced.empty() ? std::to_string(error.status) : std::string(enhanced);
    delivery.reason = brief(words.empty() ? std::string_view(error.text()) : words);
    int const status = error.status;
    if (status == 530 || status == 534 || status == 535 || status == 538)
        delivery.state = DeliveryState::misconfigured; // sign-in
    else if (status < 500)
        delivery.state =
            enhanced.starts_with("4.7.") ? DeliveryState::throttled : DeliveryState::temporary;
    else
        delivery.state = DeliveryState::permanent;
    delivery.recipient_gone = status >= 500 && enhanced.starts_with("5.1.");
    return delivery;
}

} // namespace

struct Smtp::Inside {
    explicit Inside(SmtpOptions how) : options(std::move(how)) {
        Options of_client;
        of_client.running_per_host_max = options.connections_max;
        of_client.running_max = options.connections_max;
        of_client.ca_file = options.ca_file;
        of_client.meter = options.meter;
        client.emplace(loop, of_client);
        thread = std::thread([this] { loop.run(); });
    }
    ~Inside() {
        loop.post([this] {
            stopping = true;
            client.reset(); // what runs ends with `stopped`
            if (running == 0) loop.stop();
        });
        thread.join();
    }

    /// One mail, as the caller's loop sees it.
    struct Call {
        Inside& in;
        Mail const& mail;
        Delivery delivery{};
        Loop* home = nullptr;
        std::coroutine_handle<> waiter{};

        bool await_ready() const { return false; }
        void await_suspend(std::coroutine_handle<> handle) {
            waiter = handle;
            home = &Loop::current();
            in.loop.post([this] { detach(Inside::serve(in, *this)); });
        }
        Delivery await_resume() { return std::move(delivery); }
    };

    static Task<void> serve(Inside& in, Call& call) {
        ++in.running;
        call.delivery = co_await in.deliver(call.mail);
        call.home->post([waiter = call.waiter] { waiter.resume(); });
        if (--in.running == 0 && in.stopping) in.loop.stop();
    }

    Task<Delivery> deliver(Mail const& mail) {
        Delivery delivery;
        Submission submission;
        try {
            MailText text = write_mail(mail, options.from, now());
            submission.host = options.host;
            submission.port = options.port;
            submission.security = security_of(options);
            submission.user = options.user;
            submission.password = options.password.value;
            submission.from = std::move(text.from);
            submission.recipients = std::move(text.recipients);
            submission.message = std::move(text.bytes);
            submission.times = options.times;
            delivery.provider_id = std::move(text.message_id);
            if (!client) throw Error(ErrorKind::stopped, "haat is shutting down");
            std::string const words = co_await client->submit(submission);
            delivery.state = DeliveryState::sent;
            delivery.reason = brief(words);
        } catch (BadMail const& bad) {
            delivery = bad_message(bad.what());
        } catch (Error const& error) {
            delivery = refused(error);
        }
        co_return delivery;
    }

    SmtpOptions options;
    Loop loop;
    std::optional<Client> client;
    int running = 0; // on the thread, as what follows
    bool stopping = false;
    std::thread thread;
};

Smtp::Smtp(SmtpOptions options) : inside_(std::make_unique<Inside>(std::move(options))) {}
Smtp::~Smtp() = default;

Task<Delivery> Smtp::deliver(Mail const& mail) {
    SmtpOptions const& options = inside_->options;
    std::string missing;
    if (!options.ready()) missing = "mail is not set up: SMTP_HOST and FROM_EMAIL";
    // A password does not cross a network that everybody may read.
    if (security_of(options) == Submission::Security::none && !options.user.empty() &&
        !is_loopback(options.host))
        missing = "a sign-in without TLS is refused but on this machine";
    if (!missing.empty()) {
        Delivery delivery = bad_message(missing);
        delivery.state = DeliveryState::misconfigured;
        co_return delivery;
    }
    Inside::Call call{*inside_, mail};
    co_return co_await call;
}

bool parse(std::string_view text, Mailbox& out) {
    text = trimmed(text);
    Mailbox found;
    if (auto const open = text.rfind('<'); open != text.npos && text.ends_with('>')) {
        std::string_view name = trimmed(text.substr(0, open));
        if (name.size() > 1 && name.front() == '"' && name.back() == '"')
            name = name.substr(1, name.size() - 2);
        found.name = name;
        text = text.substr(open + 1, text.size() - open - 2);
    }
    if (!parse(text, found.address)) return false;
    out = std::move(found);
    return true;
}

} // namespace haat::outbound
