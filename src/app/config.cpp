#include <app/config.hpp>

#include <algorithm>
#include <set>
#include <sstream>
#include <thread>

#include <fmt/format.h>

#define TOML_ENABLE_FORMATTERS 0
#include <toml++/toml.h>

#include <app/secrets.hpp>
#include <app/settings.hpp>
#include <app/settings_files.hpp>
#include <app/settings_messages.hpp>
#include <app/settings_webhooks.hpp>
#include <base/refusal.hpp>
#include <jobs/zone.hpp>

extern "C" char** environ;

namespace haat::app {

namespace files = std::filesystem;

namespace {

std::string joined(std::vector<std::string> const& problems) {
    return fmt::format("the configuration has {}:\n  {}",
                       problems.size() == 1 ? std::string("a problem")
                                            : fmt::format("{} problems", problems.size()),
                       fmt::join(problems, "\n  "));
}

std::vector<std::string> words_of(std::string_view text) {
    std::istringstream in{std::string(text)};
    std::vector<std::string> words;
    for (std::string word; in >> word;) words.push_back(word);
    return words;
}

int cores() { return std::max(1, static_cast<int>(std::thread::hardware_concurrency())); }

// haat.toml as "section.key" -> text.
class File {
public:
    File(files::path path, std::vector<std::string>& problems) : path_(std::move(path)) {
        if (path_.empty()) return;
        try {
            add(toml::parse_file(path_.string()), "", problems);
        } catch (toml::parse_error const& error) {
            problems.push_back(fmt::format("{}, line {}: {}", path_.string(),
                                           error.source().begin.line, error.description()));
        }
    }

    std::string const* find(std::string_view key) {
        auto const found = values_.find(std::string(key));
        if (found == values_.end()) return nullptr;
        taken_.insert(found->first);
        return &found->second;
    }
    void report_unknown(std::vector<std::string>& problems) const {
        for (auto const& [key, value] : values_)
            if (!taken_.contains(key))
                problems.push_back(fmt::format(
                    "{} in {} is not a setting (docs/config.md has them)", key, path_.string()));
    }
    files::path const& path() const { return path_; }

private:
    void add(toml::table const& table, std::string const& prefix,
             std::vector<std::string>& problems) {
        for (auto const& [name, node] : table) {
            std::string const key = prefix + std::string(name.str());
            if (auto const* const inner = node.as_table())
                add(*inner, key + ".", problems);
            else if (auto const text = text_of(node))
                values_[key] = *text;
            else
                problems.push_back(fmt::format(
                    "{} in {} must be a text, a whole number, true, false or a list of texts", key,
                    path_.string()));
        }
    }
    static std::optional<std::string> text_of(toml::node const& node) {
        if (auto const* const text = node.as_string()) return text->get();
        if (auto const* const number = node.as_integer()) return std::to_string(number->get());
        if (auto const* const flag = node.as_boolean()) return flag->get() ? "true" : "false";
        auto const* const list = node.as_array();
        if (list == nullptr) return std::nullopt;
        std::string all;
        for (auto const& item : *list) {
            auto const* const text = item.as_string();
            if (text == nullptr) return std::nullopt;
            all += (all.empty() ? "" : ",") + text->get();
        }
        return all;
    }

    files::path path_;
    std::map<std::string, std::string> values_;
    std::set<std::string> taken_;
};

class Reader {
public:
    explicit Reader(Outside const& outside) : outside_(outside) {}

    Loaded read() {
        File file(find_file(), problems_);
        loaded_.file = file.path();
        for (auto const& setting : settings()) read_setting(setting, file);
        file.report_unknown(problems_);
        note_environment();
        check();
        if (!problems_.empty()) throw ConfigError(problems_);
        show();
        return std::move(loaded_);
    }

private:
    std::string const* variable(std::string const& name) const {
        auto const found = outside_.environment.find(name);
        // Compose files pass variables that nobody set as empty ones.
        return found == outside_.environment.end() || found->second.empty() ? nullptr
                                                                            : &found->second;
    }

    files::path find_file() {
        if (auto const* const named = variable("HAAT_CONFIG")) {
            files::path const path = outside_.directory / *named;
            if (files::exists(path)) return path;
            problems_.push_back("HAAT_CONFIG names " + path.string() + ", which is not there");
            return {};
        }
        auto const* const data = variable("HAAT_DATA_DIR");
        files::path const kept = data != nullptr ? files::path(*data) : Config{}.data_directory;
        for (auto const& folder : {outside_.directory, outside_.directory / kept})
            if (files::exists(folder / "haat.toml")) return folder / "haat.toml";
        return {};
    }

    void read_setting(Setting const& setting, File& file) {
        std::string const* const in_file = file.find(setting.key);
        for (auto const& name : words_of(setting.names)) {
            auto const* const value = variable(name);
            if (value == nullptr) continue;
            take(setting, *value, name, Source::environment, name.ends_with("_MS"));
            return;
        }
        if (in_file != nullptr) take(setting, *in_file, file.path().string(), Source::file, false);
    }

    void take(Setting const& setting, std::string const& value, std::string const& from,
              Source source, bool plain_is_milliseconds) {
        sources_[setting.key] = {source, from};
        try {
            setting.read(loaded_.config, value, plain_is_milliseconds);
        } catch (BadValue const& bad) {
            std::string const where =
                source == Source::file ? fmt::format("{} in {}", setting.key, from) : from;
            problems_.push_back(setting.secret
                                    ? fmt::format("{} {}", where, bad.text)
                                    : fmt::format("{} {}, not \"{}\"", where, bad.text, value));
        }
    }

    void note_environment() {
        std::set<std::string> known{"HAAT_CONFIG"};
        for (auto const& setting : settings())
            for (auto const& name : words_of(setting.names)) known.insert(name);
        for (auto const& [name, value] : outside_.environment)
            if (name.starts_with("HAAT_") && !known.contains(name))
                loaded_.notes.push_back(name + " is not a setting (docs/config.md has them)");
        for (auto const& [name, why] : ignored_variables())
            if (variable(std::string(name)) != nullptr)
                loaded_.notes.push_back(fmt::format("{} is without effect: {}", name, why));
    }

    void check() {
        Config& config = loaded_.config;
        auto const& server = config.server;
        if (server.certificate_file.empty() != server.private_key_file.empty())
            problems_.push_back("HAAT_TLS_CERTIFICATE and HAAT_TLS_KEY belong together: give both "
                                "or none");
        if (config.database_url.empty() &&
            !(config.database_request_url.empty() && config.database_worker_url.empty()))
            problems_.push_back("DATABASE_REQUEST_URL and DATABASE_WORKER_URL need DATABASE_URL");
        if (config.production() && config.demo)
            problems_.push_back("HAAT_DEMO loads accounts with known passwords and is refused in "
                                "production");
        check_zone(config);
        check_secret(config);
        check_messages(config.messages, problems_);
        check_files(config.files, problems_);
        check_webhooks(config, problems_);
    }

    void check_zone(Config const& config) {
        try {
            Zone const zone(config.jobs.time_zone);
        } catch (Fault const& fault) {
            problems_.push_back(std::string("HAAT_TIME_ZONE: ") + fault.what());
        }
    }

    void check_secret(Config& config) {
        std::string& secret = config.sign_in.jwt_secret;
        std::string const cure = "; make one with: openssl rand -base64 48";
        if (secret.empty() && config.production()) {
            problems_.push_back("JWT_SECRET is not set" + cure);
        } else if (secret.empty()) {
            secret = kept_secret(outside_.directory / config.data_directory, "jwt_secret");
            if (!secret.empty())
                sources_["sign_in.jwt_secret"] = {Source::made,
                                                  (config.data_directory / "secrets").string()};
        } else if (config.production()) {
            if (auto const weakness = weakness_of(secret))
                problems_.push_back("JWT_SECRET is weak: " + *weakness + cure);
        }
        if (config.production() && !config.data_secret.empty())
            if (auto const weakness = weakness_of(config.data_secret))
                problems_.push_back("HAAT_DATA_SECRET is weak: " + *weakness + cure);
    }

    void show() {
        for (auto const& setting : settings()) {
            auto const [source, from] = sources_[setting.key];
            std::string value = setting.show(loaded_.config);
            if (setting.secret && !value.empty()) value = "***";
            loaded_.effective.push_back({std::string(setting.key), value, source, from});
        }
    }

    struct Origin {
        Source source = Source::standard;
        std::string from;
    };
    Outside const& outside_;
    Loaded loaded_;
    std::vector<std::string> problems_;
    std::map<std::string_view, Origin> sources_;
};

} // namespace

ConfigError::ConfigError(std::vector<std::string> problems)
    : std::runtime_error(joined(problems)), problems_(std::move(problems)) {}

int Config::loop_count() const { return loops > 0 ? loops : cores(); }
int Config::worker_count() const { return workers > 0 ? workers : cores(); }

std::string const& Config::secret_of_data() const {
    return data_secret.empty() ? sign_in.jwt_secret : data_secret;
}

files::path Config::files_directory() const {
    return files.directory.empty() ? data_directory / "files" : files.directory;
}

pg::DatabaseOptions Config::database_options(std::string request_url) const {
    pg::DatabaseOptions options = database;
    options.url = std::move(request_url);
    if (database_pool_size > 0)
        options.write_connections = std::max(1, database_pool_size / loop_count());
    return options;
}

std::string_view name_of(Source source) {
    switch (source) {
    case Source::standard: return "default";
    case Source::file: return "file";
    case Source::environment: return "environment";
    case Source::made: return "made";
    }
    return {};
}

Outside outside() {
    Outside found;
    found.directory = files::current_path();
    for (char** entry = environ; *entry != nullptr; ++entry) {
        std::string_view const text = *entry;
        auto const equals = text.find('=');
        if (equals != std::string_view::npos)
            found.environment.emplace(text.substr(0, equals), text.substr(equals + 1));
    }
    return found;
}

Loaded load_config(Outside const& outside) { return Reader(outside).read(); }

std::string render_config_page() {
    std::string page =
        "# Settings\n\n"
        "Written by `haat docs` from the table in src/app/settings.cpp. A setting is taken from "
        "the environment, else\nfrom `haat.toml` (`HAAT_CONFIG`, else `./haat.toml`, else the data "
        "directory's), else it is the default.\n`haat config` shows the effective values and where "
        "each came from. Durations are written `500ms`, `30s`,\n`15m`, `12h`, `7d` (a number alone "
        "counts seconds, in a variable whose name ends with `_MS` milliseconds),\nsizes `64KB`, "
        "`1MB`, rates `100/15m`.\n\n"
        "| in haat.toml | in the environment | is | default | for |\n|---|---|---|---|---|\n";
    Config const standard;
    for (auto const& setting : settings()) {
        std::string names;
        for (auto const& name : words_of(setting.names))
            names += fmt::format("{}`{}`", names.empty() ? "" : ", ", name);
        std::string const value = setting.show(standard);
        page += fmt::format("| `{}` | {} | {}{} | {} | {} |\n", setting.key, names, setting.form,
                            setting.secret ? ", secret" : "",
                            value.empty() ? "" : fmt::format("`{}`", value), setting.text);
    }
    page += "\n## Taken without effect\n\nVariables of the systems that haat replaces; `haat "
            "doctor` names those that are set.\n\n| variable | why |\n|---|---|\n";
    for (auto const& [name, why] : ignored_variables())
        page += fmt::format("| `{}` | {} |\n", name, why);
    return page;
}

} // namespace haat::app
