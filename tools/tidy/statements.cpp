// The rules that need to know where a statement, a block and a function begin and end.
#include <tools/tidy/source.hpp>

#include <algorithm>

namespace tidy {

namespace {

/// Walks a file's blocks and statements; knows just enough C++ for that.
class Walker {
public:
    Walker(House& house, Source const& source) : house_(house), s_(source), c_(source.code) {}

    void run() {
        blank_directives();
        blank_macros();
        block(0, false);
    }

private:
    struct Statement {
        std::size_t begin = none;
        std::string text; // lambdas' bodies left out
        bool captures = false;
    };

    // A macro's body is no statement, and its lines end in backslashes.
    void blank_directives() {
        for (std::size_t at = 0; at < c_.size();) {
            auto end = std::min(c_.size(), c_.find('\n', at));
            if (trimmed(std::string_view(c_).substr(at, end - at)).starts_with('#')) {
                while (end < c_.size() && c_[end - 1] == '\\')
                    end = std::min(c_.size(), c_.find('\n', end + 1));
                for (; at < end; ++at)
                    if (c_[at] != '\n') c_[at] = ' ';
            }
            at = end + 1;
        }
    }

    // HAAT_DESCRIBE(…) and its like stand alone, without a semicolon.
    void blank_macros() {
        for (auto at = c_.find("HAAT_"); at != none; at = c_.find("HAAT_", at)) {
            std::size_t end = at + word_at(c_, at).size();
            int depth = 0;
            do {
                if (c_[end] == '(') ++depth;
                if (c_[end] == ')') --depth;
                if (depth > 0) ++end;
            } while (depth > 0 && end < c_.size());
            std::size_t const last = std::min(end + 1, c_.size());
            for (; at < last; ++at)
                if (c_[at] != '\n') c_[at] = ' ';
        }
    }

    /// From just behind a '{' to just behind its '}'.
    std::size_t block(std::size_t at, bool in_function) {
        while (at < c_.size()) {
            if (c_[at] == '}') return at + 1;
            at = statement(at, in_function);
        }
        return at;
    }

    std::size_t statement(std::size_t at, bool in_function) {
        Statement found;
        int depth = 0;
        for (; at < c_.size(); ++at) {
            char const c = c_[at];
            if (found.begin == none && is_space(c)) continue;
            if (found.begin == none) found.begin = at;
            if (depth == 0 && c == ';') {
                ++at;
                break;
            }
            if (depth == 0 && c == '}') break;
            if (c == '{') {
                bool const lambda = opens_lambda(found.text);
                if (lambda || (depth == 0 && opens_block(found.text))) {
                    if (!lambda) return open_block(at, found, in_function);
                    at = lambda_body(at, found) - 1;
                    found.text += "@"; // where its body was
                    continue;
                }
            }
            if (c == '(' || c == '[' || c == '{') ++depth;
            if (c == ')' || c == ']' || c == '}') --depth;
            found.text += c;
        }
        check(found);
        return at;
    }

    static bool ends_with_word(std::string_view text, Texts const& words) {
        return std::any_of(words.begin(), words.end(), [&](std::string_view word) {
            return text.ends_with(word) &&
                   (text.size() == word.size() || !is_letter(text[text.size() - word.size() - 1]));
        });
    }

    static bool opens_block(std::string_view statement) {
        std::string_view const text = trimmed(statement);
        if (text.empty() || text.ends_with(')') || text.ends_with('}') || text.ends_with(':'))
            return true;
        if (ends_with_word(text, {"else", "try", "do", "const", "noexcept", "override", "final"}))
            return true;
        // A constructor's `: a_{1}` and a template's braces are followed by more of their
        // statement.
        std::string_view first = word_at(text, 0);
        if (first == "template")
            first = word_at(text, text.rfind('>') == none ? 0 : after_angle(text));
        for (std::string_view const word :
             {"struct", "class", "enum", "namespace", "union", "extern", "inline", "export"})
            if (first == word) return word != "inline" || has_word(text, "namespace");
        return text.find(") ->") != none && text.find('=') == none;
    }
    // Behind the template's parameters and what it requires.
    static std::size_t after_angle(std::string_view text) {
        for (std::string_view const word : {"struct ", "class ", "union "})
            if (auto const at = text.rfind(word); at != none && text.rfind('>') != none &&
                                                  (at > text.rfind('>') || text[at - 1] == ' '))
                return at;
        return 0;
    }

    /// The text ends in `[…]`, `[…](…)` and perhaps specifiers: a lambda's introduction.
    static bool opens_lambda(std::string_view statement) {
        std::string_view text = trimmed(statement);
        if (auto const arrow = text.rfind("->"); arrow != none && text.find(')', arrow) == none)
            text = trimmed(text.substr(0, arrow));
        for (std::string_view const word : {"mutable", "noexcept"})
            if (ends_with_word(text, {word}))
                text = trimmed(text.substr(0, text.size() - word.size()));
        if (text.ends_with(')')) {
            auto const open = opening(text, '(', ')');
            text = open == none ? text : trimmed(text.substr(0, open));
        }
        return text.ends_with(']') && introduces(text);
    }
    static std::size_t opening(std::string_view text, char open, char close) {
        int depth = 0;
        for (std::size_t at = text.size(); at-- > 0;) {
            if (text[at] == close) ++depth;
            if (text[at] == open && --depth == 0) return at;
        }
        return none;
    }
    /// `[` of a lambda, not of an index, an attribute or an array.
    static bool introduces(std::string_view text) {
        auto const open = opening(text, '[', ']');
        if (open == none) return false;
        std::string_view const before = trimmed(text.substr(0, open));
        if (text.substr(open).starts_with("[[")) return false;
        return before.empty() ||
               (!is_letter(before.back()) && before.back() != ')' && before.back() != ']' &&
                before.back() != '>') ||
               ends_with_word(before, {"return", "co_return", "co_await", "co_yield"});
    }

    std::size_t lambda_body(std::size_t at, Statement& outer) {
        std::string_view text = trimmed(outer.text);
        while (!text.empty() && !(text.ends_with(']') && introduces(text))) text.remove_suffix(1);
        auto const open = opening(text, '[', ']');
        bool const captures = trimmed(text.substr(open + 1, text.size() - open - 2)) != "";
        std::size_t const end = block(at + 1, true);
        std::string_view const body = std::string_view(c_).substr(at, end - at);
        outer.captures |= captures;
        if (captures && !s_.test() && (has_word(body, "co_await") || has_word(body, "co_return")))
            house_.say(s_, at, "coroutine-lambda",
                       "its captures die with it; make it a named function with parameters");
        return end;
    }

    std::size_t open_block(std::size_t at, Statement const& head, bool in_function) {
        check(head);
        std::string_view const text = trimmed(head.text);
        bool const scope = !in_function && (has_word(text, "namespace") || is_type(text));
        std::size_t const end = block(at + 1, in_function || !scope);
        if (!in_function && !scope) {
            int const lines = s_.line(end - 1) - s_.line(head.begin == none ? at : head.begin) + 1;
            if (lines > 70)
                house_.say(s_, head.begin == none ? at : head.begin, "function-length",
                           std::to_string(lines) + " lines; 70 at most: give its parts names");
        }
        return end;
    }
    static bool is_type(std::string_view text) {
        if (text.ends_with(')')) return false;
        for (std::string_view const word : {"struct", "class", "enum", "union", "extern"})
            if (has_word(text, word)) return true;
        return false;
    }

    void check(Statement const& found) {
        std::string_view const text = found.text;
        if (!has_word(text, "co_await")) return;
        auto const trap = [&](std::string const& what) {
            house_.say(s_, found.begin, "coroutine-trap",
                       what +
                           " in one statement with co_await; name it in a line of its own first");
        };
        if (text.find('{') != none) trap("a braced value");
        if (text.find('?') != none) trap("a conditional");
        if (found.captures) trap("a lambda that captures");
        for (auto const& type : house_.described)
            if (auto const at = find_word(text, type);
                at != none && text.substr(at + type.size()).starts_with('('))
                trap("a " + type + " that is made");
    }

    House& house_;
    Source const& s_;
    std::string c_;
};

} // namespace

void statements(House& house, Source const& s) { Walker(house, s).run(); }

} // namespace tidy
