// Secrets that haat makes for itself in development, and what makes one too weak for production.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace haat::app {

struct Config;

/// Why this secret could be guessed; nothing when it could not.
std::optional<std::string> weakness_of(std::string_view secret);

/// The value kept under this name in <data>/secrets; empty when there is none.
std::string kept_secret(std::filesystem::path const& data_directory, std::string_view name);

/// Makes the secrets that are still empty and keeps them in <data>/secrets (0600), so that tokens
/// outlive a restart. Throws std::runtime_error when the directory cannot be written.
void make_missing_secrets(Config&);

} // namespace haat::app
