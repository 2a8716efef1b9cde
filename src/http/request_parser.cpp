#include <http/request_parser.hpp>

#include <charconv>
#include <cstring>
#include <optional>

#include <boost/beast/http/basic_parser.hpp>

namespace haat::http {

namespace beast = boost::beast;
using beast::http::field;
using boost::system::error_code;

namespace {

constexpr std::size_t chunk_line_bytes_max = 4 * 1024;
constexpr std::size_t chunk_extension_bytes_max = 16 * 1024;

std::string_view view_of(beast::string_view text) { return {text.data(), text.size()}; }

int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    c = static_cast<char>(c | 32);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

Method method_of(std::string_view text) {
    using enum Method;
    for (Method const m : {get, head, post, put, patch, del, options})
        if (text == name_of(m)) return m; // methods are case-sensitive
    return other;
}

bool host_is_plain(std::string_view host) {
    for (char const c : host)
        if (static_cast<unsigned char>(c) <= ' ' || static_cast<unsigned char>(c) >= 127 ||
            std::strchr("/?#@\\\"<>{}|^`", c))
            return false;
    return true;
}

/// Calls `each` for the comma-separated words of a header's value, spaces trimmed.
template <class Each> void for_words(std::string_view list, Each each) {
    while (!list.empty()) {
        auto const comma = std::min(list.find(','), list.size());
        std::string_view word = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        while (!word.empty() && (word.front() == ' ' || word.front() == '\t'))
            word.remove_prefix(1);
        while (!word.empty() && (word.back() == ' ' || word.back() == '\t')) word.remove_suffix(1);
        if (!word.empty()) each(word);
    }
}

bool any_word(std::string_view list, std::string_view wanted) {
    bool found = false;
    for_words(list, [&](std::string_view word) { found = found || same_word(word, wanted); });
    return found;
}

} // namespace

bool well_encoded(std::string_view target) {
    for (std::size_t i = 0; i < target.size(); ++i) {
        auto const c = static_cast<unsigned char>(target[i]);
        if (c <= ' ' || c >= 127 || c == '#') return false;
        if (c != '%') continue;
        if (i + 2 >= target.size()) return false;
        int const high = hex_of(target[i + 1]), low = hex_of(target[i + 2]);
        if (high < 0 || low < 0 || high + low == 0) return false;
        i += 2;
    }
    return true;
}

struct RequestParser::Inside {
    // Beast's parser is made for one message: a new one for each, in the same place.
    struct Beast final : beast::http::basic_parser<true> {
        Inside& owner;
        explicit Beast(Inside& inside) : owner(inside) {
            this->body_limit(boost::none); // the connection counts; it knows the plan's limit
            this->header_limit(~0U);       // head() has looked at the size before
        }

        void on_request_impl(beast::http::verb, beast::string_view method,
                             beast::string_view target, int version, error_code&) override {
            owner.request.method_text = view_of(method);
            owner.request.method = method_of(owner.request.method_text);
            owner.request.target = view_of(target);
            owner.framing.version_1_1 = version == 11;
        }
        void on_field_impl(field name, beast::string_view name_text, beast::string_view value,
                           error_code& error) override {
            bool const fine = owner.head_done
                                  ? ++owner.trailers <= owner.limits.header_count_max
                                  : owner.take(name, {view_of(name_text), view_of(value)});
            if (!fine) error = beast::http::error::bad_field;
        }
        void on_chunk_header_impl(std::uint64_t, beast::string_view extension,
                                  error_code& error) override {
            owner.extension_bytes += extension.size();
            if (owner.extension_bytes > chunk_extension_bytes_max)
                error = beast::http::error::bad_chunk_extension;
        }
        std::size_t on_chunk_body_impl(std::uint64_t, beast::string_view bytes,
                                       error_code&) override {
            owner.piece = view_of(bytes);
            return bytes.size();
        }
        void on_header_impl(error_code&) override {}
        void on_response_impl(int, beast::string_view, int, error_code&) override {}
        void on_body_init_impl(boost::optional<std::uint64_t> const&, error_code&) override {}
        std::size_t on_body_impl(beast::string_view bytes, error_code&) override {
            return bytes.size();
        }
        void on_finish_impl(error_code&) override {}
    };

    Limits limits;
    std::optional<Beast> beast;
    std::vector<Header> headers;
    Request request;
    Framing framing;
    Trouble trouble = Trouble::bad_request;

    std::size_t scanned = 0; // the input before this has whole lines only
    std::size_t head_bytes = 0;
    bool head_done = false;
    int hosts = 0, lengths = 0, codings = 0;
    std::string_view transfer_coding, connection, upgrade, expect;
    std::string target_text; // for the rare target that is not a part of the input
    int trailers = 0;
    std::size_t extension_bytes = 0;
    std::string_view piece;

    Step fail(Trouble what) {
        trouble = what;
        return Step::trouble;
    }

    bool take(field name, Header header) {
        if (static_cast<int>(headers.size()) >= limits.header_count_max) {
            trouble = Trouble::too_many_headers;
            return false;
        }
        headers.push_back(header);
        switch (name) {
        case field::host: ++hosts, request.host = header.value; break;
        case field::content_length: ++lengths; return take_length(header.value);
        case field::transfer_encoding: ++codings, transfer_coding = header.value; break;
        case field::connection: connection = header.value; break;
        case field::upgrade: upgrade = header.value; break;
        case field::expect: expect = header.value; break;
        case field::accept_encoding: framing.accept_encoding = header.value; break;
        case field::forwarded:
        case field::via: framing.proxy_header = true; break;
        case field::unknown:
            if (header.name.size() > 2 && (header.name[0] | 32) == 'x' &&
                (same_word(header.name.substr(0, 11), "X-Forwarded") ||
                 same_word(header.name, "X-Real-IP")))
                framing.proxy_header = true;
            break;
        default: break;
        }
        return true;
    }

    bool take_length(std::string_view text) {
        auto const [end, problem] =
            std::from_chars(text.data(), text.data() + text.size(), framing.content_length);
        return lengths == 1 && problem == std::errc{} && end == text.data() + text.size();
    }

    /// Where the head ends; 0: not yet. Refuses what parsers are known to disagree about.
    std::size_t find_end(std::string_view input, bool& bad) {
        while (scanned < input.size()) {
            char const* const from = input.data() + scanned;
            auto const* line_feed =
                static_cast<char const*>(std::memchr(from, '\n', input.size() - scanned));
            std::size_t const end =
                line_feed ? static_cast<std::size_t>(line_feed - input.data()) + 1 : input.size();
            if (scanned > 0 && (*from == ' ' || *from == '\t')) bad = true; // a folded header
            if (!line_feed || bad) return 0;
            std::size_t const line = end - scanned;
            if (line < 2 || line_feed[-1] != '\r') {
                bad = true; // a bare line feed
                return 0;
            }
            bool const empty = line == 2;
            bool const first = scanned == 0;
            scanned = end;
            // One empty line may stand before a request (RFC 9112, 2.2); `scanned` stays above 0,
            // so that a second one ends the head, which is then no request.
            if (empty && !first) return end;
        }
        return 0;
    }

    Step parse(std::string_view input);
    Step check_head();
    Step check_target();
    Step check_framing();
};

RequestParser::Step RequestParser::Inside::parse(std::string_view input) {
    std::string_view text = input.substr(0, head_bytes);
    if (text.starts_with("\r\n")) text.remove_prefix(2);
    if (std::memchr(text.data(), 0, text.size())) return fail(Trouble::bad_request);

    std::string_view const line = text.substr(0, text.find('\r'));
    auto const target_end = line.rfind(' ');
    auto const target_start = line.find(' ');
    if (target_end == std::string_view::npos || target_start == target_end)
        return fail(Trouble::bad_request);
    if (target_end - target_start - 1 > limits.target_bytes_max)
        return fail(Trouble::target_too_long);
    std::string_view const version = line.substr(target_end + 1);
    if (version.size() == 8 && version.starts_with("HTTP/") && version[6] == '.' &&
        version != "HTTP/1.1" && version != "HTTP/1.0")
        return fail(Trouble::unsupported_version);

    error_code error;
    trouble = Trouble::bad_request;
    std::size_t const used = beast->put(boost::asio::const_buffer(text.data(), text.size()), error);
    if (error) return Step::trouble; // take() may have said which
    if (!beast->is_header_done() || used != text.size()) return fail(Trouble::bad_request);
    head_done = true;
    request.headers = headers;
    return check_head();
}

RequestParser::Step RequestParser::Inside::check_head() {
    if (Step const step = check_framing(); step == Step::trouble) return step;
    if (hosts > 1 || (hosts == 0 && framing.version_1_1) || !host_is_plain(request.host))
        return fail(Trouble::bad_request);
    if (Step const step = check_target(); step == Step::trouble) return step;

    framing.keep_alive =
        framing.version_1_1 ? !any_word(connection, "close") : any_word(connection, "keep-alive");
    framing.upgrade = framing.version_1_1 && !upgrade.empty() && any_word(connection, "upgrade") &&
                      any_word(upgrade, "websocket");
    if (!expect.empty()) {
        if (!same_word(expect, "100-continue")) return fail(Trouble::unsupported_expectation);
        framing.expects_continue = framing.version_1_1 && framing.has_body();
    }
    return Step::done;
}

RequestParser::Step RequestParser::Inside::check_framing() {
    if (codings == 0) return Step::done;
    if (codings > 1 || lengths > 0 || !framing.version_1_1) return fail(Trouble::bad_request);
    int chunked = 0, others = 0;
    for_words(transfer_coding, [&](std::string_view word) {
        if (same_word(word, "chunked"))
            ++chunked;
        else
            ++others;
    });
    if (others > 0) return fail(Trouble::unsupported_transfer);
    if (chunked != 1) return fail(Trouble::bad_request);
    framing.chunked = true;
    return Step::done;
}

RequestParser::Step RequestParser::Inside::check_target() {
    std::string_view& target = request.target;
    if (!well_encoded(target)) return fail(Trouble::bad_request);
    if (target.front() != '/') {
        if (target == "*" && request.method == Method::options) {
            request.path = target;
            return Step::done;
        }
        auto const scheme = target.find("://");
        std::string_view const name = target.substr(0, std::min(scheme, target.size()));
        if (!same_word(name, "http") && !same_word(name, "https"))
            return fail(Trouble::bad_request);
        std::string_view const rest = target.substr(scheme + 3);
        auto const authority = std::min(rest.find_first_of("/?"), rest.size());
        if (authority == 0 || !host_is_plain(rest.substr(0, authority)))
            return fail(Trouble::bad_request);
        request.host = rest.substr(0, authority); // it wins over Host (RFC 9112, 3.2.2)
        target = rest.substr(authority);
        if (target.empty() || target.front() == '?') {
            target_text.assign("/").append(target);
            target = target_text;
        }
    }
    auto const mark = std::min(target.find('?'), target.size());
    request.path = target.substr(0, mark);
    request.query = target.substr(std::min(mark + 1, target.size()));
    return Step::done;
}

RequestParser::RequestParser(Limits limits) : inside_(std::make_unique<Inside>()) {
    inside_->limits = limits;
    inside_->headers.reserve(16);
    inside_->beast.emplace(*inside_);
}
RequestParser::~RequestParser() = default;

void RequestParser::reset() {
    Inside& in = *inside_;
    in.beast.emplace(in);
    in.headers.clear();
    std::string body = std::move(in.request.body);
    body.clear();
    if (body.capacity() > 64 * 1024) body = {}; // one large upload must not be kept for ever
    in.request = Request{};
    in.request.body = std::move(body);
    in.framing = Framing{};
    in.scanned = in.head_bytes = in.extension_bytes = 0;
    in.head_done = false;
    in.hosts = in.lengths = in.codings = in.trailers = 0;
    in.transfer_coding = in.connection = in.upgrade = in.expect = in.piece = {};
}

RequestParser::Step RequestParser::head(std::string_view input) {
    Inside& in = *inside_;
    bool bad = false;
    in.head_bytes = in.find_end(input, bad);
    if (bad) return in.fail(Trouble::bad_request);
    std::size_t const seen = in.head_bytes ? in.head_bytes : input.size();
    // The first line without an end, or longer than anything around a good target.
    std::size_t const line_max = in.limits.target_bytes_max + 64;
    if (seen > line_max && input.substr(0, line_max).find('\n', 2) == std::string_view::npos)
        return in.fail(Trouble::target_too_long);
    if (seen > in.limits.header_bytes_max) return in.fail(Trouble::headers_too_large);
    return in.head_bytes ? in.parse(input) : Step::need_more;
}

std::size_t RequestParser::head_size() const { return inside_->head_bytes; }
Trouble RequestParser::trouble() const { return inside_->trouble; }
Request& RequestParser::request() { return inside_->request; }
RequestParser::Framing const& RequestParser::framing() const { return inside_->framing; }

RequestParser::Piece RequestParser::chunk(std::string_view input) {
    Inside& in = *inside_;
    Piece result;
    in.piece = {};
    while (in.piece.empty()) {
        if (in.beast->is_done()) {
            result.step = Step::done;
            return result;
        }
        std::string_view const rest = input.substr(result.consumed);
        if (rest.empty()) return result;
        error_code error;
        std::size_t const used =
            in.beast->put(boost::asio::const_buffer(rest.data(), rest.size()), error);
        result.consumed += used;
        if (error && error != beast::http::error::need_more) {
            result.step = in.fail(Trouble::bad_request);
            return result;
        }
        if (used == 0) {
            if (rest.size() > chunk_line_bytes_max) result.step = in.fail(Trouble::bad_request);
            return result;
        }
    }
    result.bytes = in.piece;
    return result;
}

} // namespace haat::http
