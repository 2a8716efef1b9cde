#include <app/secrets.hpp>

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <fstream>
#include <map>
#include <stdexcept>

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <app/config.hpp>

namespace haat::app {

namespace files = std::filesystem;

namespace {

// Whole words of six letters and more, which no random text contains by chance.
constexpr std::string_view guessable_words[] = {
    "changeme", "change-me", "change_me", "secret",   "password", "example", "default",
    "qwerty",   "letmein",   "insecure",  "testtest", "replace",  "dontuse", "yourjwt",
};

std::string lower(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return out;
}

// Shannon's measure over the characters: what a text is worth at the very most.
double bits_of(std::string_view text) {
    std::array<int, 256> counts{};
    for (char const c : text) ++counts[static_cast<unsigned char>(c)];
    double bits = 0;
    auto const length = static_cast<double>(text.size());
    for (int const count : counts)
        if (count > 0) bits -= count * std::log2(count / length);
    return bits;
}

// "abcdef…", "12345…", "aaaa…": each character follows from the one before.
bool is_a_run(std::string_view text) {
    std::size_t steps = 0;
    for (std::size_t i = 1; i < text.size(); ++i) {
        int const step = text[i] - text[i - 1];
        if (step >= -1 && step <= 1) ++steps;
    }
    return steps * 2 > text.size();
}

using Kept = std::map<std::string, std::string, std::less<>>;

Kept read_kept(files::path const& path) {
    std::ifstream in(path);
    Kept kept;
    for (std::string line; std::getline(in, line);) {
        auto const equals = line.find('=');
        if (equals != std::string::npos) kept[line.substr(0, equals)] = line.substr(equals + 1);
    }
    return kept;
}

void write_kept(files::path const& path, Kept const& kept) {
    std::string text;
    for (auto const& [name, value] : kept) text.append(name).append("=").append(value).append("\n");
    std::string const fresh = path.string() + ".new";
    int const file = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool const good = file >= 0 && ::fchmod(file, 0600) == 0 &&
                      ::write(file, text.data(), text.size()) == ssize_t(text.size()) &&
                      ::fsync(file) == 0 && ::rename(fresh.c_str(), path.c_str()) == 0;
    int const error = errno;
    if (file >= 0) ::close(file);
    if (!good)
        throw std::runtime_error("cannot write " + path.string() + ": " + std::strerror(error));
}

std::string random_secret() {
    if (sodium_init() < 0) throw std::runtime_error("the system has no source of randomness");
    unsigned char bytes[48];
    randombytes_buf(bytes, sizeof bytes);
    char text[96];
    sodium_bin2base64(text, sizeof text, bytes, sizeof bytes,
                      sodium_base64_VARIANT_URLSAFE_NO_PADDING);
    return text;
}

} // namespace

std::optional<std::string> weakness_of(std::string_view secret) {
    if (secret.size() < 32)
        return "it has " + std::to_string(secret.size()) + " bytes and should have 32 at least";
    std::string const text = lower(secret);
    for (auto const word : guessable_words)
        if (text.find(word) != std::string::npos)
            return "it contains \"" + std::string(word) + "\", which is guessed first";
    if (is_a_run(text) || bits_of(secret) < 80) return "its characters repeat or follow a row";
    return std::nullopt;
}

std::string kept_secret(files::path const& data_directory, std::string_view name) {
    auto const kept = read_kept(data_directory / "secrets");
    auto const found = kept.find(name);
    return found == kept.end() ? "" : found->second;
}

void make_missing_secrets(Config& config) {
    if (!config.sign_in.jwt_secret.empty()) return;
    std::error_code error;
    // PostgreSQL's user must be able to pass through when this process is root.
    if (files::create_directories(config.data_directory, error))
        files::permissions(config.data_directory, files::perms(::geteuid() == 0 ? 0711 : 0700),
                           error);
    files::path const path = config.data_directory / "secrets";
    Kept kept = read_kept(path);
    std::string& secret = kept["jwt_secret"];
    if (secret.empty()) secret = random_secret();
    config.sign_in.jwt_secret = secret;
    write_kept(path, kept);
}

} // namespace haat::app
