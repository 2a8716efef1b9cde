// How values of settings are read and shown, for the parts of the table that stand in files of
// their own.
//
//     all.push_back(make_setting<1, 100>({"webhooks.at_once", "HAAT_WEBHOOK_AT_ONCE", "…"},
//                                        [](auto& config) -> auto& { return config.at_once; }));
#pragma once

#include <charconv>
#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include <app/settings.hpp>

namespace haat::app {

struct SettingNames {
    std::string_view key;
    std::string_view variables;
    std::string_view text;
    bool secret = false;
};

namespace forms {

inline void read(std::string& into, std::string_view text) { into = text; }
inline std::string show(std::string const& value) { return value; }
inline std::string_view form_of(std::string const&) { return "text"; }

inline void read(Secret<0, 255>& into, std::string_view text) {
    if (text.size() > 255) throw BadValue{"must have at most 255 characters"};
    into.value = text;
}
inline std::string show(Secret<0, 255> const& value) { return value.value.empty() ? "" : "***"; }
inline std::string_view form_of(Secret<0, 255> const&) { return "text"; }

inline void read(std::filesystem::path& into, std::string_view text) {
    if (text.empty()) throw BadValue{"must be a path"};
    into = text;
}
inline std::string show(std::filesystem::path const& value) { return value.string(); }
inline std::string_view form_of(std::filesystem::path const&) { return "path"; }

inline void read(bool& into, std::string_view text) {
    bool const yes = text == "1" || text == "true" || text == "yes" || text == "on";
    bool const no = text == "0" || text == "false" || text == "no" || text == "off";
    if (!yes && !no) throw BadValue{"must be true or false"};
    into = yes;
}
inline std::string show(bool value) { return value ? "true" : "false"; }
inline std::string_view form_of(bool) { return "true or false"; }

inline void read(std::size_t& into, std::string_view text) {
    std::size_t size = 0;
    read_size(size, text);
    if (size == 0) throw BadValue{"must be more than nothing"};
    into = size;
}
inline std::string show(std::size_t value) { return show_size(value); }
inline std::string_view form_of(std::size_t) { return "size"; }

inline void read(std::chrono::milliseconds& into, std::string_view text, bool plain_is_ms) {
    std::chrono::milliseconds time{};
    read_duration(time, text, plain_is_ms);
    if (time.count() == 0) throw BadValue{"must be more than nothing"};
    into = time;
}
inline std::string show(std::chrono::milliseconds value) { return show_duration(value); }
inline std::string_view form_of(std::chrono::milliseconds) { return "duration"; }

template <int Least, int Most> void read_number(int& into, std::string_view text) {
    int number = 0;
    auto const end = text.data() + text.size();
    auto const [at, error] = std::from_chars(text.data(), end, number);
    if (error != std::errc() || at != end || number < Least || number > Most)
        throw BadValue{fmt::format("must be from {} to {}", Least, Most)};
    into = number;
}
inline std::string show(int value) { return std::to_string(value); }
inline std::string_view form_of(int) { return "number"; }

template <int Least, int Most, class Value>
void read_any(Value& into, std::string_view text, bool plain_is_ms) {
    if constexpr (std::is_same_v<Value, int>)
        read_number<Least, Most>(into, text);
    else if constexpr (std::is_same_v<Value, std::chrono::milliseconds>)
        read(into, text, plain_is_ms);
    else
        read(into, text);
}

} // namespace forms

/// `where` is a lambda without captures that finds the member. Numbers have limits.
template <int Least = 1, int Most = 1'000, class Where>
Setting make_setting(SettingNames names, Where) {
    Config const standard;
    return {names.key,
            names.variables,
            names.text,
            names.secret,
            forms::form_of(Where{}(standard)),
            [](Config& config, std::string_view text, bool plain_is_ms) {
                forms::read_any<Least, Most>(Where{}(config), text, plain_is_ms);
            },
            [](Config const& config) { return forms::show(Where{}(config)); }};
}

} // namespace haat::app
