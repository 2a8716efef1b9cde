#include <test/harness/snapshot.hpp>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <stdexcept>
#include <vector>

#include <boost/json.hpp>
#include <gtest/gtest.h>

namespace haat::test {

namespace {

std::vector<std::string> lines_of(std::string_view text) {
    std::vector<std::string> lines;
    std::size_t at = 0;
    while (at <= text.size()) {
        auto const end = std::min(text.size(), text.find('\n', at));
        lines.emplace_back(text.substr(at, end - at));
        at = end + 1;
    }
    return lines;
}

bool blank(std::string const& line) { return line.find_first_not_of(" \t") == std::string::npos; }

// Without the empty lines around it and the indentation that all lines share.
std::string flush_left(std::string_view text) {
    auto lines = lines_of(text);
    while (!lines.empty() && blank(lines.front())) lines.erase(lines.begin());
    while (!lines.empty() && blank(lines.back())) lines.pop_back();
    std::size_t indent = std::string::npos;
    for (auto const& line : lines)
        if (!blank(line)) indent = std::min(indent, line.find_first_not_of(' '));
    std::string out;
    for (auto const& line : lines) out += (blank(line) ? "" : line.substr(indent)) + "\n";
    return out;
}

void write_pretty(std::string& out, boost::json::value const& value, std::string const& indent) {
    std::string const inner = indent + "  ";
    if (auto const* const object = value.if_object(); object != nullptr && !object->empty()) {
        char const* separator = "{\n";
        for (auto const& [key, member] : *object) {
            out += separator + inner + boost::json::serialize(key) + ": ";
            write_pretty(out, member, inner);
            separator = ",\n";
        }
        out += "\n" + indent + "}";
    } else if (auto const* const list = value.if_array(); list != nullptr && !list->empty()) {
        char const* separator = "[\n";
        for (auto const& element : *list) {
            out += separator + inner;
            write_pretty(out, element, inner);
            separator = ",\n";
        }
        out += "\n" + indent + "]";
    } else {
        out += boost::json::serialize(value);
    }
}

// Rewriting moves what stands below: the shift of each file by the line it began at.
std::map<std::string, std::map<int, int>>& shifts() {
    static std::map<std::string, std::map<int, int>> all;
    return all;
}

void rewrite(std::source_location const& where, std::string_view actual) {
    std::string const path = where.file_name();
    std::ifstream in(path);
    std::string const source{std::istreambuf_iterator<char>(in), {}};
    int line = static_cast<int>(where.line());
    for (auto const& [from, by] : shifts()[path])
        if (from < static_cast<int>(where.line())) line += by;
    std::string const fresh = with_snapshot(source, line, actual);
    auto const count = [](std::string const& text) {
        return static_cast<int>(std::count(text.begin(), text.end(), '\n'));
    };
    shifts()[path][static_cast<int>(where.line())] += count(fresh) - count(source);
    std::ofstream(path) << fresh;
}

} // namespace

std::string with_snapshot(std::string_view source, int line, std::string_view actual) {
    std::size_t at = 0;
    for (int i = 1; i < line; ++i) at = source.find('\n', at) + 1;
    // The call's first line, where the statement's indentation is; clang gives the call's begin.
    std::size_t const text_begin = source.find_first_not_of(' ', at);
    std::string const indent(text_begin - at, ' ');
    std::size_t const raw = source.find("R\"(", at);
    std::size_t const end = source.find(")\"", raw);
    if (raw == std::string_view::npos || end == std::string_view::npos)
        throw std::runtime_error("there is no raw string to rewrite");
    std::string text = "\n";
    auto lines = lines_of(flush_left(actual));
    if (!lines.empty() && lines.back().empty()) lines.pop_back();
    for (auto const& each : lines) text += blank(each) ? "\n" : indent + "    " + each + "\n";
    text += indent;
    return std::string(source.substr(0, raw + 3)) + text + std::string(source.substr(end));
}

void snap(std::string_view actual, std::string_view expected, std::source_location where) {
    if (flush_left(actual) == flush_left(expected)) return;
    if (std::getenv("HAAT_SNAP") != nullptr) {
        rewrite(where, actual);
        return;
    }
    ADD_FAILURE_AT(where.file_name(), static_cast<int>(where.line()))
        << "the snapshot differs (HAAT_SNAP=1 writes it anew)\n--- expected\n"
        << flush_left(expected) << "--- actual\n"
        << flush_left(actual);
}

std::string masked(std::string_view text) {
    static std::regex const id("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}");
    static std::regex const time(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z)");
    std::string const without_ids = std::regex_replace(std::string(text), id, "<id>");
    return std::regex_replace(without_ids, time, "<time>");
}

std::string pretty(std::string_view json) {
    std::string out;
    write_pretty(out, boost::json::parse(boost::json::string_view(json.data(), json.size())), "");
    return out;
}

} // namespace haat::test
