// `haat erase ID yes`: what the audit log, the events and kept answers say of a person can be read
// by nobody any more. The rows stay as they are, and the audit log's seals with them.
#include <app/commands/commands.hpp>

#include <cstdio>

#include <app/config.hpp>
#include <app/open_database.hpp>
#include <base/words.hpp>
#include <pg/plain.hpp>
#include <privacy/keyring.hpp>

namespace haat::app {

int erase(Invocation const& invocation) {
    auto const& words = invocation.words;
    Uuid person;
    bool const sure = words.size() == 2 && words[1] == "yes";
    if (words.empty() || words.size() > 2 || (words.size() == 2 && !sure) ||
        !parse(words[0], person)) {
        std::fprintf(stderr, "haat erase: takes the id of a user or an organization, and yes\n");
        return 2;
    }
    auto const database = open_database(load_config().config, Sharing::beside_another_haat);
    pg::PlainConnection db(database.urls.owner);
    std::string const id = to_string(person);
    std::string gone = db.word("select count(*) from privacy.keys where person = $1", {id});
    if (sure) {
        db.run("begin; set local haat.role = 'system'");
        gone = db.word("select privacy.erase($1)", {id});
        db.word("select pg_notify($1, $2)", {privacy::erased_channel, id});
        db.run("commit");
    }
    if (invocation.json)
        std::printf("{\"person\":\"%s\",\"erased\":%s,\"keys\":%s}\n", id.c_str(),
                    sure ? "true" : "false", gone.c_str());
    else if (sure)
        std::printf("erased: %s keys of %s are destroyed\n", gone.c_str(), id.c_str());
    else
        std::printf("%s has %s keys; this cannot be undone: haat erase %s yes\n", id.c_str(),
                    gone.c_str(), id.c_str());
    return 0;
}

} // namespace haat::app
