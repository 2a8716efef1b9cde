#include <app/commands/commands.hpp>

#include <cstdio>

#include <app/application.hpp>
#include <app/commands/signals.hpp>
#include <app/config.hpp>
#include <app/secrets.hpp>
#include <http/routes.hpp>
#include <telemetry/log.hpp>

namespace haat::app {

namespace {

void print_welcome(Config const& config, std::uint16_t port) {
    bool const tls = !config.server.certificate_file.empty();
    std::string const base =
        (tls ? "https://localhost:" : "http://localhost:") + std::to_string(port);
    std::printf("\n  haat is ready.\n\n"
                "  shop      %s/\n"
                "  API       %s/api/v1\n"
                "  API docs  %s/docs\n"
                "  metrics   %s/metrics\n",
                base.c_str(), base.c_str(), base.c_str(), base.c_str());
    if (config.demo)
        std::printf("\n  sign in   owner@haat.test, admin@haat.test or asha@haat.test\n"
                    "            password Haat-demo-2026\n");
    std::printf("\n  Ctrl-C stops everything.\n\n");
    std::fflush(stdout);
}

} // namespace

int serve(Invocation const& invocation) {
    HeldSignals const signals;
    Loaded loaded = load_config();
    make_missing_secrets(loaded.config);
    log::configure(loaded.config.log);
    for (std::string const& note : loaded.notes) log::warn("configuration").field("note", note);

    Application application(loaded.config);
    application.start();
    if (invocation.json)
        std::printf("{\"ready\":true,\"port\":%d}\n", application.port());
    else
        print_welcome(loaded.config, application.port());
    std::fflush(stdout);
    log::info("ready").field("port", application.port());

    int const signal = signals.wait();
    log::info("stopping").field("signal", signal);
    application.stop();
    log::info("stopped");
    log::shutdown();
    return 0;
}

} // namespace haat::app
