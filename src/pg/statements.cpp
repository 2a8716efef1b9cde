#include <pg/statements.hpp>

namespace haat::pg {

namespace {
constexpr std::uint32_t text_type = 25;
}

Statements::Statements()
    : settings(next_slot_++, next_version_++, "haat.settings",
               "select set_config('haat.user_id', $1, true), set_config('haat.org_id', $2, true),"
               " set_config('haat.role', $3, true), set_config('statement_timeout', $4, true)"),
      begin(next_slot_++, next_version_++, "haat.begin", "begin"),
      commit(next_slot_++, next_version_++, "haat.commit", "commit"),
      notify(next_slot_++, next_version_++, "haat.notify", "select pg_notify($1, $2)") {
    settings.types.assign(4, text_type);
    notify.types.assign(2, text_type);
}

Statement& Statements::of(Query const& query) {
    auto const number = static_cast<std::size_t>(query.number());
    if (queries_.size() <= number) queries_.resize(static_cast<std::size_t>(Query::count()));
    std::unique_ptr<Statement>& statement = queries_[number];
    if (!statement) {
        statement = std::make_unique<Statement>(next_slot_++, next_version_++, query.name(),
                                                query.sql(), query.row());
        for (Shape const* argument : query.arguments())
            describe::parameter_types(*argument, statement->types);
    }
    return *statement;
}

Statements::ListStatements& Statements::statements_of(ListQuery const& list) {
    auto const number = static_cast<std::size_t>(list.number());
    if (lists_.size() <= number) lists_.resize(static_cast<std::size_t>(ListQuery::count()));
    if (!lists_[number]) {
        auto made = std::make_unique<ListStatements>();
        made->fields = filter_fields(list);
        lists_[number] = std::move(made);
    }
    return *lists_[number];
}

std::vector<describe::Field const*> const& Statements::fields_of(ListQuery const& list) {
    return statements_of(list).fields;
}

std::shared_ptr<Statement> Statements::of(ListQuery const& list, ListChoice const& choice) {
    ListStatements& kept = statements_of(list);
    std::uint64_t const key = choice.key();
    if (auto const found = kept.find.find(key); found != kept.find.end()) {
        kept.recent.splice(kept.recent.begin(), kept.recent, found->second);
        return kept.recent.front().statement;
    }
    ListSql text = list_sql(list, kept.fields, choice);
    int slot = 0;
    if (kept.recent.size() < list_texts_max) {
        slot = next_slot_++;
    } else { // its slot is used again: connections drop the old text when they meet the new one
        slot = kept.recent.back().statement->slot;
        kept.find.erase(kept.recent.back().key);
        kept.recent.pop_back();
    }
    auto made = std::make_shared<Statement>(slot, next_version_++, list.name(), std::move(text.sql),
                                            list.row());
    made->types = std::move(text.types);
    kept.recent.push_front({key, made});
    kept.find.emplace(key, kept.recent.begin());
    return made;
}

} // namespace haat::pg
