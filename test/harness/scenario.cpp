#include <test/harness/scenario.hpp>

#include <gtest/gtest.h>

namespace haat::test {

namespace {

bool writes_something(Scenario const& scenario) {
    return scenario.method != "GET" && scenario.method != "HEAD" && scenario.method != "OPTIONS";
}

bool has_key(Scenario const& scenario) {
    for (auto const& [name, value] : scenario.headers)
        if (name == "Idempotency-Key") return true;
    return false;
}

std::string show(std::map<std::string, int> const& written) {
    std::string text;
    for (auto const& [table, rows] : written) text += table + " " + std::to_string(rows) + "\n";
    return text;
}

} // namespace

Stage::Stage(TestServer::Adjust const& adjust) : actors(db.connection()), server(db, adjust) {
    keep("org_a", actors.org_a());
    keep("org_b", actors.org_b());
    for (Who const who : everybody) keep(std::string(name_of(who)), actors.user(who));
    keep("nobody", "01890a5d-ac96-774b-bcce-b302099a8057"); // an id that is not there
}

std::string Stage::fill(std::string text) const {
    for (auto const& [name, value] : kept_) {
        std::string const mark = "{" + name + "}";
        for (auto at = text.find(mark); at != std::string::npos;
             at = text.find(mark, at + value.size()))
            text.replace(at, mark.size(), value);
    }
    return text;
}

void Stage::play(std::vector<Scenario> const& scenarios) {
    for (Scenario const& scenario : scenarios) play_one(scenario);
}

Answer Stage::play_one(Scenario const& scenario) {
    SCOPED_TRACE(scenario.name);
    if (!scenario.given.empty()) db.exec(fill(scenario.given));
    Headers headers = scenario.headers;
    for (auto& [name, value] : headers) value = fill(value);
    auto const before = db.versions();
    auto const mark = db.event_mark();
    Answer const answer =
        client(scenario.as)
            .send(scenario.method, fill(scenario.path), fill(scenario.body), headers);
    auto const written = before.written_until(db.versions());
    check_answer(scenario, answer);
    check_effects(scenario, written, db.events_since(mark));
    for (auto const& [name, path] : scenario.keep) keep(name, answer.text(path));
    return answer;
}

void Stage::check_answer(Scenario const& scenario, Answer const& answer) const {
    EXPECT_EQ(answer.status, scenario.status) << answer.body;
    EXPECT_EQ(answer.code(), scenario.code) << answer.body;
    if (!scenario.problems.empty()) {
        EXPECT_EQ(answer.count("error.problems"), static_cast<int>(scenario.problems.size()))
            << answer.body;
        for (std::size_t i = 0; i < scenario.problems.size(); ++i) {
            std::string const at = "error.problems[" + std::to_string(i) + "].";
            EXPECT_EQ(answer.text(at + "path"), scenario.problems[i].first) << answer.body;
            EXPECT_EQ(answer.text(at + "code"), scenario.problems[i].second) << answer.body;
        }
    }
    for (auto const& [path, value] : scenario.expect) {
        if (value == "*")
            EXPECT_TRUE(answer.has(path)) << path << " is not in " << answer.body;
        else
            EXPECT_EQ(answer.text(path), fill(value)) << path << " of " << answer.body;
    }
    for (auto const& [name, value] : scenario.expect_headers) {
        if (value == "*")
            EXPECT_TRUE(answer.has_header(name)) << name;
        else
            EXPECT_EQ(answer.header(name), fill(value)) << name;
    }
}

void Stage::check_effects(Scenario const& scenario, std::map<std::string, int> written,
                          std::vector<OutboxEvent> const& events) const {
    auto expected = scenario.writes;
    bool const done = writes_something(scenario) && scenario.status < 300;
    int const audits = scenario.audits >= 0 ? scenario.audits : done ? 1 : 0;
    if (audits > 0) expected["audit.entries"] = audits;
    if (done && has_key(scenario)) expected["platform.idempotency"] = 1;
    EXPECT_EQ(show(written), show(expected)) << "the tables that were written";
    std::vector<std::string> subjects;
    for (OutboxEvent const& event : events) subjects.push_back(event.subject);
    EXPECT_EQ(subjects, scenario.events);
}

} // namespace haat::test
