// What a file is, told by its content. Its name and what the client says of it are not asked.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace haat::files {

/// One of the kinds that are taken. There is no SVG among them, and nothing else that a browser
/// would run.
struct Media {
    std::string_view type;      // "image/jpeg"
    std::string_view extension; // "jpg"
    bool image = false;
};

/// The kind of that media type, or nullptr.
Media const* media_of(std::string_view type);

/// Fed with a file from its beginning, in pieces of any size.
class Detector {
public:
    void feed(std::string_view piece);
    /// Nothing that may still come could make it a kind that is taken.
    bool hopeless() const { return hopeless_; }
    /// The file has ended: its kind, or nullptr.
    Media const* finish();

private:
    void decide();
    void read_text(std::string_view piece, bool last);

    std::string head_;
    Media const* media_ = nullptr;
    bool decided_ = false;
    bool hopeless_ = false;
    bool begun_ = false; // of text: something other than white space was seen
    std::string rest_;   // of text: what may be the beginning of a character
};

} // namespace haat::files
