#include <app/doctor.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <app/secrets.hpp>
#include <pg/cluster.hpp>
#include <pg/plain.hpp>

namespace haat::app {

namespace {

using Mark = Finding::Mark;
using Findings = std::vector<Finding>;

constexpr std::uint64_t megabyte = 1024 * 1024;

Finding good(std::string check, std::string cause) {
    return {std::move(check), Mark::good, std::move(cause), ""};
}
Finding warning(std::string check, std::string cause, std::string cure) {
    return {std::move(check), Mark::warning, std::move(cause), std::move(cure)};
}
Finding bad(std::string check, std::string cause, std::string cure) {
    return {std::move(check), Mark::bad, std::move(cause), std::move(cure)};
}

// Sentences of other rooms are "cause; cure".
Finding bad_sentence(std::string check, std::string_view sentence) {
    auto const semicolon = sentence.find("; ");
    if (semicolon == std::string_view::npos)
        return bad(std::move(check), std::string(sentence), "see docs/operations.md");
    return bad(std::move(check), std::string(sentence.substr(0, semicolon)),
               std::string(sentence.substr(semicolon + 2)));
}

void check_configuration(Findings& out, Loaded const& loaded,
                         std::vector<std::string> const& problems) {
    for (auto const& problem : problems) {
        auto finding = bad_sentence("configuration", problem);
        if (problem.find("; ") == std::string::npos)
            finding.cure = "change it; docs/config.md has every setting";
        out.push_back(finding);
    }
    for (auto const& note : loaded.notes)
        out.push_back(warning("configuration", note, "remove or mend it"));
    if (problems.empty() && loaded.notes.empty())
        out.push_back(good("configuration", loaded.file.empty()
                                                ? "taken from the environment and the defaults"
                                                : "read from " + loaded.file.string()));
}

void check_secret(Findings& out, Config const& config) {
    auto const& secret = config.sign_in.jwt_secret;
    if (secret.empty())
        out.push_back(good("secret", "JWT_SECRET is made at the first start"));
    else if (auto const weakness = weakness_of(secret))
        out.push_back({"secret", config.production() ? Mark::bad : Mark::warning,
                       "JWT_SECRET is weak: " + *weakness,
                       "set JWT_SECRET to the output of: openssl rand -base64 48"});
    else
        out.push_back(good("secret", "JWT_SECRET is strong"));
}

void check_data_directory(Findings& out, Config const& config, DoctorWorld const& world) {
    auto const& directory = config.data_directory;
    if (auto const why = world.writing_fails(directory); !why.empty()) {
        out.push_back(bad("data directory", fmt::format("{}: {}", directory.string(), why),
                          "give it to this user, or set HAAT_DATA_DIR to another directory"));
        return;
    }
    if (config.database_url.empty() && !world.server_may_enter(directory)) {
        out.push_back(warning(
            "data directory",
            fmt::format("{} cannot be entered by the user postgres, so the database is kept below "
                        "/var/lib instead",
                        directory.string()),
            "set HAAT_DATA_DIR to a directory outside private homes, or leave it so"));
        return;
    }
    out.push_back(good("data directory", directory.string() + " can be used"));
}

void check_disk(Findings& out, Config const& config, DoctorWorld const& world) {
    auto const space = world.disk(config.data_directory);
    auto const text =
        fmt::format("{} MB of {} MB are free where {} is", space.free_bytes / megabyte,
                    space.total_bytes / megabyte, config.data_directory.string());
    std::string const cure = "free some, or set HAAT_DATA_DIR to a larger disk";
    if (space.free_bytes < 256 * megabyte)
        out.push_back(bad("disk", text, cure));
    else if (space.free_bytes < 2048 * megabyte || space.free_bytes < space.total_bytes / 50)
        out.push_back(warning("disk", text, cure));
    else
        out.push_back(good("disk", text));
}

void check_port(Findings& out, Config const& config, DoctorWorld const& world) {
    auto const& server = config.server;
    auto const where = fmt::format("port {} of {}", server.port, server.address);
    auto const why = world.listening_fails(server.address, server.port);
    if (why.empty())
        out.push_back(good("port", where + " is free"));
    else if (world.haat_runs(config.data_directory))
        out.push_back(good("port", where + " is taken, and a haat is running with this data"));
    else
        out.push_back(bad("port", fmt::format("{} cannot be listened on: {}", where, why),
                          "stop the program that has it, or set PORT to another"));
}

void check_certificate(Findings& out, Config const& config, DoctorWorld const& world) {
    auto const& server = config.server;
    if (server.certificate_file.empty()) return;
    auto const end = world.certificate_end(server.certificate_file);
    std::string const cure = "renew it and start haat again";
    if (!end || !world.exists(server.private_key_file)) {
        out.push_back(bad("certificate",
                          fmt::format("{} or its key {} cannot be read", server.certificate_file,
                                      server.private_key_file),
                          "set HAAT_TLS_CERTIFICATE and HAAT_TLS_KEY to PEM files that haat's user "
                          "may read"));
        return;
    }
    auto const days = std::chrono::duration_cast<std::chrono::hours>(*end - world.now()) / 24h;
    if (*end <= world.now())
        out.push_back(bad("certificate", server.certificate_file + " has ended", cure));
    else if (days < 14)
        out.push_back(warning(
            "certificate", fmt::format("{} ends in {} days", server.certificate_file, days), cure));
    else
        out.push_back(good("certificate", fmt::format("good for {} days", days)));
}

void check_open_files(Findings& out, Config const& config, DoctorWorld const& world) {
    // Besides the clients: the database's connections, files, logs.
    auto const wanted = static_cast<std::uint64_t>(config.server.connections_max) + 1'000;
    auto const allowed = world.open_files_max();
    if (allowed >= wanted)
        out.push_back(good("open files", fmt::format("{} may be open", allowed)));
    else
        out.push_back(warning("open files",
                              fmt::format("{} may be open, and {} connections need {}", allowed,
                                          config.server.connections_max, wanted),
                              "raise it (ulimit -Hn, LimitNOFILE=), or lower "
                              "HAAT_CONNECTIONS_MAX"));
}

void check_time_zones(Findings& out, DoctorWorld const& world) {
    if (world.exists("/usr/share/zoneinfo/Asia/Kolkata"))
        out.push_back(good("time zones", "the system knows them"));
    else
        out.push_back(warning("time zones", "the system has no time zone data",
                              "install the package tzdata"));
}

void check_clock(Findings& out, DatabaseFacts const& facts) {
    auto const apart = facts.clock_ahead;
    auto const text = fmt::format("this machine's clock and the database's are {:.1f} s apart",
                                  static_cast<double>(std::abs(apart.count())) / 1000.0);
    if (std::chrono::abs(apart) > 2s)
        out.push_back(bad("clock", text,
                          "let both follow an NTP server (timedatectl set-ntp true); tokens and "
                          "time-outs go wrong meanwhile"));
    else
        out.push_back(good("clock", text));
}

void check_migrations(Findings& out, DatabaseFacts const& facts, Config const& config) {
    std::string names;
    int count = 0;
    for (auto const& migration : facts.migrations) {
        using enum pg::MigrationStatus::State;
        if (migration.state == edited)
            out.push_back(bad("migrations", migration.name + " was edited after it was applied",
                              "put it back as it was and write the change as a new migration"));
        if (migration.state == unknown)
            out.push_back(bad("migrations",
                              migration.name + " is in the database and unknown to this haat",
                              "run the newer haat that made it"));
        if (migration.state != pending) continue;
        names += (count++ == 0 ? "" : ", ") + migration.name;
    }
    if (count > 0)
        out.push_back({"migrations", config.migrate ? Mark::warning : Mark::bad,
                       fmt::format("{} not applied yet: {}", count, names),
                       config.migrate ? "the next start applies them, or run: haat migrate"
                                      : "run: haat migrate"});
    else if (out.empty() || out.back().check != "migrations")
        out.push_back(
            good("migrations", fmt::format("all {} are applied", facts.migrations.size())));
}

void check_redis(Findings& out, Config const& config, DoctorWorld const& world) {
    auto const& redis = config.stores.redis;
    if (redis.url.empty()) {
        out.push_back(good("redis", "none; values, limits and locks are kept in process"));
        return;
    }
    std::string const why = world.redis_fails(redis);
    if (why.empty())
        out.push_back(good("redis", "answers"));
    else if (why.find("password") != std::string::npos)
        out.push_back(bad("redis", why, "mend the password in REDIS_URL, or REDIS_PASSWORD"));
    else
        out.push_back(warning("redis", "it cannot be used: " + why,
                              "start it, or mend REDIS_URL; haat serves without it, slower"));
}

void check_database(Findings& out, Config const& config, DoctorWorld const& world) {
    bool const given = !config.database_url.empty();
    try {
        auto const facts = world.database(config);
        if (!facts) {
            out.push_back(good("database", "the private cluster is made at the first start"));
            return;
        }
        out.push_back(good("database", given ? "answers" : "the private cluster answers"));
        check_clock(out, *facts);
        check_migrations(out, *facts, config);
    } catch (pg::ConnectError const& error) {
        using enum pg::ConnectError::Cause;
        std::string cure = given ? "start it, or mend the host and port in DATABASE_URL"
                                 : "look at the logs in the data directory's postgres/log";
        if (error.cause() == refused_password)
            cure = "mend the user and the password in DATABASE_URL";
        if (error.cause() == refused) cure = "mend DATABASE_URL, or the server's rights";
        if (error.cause() == unreadable_url) cure = "mend DATABASE_URL";
        out.push_back(bad("database", error.what(), cure));
    } catch (std::exception const& error) {
        out.push_back(bad_sentence("database", error.what()));
    }
}

} // namespace

std::string_view name_of(Finding::Mark mark) {
    switch (mark) {
    case Mark::good: return "good";
    case Mark::warning: return "warning";
    case Mark::bad: return "bad";
    }
    return {};
}

std::vector<Finding> examine(Loaded const& loaded, std::vector<std::string> const& problems,
                             DoctorWorld const& world) {
    Findings out;
    Config const& config = loaded.config;
    check_configuration(out, loaded, problems);
    // With a broken configuration the rest would be about the wrong port and the wrong database.
    if (!problems.empty()) return out;
    check_secret(out, config);
    check_data_directory(out, config, world);
    check_disk(out, config, world);
    check_port(out, config, world);
    check_certificate(out, config, world);
    check_open_files(out, config, world);
    check_time_zones(out, world);
    check_redis(out, config, world);
    check_database(out, config, world);
    return out;
}

} // namespace haat::app
