// tidy ROOT [BUILD]: the house's own lint. Every rule of ARCHITECTURE.md that a machine can see,
// one function each; the table is at the end. BUILD (where this program is, when not given) holds
// edges.txt and compile_commands.json, both written by CMake. Says `file:line: rule: what to do`.
#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <tools/tidy/source.hpp>

namespace {

using namespace tidy;
namespace files = std::filesystem;

// ---- includes

void include_direction(House& house, Source const& s) {
    if (!s.in("src/") || s.test() || s.in("src/app/") || s.path == "src/main.cpp") return;
    std::string const room(s.room()), module(s.module());
    for (Include const& each : s.includes) {
        std::string const target(word_at(each.path, 0));
        if (each.path.find('/') == none ||
            (target != "modules" && target != "app" && !house.rooms.count(target)))
            continue;
        if (target == "app")
            house.say(s, each.at, "include-direction",
                      "app/ stands above everything; take what you need as a parameter");
        else if (target == "modules" && module.empty())
            house.say(s, each.at, "include-direction",
                      "the platform knows no modules; declare a port here and let one register");
        else if (target == "modules" || !module.empty() || target == room)
            continue; // module_face's; and a module may use every room
        else if (!house.rooms[room].count(target))
            house.say(
                s, each.at, "include-direction",
                room + " may not include " + target +
                    "; move the code, or declare the edge in CMakeLists.txt if it points down");
    }
}

void module_face(House& house, Source const& s) {
    std::string const module(s.module());
    if (module.empty() || s.test()) return;
    for (Include const& each : s.includes) {
        if (!each.path.starts_with("modules/")) continue;
        std::string const other(word_at(each.path, 8));
        if (other == module) continue;
        if (!house.modules[module].count(other))
            house.say(s, each.at, "module-edge",
                      module + " does not declare that it uses " + other + "; haat_module(" +
                          module + " USES " + other + "), or go by event");
        if (each.path != "modules/" + other + "/" + other + ".hpp")
            house.say(s, each.at, "module-face",
                      "include only modules/" + other + "/" + other +
                          ".hpp; what you need belongs there");
    }
}

void module_circles(House& house) {
    for (auto const& [module, uses] : house.modules) {
        std::set<std::string> reached;
        std::vector<std::string> open(uses.begin(), uses.end());
        while (!open.empty()) {
            std::string const next = open.back();
            open.pop_back();
            if (!reached.insert(next).second) continue;
            for (auto const& further : house.modules[next]) open.push_back(further);
        }
        if (!reached.count(module)) continue;
        std::cout << "CMakeLists.txt:1: module-circle: " << module
                  << " uses itself in the end; turn one edge into an event or a port\n";
        ++house.findings;
    }
}

bool is_heavy(std::string_view path) {
    return path.starts_with("boost/asio") || path.starts_with("boost/beast") ||
           path.starts_with("curl/") || path == "libpq-fe.h";
}

/// Whatever modules see must compile fast: no Asio, Beast or libpq, however far down.
void heavy_headers(House& house) {
    std::map<std::string_view, Source const*> by_path;
    for (Source const& s : house.sources)
        if (s.in("src/")) by_path[std::string_view(s.path).substr(4)] = &s;
    std::set<Source const*> seen;
    std::vector<Source const*> open;
    for (Source const& s : house.sources)
        if (!s.module().empty() && !s.test() && s.cpp()) open.push_back(&s);
    while (!open.empty()) {
        Source const& s = *open.back();
        open.pop_back();
        if (!seen.insert(&s).second) continue;
        for (Include const& each : s.includes) {
            if (is_heavy(each.path))
                house.say(s, each.at, "heavy-header",
                          "modules see this file; keep " + std::string(each.path) +
                              " in a .cpp of its room, behind a pointer");
            if (auto const found = by_path.find(each.path); found != by_path.end())
                open.push_back(found->second);
        }
    }
}

void include_form(House& house, Source const& s) {
    for (Include const& each : s.includes)
        if (each.quoted) house.say(s, each.at, "include-form", "write <room/file.hpp>, from src/");
    if (s.is(".hpp") && s.text.find("#pragma once") == none)
        house.say(s, 0, "include-form", "a header begins with its sentence and #pragma once");
}

// ---- SQL

struct SqlUse {
    std::size_t at;
    std::string schema;
    bool writes;
};

/// `insert into catalog.brands`: the schemas behind the words that precede a table.
std::vector<SqlUse> sql_uses(std::string_view sql) {
    static constexpr struct {
        std::string_view words;
        bool writes;
    } kinds[] = {{"insert into", true}, {"update", true},     {"delete from", true},
                 {"truncate", true},    {"merge into", true}, {"copy", true},
                 {"from", false},       {"join", false},      {"using", false}};
    std::vector<SqlUse> uses;
    std::string const text = lower(sql);
    for (auto const& kind : kinds)
        for (auto at = find_word(text, kind.words); at != none;
             at = find_word(text, kind.words, at + 1)) {
            std::size_t name = at + kind.words.size();
            while (name < text.size() && is_space(text[name])) ++name;
            auto const schema = word_at(text, name);
            if (schema.empty() || name + schema.size() >= text.size() ||
                text[name + schema.size()] != '.')
                continue;
            bool const deletes = at >= 7 && text.compare(at - 7, 7, "delete ") == 0;
            if (kind.words == "from" && deletes) continue; // counted as a write
            uses.push_back({at, std::string(schema), kind.writes});
        }
    return uses;
}

/// A module writes only its own schema, and reads only those that it declares.
void sql_owner(House& house, Source const& s) {
    if (!s.in("src/") || s.test() || s.in("src/app/")) return;
    std::string const module(s.module());
    for (Literal const& literal : s.literals)
        for (SqlUse const& use : sql_uses(literal.text)) {
            if (!house.schemas.count(use.schema)) continue;
            bool const of_module = house.modules.count(use.schema) > 0;
            std::size_t const at = literal.at + use.at;
            if (use.schema == module || (module.empty() && !of_module)) continue;
            if (module.empty())
                house.say(s, at, "sql-owner", "the platform does not touch a module's tables");
            else if (use.writes)
                house.say(s, at, "sql-owner",
                          module + " writes only its own schema; call what " + use.schema +
                              " offers on a Tx, or emit an event");
            else if (!house.modules[module].count(use.schema))
                house.say(s, at, "sql-owner",
                          module + " does not declare that it uses " + use.schema);
        }
}

void sql_style(House& house, Source const& s) {
    if (!s.in("src/") || s.test()) return;
    auto const check = [&](std::size_t offset, std::string_view sql) {
        std::string const text = lower(sql);
        for (auto at = find_word(text, "select *"); at != none;
             at = find_word(text, "select *", at + 1))
            house.say(s, offset + at, "select-star", "name the columns: a new one must not leak");
    };
    for (Literal const& literal : s.literals) check(literal.at, literal.text);
}

void migration_names(House& house) {
    std::map<std::string, Source const*> found; // in order of name
    for (Source const& s : house.sources)
        if (s.in("migrations/")) found[s.path] = &s;
    int number = 0;
    for (auto const& [path, source] : found) {
        std::string const name = path.substr(std::string_view("migrations/").size());
        bool const numbered = name.size() > 9 && name[4] == '_' && name.ends_with(".sql") &&
                              std::all_of(name.begin(), name.begin() + 4,
                                          [](unsigned char c) { return std::isdigit(c) != 0; });
        if (!numbered || std::stoi(name.substr(0, 4)) != ++number) {
            house.say(*source, 0, "migration-number",
                      "call it NNNN_module_what.sql, numbered from 0001 without a gap or a double");
            return;
        }
        std::string const owner(name.substr(5, name.find_first_of("_.", 5) - 5));
        for (std::string_view const statement :
             Texts{"create table", "alter table", "create index", "create policy", "drop table"})
            for (auto at = find_word(source->text, statement); at != none;
                 at = find_word(source->text, statement, at + 1)) {
                auto const end =
                    std::min(source->text.find_first_of(";(", at), source->text.size());
                auto const head = std::string_view(source->text).substr(at, end - at);
                for (auto const& [module, uses] : house.modules)
                    if (module != owner && head.find(" " + module + ".") != none)
                        house.say(*source, at, "migration-owner",
                                  "this belongs into a migration named after " + module);
            }
    }
}

// ---- lengths, calls, words

void lengths(House& house, Source const& s) {
    std::size_t line_begin = 0;
    int lines = 0;
    while (line_begin < s.text.size()) {
        auto const end = std::min(s.text.size(), s.text.find('\n', line_begin));
        auto const columns = // continuation bytes of UTF-8 are no columns
            std::count_if(s.text.begin() + std::ptrdiff_t(line_begin),
                          s.text.begin() + std::ptrdiff_t(end),
                          [](unsigned char c) { return (c & 0xC0) != 0x80; });
        if (columns > 100)
            house.say(s, line_begin, "line-length",
                      std::to_string(columns) + " columns; 100 at most");
        ++lines;
        line_begin = end + 1;
    }
    if (lines > 600)
        house.say(s, 0, "file-length",
                  std::to_string(lines) + " lines; 600 at most: does it still tell one story?");
}

struct Banned {
    std::string_view word;
    std::string_view instead;
    bool call = true; // only when '(' follows
};
void banned_calls(House& house, Source const& s) {
    if (s.in("bench/")) return; // measuring tools are no part of the program
    static constexpr Banned everywhere[] = {
        {"::sleep", "wait for a condition with a deadline, or co_await sleep_for()"},
        {"usleep", "wait for a condition with a deadline, or co_await sleep_for()"},
        {"nanosleep", "wait for a condition with a deadline, or co_await sleep_for()"},
        {"rand", "take base/clock.hpp's ids or libsodium"},
        {"srand", "take base/clock.hpp's ids or libsodium"},
        {"strcpy", "take std::string"},
        {"strcat", "take std::string"},
        {"sprintf", "take fmt::format or std::to_string"},
        {"vsprintf", "take fmt::format"},
        {"strtok", "take std::string_view"},
        {"gets", "take std::getline"},
        {"system", "start the program itself, with its words in a list"},
        {"popen", "start the program itself, with its words in a list"},
        {"localtime", "times are UTC; see base/clock.hpp"},
        {"gmtime", "see base/clock.hpp"},
        {"using namespace std;", "name what you use", false}};
    static constexpr Banned in_loops_and_tests[] = {
        {"this_thread::sleep_for", "wait for a condition with a deadline"},
        {"this_thread::sleep_until", "wait for a condition with a deadline"}};
    static constexpr Banned in_source[] = {
        {"printf", "log it, or return it: only commands print"},
        {"cout", "log it, or return it: only commands print", false},
        {"cerr", "log it: only commands print", false}};
    auto const check = [&](auto const& table) {
        for (Banned const& each : table)
            for (auto at = find_word(s.code, each.word); at != none;
                 at = find_word(s.code, each.word, at + 1)) {
                bool const called = s.code.compare(at + each.word.size(), 1, "(") == 0;
                char const before = at == 0 ? ' ' : s.code[at - 1];
                if ((each.call && !called) || before == '.' || before == '>') continue;
                house.say(s, at, "banned",
                          std::string(each.word) + ": " + std::string(each.instead));
            }
    };
    check(everywhere);
    // Code over a blocking connection runs before and beside the loops, and may block.
    bool const may_block =
        !s.test() && std::any_of(s.includes.begin(), s.includes.end(),
                                 [](auto const& i) { return i.path == "pg/plain.hpp"; });
    if (!may_block) check(in_loops_and_tests);
    bool const prints = s.in("src/app/commands/") || s.path == "src/main.cpp";
    if (s.in("src/") && !s.test() && !prints) check(in_source);
    for (auto at = find_word(s.code, "new"); at != none; at = find_word(s.code, "new", at + 1))
        if (s.code.compare(at + 3, 1, " ") == 0 && s.code.compare(at + 4, 1, "(") != 0 &&
            !trimmed(std::string_view(s.code).substr(0, at)).ends_with('(')) // an owner's argument
            house.say(s, at, "banned", "new: take std::make_unique or a value");
    for (auto at = s.code.find("DISABLED_"); at != none; at = s.code.find("DISABLED_", at + 1))
        house.say(s, at, "banned", "a disabled test tests nothing; make it run or take it out");
}

/// Coordinates and shares may be fractions; what is paid, counted or taxed may not.
void exact_numbers(House& house, Source const& s) {
    if (s.module().empty() || s.test()) return;
    for (std::string_view const type : {"double", "float"})
        for (auto at = find_word(s.code, type); at != none; at = find_word(s.code, type, at + 1)) {
            auto const begin = s.code.rfind('\n', at) + 1;
            std::string const line =
                lower(std::string_view(s.code).substr(begin, s.code.find('\n', at) - begin));
            for (std::string_view const word : {"price", "amount", "total", "money", "tax", "cost",
                                                "paid", "balance", "discount", "quantity", "fee"})
                if (line.find(word) != none) {
                    house.say(s, at, "exact-numbers",
                              "money and quantities are counts of 64 bits: Money, Quantity");
                    break;
                }
        }
}

void words(House& house, Source const& s) {
    // Split, so that this file passes its own rule.
    static constexpr std::string_view unfinished[] = {"TO"
                                                      "DO",
                                                      "FIX"
                                                      "ME",
                                                      "XX"
                                                      "X"};
    static constexpr std::string_view places[] = {"/wo"
                                                  "rk/",
                                                  "/ho"
                                                  "me/",
                                                  "/ro"
                                                  "ot/",
                                                  "/Us"
                                                  "ers/"};
    for (std::string_view const word : unfinished)
        if (auto const at = find_word(s.text, word); at != none)
            house.say(s, at, "words", "finish it, or take the remark out");
    for (std::string_view const place : places)
        for (auto at = s.text.find(place); at != none; at = s.text.find(place, at + 1))
            if (at == 0 || is_space(s.text[at - 1]) || s.text[at - 1] == '"' ||
                s.text[at - 1] == '`')
                house.say(s, at, "words",
                          "a path of one machine; say it relative to the repository");
}

void dead_files(House& house) {
    std::set<std::string_view> included;
    for (Source const& s : house.sources)
        for (Include const& each : s.includes) included.insert(each.path);
    for (Source const& s : house.sources) {
        std::string_view const path = s.path;
        if (s.is(".hpp") && !included.count(path) &&
            !(s.in("src/") && included.count(path.substr(4))))
            house.say(s, 0, "dead-file", "nobody includes it; take it out");
        bool const built = s.in("src/") || s.in("test/") || s.in("tools/");
        if (s.is(".cpp") && built && !house.compiled.empty() &&
            house.compiled.find("/" + s.path) == none)
            house.say(s, 0, "dead-file",
                      "it is not in the build; declare its room, or take it out");
    }
}

// ---- main

void read_edges(House& house, files::path const& path) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        auto const space = line.find(' '), colon = line.find(':');
        if (colon == none) continue;
        auto& table = line.starts_with("module") ? house.modules : house.rooms;
        auto& uses = table[line.substr(space + 1, colon - space - 1)];
        for (std::size_t at = colon + 1; at < line.size(); ++at) {
            auto const word = word_at(line, at);
            if (word.empty()) continue;
            uses.insert(std::string(word));
            at += word.size();
        }
    }
}

void read_house(House& house, files::path const& root) {
    for (std::string_view const folder :
         {"src", "test", "tools", "fuzz", "bench", "migrations", "docs", "cmake", "deploy",
          "CMakeLists.txt", "Makefile", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md",
          "CHANGELOG.md"}) {
        auto const add = [&](files::path const& path) {
            static std::set<std::string> const text{".cpp",   ".hpp", ".sql",  ".md",   ".txt",
                                                    ".cmake", ".tsv", ".yaml", ".toml", ""};
            if (!text.count(path.extension().string())) return;
            house.sources.push_back({files::relative(path, root).string(), read(path), {}, {}, {}});
        };
        if (files::is_regular_file(root / folder)) add(root / folder);
        if (!files::is_directory(root / folder)) continue;
        files::recursive_directory_iterator const all(root / folder);
        for (auto entry = begin(all); entry != end(all); ++entry) {
            if (entry->path().filename() == "node_modules") entry.disable_recursion_pending();
            if (entry->is_regular_file()) add(entry->path());
        }
    }
    std::sort(house.sources.begin(), house.sources.end(),
              [](Source const& a, Source const& b) { return a.path < b.path; });
    for (Source& s : house.sources) {
        if (s.cpp()) lex(s);
        for (auto at = s.code.find("HAAT_DESCRIBE("); at != none;
             at = s.code.find("HAAT_DESCRIBE(", at + 1))
            house.described.insert(std::string(word_at(s.code, at + 14)));
        if (s.in("migrations/"))
            for (auto at = find_word(s.text, "create schema"); at != none;
                 at = find_word(s.text, "create schema", at + 1))
                house.schemas.insert(std::string(word_at(s.text, at + 14)));
    }
    house.described.erase("T"); // the macro's own parameter
}

} // namespace

int main(int count, char** arguments) {
    files::path const root = count > 1 ? arguments[1] : ".";
    files::path const build =
        count > 2 ? files::path(arguments[2]) : files::read_symlink("/proc/self/exe").parent_path();
    House house;
    read_edges(house, build / "edges.txt");
    house.compiled = read(build / "compile_commands.json");
    read_house(house, root);
    if (house.sources.empty() || house.rooms.empty()) {
        std::cerr << "tidy: there is no house in " << root << " or no edges.txt in " << build
                  << "\n";
        return 2;
    }
    static constexpr void (*of_cpp[])(House&, Source const&) = {
        include_direction, module_face, include_form, sql_owner,    sql_style,
        statements,        lengths,     banned_calls, exact_numbers};
    for (Source const& s : house.sources) {
        words(house, s);
        if (s.cpp())
            for (auto* const rule : of_cpp) rule(house, s);
    }
    for (auto* const rule : {module_circles, heavy_headers, migration_names, dead_files})
        rule(house);
    return house.findings == 0 ? 0 : 1;
}
