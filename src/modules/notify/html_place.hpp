// Where in a page one is, so that a template has values only where they can do no harm.
#pragma once

#include <string>
#include <string_view>

namespace haat::notify {

class HtmlPlace {
public:
    /// Reads on; a sentence when the page has what no message needs.
    std::string read(std::string_view text);
    /// A value stands here; a sentence when it may not. `url`: it begins a URL.
    std::string value(bool& url);
    bool between_tags() const { return state_ == State::text; }

private:
    enum class State : unsigned char {
        text,
        open, // after '<'
        tag_name,
        tag, // between attributes
        attribute,
        equals,
        double_quoted,
        single_quoted,
        bare,
        comment,
        style
    };
    std::string step(char c);
    std::string end_of_name();
    std::string end_of_attribute() const;
    std::string end_of_value() const;
    bool is_url() const;

    State state_ = State::text;
    std::string tag_;
    std::string attribute_;
    std::string before_; // of the attribute's value, so far
    bool has_value_ = false;
};

} // namespace haat::notify
