// Bytes to requests to a trivial service. Whatever comes, and however it is cut into pieces, the
// same requests must be seen, and no view may leave the input.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <http/compress.hpp>
#include <http/proxy.hpp>
#include <http/request_parser.hpp>
#include <http/static_files.hpp>

using namespace haat::http;

namespace {

void demand(bool truth) {
    if (!truth) std::abort();
}

struct Input {
    std::string_view all;
    std::size_t step; // so many bytes come at a time
    std::size_t begin = 0, end = 0;

    bool more() {
        if (end == all.size()) return false;
        end = std::min(all.size(), end + step);
        return true;
    }
    std::string_view unread() const { return all.substr(begin, end - begin); }
};

/// What a service would see of it.
std::string answer(Request const& request, std::string_view input) {
    auto const within = [&](std::string_view view) {
        return view.empty() || (view.data() >= input.data() &&
                                view.data() + view.size() <= input.data() + input.size());
    };
    demand(well_encoded(request.target) && well_encoded(request.path));
    std::string seen = std::string(request.method_text) + ' ' + std::string(request.target) + ' ';
    for (Header const& header : request.headers) {
        demand(within(header.name) && within(header.value));
        demand(header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string_view::npos);
        seen.append(header.name).append("=").append(header.value).append("\n");
    }
    if (request.path.starts_with('/'))
        if (auto const path = safe_path(request.path.substr(1)))
            demand(!path->starts_with('/') && ("/" + *path).find("/..") == std::string::npos);
    choose_coding(request.header("Accept-Encoding"));
    static TrustedProxies const proxies({"10.0.0.0/8", "::1"});
    Address const peer = *Address::parse("10.0.0.1");
    auto const client = proxies.client_of(request.headers, peer);
    demand(within(client.host) && Address::parse(client.address).has_value());
    return seen + client.address;
}

std::string transcript(std::string_view bytes, std::size_t step) {
    RequestParser parser(
        {.header_bytes_max = 2048, .header_count_max = 20, .target_bytes_max = 256});
    Input input{bytes, step};
    std::string seen;
    for (;;) {
        auto outcome = RequestParser::Step::need_more;
        while ((outcome = parser.head(input.unread())) == RequestParser::Step::need_more)
            if (!input.more()) return seen + "unfinished head";
        // Which of two limits a cut input meets first may differ; that it is refused may not.
        if (outcome == RequestParser::Step::trouble) return seen + "refused";
        demand(parser.head_size() <= input.unread().size());
        seen += answer(parser.request(), bytes) + "\n";
        input.begin += parser.head_size();
        auto const& framing = parser.framing();
        if (framing.chunked) {
            for (;;) {
                auto const piece = parser.chunk(input.unread());
                demand(piece.consumed <= input.unread().size());
                input.begin += piece.consumed;
                seen.append(piece.bytes);
                if (piece.step == RequestParser::Step::trouble) return seen + "bad chunk";
                if (piece.step == RequestParser::Step::done) break;
                if (piece.bytes.empty() && !input.more()) return seen + "unfinished chunks";
            }
        } else {
            std::uint64_t left = framing.content_length;
            while (left > 0) {
                auto const take = std::min<std::uint64_t>(left, input.unread().size());
                seen.append(input.unread().substr(0, take));
                input.begin += take;
                left -= take;
                if (left > 0 && !input.more()) return seen + "unfinished body";
            }
        }
        parser.reset();
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    std::string_view const bytes(reinterpret_cast<char const*>(data), size);
    std::string const whole = transcript(bytes, bytes.size() + 1);
    demand(transcript(bytes, 1) == whole);
    demand(transcript(bytes, 7) == whole);
    return 0;
}
