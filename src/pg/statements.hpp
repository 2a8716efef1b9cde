// All statements of one loop: the queries', the lists' and the database layer's own.
#pragma once

#include <list>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <pg/list.hpp>
#include <pg/list_text.hpp>
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

    /// The statement for this choice of a list; a bounded number of them is kept.
    std::shared_ptr<Statement> of(ListQuery const& list, ListChoice const& choice);
    std::vector<describe::Field const*> const& fields_of(ListQuery const& list);

    Statement settings; // user, organization, role, statement_timeout
    Statement begin;
    Statement commit;
    Statement notify;

private:
    struct ListStatement {
        std::uint64_t key;
        std::shared_ptr<Statement> statement;
    };
    struct ListStatements {
        std::vector<describe::Field const*> fields;
        std::list<ListStatement> recent; // the latest used one first
        std::unordered_map<std::uint64_t, std::list<ListStatement>::iterator> find;
    };
    ListStatements& statements_of(ListQuery const& list);

    std::vector<std::unique_ptr<Statement>> queries_;    // by number
    std::vector<std::unique_ptr<ListStatements>> lists_; // by number
};

} // namespace haat::pg
