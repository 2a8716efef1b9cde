// Every route, asked by everybody, compared with docs/access.md.
#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include <gtest/gtest.h>

#include <http/routes.hpp>
#include <test/harness/paths.hpp>
#include <test/harness/scenario.hpp>

namespace haat::test {
namespace {

using Allowed = std::set<Who>;

Allowed meaning_of(std::string const& words) {
    static std::map<std::string, Allowed> const known{
        {"anybody", {everybody.begin(), everybody.end()}},
        {"signed in",
         {Who::stranger, Who::owner, Who::manager, Who::accountant, Who::staff, Who::viewer,
          Who::other_owner, Who::admin}},
        {"members",
         {Who::owner, Who::manager, Who::accountant, Who::staff, Who::viewer, Who::admin}},
        {"owner", {Who::owner}},
        {"manager", {Who::manager}},
        {"accountant", {Who::accountant}},
        {"staff", {Who::staff}},
        {"viewer", {Who::viewer}},
        {"administrators", {Who::admin}}};
    Allowed allowed;
    for (std::size_t at = 0; at < words.size();) {
        auto const end = std::min(words.size(), words.find(", ", at));
        std::string const word = words.substr(at, end - at);
        if (!known.count(word))
            throw std::runtime_error("docs/access.md: who is \"" + word + "\"?");
        allowed.insert(known.at(word).begin(), known.at(word).end());
        at = end + 2;
    }
    return allowed;
}

/// "| GET /path | who |" lines of the page.
std::map<std::string, Allowed> read_page() {
    std::map<std::string, Allowed> page;
    std::ifstream in(source_directory() / "docs/access.md");
    for (std::string line; std::getline(in, line);) {
        auto const slash = line.find(" /"), middle = line.find(" | ", 2), end = line.rfind(" |");
        if (!line.starts_with("| ") || slash == std::string::npos || slash > 8 || middle >= end)
            continue;
        page[line.substr(2, middle - 2)] = meaning_of(line.substr(middle + 3, end - middle - 3));
    }
    return page;
}

std::string path_with_nobody(std::string path, std::string const& id) {
    for (auto at = path.find('{'); at != std::string::npos; at = path.find('{'))
        path.replace(at, path.find('}') - at + 1, id);
    return path;
}

/// Refused for who asks: the rights come before the body and before what is looked for.
bool is_refusal(Answer const& answer) {
    std::string const code = answer.code();
    if (code == "INVALID_REFRESH_TOKEN") return false; // the route's own subject
    return answer.status == 401 || answer.status == 403 || code == "ORGANIZATION_REQUIRED" ||
           code == "ORGANIZATION_NOT_FOUND" || code == "METRICS_HIDDEN";
}

class AccessMatrixTest : public testing::Test {
protected:
    // Everybody who is signed in acts for organization A, so that the owner of B is an intruder
    // and an administrator acts inside one organization. Each request has a session of its own,
    // because some of them end it.
    Answer ask(Who who, http::RouteSpec const& route) {
        Caller caller;
        if (who != Who::guest) {
            caller.token =
                Actors::sign_in(stage_.db.connection(), stage_.actors.user(who), who == Who::admin);
            caller.org_id = stage_.actors.org_a();
        }
        std::string const path = path_with_nobody(route.path, stage_.kept("nobody"));
        bool const writes = route.method != http::Method::get;
        return stage_.server.client(caller).send(http::name_of(route.method), "!" + path,
                                                 writes ? "{}" : "");
    }
    Stage stage_;
};

TEST_F(AccessMatrixTest, EveryRouteAnswersThoseOfThePageAndNobodyElse) {
    auto page = read_page();
    for (http::RouteSpec const& route : stage_.server.routes().all()) {
        std::string const name = std::string(http::name_of(route.method)) + " " + route.path;
        SCOPED_TRACE(name);
        auto const line = page.find(name);
        if (line == page.end()) {
            ADD_FAILURE() << "docs/access.md does not say who may";
            continue;
        }
        for (Who const who : everybody) {
            Answer const answer = ask(who, route);
            EXPECT_NE(answer.status, 405) << answer.body;
            EXPECT_LT(answer.status, 500) << answer.body;
            EXPECT_EQ(!is_refusal(answer), line->second.count(who) == 1)
                << name_of(who) << " was answered " << answer.status << " " << answer.body;
        }
        page.erase(line);
    }
    for (auto const& [name, allowed] : page)
        ADD_FAILURE() << "docs/access.md speaks of " << name << ", which is not there";
}

TEST_F(AccessMatrixTest, ABadTokenIsRefusedEvenWhereNoneIsNeeded) {
    for (std::string const& token :
         {std::string("nonsense"), std::string("a.b.c"),
          stage_.actors[Who::owner].token.substr(0, stage_.actors[Who::owner].token.size() - 3)}) {
        Answer const answer = stage_.server.client({token, ""}).get("/auth/me");
        EXPECT_EQ(answer.status, 401);
        EXPECT_EQ(answer.code(), "TOKEN_INVALID");
    }
}

// A token that says "administrator" proves nothing when the account is none.
TEST_F(AccessMatrixTest, RightsComeFromTheDatabaseNotFromTheToken) {
    std::string const token =
        Actors::sign_in(stage_.db.connection(), stage_.actors.user(Who::stranger), true);
    Answer const answer = stage_.server.client({token, ""}).del("/brands/" + stage_.kept("nobody"));
    EXPECT_EQ(answer.status, 403) << answer.body;
}

} // namespace
} // namespace haat::test
