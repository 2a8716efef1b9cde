// `haat jobs …`: what administrators do at /api/v1/jobs, for whoever has the owner's rights on the
// database.
#include <app/commands/commands.hpp>

#include <algorithm>
#include <cstdio>
#include <map>

#include <app/config.hpp>
#include <app/open_database.hpp>
#include <base/words.hpp>
#include <describe/codec.hpp>
#include <jobs/operators.hpp>
#include <pg/plain.hpp>

namespace haat::app {

namespace {

using Words = std::vector<std::string>;
using Row = pg::PlainConnection::Row;

constexpr char const* usage =
    "haat jobs: list [state=dead] [queue=…] [name=…] [limit=20], show ID, retry ID, cancel ID,\n"
    "           queues, pause QUEUE, resume QUEUE, crons\n";

constexpr char const* list_sql = R"(
    select e.id, e.state, e.queue, e.name, e.attempt, e.attempts_max as "attemptsMax", e.progress,
           e.note, e.error, e.created_at as "createdAt", e.run_at as "runAt",
           e.finished_at as "finishedAt"
      from jobs.everything e
     where ($1 = '' or e.state = $1) and ($2 = '' or e.queue = $2) and ($3 = '' or e.name = $3)
     order by e.id desc limit $4::integer)";
constexpr char const* show_sql = R"(
    select e.id, e.state, e.queue, e.name, e.attempt, e.attempts_max as "attemptsMax", e.progress,
           e.note, e.error, e.is_cancelling as "isCancelling", e.unique_key as "uniqueKey",
           e.correlation_id as "correlationId", e.created_at as "createdAt",
           e.run_at as "runAt", e.started_at as "startedAt", e.finished_at as "finishedAt", e.result
      from jobs.everything e where e.id = $1::uuid)";
constexpr char const* queues_sql = R"(
    select s.name, s.paused as "isPaused", s.concurrency_max as "concurrencyMax",
           count(q.id) filter (where q.due and q.runner is null) as waiting,
           count(q.id) filter (where not q.due) as later, count(q.runner) as running,
           (select count(*) from jobs.finished f where f.state = 'dead' and f.queue = s.name)
               as dead
      from jobs.queues s left join jobs.queue q on q.queue = s.name
     group by s.name order by s.name)";
constexpr char const* crons_sql = R"(
    select c.name, c.expression, c.zone, c.next_at as "nextAt", c.last_at as "lastAt"
      from jobs.crons c order by c.name)";

std::string word_of(std::optional<std::string> const& value) { return value.value_or("-"); }

/// A row an array of texts, printed in columns that are as wide as they must be.
void print_table(std::vector<std::string> const& heads, std::vector<Row> const& rows) {
    std::vector<std::size_t> widths;
    widths.reserve(heads.size());
    for (std::string const& head : heads) widths.push_back(head.size());
    for (Row const& row : rows)
        for (std::size_t i = 0; i < widths.size(); ++i)
            widths[i] = std::max(widths[i], word_of(row[i]).size());
    auto const line = [&widths](auto const& cell) {
        for (std::size_t i = 0; i < widths.size(); ++i)
            std::printf("%-*s%s", static_cast<int>(widths[i]), cell(i).c_str(),
                        i + 1 < widths.size() ? "  " : "\n");
    };
    line([&heads](std::size_t i) { return heads[i]; });
    for (Row const& row : rows) line([&row](std::size_t i) { return word_of(row[i]); });
}

std::string as_json(pg::PlainConnection& db, std::string const& sql, Words const& values) {
    return db.word("select coalesce(json_agg(found), '[]') from (" + sql + ") as found", values);
}

int list(pg::PlainConnection& db, Words const& words, bool json) {
    std::map<std::string, std::string> chosen{
        {"state", ""}, {"queue", ""}, {"name", ""}, {"limit", "20"}};
    for (std::size_t i = 1; i < words.size(); ++i) {
        auto const equals = std::min(words[i].find('='), words[i].size());
        auto const found = chosen.find(words[i].substr(0, equals));
        bool const number =
            words[i].find_first_not_of("0123456789", equals + 1) == std::string::npos;
        if (found == chosen.end() || equals + 1 >= words[i].size() ||
            (found->first == "limit" && (!number || words[i].size() > equals + 6))) {
            std::fprintf(stderr, "%s", usage);
            return 2;
        }
        found->second = words[i].substr(equals + 1);
    }
    Words const values{chosen["state"], chosen["queue"], chosen["name"], chosen["limit"]};
    if (json)
        std::printf("%s\n", as_json(db, list_sql, values).c_str());
    else
        print_table({"id", "state", "queue", "name", "attempt"}, db.ask(list_sql, values));
    return 0;
}

int show(pg::PlainConnection& db, std::string const& id, bool json) {
    std::string const text =
        db.word(std::string("select to_json(found) from (") + show_sql + ") as found", {id});
    if (text.empty()) {
        std::fprintf(stderr, "haat jobs: there is no job %s\n", id.c_str());
        return 1;
    }
    auto const kept = db.ask("select name, payload from jobs.everything where id = $1::uuid", {id});
    jobs::JobRow row;
    row.name = word_of(kept.front()[0]);
    row.payload.text = word_of(kept.front()[1]);
    std::string const payload = jobs::shown_payload(row).text; // without secrets
    if (json) {
        std::printf("%s,\"payload\":%s}\n", text.substr(0, text.size() - 1).c_str(),
                    payload.c_str());
        return 0;
    }
    auto const facts = db.ask("select key, value from json_each_text($1::json)", {text});
    for (Row const& fact : facts)
        std::printf("%-14s %s\n", word_of(fact[0]).c_str(), word_of(fact[1]).c_str());
    std::printf("%-14s %s\n", "payload", payload.c_str());
    return 0;
}

/// retry and cancel: the outcome is what became of the job.
int change(pg::PlainConnection& db, std::string const& verb, std::string const& id, bool json) {
    std::string const outcome = db.word("select jobs." + verb + "($1::uuid)", {id});
    bool const well =
        verb == "retry" ? outcome == "retried" : outcome == "cancelled" || outcome == "cancelling";
    if (well && verb == "retry")
        db.ask("select pg_notify('haat_jobs', queue) from jobs.queue where id = $1::uuid", {id});
    if (well && outcome == "cancelling")
        db.ask("select pg_notify('haat_jobs', 'cancel:' || $1)", {id});
    if (json)
        std::printf("{\"id\":\"%s\",\"outcome\":\"%s\"}\n", id.c_str(), outcome.c_str());
    else
        std::printf("%s\n", outcome.c_str());
    return well ? 0 : 1;
}

int set_paused(pg::PlainConnection& db, std::string const& queue, bool paused, bool json) {
    bool const found =
        db.word("select jobs.set_paused($1, $2::boolean)", {queue, paused ? "t" : "f"}) == "t";
    if (found && !paused) db.ask("select pg_notify('haat_jobs', $1)", {queue});
    std::string shown;
    describe::encode_string(shown, queue);
    if (json)
        std::printf("{\"queue\":%s,\"found\":%s,\"isPaused\":%s}\n", shown.c_str(),
                    found ? "true" : "false", paused ? "true" : "false");
    else
        std::printf("%s\n", !found ? "there is no such queue" : paused ? "paused" : "resumed");
    return found ? 0 : 1;
}

int show_all(pg::PlainConnection& db, char const* sql, std::vector<std::string> const& heads,
             bool json) {
    if (json)
        std::printf("%s\n", as_json(db, sql, {}).c_str());
    else
        print_table(heads, db.ask(sql));
    return 0;
}

bool is_id(std::string const& word) {
    Uuid id;
    return parse(word, id);
}

} // namespace

int jobs(Invocation const& invocation) {
    Words const& words = invocation.words;
    std::string const verb = words.empty() ? "list" : words.front();
    std::string const what = words.size() == 2 ? words[1] : "";
    bool const by_id = verb == "show" || verb == "retry" || verb == "cancel";
    bool const by_queue = verb == "pause" || verb == "resume";
    bool const all = (verb == "queues" || verb == "crons") && words.size() == 1;
    if (!(verb == "list" || all || (by_id && is_id(what)) || (by_queue && !what.empty()))) {
        std::fprintf(stderr, "%s", usage);
        return 2;
    }
    auto const database = open_database(load_config().config, Sharing::beside_another_haat);
    pg::PlainConnection db(database.urls.owner);
    db.run("set haat.role = 'admin'");
    if (verb == "list") return list(db, words, invocation.json);
    if (verb == "show") return show(db, what, invocation.json);
    if (by_id) return change(db, verb, what, invocation.json);
    if (by_queue) return set_paused(db, what, verb == "pause", invocation.json);
    if (verb == "queues")
        return show_all(db, queues_sql,
                        {"queue", "paused", "limit", "waiting", "later", "running", "dead"},
                        invocation.json);
    return show_all(db, crons_sql, {"cron", "expression", "zone", "next", "last"}, invocation.json);
}

} // namespace haat::app
