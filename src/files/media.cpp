#include <files/media.hpp>

#include <algorithm>
#include <array>

#include <base/text_forms.hpp>

namespace haat::files {

namespace {

using namespace std::string_view_literals;

constexpr Media jpeg{"image/jpeg", "jpg", true};
constexpr Media png{"image/png", "png", true};
constexpr Media webp{"image/webp", "webp", true};
constexpr Media gif{"image/gif", "gif", true};
constexpr Media pdf{"application/pdf", "pdf", false};
constexpr Media text{"text/plain; charset=utf-8", "txt", false};
constexpr std::array kinds{&jpeg, &png, &webp, &gif, &pdf, &text};

constexpr std::size_t head_bytes = 16;

Media const* by_magic(std::string_view head) {
    if (head.starts_with("\xff\xd8\xff"sv)) return &jpeg;
    if (head.starts_with("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"sv)) return &png;
    if (head.starts_with("RIFF"sv) && head.size() >= 15 && head.substr(8, 7) == "WEBPVP8"sv)
        return &webp;
    if (head.starts_with("GIF87a"sv) || head.starts_with("GIF89a"sv)) return &gif;
    if (head.starts_with("%PDF-"sv)) return &pdf;
    return nullptr;
}

/// How many bytes at the end may belong to a character, or a line's end, that is not there yet.
std::size_t unfinished(std::string_view piece) {
    if (piece.ends_with('\r')) return 1;
    for (std::size_t back = 1; back <= std::min<std::size_t>(3, piece.size()); ++back) {
        auto const byte = static_cast<unsigned char>(piece[piece.size() - back]);
        if (byte < 0x80) return 0;
        if (byte < 0xc0) continue;
        std::size_t const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
        return length > back ? back : 0;
    }
    return 0;
}

} // namespace

Media const* media_of(std::string_view type) {
    for (Media const* kind : kinds)
        if (kind->type == type) return kind;
    return nullptr;
}

void Detector::feed(std::string_view piece) {
    if (hopeless_) return;
    if (!decided_) {
        std::size_t const wanted = std::min(head_bytes - head_.size(), piece.size());
        head_ += piece.substr(0, wanted);
        piece.remove_prefix(wanted);
        if (head_.size() == head_bytes) decide();
    }
    if (decided_ && media_ == &text) read_text(piece, false);
}

Media const* Detector::finish() {
    if (!decided_) decide();
    if (media_ == &text && !hopeless_) read_text({}, true);
    return hopeless_ ? nullptr : media_;
}

void Detector::decide() {
    decided_ = true;
    media_ = by_magic(head_);
    if (media_ != nullptr) return;
    media_ = &text;
    read_text(head_, false);
}

// Whoever begins with '<' is markup, whatever else it may be: HTML, SVG, XML.
void Detector::read_text(std::string_view piece, bool last) {
    std::string const whole = rest_ + std::string(piece);
    std::string_view now = whole;
    now.remove_suffix(last ? 0 : unfinished(now));
    rest_ = whole.substr(now.size());
    TextFacts const facts = facts_of(now);
    if (hopeless_) return;
    hopeless_ = !facts.utf8 || facts.nul || facts.control;
    if (begun_ || hopeless_) return;
    if (now.starts_with("\xef\xbb\xbf")) now.remove_prefix(3);
    auto const first = now.find_first_not_of(" \t\r\n");
    begun_ = first != now.npos;
    hopeless_ = begun_ && now[first] == '<';
}

} // namespace haat::files
