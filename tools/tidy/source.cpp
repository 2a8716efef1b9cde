#include <tools/tidy/source.hpp>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iostream>
#include <iterator>

namespace tidy {

bool is_letter(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_space(char c) { return std::isspace(static_cast<unsigned char>(c)) != 0; }

std::size_t find_word(std::string_view in, std::string_view word, std::size_t from) {
    for (auto at = in.find(word, from); at != none; at = in.find(word, at + 1)) {
        bool const begins = at == 0 || !is_letter(word.front()) || !is_letter(in[at - 1]);
        std::size_t const end = at + word.size();
        bool const ends = end >= in.size() || !is_letter(word.back()) || !is_letter(in[end]);
        if (begins && ends) return at;
    }
    return none;
}
bool has_word(std::string_view in, std::string_view word) { return find_word(in, word) != none; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
    return text;
}

std::string_view word_at(std::string_view text, std::size_t at) {
    std::size_t end = at;
    while (end < text.size() && is_letter(text[end])) ++end;
    return text.substr(at, end - at);
}

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return out;
}

std::string read(std::filesystem::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

int Source::line(std::size_t at) const {
    return 1 + static_cast<int>(std::count(text.begin(), text.begin() + std::ptrdiff_t(at), '\n'));
}

void House::say(Source const& s, std::size_t at, std::string_view rule, std::string const& what) {
    std::cout << s.path << ":" << s.line(at) << ": " << rule << ": " << what << "\n";
    ++findings;
}

namespace {

class Lexer {
public:
    explicit Lexer(Source& source) : s_(source), t_(source.text) {}

    void run() {
        s_.code = t_;
        while (at_ < t_.size()) step();
    }

private:
    void step() {
        if (t_.compare(at_, 2, "//") == 0)
            blank_to(std::min(t_.size(), t_.find('\n', at_)));
        else if (t_.compare(at_, 2, "/*") == 0)
            blank_to(end_of("*/", at_ + 2));
        else if (t_.compare(at_, 2, "R\"") == 0 && (at_ == 0 || !is_letter(t_[at_ - 1])))
            raw();
        else if (t_[at_] == '"' || (t_[at_] == '\'' && (at_ == 0 || !is_letter(t_[at_ - 1]))))
            quoted(t_[at_]);
        else if (t_[at_] == '#' && t_.compare(at_, 8, "#include") == 0)
            include();
        else
            ++at_;
    }
    std::size_t end_of(std::string_view mark, std::size_t from) const {
        auto const found = t_.find(mark, from);
        return found == none ? t_.size() : found + mark.size();
    }
    void blank_to(std::size_t end) {
        for (; at_ < end; ++at_)
            if (t_[at_] != '\n') s_.code[at_] = ' ';
    }
    void keep(std::size_t from, std::size_t to, std::size_t end) {
        s_.literals.push_back({from, std::string_view(t_).substr(from, to - from)});
        at_ = from;
        blank_to(to);
        at_ = end;
    }
    void raw() {
        auto const open = t_.find('(', at_);
        std::string const mark = ")" + t_.substr(at_ + 2, open - at_ - 2) + "\"";
        auto const end = end_of(mark, open);
        keep(open + 1, std::max(open + 1, end - mark.size()), end);
    }
    void quoted(char quote) {
        std::size_t end = at_ + 1;
        while (end < t_.size() && t_[end] != quote && t_[end] != '\n')
            end += t_[end] == '\\' ? 2 : 1;
        keep(at_ + 1, std::min(end, t_.size()), std::min(end + 1, t_.size()));
    }
    void include() {
        auto const end = std::min(t_.size(), t_.find('\n', at_));
        auto const open = t_.find_first_of("<\"", at_);
        if (open < end) {
            auto const close = t_.find_first_of(">\"", open + 1);
            std::string_view const path = std::string_view(t_).substr(open + 1, close - open - 1);
            s_.includes.push_back({at_, path, t_[open] == '"'});
        }
        blank_to(end);
    }

    Source& s_;
    std::string const& t_;
    std::size_t at_ = 0;
};

} // namespace

void lex(Source& source) { Lexer(source).run(); }

} // namespace tidy
