#include <modules/notify/html_place.hpp>

#include <algorithm>
#include <array>

namespace haat::notify {

namespace {

constexpr std::array<std::string_view, 16> refused_tags{
    "script", "iframe", "object", "embed", "base",     "form",   "input",  "meta",
    "link",   "svg",    "math",   "frame", "frameset", "applet", "button", "template"};
constexpr std::array<std::string_view, 9> url_attributes{
    "href", "src", "action", "formaction", "background", "poster", "cite", "data", "xlink:href"};

template <class Names> bool has(Names const& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}
char lower(char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); }
bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

} // namespace

std::string HtmlPlace::read(std::string_view text) {
    for (char const c : text) {
        std::string problem = step(c);
        if (!problem.empty()) return problem;
    }
    return {};
}

bool HtmlPlace::is_url() const { return has(url_attributes, attribute_); }

std::string HtmlPlace::end_of_name() {
    if (has(refused_tags, tag_)) return "<" + tag_ + "> has no place in a message";
    return {};
}

std::string HtmlPlace::end_of_attribute() const {
    if (attribute_.starts_with("on") || attribute_ == "srcdoc" || attribute_ == "srcset" ||
        attribute_ == "ping")
        return "the attribute " + attribute_ + " has no place in a message";
    return {};
}

std::string HtmlPlace::end_of_value() const {
    if (!is_url()) return {};
    std::string scheme;
    for (char const c : before_) {
        if (c == '&') return "a URL may not begin with an entity";
        if (c == '/' || c == '?' || c == '#') return {};
        if (c == ':')
            return scheme == "http" || scheme == "https" || scheme == "mailto" || scheme == "tel"
                       ? ""
                       : "a URL may not begin with " + scheme + ":";
        if (static_cast<unsigned char>(c) > ' ') scheme += lower(c);
    }
    return {};
}

std::string HtmlPlace::value(bool& url) {
    url = false;
    switch (state_) {
    case State::text: return {};
    case State::double_quoted:
    case State::single_quoted: break;
    case State::style:
    case State::comment: return "may not stand in a style or a comment";
    default: return "may not stand within a tag but in a quoted value";
    }
    if (attribute_ == "style") return "may not stand in a style";
    if (is_url() && before_.empty() && !has_value_) {
        url = true;
    } else if (is_url() && !has_value_) {
        // Behind "https://" or a path it cannot choose the scheme any more.
        if (before_.find_first_of(":/?#") == before_.npos)
            return "may not continue the beginning of a URL";
    }
    has_value_ = true;
    return {};
}

std::string HtmlPlace::step(char c) {
    switch (state_) {
    case State::text:
        if (c == '<') state_ = State::open, tag_.clear();
        return {};
    case State::open:
        if (c == '!' || c == '?') return state_ = State::comment, before_.clear(), std::string();
        if (c != '/' && !(lower(c) >= 'a' && lower(c) <= 'z'))
            return "\"<\" must be written as &lt;";
        state_ = State::tag_name;
        tag_ = lower(c); // "/" of an end tag stays part of its name
        return {};
    case State::tag_name:
        if (!is_space(c) && c != '>' && c != '/') return tag_ += lower(c), std::string();
        state_ = c == '>' ? (tag_ == "style" ? State::style : State::text) : State::tag;
        before_.clear();
        return end_of_name();
    case State::tag:
        if (c == '>')
            state_ = tag_ == "style" ? State::style : State::text, before_.clear();
        else if (c == '=')
            state_ = State::equals, before_.clear();
        else if (!is_space(c) && c != '/')
            state_ = State::attribute, attribute_ = lower(c);
        return {};
    case State::attribute:
        if (!is_space(c) && c != '=' && c != '>' && c != '/')
            return attribute_ += lower(c), std::string();
        state_ = c == '=' ? State::equals : c == '>' ? State::text : State::tag;
        before_.clear();
        has_value_ = false;
        return end_of_attribute();
    case State::equals:
        if (is_space(c)) return {};
        if (c == '>') return "an attribute has no value";
        state_ = c == '"' ? State::double_quoted : c == '\'' ? State::single_quoted : State::bare;
        if (state_ == State::bare) before_ = c;
        return {};
    case State::double_quoted:
    case State::single_quoted:
        if (c != (state_ == State::double_quoted ? '"' : '\'')) return before_ += c, std::string();
        state_ = State::tag;
        return end_of_value();
    case State::bare:
        if (!is_space(c) && c != '>') return before_ += c, std::string();
        state_ = c == '>' ? State::text : State::tag;
        return end_of_value();
    case State::comment:
        before_ += c;
        if (c == '>' && (!before_.starts_with("--") || before_.ends_with("-->")))
            state_ = State::text;
        return {};
    case State::style:
        before_ += lower(c);
        if (before_.ends_with("</style>")) state_ = State::text;
        return {};
    }
    return {};
}

} // namespace haat::notify
