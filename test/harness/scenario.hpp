// HTTP scenarios: who asks what, what is answered, and exactly which tables were written and which
// events left. A refused request is thereby proved to have done nothing.
//
//     Stage stage;
//     stage.play({
//         {.name = "brands.create: a guest is refused", .method = "POST", .path = "/brands",
//          .body = R"({"name":"Cello"})", .status = 401, .code = "AUTHENTICATION_REQUIRED"},
//         {.name = "brands.create: a manager adds one", .as = Who::manager, .method = "POST",
//          .path = "/brands", .body = R"({"name":"Cello"})", .status = 201,
//          .writes = {{"catalog.brands", 1}}, .events = {"brand:created"},
//          .expect = {{"data.slug", "cello"}}, .keep = {{"brand", "data.id"}}},
//         {.name = "brands.get: anybody", .path = "/brands/{brand}"},
//     });
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include <test/harness/actors.hpp>
#include <test/harness/client.hpp>
#include <test/harness/database.hpp>
#include <test/harness/server.hpp>

namespace haat::test {

using Pairs = std::vector<std::pair<std::string, std::string>>;

struct Scenario {
    std::string name; // unique: test/inventory.tsv refers to it
    Who as = Who::guest;
    std::string method = "GET";
    std::string path;
    Headers headers = {};
    std::string body = {};
    std::string given = {}; // SQL that is run before, as the superuser

    int status = 200;
    std::string code = {};                  // of the error
    Pairs problems = {};                    // path and code, all of them, in order
    std::map<std::string, int> writes = {}; // tables and rows, all of them
    std::vector<std::string> events = {};   // subjects, all of them, in order
    Pairs expect = {};                      // JSON path and value; "*": anything
    Pairs expect_headers = {};              // likewise
    Pairs keep = {};                        // name and JSON path, for {name} further down
    /// A write that succeeds leaves one audit row; say 0 for a route that is not audited.
    int audits = -1;
};

/// A server with its database and its people, kept for a whole test.
class Stage {
public:
    explicit Stage(TestServer::Adjust const& adjust = {});

    TestDatabase db;
    Actors const actors;
    TestServer server;

    Client client(Who who = Who::guest) { return server.client(actors[who]); }

    /// {name} in later paths, bodies, SQL and expectations.
    void keep(std::string const& name, std::string const& value) { kept_[name] = value; }
    std::string const& kept(std::string const& name) const { return kept_.at(name); }
    std::string fill(std::string text) const;

    void play(std::vector<Scenario> const& scenarios);
    Answer play_one(Scenario const& scenario);

private:
    void check_answer(Scenario const&, Answer const&) const;
    void check_effects(Scenario const&, std::map<std::string, int> written,
                       std::vector<OutboxEvent> const&) const;
    std::map<std::string, std::string> kept_;
};

} // namespace haat::test
