#include <pg/check.hpp>

#include <algorithm>
#include <memory>
#include <set>

#include <libpq-fe.h>

#include <pg/connect.hpp>
#include <pg/list_text.hpp>
#include <pg/pg.hpp>

namespace haat::pg {

namespace {

class Checker {
public:
    Checker(PGconn* wire, std::vector<std::string>& found) : wire_(wire), found_(found) {}

    void check(Query const& query) {
        name_once(query.name());
        std::vector<std::uint32_t> types;
        for (Shape const* argument : query.arguments()) describe::parameter_types(*argument, types);
        std::string const label = query.name();
        check_text(label, query.sql(), types, query.row());
        check_all_used(label, query.sql(), types.size());
    }

    void check(ListQuery const& list) {
        name_once(list.name());
        try {
            auto const fields = filter_fields(list);
            std::size_t const filters = list.text().filters.size();
            std::uint64_t const all = (std::uint64_t{1} << filters) - 1;
            check_sorts(list, fields, 0);
            check_sorts(list, fields, all);
            for (std::size_t i = 0; i < filters; ++i) {
                ListChoice choice;
                choice.present = std::uint64_t{1} << i;
                check_choice(list, fields, choice);
            }
        } catch (Fault const& fault) {
            found_.emplace_back(fault.what());
        }
    }

private:
    using Fields = std::vector<describe::Field const*>;

    void name_once(std::string const& name) {
        if (!names_.insert(name).second) found_.push_back(name + ": two queries have this name");
    }

    void check_sorts(ListQuery const& list, Fields const& fields, std::uint64_t present) {
        ListChoice choice;
        choice.present = present;
        std::size_t const sorts = std::max<std::size_t>(list.text().sorts.size(), 1);
        for (choice.sort = 0; choice.sort < sorts; ++choice.sort)
            for (Order const order : {Order::asc, Order::desc})
                for (ListFrom const from :
                     {ListFrom::start, ListFrom::after, ListFrom::before, ListFrom::skip}) {
                    choice.order = order;
                    choice.from = from;
                    check_choice(list, fields, choice);
                }
        choice = {};
        choice.present = present;
        choice.total = true;
        check_choice(list, fields, choice);
    }

    void check_choice(ListQuery const& list, Fields const& fields, ListChoice choice) {
        choice.rows_max = rows_for(20);
        ListSql const text = list_sql(list, fields, choice);
        check_text(list.name(), text.sql.c_str(), text.types,
                   choice.total ? &describe::shape_of<std::int64_t> : list.row());
    }

    void check_text(std::string const& label, char const* sql,
                    std::vector<std::uint32_t> const& types, Shape const* row) {
        Rows const prepared(
            PQprepare(wire_, "", sql, static_cast<int>(types.size()), types.data()));
        if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK)
            return say(label, first_line(PQresultErrorMessage(prepared.get())) + " in: " + sql);
        Rows const described(PQdescribePrepared(wire_, ""));
        if (PQresultStatus(described.get()) != PGRES_COMMAND_OK)
            return say(label, first_line(PQresultErrorMessage(described.get())));
        auto const wanted = static_cast<std::size_t>(PQnparams(described.get()));
        if (wanted > types.size())
            say(label, "the SQL takes " + std::to_string(wanted) +
                           " parameters, the arguments give " + std::to_string(types.size()));
        if (!row) return;
        for (std::string const& mismatch : describe::plan_rows(*row, described.get()).mismatches)
            say(label, mismatch);
        check_columns(label, *row, described);
    }

    /// A column that no member takes is sent for nothing, or its member is misspelt.
    void check_columns(std::string const& label, Shape const& row, Rows const& described) {
        int const columns = PQnfields(described.get());
        if (row.kind != describe::Kind::object) {
            if (columns != 1) say(label, "more than one column for a row of one value");
            return;
        }
        for (int i = 0; i < columns; ++i) {
            std::string_view const column = PQfname(described.get(), i);
            if (column == sort_column || column == key_column) continue;
            auto const* const end = row.fields + row.count;
            bool const taken = std::any_of(row.fields, end, [column](auto const& field) {
                return field.name.column() == column;
            });
            if (!taken) say(label, "no member takes the column " + std::string(column));
        }
    }

    /// Types that are given hide a parameter that the SQL does not use, so none are given here.
    void check_all_used(std::string const& label, char const* sql, std::size_t given) {
        Rows const prepared(PQprepare(wire_, "", sql, 0, nullptr));
        if (PQresultStatus(prepared.get()) != PGRES_COMMAND_OK) return;
        Rows const described(PQdescribePrepared(wire_, ""));
        auto const used = static_cast<std::size_t>(PQnparams(described.get()));
        if (used < given) say(label, "the SQL does not use parameter $" + std::to_string(used + 1));
    }

    static std::string first_line(std::string text) {
        text.resize(std::min(text.find('\n'), text.size()));
        return text;
    }

    void say(std::string const& label, std::string const& what) {
        std::string line = label + ": " + what;
        bool const known = std::find(found_.begin(), found_.end(), line) != found_.end();
        if (!known) found_.push_back(std::move(line));
    }

    PGconn* wire_;
    std::vector<std::string>& found_;
    std::set<std::string> names_;
};

} // namespace

std::vector<std::string> check_queries(std::string const& url) {
    Connected const connected = connect({.url = url, .session = {}});
    if (!connected.wire) throw DatabaseAway(connected.error);
    std::vector<std::string> found;
    Checker checker(connected.wire.get(), found);
    for (Query const* query = Query::first(); query; query = query->next()) checker.check(*query);
    for (ListQuery const* list = ListQuery::first(); list; list = list->next())
        checker.check(*list);
    std::sort(found.begin(), found.end());
    return found;
}

} // namespace haat::pg
