#include <modules/identity/password.hpp>

#include <algorithm>
#include <memory>
#include <new>

#include <crypt.h>
#include <sodium.h>

#include <base/text_forms.hpp>
#include <modules/identity/common_passwords.hpp>

namespace haat::identity {

namespace {

bool is_small(char c) { return c >= 'a' && c <= 'z'; }
bool is_capital(char c) { return c >= 'A' && c <= 'Z'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_mark(char c) {
    return static_cast<unsigned char>(c) < 0x80 && !is_small(c) && !is_capital(c) && !is_digit(c);
}

std::string small(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (is_capital(c)) c = static_cast<char>(c + 32);
    return lower;
}

// p@ssw0rd -> password: what everybody thinks of first.
char plain(char c) {
    switch (c) {
    case '@':
    case '4': return 'a';
    case '0': return 'o';
    case '1': return 'i';
    case '3': return 'e';
    case '$':
    case '5': return 's';
    case '7': return 't';
    default: return c;
    }
}

std::string plain(std::string text) {
    for (char& c : text) c = plain(c);
    return text;
}

bool is_common_word(std::string_view word) {
    if (word.empty() || word.find(' ') != word.npos) return false;
    return common_words.find(" " + std::string(word) + " ") != common_words.npos;
}

// aaaaaaaa, 12345678, 87654321, abcdefgh.
bool is_a_run(std::string_view text) {
    for (int step : {-1, 0, 1}) {
        bool run = true;
        for (std::size_t i = 1; i < text.size() && run; ++i) {
            int const difference = text[i] - text[i - 1];
            bool const wraps = step != 0 && (difference == -9 || difference == 9);
            run = difference == step || wraps;
        }
        if (run) return true;
    }
    return false;
}

/// Without the digits and marks at its end, of which there may be at most eight.
std::string_view stem(std::string_view text) {
    std::size_t size = text.size();
    while (size > 0 && (is_digit(text[size - 1]) || is_mark(text[size - 1]))) --size;
    return text.size() - size <= 8 ? text.substr(0, size) : text;
}

constexpr std::size_t characters_min = 8;
constexpr std::size_t characters_max = 128;

} // namespace

bool is_common_password(std::string_view password) {
    std::string const lower = small(password);
    if (is_a_run(lower) || is_common_word(lower) || is_common_word(stem(lower))) return true;
    return is_common_word(plain(lower)) || is_common_word(plain(std::string(stem(lower))));
}

Problems password_problems(PasswordPolicy policy, std::string_view password,
                           std::string_view email) {
    Problems problems;
    auto const complain = [&](std::string_view code, std::string params = {}) {
        problems.push_back({"password", code, std::move(params)});
    };
    std::size_t const characters = facts_of(password).characters;
    if (characters < characters_min) complain("too_short", R"({"min":8})");
    if (characters > characters_max) complain("too_long", R"({"max":128})");
    if (policy == PasswordPolicy::length) return problems;
    if (std::none_of(password.begin(), password.end(), is_small)) complain("needs_small_letter");
    if (std::none_of(password.begin(), password.end(), is_capital))
        complain("needs_capital_letter");
    if (std::none_of(password.begin(), password.end(), is_digit)) complain("needs_digit");
    if (policy == PasswordPolicy::strong && std::none_of(password.begin(), password.end(), is_mark))
        complain("needs_mark");
    std::string const lower = small(password);
    std::string const address = small(email);
    bool const is_the_email =
        !address.empty() && (lower == address || lower == address.substr(0, address.find('@')));
    if (is_the_email) complain("same_as_email");
    if (is_common_password(password)) complain("too_common");
    return problems;
}

std::string hash_password(std::string_view password, HashCost const& cost) {
    char hash[crypto_pwhash_STRBYTES];
    int const outcome =
        crypto_pwhash_str_alg(hash, password.data(), password.size(), cost.operations,
                              cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13);
    if (outcome != 0) throw std::bad_alloc();
    return hash;
}

namespace {

bool verify_bcrypt(std::string const& hash, std::string const& password) {
    // bcrypt reads up to a zero byte: a password with one inside would pass by its beginning.
    if (password.find('\0') != std::string::npos) return false;
    auto const data = std::make_unique<crypt_data>();
    char const* const made = crypt_r(password.c_str(), hash.c_str(), data.get());
    if (made == nullptr || *made == '*') return false;
    std::string_view const again(made);
    return again.size() == hash.size() && sodium_memcmp(made, hash.data(), hash.size()) == 0;
}

} // namespace

bool verify_password(std::string_view hash, std::string_view password) {
    std::string const text(hash); // both libraries want a zero at the end
    if (text.starts_with("$2")) return verify_bcrypt(text, std::string(password));
    if (!text.starts_with("$argon2")) return false;
    return crypto_pwhash_str_verify(text.c_str(), password.data(), password.size()) == 0;
}

bool needs_rehash(std::string const& hash, HashCost const& cost) {
    return crypto_pwhash_str_needs_rehash(hash.c_str(), cost.operations, cost.memory_bytes) != 0;
}

std::string decoy_hash(HashCost const& cost) {
    // Salt and result are random bytes that nobody hashed to.
    return "$argon2id$v=19$m=" + std::to_string(cost.memory_bytes / 1024) +
           ",t=" + std::to_string(cost.operations) +
           ",p=1$3JOCHnW0X9tVrTjbb0Ct0w$9tO2bKQf7aZxgHhS4nYvWqLr1uEdM0oJ5cXkPi8T3Fg";
}

} // namespace haat::identity
