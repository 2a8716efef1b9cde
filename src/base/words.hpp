// The words everyone speaks: small value types whose limits live in the type. No I/O, no JSON.
// Each has its value as its first member, so that describe/ can walk it as that value.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace haat {

/// Min to Max characters (not bytes), trimmed, without control characters but tab and new line.
template <int Min, int Max> struct Text {
    std::string value;
    auto operator<=>(Text const&) const = default;
};

/// Never trimmed, never logged, never in an audit row: passwords, tokens, keys.
template <int Min, int Max> struct Secret {
    std::string value;
};

struct Email {
    std::string value; // as typed; compare by lower()
    std::string lower() const;
    auto operator<=>(Email const&) const = default;
};

/// E.164 after reading ("+919876543210"); ten digits alone are taken as Indian.
struct Phone {
    std::string value;
    auto operator<=>(Phone const&) const = default;
};

/// Absolute, http or https, at most 2,048 bytes.
struct Url {
    std::string value;
    auto operator<=>(Url const&) const = default;
};

/// a-z, 0-9 and single hyphens; at most 255.
struct Slug {
    std::string value;
    auto operator<=>(Slug const&) const = default;
    /// "Cello Gripper, Blue" -> "cello-gripper-blue"; empty when nothing is left.
    static Slug of(std::string_view text);
};

/// Fixed point, a count of thousandths.
struct Quantity {
    std::int64_t thousandths = 0;
    auto operator<=>(Quantity const&) const = default;
};

/// A count of minor units; the currency stands on the document. Never a double.
struct Money {
    std::int64_t minor = 0;
    auto operator<=>(Money const&) const = default;
};

/// Microseconds since 1970-01-01 UTC; RFC 3339 with Z outside.
struct Timestamp {
    std::int64_t micros = 0;
    auto operator<=>(Timestamp const&) const = default;
};

/// A day without a time: days since 1970-01-01.
struct Date {
    std::int32_t days = 0;
    auto operator<=>(Date const&) const = default;
};

struct Uuid {
    std::array<unsigned char, 16> bytes{};
    auto operator<=>(Uuid const&) const = default;
    bool is_nil() const { return *this == Uuid{}; }
};

std::string to_string(Uuid const&);
bool parse(std::string_view text, Uuid& out);

/// `struct Brand { static constexpr std::string_view noun = "brand"; };  using BrandId =
/// Id<Brand>;` The noun gives the code of the refusal: BRAND_NOT_FOUND.
template <class Noun> struct Id {
    Uuid uuid;
    auto operator<=>(Id const&) const = default;
};

/// Any JSON value, kept as checked text.
struct Json {
    std::string text = "{}";
    auto operator<=>(Json const&) const = default;
};

template <class T, int Min = 0, int Max = 100> struct List : std::vector<T> {
    using std::vector<T>::vector;
};

/// One field of a PATCH: absent, null or a value.
template <class T> struct Patch {
    enum class State : std::uint8_t { absent, null, value };
    State state = State::absent;
    T value{};
    bool given() const { return state != State::absent; }
};

/// Some of the fields of a T: what a PUT or PATCH sends. Each field that was given stands in
/// `value`; null takes an optional one away. `T` says the limits, so nothing is written twice.
template <class T> struct Change {
    T value{};
    std::array<std::uint64_t, 2> given{}; // a bit for each member, in the order of its description
};

/// One page of a list, as domain.md's meta.pagination wants it.
template <class T> struct Page {
    std::vector<T> items;
    std::int64_t total = 0;
    bool total_is_exact = true;
    std::int32_t limit = 20;
    std::int32_t skip = 0;
    std::optional<std::string> next_cursor;
    std::optional<std::string> prev_cursor;
    bool has_more = false;
};

} // namespace haat
