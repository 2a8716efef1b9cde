// The table of settings: what the configuration, `haat config` and docs/config.md are made from.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include <app/config.hpp>

namespace haat::app {

struct Setting {
    std::string_view key;   // in haat.toml: "server.port"
    std::string_view names; // in the environment, ours first, with spaces between
    std::string_view text;  // what it is for
    bool secret = false;    // shown as ***
    std::string_view form;  // "number", "duration", …
    void (*read)(Config&, std::string_view value, bool plain_is_milliseconds); // throws BadValue
    std::string (*show)(Config const&);
};
std::span<Setting const> settings();

/// What was wrong with a value, as the rest of a sentence: "must be a number from 1 to 65535".
struct BadValue {
    std::string text;
};

/// For the parts of the table that stand in other files: "5MB", "15m".
void read_size(std::size_t& into, std::string_view text);
std::string show_size(std::size_t value);
void read_duration(std::chrono::milliseconds& into, std::string_view text, bool plain_is_ms);
std::string show_duration(std::chrono::milliseconds value);

/// Variables of the systems that haat replaces and which are taken without effect.
struct IgnoredVariable {
    std::string_view name;
    std::string_view why;
};
std::span<IgnoredVariable const> ignored_variables();

} // namespace haat::app
