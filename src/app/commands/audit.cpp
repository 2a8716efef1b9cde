// `haat audit verify`: whether the audit log is what was written.
#include <app/commands/commands.hpp>

#include <cstdio>

#include <app/config.hpp>
#include <app/open_database.hpp>
#include <audit/verify.hpp>
#include <base/words.hpp>
#include <describe/codec.hpp>
#include <pg/plain.hpp>

namespace haat::app {

namespace {

char const* words_of(audit::Finding finding) {
    switch (finding) {
    case audit::Finding::row_changed: return "was changed, or its seal was";
    case audit::Finding::row_removed: return "was removed";
    case audit::Finding::seal_removed: return "has lost its seal";
    case audit::Finding::row_slipped_in: return "was slipped in among sealed rows";
    case audit::Finding::chain_shortened: return "or what followed is gone: the chain is shorter";
    case audit::Finding::head_removed: return "is the last of a chain whose head is gone";
    }
    return "";
}

void print(audit::Verdict const& verdict) {
    for (audit::Damage const& damage : verdict.damages) {
        std::string const chain =
            damage.chain.is_nil() ? "the platform" : "organization " + to_string(damage.chain);
        std::string row = damage.entry_id ? "row " + std::to_string(*damage.entry_id) : "a row";
        if (damage.position) row += " (place " + std::to_string(*damage.position) + ")";
        std::printf("%s of %s %s\n", row.c_str(), chain.c_str(), words_of(damage.finding));
    }
    std::printf("%s: %lld sealed rows in %lld chains, %lld not sealed yet\n",
                verdict.ok ? "whole" : "DAMAGED", static_cast<long long>(verdict.sealed),
                static_cast<long long>(verdict.chains), static_cast<long long>(verdict.waiting));
}

} // namespace

int audit(Invocation const& invocation) {
    if (invocation.words.size() != 1 || invocation.words.front() != "verify") {
        std::fprintf(stderr, "haat audit: verify\n");
        return 2;
    }
    auto const database = open_database(load_config().config, Sharing::beside_another_haat);
    pg::PlainConnection db(database.urls.owner);
    audit::Verdict const verdict = audit::verify(db);
    if (invocation.json)
        std::printf("%s\n", describe::to_json(verdict).c_str());
    else
        print(verdict);
    return verdict.ok ? 0 : 1;
}

} // namespace haat::app
