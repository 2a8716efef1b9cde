#include <app/commands/commands.hpp>

#include <cstdio>

#include <app/backstage.hpp>
#include <app/commands/signals.hpp>
#include <app/config.hpp>
#include <app/file_house.hpp>
#include <app/open_database.hpp>
#include <app/secrets.hpp>
#include <loop/loop.hpp>
#include <privacy/keyring.hpp>
#include <telemetry/log.hpp>

namespace haat::app {

int worker(Invocation const& invocation) {
    HeldSignals const signals;
    Loaded loaded = load_config();
    make_missing_secrets(loaded.config);
    log::configure(loaded.config.log);
    for (std::string const& note : loaded.notes) log::warn("configuration").field("note", note);

    auto const say = [](std::string_view text) { log::info(text); };
    // Beside a server on the same machine it uses that one's private cluster.
    auto const database = open_database(loaded.config, Sharing::beside_another_haat, say);
    migrate_or_refuse(database.urls.owner, loaded.config.migrate, say);
    loaded.config.database.keyring =
        std::make_shared<privacy::Keyring>(loaded.config.secret_of_data());
    Workers workers(loaded.config.worker_count());
    FileHouse files(loaded.config, workers);
    Backstage backstage(loaded.config, database.urls.worker);
    files.serve(backstage);
    backstage.start();
    std::printf("%s\n", invocation.json ? "{\"ready\":true}" : "haat runs jobs. Ctrl-C stops it.");
    std::fflush(stdout);
    log::info("ready").field("loops", loaded.config.jobs.loops);

    int const signal = signals.wait();
    log::info("stopping").field("signal", signal);
    backstage.stop();
    log::info("stopped");
    log::shutdown();
    return 0;
}

} // namespace haat::app
