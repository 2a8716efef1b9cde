// What a file is, told by its content, however it is cut into pieces.
#include <gtest/gtest.h>

#include <files/media.hpp>

namespace haat::files {
namespace {

using namespace std::string_literals;

std::string told(std::string const& bytes, std::size_t piece) {
    Detector detector;
    for (std::size_t at = 0; at < bytes.size(); at += piece) detector.feed(bytes.substr(at, piece));
    bool const hopeless = detector.hopeless();
    Media const* const media = detector.finish();
    EXPECT_FALSE(hopeless && media != nullptr);
    return media == nullptr ? "" : std::string(media->extension);
}

struct Case {
    std::string bytes;
    std::string extension;
    char const* why;
};

TEST(MediaTest, IsToldByTheContent) {
    std::vector<Case> const cases = {
        {"\xff\xd8\xff\xe0\0\x10JFIF\0 and more"s, "jpg", "JPEG"},
        {"\xff\xd8\xff\xe1<svg onload='x'>"s, "jpg", "a polyglot is what it begins as"},
        {"\x89PNG\r\n\x1a\n\0\0\0\rIHDR and more"s, "png", "PNG"},
        {"\x89PNG\r\n\x1a\n\0\0\0\rXXXX and more"s, "", "no PNG without its first chunk"},
        {"\x89PNG\n\x1a\n"s, "", "a PNG that a mail broke"},
        {"RIFF\x10\0\0\0WEBPVP8L"s, "webp", "WebP"},
        {"RIFF\x10\0\0\0WAVEfmt "s, "", "sound"},
        {"GIF89a\1\0\1\0\0\0\0;"s, "gif", "GIF"},
        {"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"s, "pdf", "PDF"},
        {"\n%PDF-1.7 that begins late\xe2"s, "", "not a PDF at the beginning"},
        {"sku,name\r\nA-1,Füller\r\n"s, "txt", "CSV"},
        {"\xef\xbb\xbf"s + "sku;name\n"s, "txt", "with a byte order mark"},
        {"नमस्ते, this is longer than the head"s, "txt", "Devanagari"},
        {"x"s, "txt", "one letter"},
        {"<svg xmlns='http://www.w3.org/2000/svg'/>"s, "", "SVG"},
        {" \r\n\t <html><script>alert(1)</script>"s, "", "HTML after white space"},
        {std::string(5'000, ' ') + "<svg/>", "", "SVG far behind"},
        {"\xef\xbb\xbf"s + "<?xml version='1.0'?><svg/>"s, "", "XML after a byte order mark"},
        {"MZ\x90\0\3\0\0\0\4\0\0\0\xff\xff\0\0\xb8"s, "", "a program"},
        {"PK\3\4\x14\0\6\0\b\0\0\0!\0\0\0\0\0\0"s, "", "an archive"},
        {"text and then a zero \0 byte in it"s, "", "a zero"},
        {"a text with half a character \xe0\xa4"s, "", "cut off"},
        {"latin letters \xe9 alone are no UTF-8"s, "", "Latin-1"},
        {"\x1f\x8b\b\0\0\0\0\0\0\3"s, "", "gzip"},
    };
    for (Case const& one : cases)
        for (std::size_t const piece : {1u, 2u, 3u, 7u, 16u, 100'000u})
            EXPECT_EQ(told(one.bytes, piece), one.extension) << one.why << " by " << piece;
}

TEST(MediaTest, SaysEarlyThatNothingWillCome) {
    Detector detector;
    detector.feed("<svg xmlns='http://www.w3.org/2000/svg'>");
    EXPECT_TRUE(detector.hopeless());
    Detector program;
    program.feed("\x7f"s + "ELF\2\1\1\0\0\0\0\0\0\0\0\0\0"s);
    EXPECT_TRUE(program.hopeless());
}

} // namespace
} // namespace haat::files
