// Passwords: what may be one, and their hashes. No I/O; hashing takes tens of milliseconds and
// belongs on the worker pool.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <base/refusal.hpp>
#include <describe/describe.hpp>

namespace haat::identity {

/// length: at least 8 characters, nothing else (development, imports). mixed: also a small and a
/// capital letter and a digit, none of the commonest, not the e-mail address. strong: also a
/// character that is neither letter nor digit.
enum class PasswordPolicy : std::uint8_t { length, mixed, strong };
HAAT_DESCRIBE_ENUM(PasswordPolicy, length, mixed, strong)

/// Everything that is wrong with it, under the path `password`.
Problems password_problems(PasswordPolicy, std::string_view password, std::string_view email);

/// Whether it is one of the commonest, or a common word with digits or marks at its end.
bool is_common_password(std::string_view password);

/// argon2id. The default is OWASP's minimum, and small because each hash that runs holds it.
struct HashCost {
    unsigned long long operations = 2;
    std::size_t memory_bytes = 19 * 1024 * 1024;
};

/// Throws std::bad_alloc when the memory is not there.
std::string hash_password(std::string_view password, HashCost const&);

/// argon2id; or bcrypt when the hash begins with $2, as imported users have it.
bool verify_password(std::string_view hash, std::string_view password);

/// Whether it is of another kind or cost than hash_password makes now.
bool needs_rehash(std::string const& hash, HashCost const&);

/// A hash of nothing that costs as much to verify as a real one: for e-mails nobody has.
std::string decoy_hash(HashCost const&);

} // namespace haat::identity
