// What the program can be asked to do. One table in commands.cpp; one function in its own file
// each.
#pragma once

#include <string>
#include <vector>

namespace haat::app {

/// What was typed behind the command's name.
struct Invocation {
    bool json = false;              // --json: the answer is for a machine
    std::vector<std::string> words; // further words, e.g. "status" of `haat migrate status`
};

/// The process's exit code: 0 well, 1 something is wrong, 2 asked wrongly.
using Run = int (*)(Invocation const&);

struct Command {
    char const* name;
    char const* words; // as the help shows them, e.g. "[status]"; empty: takes none
    char const* summary;
    Run run;
};

/// Finds the command in `words` (the first of the table when none is named) and runs it.
int run_command(int count, char** words);

int migrate(Invocation const&);
int config(Invocation const&);
int doctor(Invocation const&);
int events(Invocation const&);
int serve(Invocation const&);
int worker(Invocation const&);
int jobs(Invocation const&);
int audit(Invocation const&);
int erase(Invocation const&);
int routes(Invocation const&);
int docs(Invocation const&);
int check(Invocation const&);
int version(Invocation const&);

} // namespace haat::app
