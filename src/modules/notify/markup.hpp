// The language of templates: {{name}}, and {{#if name}}…{{else}}…{{/if}} for what may be missing.
// A value is data wherever it stands: in HTML it is escaped, in a URL's place it must be a harmless
// URL, and where neither would help a template may not have one.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace haat::notify {

using Values = std::map<std::string, std::string, std::less<>>;

enum class Form : unsigned char {
    line, // a subject: one line
    text,
    html
};

/// What is wrong with a template, as a sentence, and where.
struct MarkupError {
    std::string what;
    int line = 1;
};

class Markup {
public:
    /// Throws MarkupError.
    static Markup parse(std::string_view text, Form form);

    /// In order of their first use, with their line.
    struct Variable {
        std::string name;
        int line = 1;
    };
    std::vector<Variable> const& variables() const { return variables_; }

    /// A value that is missing is empty.
    std::string render(Values const& values) const;

private:
    friend class MarkupReader;
    enum class Kind : unsigned char { literal, value, url, begin_if, otherwise, end_if };
    struct Piece {
        Kind kind;
        std::string text; // or the variable's name
    };
    Form form_ = Form::text;
    std::vector<Piece> pieces_;
    std::vector<Variable> variables_;
};

/// & < > " ' as entities; control characters left out.
std::string escaped(std::string_view text);
/// http, https, mailto, tel or a path; anything else is "#".
std::string harmless_url(std::string_view url);
/// The text of a page, for those who read no HTML.
std::string text_of_html(std::string_view html);

} // namespace haat::notify
