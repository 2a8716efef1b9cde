// All of haat in this process, on a free port, with two loops, over a test database.
//
//     TestDatabase db;
//     TestServer server(db);
//     Client client = server.client();
//     EXPECT_EQ(client.get("/brands").status, 200);
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include <app/application.hpp>
#include <test/harness/client.hpp>
#include <test/harness/database.hpp>

namespace haat::test {

/// What tests run with: no demo data, no log, allowances that no test reaches.
app::Config test_config();

/// With which access tokens are signed; see actors.hpp.
extern char const* const test_secret;

class TestServer {
public:
    using Adjust = std::function<void(app::Config&)>;

    explicit TestServer(TestDatabase& db, Adjust const& adjust = {});

    std::uint16_t port() const { return application_.port(); }
    Client client(Caller caller = {}) const;
    Application& application() { return application_; }
    Routes const& routes() const { return application_.routes(); }

    /// Statements that the database was asked on all loops; a query per row shows here.
    std::uint64_t statements();
    template <class Work> std::uint64_t statements_of(Work work) {
        std::uint64_t const before = statements();
        work();
        return statements() - before;
    }

    static constexpr int loops = 2;

private:
    Application application_;
};

} // namespace haat::test
