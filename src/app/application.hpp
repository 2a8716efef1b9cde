// Everything that serves, put together; `haat serve` and the tests start it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include <app/config.hpp>
#include <pg/bootstrap.hpp>

namespace haat {

class Routes;
namespace pg {
class Database;
}

class Application {
public:
    explicit Application(app::Config config);
    ~Application();
    Application(Application const&) = delete;

    /// Database, migrations, demo data, loops, listeners. Throws with cause and cure.
    void start();
    std::uint16_t port() const;

    /// Readiness is false at once; running requests finish, within the time-out.
    void drain();
    /// drain() and then everything down, the private cluster too. May be called twice.
    void stop();

    Routes const& routes() const;
    pg::DatabaseUrls const& database_urls() const;
    std::string const& openapi() const;
    /// The database connections of one loop, for tests that count statements.
    pg::Database& database(int loop);

private:
    struct Inside;
    std::unique_ptr<Inside> inside_;
};

} // namespace haat
