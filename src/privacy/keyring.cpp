#include <privacy/keyring.hpp>

#include <algorithm>

#include <sodium.h>

#include <base/refusal.hpp>
#include <base/words.hpp>

namespace haat::privacy {

namespace {
constexpr std::size_t nonce_size = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_size = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t known_max = 20'000; // keys of each kind that are remembered
// An erasure is heard at once; whoever cannot hear asks the database again after this.
constexpr std::chrono::milliseconds certain_for{900};

unsigned char const* bytes_of(std::string_view text) {
    return reinterpret_cast<unsigned char const*>(text.data());
}

/// For the seal: whose it is, so that no key can be passed off as another's.
std::string name_of(Uuid const& id, Uuid const& person) {
    return to_string(id) + to_string(person);
}

template <class Map> void make_room(Map& map) {
    if (map.size() >= known_max) map.erase(map.begin());
}
} // namespace

Keyring::Keyring(std::string_view server_secret) {
    static_assert(sizeof(Key::bytes) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (sodium_init() < 0) throw Fault("the system has no source of randomness");
    constexpr std::string_view purpose = "haat personal data";
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, bytes_of(server_secret), server_secret.size());
    crypto_auth_hmacsha256_update(&state, bytes_of(purpose), purpose.size());
    crypto_auth_hmacsha256_final(&state, master_.data());
}

std::string Keyring::seal(Key const& key) const {
    std::array<unsigned char, nonce_size + sizeof key.bytes + tag_size> sealed;
    randombytes_buf(sealed.data(), nonce_size);
    std::string const name = name_of(key.id, key.person);
    crypto_aead_xchacha20poly1305_ietf_encrypt(sealed.data() + nonce_size, nullptr,
                                               key.bytes.data(), key.bytes.size(), bytes_of(name),
                                               name.size(), nullptr, sealed.data(), master_.data());
    std::array<char, sealed.size() * 2> text;
    return sodium_bin2base64(text.data(), text.size(), sealed.data(), sealed.size(),
                             sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

KeyPtr Keyring::open(Uuid const& id, Uuid const& person, std::string_view sealed) const {
    auto const key = std::make_shared<Key>();
    key->id = id;
    key->person = person;
    std::array<unsigned char, nonce_size + sizeof key->bytes + tag_size> bytes;
    std::size_t size = 0;
    std::string const name = name_of(id, person);
    bool const well =
        sodium_base642bin(bytes.data(), bytes.size(), sealed.data(), sealed.size(), nullptr, &size,
                          nullptr, sodium_base64_VARIANT_URLSAFE_NO_PADDING) == 0 &&
        size == bytes.size() &&
        crypto_aead_xchacha20poly1305_ietf_decrypt(
            key->bytes.data(), nullptr, nullptr, bytes.data() + nonce_size, size - nonce_size,
            bytes_of(name), name.size(), bytes.data(), master_.data()) == 0;
    return well ? key : nullptr;
}

KeyPtr Keyring::of_person(Uuid const& person) const {
    std::lock_guard const lock(mutex_);
    auto const found = of_person_.find(person);
    return found == of_person_.end() ? nullptr : found->second;
}

KeyPtr Keyring::by_id(Uuid const& id) const {
    std::lock_guard const lock(mutex_);
    auto const found = by_id_.find(id);
    return found == by_id_.end() || found->second.until < Clock::now() ? nullptr
                                                                       : found->second.key;
}

void Keyring::made(KeyPtr key) {
    std::lock_guard const lock(mutex_);
    make_room(of_person_);
    of_person_.insert_or_assign(key->person, std::move(key));
}

// Good for writing as well, as long as this process has none of its own.
void Keyring::read(KeyPtr key) {
    std::lock_guard const lock(mutex_);
    make_room(of_person_);
    of_person_.try_emplace(key->person, key);
    make_room(by_id_);
    by_id_.insert_or_assign(key->id, Known{key, Clock::now() + certain_for});
}

void Keyring::forget(Uuid const& person) {
    std::lock_guard const lock(mutex_);
    of_person_.erase(person);
    std::erase_if(by_id_, [&](auto const& one) { return one.second.key->person == person; });
}

void Keyring::forget_all() {
    std::lock_guard const lock(mutex_);
    of_person_.clear();
    by_id_.clear();
}

void heard_erased(Keyring& keyring, std::string_view payload) {
    Uuid person;
    if (parse(payload, person))
        keyring.forget(person);
    else
        keyring.forget_all();
}

} // namespace haat::privacy
