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

std::shared_ptr<Statement> Statements::of(ListQuery const& list, ListText text) {
    auto const number = static_cast<std::size_t>(list.number());
    if (lists_.size() <= number) lists_.resize(static_cast<std::size_t>(ListQuery::count()));
    ListTexts& texts = lists_[number];
    if (auto const found = texts.find.find(text.sql); found != texts.find.end()) {
        texts.recent.splice(texts.recent.begin(), texts.recent, found->second);
        return texts.recent.front();
    }
    int slot = 0;
    if (texts.recent.size() < list_texts_max) {
        slot = next_slot_++;
    } else { // its slot is used again: connections drop the old text when they meet the new one
        slot = texts.recent.back()->slot;
        texts.find.erase(texts.recent.back()->sql);
        texts.recent.pop_back();
    }
    auto made = std::make_shared<Statement>(slot, next_version_++, list.name(), std::move(text.sql),
                                            list.row());
    made->types = std::move(text.types);
    texts.recent.push_front(made);
    texts.find.emplace(made->sql, texts.recent.begin());
    return made;
}

} // namespace haat::pg
