#include <app/open_database.hpp>

#include <pg/migrate.hpp>

namespace haat::app {

namespace {

std::optional<OpenDatabase> running_beside(std::filesystem::path const& data_directory) {
    auto const url = [&](pg::Role role) {
        return pg::Cluster::url_of_running(data_directory, role);
    };
    auto owner = url(pg::Role::owner);
    auto request = url(pg::Role::request);
    auto worker = url(pg::Role::worker);
    if (!owner || !request || !worker) return std::nullopt;
    return OpenDatabase{{*owner, *request, *worker}, std::nullopt};
}

} // namespace

OpenDatabase open_database(Config const& config, Sharing sharing,
                           std::function<void(std::string_view)> say) {
    if (!config.database_url.empty()) {
        pg::GivenDatabase const given{config.database_url, config.database_request_url,
                                      config.database_worker_url, config.production()};
        return {pg::prepare_given(given), std::nullopt};
    }
    pg::ClusterOptions options;
    options.data_directory = config.data_directory;
    options.say = std::move(say);
    try {
        pg::Cluster cluster = pg::Cluster::open(std::move(options));
        pg::DatabaseUrls urls{cluster.url(pg::Role::owner), cluster.url(pg::Role::request),
                              cluster.url(pg::Role::worker)};
        return {std::move(urls), std::move(cluster)};
    } catch (pg::ClusterInUse const&) {
        if (sharing == Sharing::alone) throw;
        if (auto beside = running_beside(config.data_directory)) return std::move(*beside);
        throw;
    }
}

void migrate_or_refuse(std::string const& owner_url, bool migrate,
                       std::function<void(std::string_view)> const& say) {
    pg::Migrator migrator(owner_url);
    if (migrate) {
        migrator.apply(say);
        return;
    }
    for (pg::MigrationStatus const& one : migrator.status())
        if (one.state != pg::MigrationStatus::State::applied)
            throw std::runtime_error("migration " + one.name + " is " +
                                     std::string(name_of(one.state)) +
                                     ": run `haat migrate`, or set HAAT_MIGRATE=auto");
}

} // namespace haat::app
