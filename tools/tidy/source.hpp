// A source file as tidy sees it: its text, its code without comments and literals, its includes.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace tidy {

using Texts = std::vector<std::string_view>;

inline constexpr std::size_t none = std::string_view::npos;

bool is_letter(char c);
bool is_space(char c);
/// The next place where `word` stands with no letter before and behind it.
std::size_t find_word(std::string_view in, std::string_view word, std::size_t from = 0);
bool has_word(std::string_view in, std::string_view word);
std::string_view trimmed(std::string_view text);
/// The letters, digits and underscores that begin at `at`.
std::string_view word_at(std::string_view text, std::size_t at);
std::string lower(std::string_view text);
std::string read(std::filesystem::path const& path);

struct Literal {
    std::size_t at; // of its first character in the text
    std::string_view text;
};
struct Include {
    std::size_t at;
    std::string_view path;
    bool quoted;
};
struct Source {
    std::string path; // relative to the root
    std::string text;
    std::string code; // the same length; comments and what stands in quotes are blanks
    std::vector<Literal> literals;
    std::vector<Include> includes;

    int line(std::size_t at) const;
    bool in(std::string_view folder) const { return path.starts_with(folder); }
    bool is(std::string_view ending) const { return path.ends_with(ending); }
    bool cpp() const { return is(".cpp") || is(".hpp"); }
    bool test() const { return in("test/") || path.find("/test/") != std::string::npos; }
    /// "catalog" for src/modules/catalog/brands.cpp, else empty.
    std::string_view module() const {
        return in("src/modules/") ? word_at(path, 12) : std::string_view();
    }
    /// "pg" for src/pg/pg.cpp; "modules" and "app" are no rooms but are named as well.
    std::string_view room() const { return in("src/") ? word_at(path, 4) : std::string_view(); }
};

struct House {
    std::vector<Source> sources;                        // everything that is text
    std::map<std::string, std::set<std::string>> rooms; // what each may include
    std::map<std::string, std::set<std::string>> modules;
    std::set<std::string> schemas;   // that migrations make
    std::set<std::string> described; // names in HAAT_DESCRIBE(…)
    std::string compiled;            // compile_commands.json, empty when there is none
    int findings = 0;

    void say(Source const& s, std::size_t at, std::string_view rule, std::string const& what);
};

/// Fills code, literals and includes from the text.
void lex(Source& source);

/// The rules about statements: coroutine traps and the length of functions.
void statements(House& house, Source const& s);

} // namespace tidy
