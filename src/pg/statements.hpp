// All statements of one loop: the queries', the lists' and the database layer's own.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <pg/list.hpp>
#include <pg/query.hpp>
#include <pg/statement.hpp>

namespace haat::pg {

class Statements {
    int next_slot_ = 0; // first, since the members below take theirs from here
    std::uint32_t next_version_ = 1;

public:
    static constexpr std::size_t list_texts_max = 64; // per list; the longest unused one goes

    Statements();

    Statement& of(Query const& query);

    /// The statement for this text of a list: prepared texts are kept, up to a bound.
    struct ListText {
        std::string sql;
        std::vector<std::uint32_t> types;
    };
    std::shared_ptr<Statement> of(ListQuery const& list, ListText text);

    Statement settings; // user, organization, role, statement_timeout
    Statement begin;
    Statement commit;
    Statement notify;

private:
    struct ListTexts {
        std::list<std::shared_ptr<Statement>> recent; // the latest used one first
        std::unordered_map<std::string_view, std::list<std::shared_ptr<Statement>>::iterator> find;
    };
    std::vector<std::unique_ptr<Statement>> queries_; // by number
    std::vector<ListTexts> lists_;                    // by number
};

} // namespace haat::pg
