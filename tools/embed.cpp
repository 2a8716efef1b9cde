// embed OUTPUT ROOT FOLDER…: writes an assembler file that carries every file below the folders,
// and the table that src/base/embedded.cpp reads. Paths are kept relative to ROOT and sorted, so
// that the same tree gives the same bytes. A folder that does not exist holds nothing.
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace files = std::filesystem;

namespace {

// The assembler's string escapes: a quote, a backslash, and everything outside printable ASCII.
std::string in_quotes(std::string_view text) {
    std::string out = "\"";
    for (char const c : text) {
        auto const byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte >= 0x7f) {
            char octal[5];
            std::snprintf(octal, sizeof octal, "\\%03o", byte);
            out += octal;
        } else {
            out += c;
        }
    }
    return out + '"';
}

std::vector<std::string> paths_below(files::path const& root, std::vector<std::string> folders) {
    std::vector<std::string> paths;
    for (auto const& folder : folders) {
        if (!files::is_directory(root / folder)) continue;
        for (auto const& entry : files::recursive_directory_iterator(root / folder))
            if (entry.is_regular_file())
                paths.push_back(files::relative(entry.path(), root).generic_string());
    }
    std::sort(paths.begin(), paths.end());
    paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
    return paths;
}

void write(std::ostream& out, files::path const& root, std::vector<std::string> const& paths) {
    out << ".section .rodata.haat_embedded,\"a\",@progbits\n";
    for (std::size_t i = 0; i < paths.size(); ++i) {
        out << ".Lname" << i << ":\n    .ascii " << in_quotes(paths[i]) << "\n.Lname_end" << i
            << ":\n"
            << "    .balign 16\n.Lbytes" << i << ":\n    .incbin "
            << in_quotes((root / paths[i]).generic_string()) << "\n.Lbytes_end" << i << ":\n"
            << "    .byte 0\n";
    }
    // The table holds addresses, which a position-independent program relocates at its start.
    out << ".section .data.rel.ro.haat_embedded,\"aw\",@progbits\n    .balign 8\n"
        << "    .globl haat_embedded_files\nhaat_embedded_files:\n";
    for (std::size_t i = 0; i < paths.size(); ++i) {
        out << "    .quad .Lname" << i << ", .Lname_end" << i << " - .Lname" << i << ", .Lbytes"
            << i << ", .Lbytes_end" << i << " - .Lbytes" << i << "\n";
    }
    out << "    .globl haat_embedded_count\nhaat_embedded_count:\n    .quad " << paths.size()
        << "\n.section .note.GNU-stack,\"\",@progbits\n";
}

} // namespace

int main(int count, char** words) {
    if (count < 3) {
        std::cerr << "usage: embed OUTPUT ROOT FOLDER…\n";
        return 2;
    }
    files::path const root = files::absolute(words[2]);
    std::ofstream out(words[1], std::ios::binary | std::ios::trunc);
    write(out, root, paths_below(root, {words + 3, words + count}));
    out.close();
    if (out) return 0;
    std::cerr << "embed: cannot write " << words[1] << "\n";
    return 1;
}
