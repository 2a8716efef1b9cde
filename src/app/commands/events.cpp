#include <app/commands/commands.hpp>

#include <cstdio>
#include <map>

#include <poll.h>

#include <app/config.hpp>
#include <app/open_database.hpp>
#include <base/clock.hpp>
#include <describe/codec.hpp>
#include <events/log.hpp>
#include <pg/plain.hpp>
#include <privacy/keyring.hpp>

namespace haat::app {

namespace {

using Row = pg::PlainConnection::Row;

constexpr char const* usage =
    "haat events: takes\n"
    "  tail   [subject=a,b] [category=a,b] [key=ID] [since=TIME] [count=N]\n"
    "  replay to=SINK since=TIME [until=TIME] [subject=a,b] [category=a,b] [key=ID]\n"
    "         [again=yes] [wait=no]\n"
    "A time is RFC 3339, e.g. 2026-01-31T09:00:00Z. again=yes: also for handlers that had the\n"
    "effect already.\n";

struct BadWords {
    std::string text;
};

using Words = std::map<std::string, std::string>;

Words words_of(std::vector<std::string> const& given, std::vector<std::string> const& known) {
    Words words;
    for (std::size_t i = 1; i < given.size(); ++i) {
        auto const equals = given[i].find('=');
        std::string const name = given[i].substr(0, equals);
        bool const is_known = std::find(known.begin(), known.end(), name) != known.end();
        if (equals == std::string::npos || !is_known)
            throw BadWords{"what does " + given[i] + " mean?"};
        words[name] = given[i].substr(equals + 1);
    }
    return words;
}

std::vector<std::string> listed(std::string const& text) {
    std::vector<std::string> all;
    for (std::size_t at = 0; at < text.size();) {
        auto const comma = std::min(text.find(',', at), text.size());
        if (comma > at) all.push_back(text.substr(at, comma - at));
        at = comma + 1;
    }
    return all;
}

/// As PostgreSQL reads an array; subjects have no quotes in them.
std::string array_of(std::vector<std::string> const& words) {
    std::string text = "{";
    for (std::string const& word : words) text += (text.size() > 1 ? "," : "") + word;
    return text + "}";
}

std::vector<std::string> subjects_in(Words& words) {
    std::vector<SubjectCategory> categories;
    for (std::string const& name : listed(words["category"])) {
        SubjectCategory category{};
        auto const problem =
            describe::decode_text(name, describe::shape_of<SubjectCategory>, &category);
        if (!problem.empty()) throw BadWords{"there is no category " + name};
        categories.push_back(category);
    }
    auto const names = listed(words["subject"]);
    if (names.empty() && categories.empty()) return {};
    for (std::string const& name : names)
        if (!find_subject(name)) throw BadWords{"there is no subject " + name};
    return events::subjects_of(names, categories);
}

Timestamp time_in(Words& words, std::string const& name, Timestamp otherwise) {
    std::string const& text = words[name];
    if (text.empty()) return otherwise;
    Timestamp time;
    if (!describe::decode_text(text, describe::shape_of<Timestamp>, &time).empty())
        throw BadWords{name + "=" + text + " is not a time such as 2026-01-31T09:00:00Z"};
    return time;
}

std::string text_of(Timestamp time) {
    std::string text = describe::to_json(time);
    std::erase(text, '"');
    return text;
}

std::string key_in(Words& words) {
    Uuid key;
    std::string const& text = words["key"];
    if (!text.empty() && !parse(text, key)) throw BadWords{"key=" + text + " is not an id"};
    return text;
}

// ---- tail

constexpr char const* next_sql = R"(
    select ordinal, id, to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
           subject, key, priority, data,
           jsonb_strip_nulls(jsonb_build_object(
               'subject', subject,
               'timestamp',
               to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               'eventId', event_id, 'version', version::text, 'userId', user_id,
               'correlationId', nullif(correlation_id, ''), 'key', key, 'priority', priority,
               'orgId', org_id)) || jsonb_build_object('data', data)
      from events.outbox
     where (ordinal, id) > ($1::bigint, $2::bigint) and created_at >= $3::timestamptz
       and (cardinality($4::text[]) = 0 or subject = any ($4::text[]))
       and ($5 = '' or key = nullif($5, '')::uuid)
       and ordinal < pg_snapshot_xmin(pg_current_snapshot())::text::bigint
     order by ordinal, id limit 500)";

void print(Row const& row, bool json) {
    if (json)
        std::printf("%s\n", row[7]->c_str());
    else
        std::printf("%s  %-8s %-36s %s  %s\n", row[2]->c_str(), row[5]->c_str(), row[3]->c_str(),
                    row[4]->c_str(), row[6]->c_str());
}

int tail(Invocation const& invocation, std::string const& url, std::string const& secret) {
    Words words = words_of(invocation.words, {"subject", "category", "key", "since", "count"});
    std::string const subjects = array_of(subjects_in(words));
    std::string const key = key_in(words);
    std::string const since = text_of(time_in(words, "since", now()));
    long long left = words["count"].empty() ? -1 : std::atoll(words["count"].c_str());
    if (left == 0) throw BadWords{"count=" + words["count"] + " is not a number above 0"};
    pg::PlainConnection db(url);
    privacy::Keyring keyring(secret);
    std::string ordinal = std::to_string(std::numeric_limits<std::int64_t>::min());
    std::string id = "0";
    constexpr int look_every_ms = 300;
    for (;;) {
        auto rows = db.ask(next_sql, {ordinal, id, since, subjects, key});
        std::vector<std::string*> texts;
        for (Row& row : rows) texts.insert(texts.end(), {&*row[6], &*row[7]});
        if (!rows.empty()) privacy::unveil(db, keyring, texts);
        for (Row const& row : rows) {
            print(row, invocation.json);
            if (left > 0 && --left == 0) return 0;
        }
        std::fflush(stdout);
        if (!rows.empty()) {
            ordinal = *rows.back()[0];
            id = *rows.back()[1];
        }
        if (rows.size() < 500) ::poll(nullptr, 0, look_every_ms);
    }
}

// ---- replay

void tell(bool json, std::string const& id, std::string const& state, std::string const& count,
          bool somebody) {
    if (json) {
        std::printf(R"({"replay":"%s","state":"%s","delivered":%s,"nodeThere":%s})"
                    "\n",
                    id.c_str(), state.c_str(), count.c_str(), somebody ? "true" : "false");
    } else if (state == "done") {
        std::printf("replay %s: done, %s events\n", id.c_str(), count.c_str());
    } else if (somebody) {
        std::printf("replay %s: %s, %s events until now\n", id.c_str(), state.c_str(),
                    count.c_str());
    } else {
        std::printf("replay %s waits for a haat that runs and has this sink\n", id.c_str());
    }
    std::fflush(stdout);
}

int replay(Invocation const& invocation, std::string const& url) {
    Words words = words_of(invocation.words,
                           {"to", "subject", "category", "key", "since", "until", "again", "wait"});
    std::string const sink = words["to"];
    if (sink.empty() || words["since"].empty()) throw BadWords{"to= and since= are needed"};
    std::string const subjects = array_of(subjects_in(words));
    std::string const key = key_in(words);
    std::string const since = text_of(time_in(words, "since", now()));
    std::string const until = text_of(time_in(words, "until", now()));
    pg::PlainConnection db(url);
    if (db.word("select count(*) from events.sinks where name = $1", {sink}) == "0") {
        std::string known =
            db.word("select string_agg(name, ', ' order by name) from events.sinks");
        throw BadWords{"there is no sink " + sink + "; there are: " + known};
    }
    std::string const id = to_string(new_uuid());
    bool const again = words["again"] == "yes";
    db.ask(R"(insert into events.replays (id, sink, subjects, key, since, until, again)
              values ($1::uuid, $2, $3::text[], nullif($4, '')::uuid, $5::timestamptz,
                      $6::timestamptz, $7::boolean))",
           {id, sink, subjects, key, since, until, again ? "true" : "false"});
    db.ask("select pg_notify('haat_events', '')");
    constexpr int look_every_ms = 100;
    for (;;) {
        auto const rows =
            db.ask("select state, delivered, (select count(*) > 0 from events.nodes n where "
                   "r.sink = any (n.sinks) and n.seen_at > clock_timestamp() - interval '1 min') "
                   "from events.replays r where id = $1::uuid",
                   {id});
        bool const somebody = *rows.at(0)[2] == "t";
        bool const over = *rows[0][0] != "waiting";
        if (over || !somebody || words["wait"] == "no") {
            tell(invocation.json, id, *rows[0][0], *rows[0][1], somebody);
            return *rows[0][0] == "failed" ? 1 : 0;
        }
        ::poll(nullptr, 0, look_every_ms);
    }
}

} // namespace

int events(Invocation const& invocation) {
    std::string const what = invocation.words.empty() ? "" : invocation.words.front();
    if (what != "tail" && what != "replay") {
        std::fputs(usage, stderr);
        return 2;
    }
    try {
        Config const config = load_config().config;
        auto const database = open_database(config, Sharing::beside_another_haat);
        std::string const& url = database.urls.worker;
        return what == "tail" ? tail(invocation, url, config.secret_of_data())
                              : replay(invocation, url);
    } catch (BadWords const& bad) {
        std::fprintf(stderr, "haat events %s: %s\n%s", what.c_str(), bad.text.c_str(), usage);
        return 2;
    }
}

} // namespace haat::app
