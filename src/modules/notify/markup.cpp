#include <modules/notify/markup.hpp>

#include <algorithm>
#include <array>

#include <modules/notify/html_place.hpp>

namespace haat::notify {

namespace {

constexpr int depth_max = 8;
constexpr std::size_t pieces_max = 2'000;
constexpr std::size_t rendered_max = 400'000;

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && static_cast<unsigned char>(text.front()) <= ' ') text.remove_prefix(1);
    while (!text.empty() && static_cast<unsigned char>(text.back()) <= ' ') text.remove_suffix(1);
    return text;
}

bool is_name(std::string_view text) {
    auto const letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
    if (text.empty() || text.size() > 60 || !letter(text.front())) return false;
    return std::all_of(text.begin(), text.end(),
                       [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '_'; });
}

/// Without what would break a line where there is one, or a terminal.
std::string plain(std::string_view text, bool one_line) {
    std::string out;
    out.reserve(text.size());
    for (char const c : text) {
        bool const control = static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        if (!control || (!one_line && (c == '\n' || c == '\t')))
            out += c;
        else if (one_line)
            out += ' ';
    }
    return out;
}

} // namespace

class MarkupReader {
public:
    MarkupReader(std::string_view text, Form form) : rest_(text) { made_.form_ = form; }

    Markup read() {
        for (std::size_t open = 0; (open = rest_.find("{{")) != rest_.npos;) {
            literal(rest_.substr(0, open));
            rest_.remove_prefix(open + 2);
            std::size_t const close = rest_.find("}}");
            if (close == rest_.npos) fail("\"{{\" has no \"}}\"");
            directive(trimmed(rest_.substr(0, close)));
            count_lines(rest_.substr(0, close));
            rest_.remove_prefix(close + 2);
        }
        literal(rest_);
        if (!open_.empty()) fail("{{#if}} has no {{/if}}");
        if (made_.form_ == Form::html && !place_.between_tags()) fail("the HTML ends within a tag");
        return std::move(made_);
    }

private:
    using Kind = Markup::Kind;

    [[noreturn]] void fail(std::string what) const { throw MarkupError{std::move(what), line_}; }
    void count_lines(std::string_view text) {
        line_ += static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    }

    void literal(std::string_view text) {
        if (text.empty()) return;
        if (made_.form_ == Form::html) {
            std::string const problem = place_.read(text);
            if (!problem.empty()) fail(problem);
        }
        count_lines(text);
        add(Kind::literal, std::string(text));
    }

    void directive(std::string_view what) {
        if (what.starts_with("#if ")) {
            std::string_view const name = trimmed(what.substr(4));
            between_tags("{{#if}}");
            variable(name);
            open_.push_back(false);
            if (open_.size() > depth_max) fail("{{#if}} within too many others");
            add(Kind::begin_if, std::string(name));
        } else if (what == "else") {
            between_tags("{{else}}");
            if (open_.empty() || open_.back()) fail("{{else}} without {{#if}}");
            open_.back() = true;
            add(Kind::otherwise, "");
        } else if (what == "/if") {
            between_tags("{{/if}}");
            if (open_.empty()) fail("{{/if}} without {{#if}}");
            open_.pop_back();
            add(Kind::end_if, "");
        } else {
            variable(what);
            add(kind_here(what), std::string(what));
        }
    }

    Kind kind_here(std::string_view name) {
        if (made_.form_ != Form::html) return Kind::value;
        bool url = false;
        std::string const problem = place_.value(url);
        if (!problem.empty()) fail("{{" + std::string(name) + "}} " + problem);
        return url ? Kind::url : Kind::value;
    }

    void between_tags(char const* what) const {
        if (made_.form_ == Form::html && !place_.between_tags())
            fail(std::string(what) + " may not stand within a tag");
    }

    void variable(std::string_view name) {
        if (!is_name(name)) fail("\"{{" + std::string(name.substr(0, 60)) + "}}\" is no variable");
        auto const known = std::any_of(made_.variables_.begin(), made_.variables_.end(),
                                       [&](auto const& each) { return each.name == name; });
        if (!known) made_.variables_.push_back({std::string(name), line_});
    }

    void add(Kind kind, std::string text) {
        made_.pieces_.push_back({kind, std::move(text)});
        if (made_.pieces_.size() > pieces_max) fail("the template has too many parts");
    }

    std::string_view rest_;
    int line_ = 1;
    HtmlPlace place_;
    std::vector<bool> open_; // whether {{else}} was seen
    Markup made_;
};

Markup Markup::parse(std::string_view text, Form form) { return MarkupReader(text, form).read(); }

std::string Markup::render(Values const& values) const {
    std::string out;
    std::vector<bool> shown; // of each {{#if}} that is open: this branch
    auto const visible = [&] {
        return std::all_of(shown.begin(), shown.end(), [](bool each) { return each; });
    };
    for (Piece const& piece : pieces_) {
        auto const found = values.find(piece.text);
        std::string_view const value =
            found == values.end() ? std::string_view{} : std::string_view{found->second};
        switch (piece.kind) {
        case Kind::begin_if: shown.push_back(!value.empty() && value != "false"); continue;
        case Kind::otherwise: shown.back() = !shown.back(); continue;
        case Kind::end_if: shown.pop_back(); continue;
        default: break;
        }
        if (!visible() || out.size() > rendered_max) continue;
        if (piece.kind == Kind::literal)
            out += piece.text;
        else if (piece.kind == Kind::url)
            out += escaped(harmless_url(value));
        else
            out += form_ == Form::html ? escaped(value) : plain(value, form_ == Form::line);
    }
    return form_ == Form::line ? plain(out, true) : out;
}

std::string escaped(std::string_view text) {
    std::string out;
    out.reserve(text.size());
    for (char const c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&quot;"; break;
        case '\'': out += "&#39;"; break;
        default:
            if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t') out += c;
        }
    }
    return out;
}

std::string harmless_url(std::string_view url) {
    std::string clean;
    for (char const c : url)
        if (static_cast<unsigned char>(c) > ' ' && c != 0x7f) clean += c;
    std::string scheme;
    for (char const c : clean) {
        if (c == ':') {
            for (char const* const good : {"http", "https", "mailto", "tel"})
                if (scheme == good) return clean;
            return "#";
        }
        if (c == '/' || c == '?' || c == '#') break; // a path
        scheme += static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return clean.starts_with("//") || clean.empty() ? "#" : clean;
}

std::string text_of_html(std::string_view html) {
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 7> entities{
        {{"&amp;", "&"},
         {"&lt;", "<"},
         {"&gt;", ">"},
         {"&quot;", "\""},
         {"&#39;", "'"},
         {"&nbsp;", " "},
         {"&apos;", "'"}}};
    std::string out;
    for (std::size_t at = 0; at < html.size();) {
        if (html[at] == '<') {
            std::size_t const end = std::min(html.find('>', at), html.size());
            std::string_view const tag = html.substr(at, end - at);
            if (tag.starts_with("<br") || tag.starts_with("</p") || tag.starts_with("</h") ||
                tag.starts_with("</div") || tag.starts_with("</tr") || tag.starts_with("</li"))
                out += '\n';
            at = end + 1;
            continue;
        }
        auto const entity = std::find_if(entities.begin(), entities.end(), [&](auto const& each) {
            return html.substr(at).starts_with(each.first);
        });
        if (entity != entities.end()) {
            out += entity->second;
            at += entity->first.size();
            continue;
        }
        out += html[at++];
    }
    return std::string(trimmed(out));
}

} // namespace haat::notify
