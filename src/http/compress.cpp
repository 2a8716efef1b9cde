#include <http/compress.hpp>

#include <charconv>
#include <memory>

#include <brotli/encode.h>
#include <zlib.h>
#include <zstd.h>

#include <http/message.hpp>

namespace haat::http {

namespace {

// Fast levels: above them a byte saved costs more CPU than a byte sent.
constexpr int gzip_level = 4, brotli_level = 4, zstd_level = 3;

/// "q=0.5" in thousandths; 1000 without one, 0 for nonsense.
int weight_of(std::string_view parameters) {
    auto const at = parameters.find("q=");
    if (at == std::string_view::npos) return 1000;
    std::string_view text = parameters.substr(at + 2);
    if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
    int weight = (text[0] - '0') * 1000;
    if (text.size() > 1 && text[1] == '.') {
        int scale = 100;
        for (std::size_t i = 2; i < text.size() && i < 5; ++i, scale /= 10) {
            if (text[i] < '0' || text[i] > '9') break;
            weight += (text[i] - '0') * scale;
        }
    }
    return weight > 1000 ? 1000 : weight;
}

std::string gzip(std::string_view plain) {
    // Setting up a deflate state costs more than compressing a small body: one for each thread.
    struct State {
        z_stream stream{};
        bool good =
            deflateInit2(&stream, gzip_level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
        ~State() {
            if (good) deflateEnd(&stream);
        }
    };
    thread_local State state;
    if (!state.good || deflateReset(&state.stream) != Z_OK) return {};
    std::string out(deflateBound(&state.stream, plain.size()), '\0');
    state.stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(plain.data()));
    state.stream.avail_in = static_cast<uInt>(plain.size());
    state.stream.next_out = reinterpret_cast<Bytef*>(out.data());
    state.stream.avail_out = static_cast<uInt>(out.size());
    if (deflate(&state.stream, Z_FINISH) != Z_STREAM_END) return {};
    out.resize(state.stream.total_out);
    return out;
}

std::string brotli(std::string_view plain) {
    std::string out(BrotliEncoderMaxCompressedSize(plain.size()), '\0');
    std::size_t size = out.size();
    int const good =
        BrotliEncoderCompress(brotli_level, BROTLI_DEFAULT_WINDOW, BROTLI_MODE_TEXT, plain.size(),
                              reinterpret_cast<std::uint8_t const*>(plain.data()), &size,
                              reinterpret_cast<std::uint8_t*>(out.data()));
    out.resize(good ? size : 0);
    return out;
}

std::string zstd(std::string_view plain) {
    thread_local std::unique_ptr<ZSTD_CCtx, decltype(&ZSTD_freeCCtx)> context{ZSTD_createCCtx(),
                                                                              ZSTD_freeCCtx};
    std::string out(ZSTD_compressBound(plain.size()), '\0');
    std::size_t const size = ZSTD_compressCCtx(context.get(), out.data(), out.size(), plain.data(),
                                               plain.size(), zstd_level);
    out.resize(ZSTD_isError(size) ? 0 : size);
    return out;
}

} // namespace

std::string_view name_of(Coding coding) {
    switch (coding) {
    case Coding::gzip: return "gzip";
    case Coding::brotli: return "br";
    case Coding::zstd: return "zstd";
    case Coding::identity: break;
    }
    return "identity";
}

Coding choose_coding(std::string_view list) {
    constexpr int unnamed = -1;
    int gzip_weight = unnamed, brotli_weight = unnamed, zstd_weight = unnamed,
        identity_weight = unnamed, any_weight = 0;
    while (!list.empty()) {
        auto const comma = std::min(list.find(','), list.size());
        std::string_view item = list.substr(0, comma);
        list.remove_prefix(std::min(comma + 1, list.size()));
        while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
            item.remove_prefix(1);
        std::string_view const name = item.substr(0, item.find_first_of("; \t"));
        int const weight = weight_of(item.substr(name.size()));
        if (same_word(name, "gzip") || same_word(name, "x-gzip"))
            gzip_weight = weight;
        else if (same_word(name, "br"))
            brotli_weight = weight;
        else if (same_word(name, "zstd"))
            zstd_weight = weight;
        else if (same_word(name, "identity"))
            identity_weight = weight;
        else if (name == "*")
            any_weight = weight;
    }
    Coding best = Coding::identity;
    int best_weight = 0;
    auto const offer = [&](Coding coding, int weight) {
        if (weight == unnamed) weight = any_weight;
        if (weight > best_weight) best = coding, best_weight = weight;
    };
    offer(Coding::zstd, zstd_weight);
    offer(Coding::brotli, brotli_weight);
    offer(Coding::gzip, gzip_weight);
    return identity_weight > best_weight ? Coding::identity : best;
}

bool worth_compressing(std::string_view type) {
    type = type.substr(0, type.find_first_of("; "));
    if (type.starts_with("text/")) return type != "text/event-stream";
    for (std::string_view const known :
         {"application/json", "application/javascript", "application/xml", "image/svg+xml",
          "application/graphql", "application/wasm", "application/manifest+json", "image/x-icon",
          "application/x-ndjson", "application/yaml"})
        if (same_word(type, known)) return true;
    return type.ends_with("+json") || type.ends_with("+xml");
}

std::string compress(Coding coding, std::string_view plain) {
    switch (coding) {
    case Coding::gzip: return gzip(plain);
    case Coding::brotli: return brotli(plain);
    case Coding::zstd: return zstd(plain);
    case Coding::identity: break;
    }
    return {};
}

} // namespace haat::http
