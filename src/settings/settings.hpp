// What operators change while haat runs; a value like everything that is declared:
//
//     Setting<bool> const guest_checkout{"FEATURE_GUEST_CHECKOUT", true, "Orders without an
//     account."};
//
//     bool const on = co_await settings.get(guest_checkout, call.database(), call.actor().org);
//
// The value is the organization's own, else the platform's, else the default. A change is heard by
// every node; one that cannot hear asks the database. docs/decisions/0023-settings.md.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <access/access.hpp>
#include <describe/codec.hpp>

namespace haat {

/// Who may have a value of its own.
enum class SettingScope : std::uint8_t { platform, organization };
HAAT_DESCRIBE_ENUM(SettingScope, platform, organization)

struct SettingOptions {
    SettingScope scope = SettingScope::organization;
    std::int64_t min = INT64_MIN; // of numbers
    std::int64_t max = INT64_MAX;
};

/// A setting of any type; links itself into the list of all.
class SettingKind {
public:
    /// Reads a value and writes it as it is kept; says what is wrong with it.
    using Normalize = Problems (*)(SettingKind const&, std::string_view json, std::string& kept);

    SettingKind(char const* key, char const* text, SettingOptions options,
                describe::Shape const& shape, Normalize normalize, std::string standard);
    SettingKind(SettingKind const&) = delete;

    char const* key() const { return key_; }
    char const* text() const { return text_; }
    SettingOptions const& options() const { return options_; }
    describe::Shape const& shape() const { return *shape_; }
    /// The default's JSON.
    std::string const& standard() const { return standard_; }
    Problems normalize(std::string_view json, std::string& kept) const {
        return normalize_(*this, json, kept);
    }

    SettingKind const* next() const { return next_; }
    static SettingKind const* first();
    static SettingKind const* find(std::string_view key);

private:
    char const* key_;
    char const* text_;
    SettingOptions options_;
    describe::Shape const* shape_;
    Normalize normalize_;
    std::string standard_;
    SettingKind const* next_;
};

template <class T> class Setting : public SettingKind {
public:
    Setting(char const* key, T standard, char const* text, SettingOptions options = {})
        : SettingKind(key, text, options, describe::shape_of<T>, &read,
                      describe::to_json(standard)) {}

private:
    static Problems read(SettingKind const& kind, std::string_view json, std::string& kept) {
        T value{};
        Problems problems = describe::from_json(json, value);
        if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
            if (problems.empty() && value < kind.options().min)
                problems.push_back(
                    {"", "too_small", R"({"min":)" + std::to_string(kind.options().min) + "}"});
            if (problems.empty() && value > kind.options().max)
                problems.push_back(
                    {"", "too_large", R"({"max":)" + std::to_string(kind.options().max) + "}"});
        }
        kept.clear();
        if (problems.empty()) describe::to_json(kept, value);
        return problems;
    }
};

} // namespace haat
