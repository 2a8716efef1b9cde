#include <algorithm>
#include <cstring>

#include <endian.h>

#include <base/hash.hpp>
#include <libpq-fe.h>
#include <pg/cursor.hpp>
#include <pg/inside.hpp>
#include <pg/list_text.hpp>

namespace haat::pg {

namespace {
constexpr std::int64_t skip_max = 10'000;

[[noreturn]] void refuse(std::string path, std::string_view code, std::string params) {
    Problems problems;
    problems.push_back({std::move(path), code, std::move(params)});
    Refusal refusal(validation_error);
    throw std::move(refusal).about(std::move(problems));
}
[[noreturn]] void refuse_cursor() { refuse("cursor", "format", R"({"expected":"cursor"})"); }

/// The value of a filter, or nothing when the client gave none.
void const* given(Shape const& shape, void const* member) {
    using describe::Kind;
    switch (shape.kind) {
    case Kind::optional:
    case Kind::patch: return shape.value(member);
    case Kind::list: return shape.length(member) > 0 ? member : nullptr;
    case Kind::text: return static_cast<std::string const*>(member)->empty() ? nullptr : member;
    default: return member;
    }
}
} // namespace

struct PendingList::Inside : ListAsk {
    Inside(Database& its_database, Settings const& its_settings, ListQuery const& its_query,
           void const* its_filter)
        : home(its_database.inside()), settings(its_settings), query(its_query),
          filter(static_cast<char const*>(its_filter)),
          paging(*reinterpret_cast<Paging const*>(filter + its_query.paging_offset())),
          fields(home.statements.fields_of(its_query)) {}

    void choose();
    void choose_filters();
    void choose_sort();
    void choose_beginning();
    void ask();
    void set_question();
    std::optional<std::string> cursor_at(int row, bool backward) const;
    void set_cursors(Page<int>& page) const;
    [[noreturn]] void throw_error() const;

    Database::Inside& home;
    Settings const& settings;
    ListQuery const& query;
    char const* filter;
    Paging const& paging;
    std::vector<describe::Field const*> const& fields;

    ListChoice choice;
    int limit = 20;
    std::int64_t skip = 0;
    std::int64_t skip_network = 0; // as it travels
    std::uint64_t question = 0;    // what a cursor belongs to
    Cursor cursor;
    describe::Parameters parameters; // of the filters
    std::vector<char const*> values;
    std::vector<int> lengths;
    std::vector<int> formats;
    int shown = 0;
};

void PendingList::Inside::choose() {
    number = query.number();
    limit = std::clamp(paging.limit, 1, 100);
    choose_filters();
    choose_sort();
    set_question();
    choose_beginning();
}

void PendingList::Inside::choose_filters() {
    ListText const& text = query.text();
    for (std::size_t i = 0; i < text.filters.size(); ++i) {
        Shape const& shape = *fields[i]->shape;
        void const* const value = given(shape, filter + fields[i]->offset);
        if (!value) continue;
        Shape const& inner =
            shape.element && shape.kind != describe::Kind::list ? *shape.element : shape;
        if (takes_value(text.filters[i]))
            parameters.add(inner, value);
        else if (inner.kind == describe::Kind::boolean && !*static_cast<bool const*>(value))
            continue; // a condition without a value: only "true" asks for it
        choice.present |= std::uint64_t{1} << i;
    }
}

void PendingList::Inside::choose_sort() {
    auto const& sorts = query.text().sorts;
    if (paging.sort_by) {
        auto const found = std::find_if(sorts.begin(), sorts.end(), [this](ListSort const& sort) {
            return sort.name == *paging.sort_by;
        });
        if (found == sorts.end()) {
            std::string names;
            for (ListSort const& sort : sorts)
                names.append(names.empty() ? "\"" : ",\"").append(sort.name).append("\"");
            refuse("sortBy", "not_one_of", "{\"values\":[" + names + "]}");
        }
        choice.sort = static_cast<std::size_t>(found - sorts.begin());
    }
    Order const usual = sorts.empty() ? Order::asc : sorts[choice.sort].order;
    choice.order = paging.order.value_or(usual);
}

void PendingList::Inside::choose_beginning() {
    choice.rows_max = rows_for(limit);
    if (paging.cursor) {
        std::optional<Cursor> decoded = decode_cursor(*paging.cursor);
        if (!decoded || decoded->question != question) refuse_cursor();
        cursor = std::move(*decoded);
        choice.from = cursor.backward ? ListFrom::before : ListFrom::after;
        return;
    }
    bool const by_page = paging.page.has_value() && !paging.skip;
    skip = by_page ? (std::int64_t{std::max(*paging.page, 1)} - 1) * limit
                   : std::max(paging.skip.value_or(0), 0);
    if (skip > skip_max) {
        std::int64_t const max = by_page ? skip_max / limit + 1 : skip_max;
        refuse(by_page ? "page" : "skip", "too_large", "{\"max\":" + std::to_string(max) + "}");
    }
    if (skip > 0) choice.from = ListFrom::skip;
}

/// With other filters or another order a cursor would skip or repeat rows.
void PendingList::Inside::set_question() {
    std::string words = query.name();
    auto const add = [&words](std::int64_t number) {
        words.append(reinterpret_cast<char const*>(&number), sizeof number);
    };
    add(static_cast<std::int64_t>(choice.sort) * 2 + static_cast<std::int64_t>(choice.order));
    add(static_cast<std::int64_t>(choice.present));
    char const* const* const bytes = parameters.values();
    for (int i = 0; i < parameters.count(); ++i) {
        int const size = parameters.lengths()[i];
        add(size);
        if (bytes[i]) words.append(bytes[i], static_cast<std::size_t>(size));
    }
    question = hash_of(words);
}

void PendingList::Inside::ask() {
    page = home.statements.of(query, choice);
    ListChoice counting;
    counting.present = choice.present;
    counting.total = true;
    total = home.statements.of(query, counting);
    total_arguments = arguments_of(parameters);

    auto const count = static_cast<std::size_t>(total_arguments.count);
    values.assign(total_arguments.values, total_arguments.values + count);
    lengths.assign(total_arguments.lengths, total_arguments.lengths + count);
    formats.assign(total_arguments.formats, total_arguments.formats + count);
    auto const add = [this](char const* value, int length, int format) {
        values.push_back(value);
        lengths.push_back(length);
        formats.push_back(format);
    };
    if (choice.from == ListFrom::skip) {
        skip_network = static_cast<std::int64_t>(htobe64(static_cast<std::uint64_t>(skip)));
        add(reinterpret_cast<char const*>(&skip_network), sizeof skip_network, 1);
    } else if (choice.from != ListFrom::start) { // as text, since only PostgreSQL knows the types
        add(cursor.sort.c_str(), 0, 0);
        add(cursor.key.c_str(), 0, 0);
    }
    page_arguments = {static_cast<int>(values.size()), values.data(), lengths.data(),
                      formats.data()};
    home.read(*this, settings);
}

std::optional<std::string> PendingList::Inside::cursor_at(int row, bool backward) const {
    PGresult const* const result = page_rows.get();
    int const columns = PQnfields(result);
    auto const text = [&](int column) {
        return std::string(PQgetvalue(result, row, column),
                           static_cast<std::size_t>(PQgetlength(result, row, column)));
    };
    Cursor made;
    made.question = question;
    made.backward = backward;
    made.sort = text(columns - 2);
    made.key = text(columns - 1);
    return encode_cursor(made);
}

void PendingList::Inside::set_cursors(Page<int>& facts) const {
    if (shown == 0) return;
    bool const more = page_rows.size() > limit; // in the direction of reading
    bool const backward = choice.from == ListFrom::before;
    int const first = backward ? shown - 1 : 0;
    int const last = backward ? 0 : shown - 1;
    // A page that was reached from a row has at least that row on its other side.
    bool const before = backward ? more : choice.from != ListFrom::start;
    bool const after = backward || more;
    if (before) facts.prev_cursor = cursor_at(first, true);
    if (after) facts.next_cursor = cursor_at(last, false);
    facts.has_more = after;
}

void PendingList::Inside::throw_error() const {
    try {
        std::rethrow_exception(error);
    } catch (DatabaseError const& failed) {
        // The cursor's words did not have the types of the sort and the key: it was made up.
        bool const from_cursor = choice.from == ListFrom::after || choice.from == ListFrom::before;
        if (from_cursor && failed.sqlstate().starts_with("22")) refuse_cursor();
        throw;
    }
}

PendingList::PendingList(Database& database, Settings const& settings, ListQuery const& query,
                         void const* filter)
    : inside_(std::make_unique<Inside>(database, settings, query, filter)) {}

PendingList::~PendingList() {
    if (inside_->flight) inside_->flight->abandoned();
}

void PendingList::await_suspend(std::coroutine_handle<> waiter) {
    inside_->choose();
    inside_->waiter = waiter;
    inside_->ask();
}

void PendingList::finish(Page<int>& page) {
    Inside& in = *inside_;
    if (in.error) in.throw_error();
    in.shown = std::min(in.page_rows.size(), in.limit);
    std::uint64_t counted = 0;
    std::memcpy(&counted, PQgetvalue(in.total_rows.get(), 0, 0), sizeof counted);
    page.total = static_cast<std::int64_t>(be64toh(counted));
    page.total_is_exact = page.total <= in.query.text().total_max;
    page.total = std::min(page.total, in.query.text().total_max);
    page.limit = in.limit;
    page.skip = static_cast<std::int32_t>(in.skip);
    in.set_cursors(page);
}

int PendingList::size() const { return inside_->shown; }

void PendingList::read(int row, void* into) const {
    Inside const& in = *inside_;
    int const from = in.choice.from == ListFrom::before ? in.shown - 1 - row : row;
    describe::decode_row(*in.page->plan, *in.query.row(), in.page_rows.get(), from, into);
}

} // namespace haat::pg
