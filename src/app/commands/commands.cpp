#include <app/commands/commands.hpp>

#include <cstdio>
#include <exception>

#include <CLI/CLI.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace haat::app {

namespace {

// The first one is run when no command is named.
constexpr Command table[] = {
    {"serve", "", "start everything and serve", serve},
    {"worker", "", "run jobs and scheduled work, and serve nothing", worker},
    {"jobs", "[list [state=dead …] | show ID | retry ID | cancel ID | queues | pause QUEUE | …]",
     "look at jobs, and put them right", jobs},
    {"audit", "verify", "see whether the audit log is what was written", audit},
    {"erase", "ID [yes]", "destroy the keys to a person's data in the audit log and the events",
     erase},
    {"routes", "", "print the table of routes", routes},
    {"docs", "[folder]", "write the generated documents", docs},
    {"check", "queries", "prepare every query against the migrated schema", check},
    {"migrate", "[status]", "run the migrations that are pending, or list all", migrate},
    {"events", "tail|replay [name=value ...]", "follow what happens, or deliver the past once more",
     events},
    {"config", "", "show every setting and where it came from", config},
    {"doctor", "", "look for what is wrong with this machine, and name the cure", doctor},
    {"version", "", "print the version", version},
};

} // namespace

int run_command(int count, char** words) {
    CLI::App cli{"haat: a shop, its books and its channels in one program", "haat"};
    cli.require_subcommand(0, 1);
    Invocation invocation;
    for (auto const& command : table) {
        auto* const sub = cli.add_subcommand(command.name, command.summary);
        sub->add_flag("--json", invocation.json, "answer in JSON");
        if (*command.words != '\0') sub->add_option("words", invocation.words, command.words);
    }
    try {
        cli.parse(count, words);
    } catch (CLI::ParseError const& error) {
        return cli.exit(error) == 0 ? 0 : 2;
    }
    Command const* chosen = &table[0];
    for (auto const& command : table)
        if (cli.got_subcommand(command.name)) chosen = &command;
    try {
        return chosen->run(invocation);
    } catch (std::exception const& error) {
        if (invocation.json)
            std::printf(
                "%s\n",
                boost::json::serialize(boost::json::object{{"error", error.what()}}).c_str());
        std::fprintf(stderr, "haat %s: %s\n", chosen->name, error.what());
        return 1;
    }
}

} // namespace haat::app
