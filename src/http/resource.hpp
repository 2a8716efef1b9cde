// The handlers that a simple resource has, for the routes to name:
//
//     brands.get("", &list_page<list>, "Search brands").open();
//     brands.post("", &create_one<table, events, &fill_slug>, "Add a brand").needs(…);
//     brands.put("/{id}", &change_one<table, events>, "Change a brand").needs(…);
//
// A hook runs inside the transaction, before the row is written: it may refuse, complete or
// correct it. Before a change or a removal the row is locked.
#pragma once

#include <base/clock.hpp>
#include <events/events.hpp>
#include <http/routes.hpp>
#include <pg/table.hpp>

namespace haat {

namespace detail {
template <auto& value> using TypeOf = std::remove_cvref_t<decltype(value)>;
template <auto& table> using RowOf = typename TypeOf<table>::Row;
template <auto& table> using KeyOf = typename TypeOf<table>::Key;
template <auto& table> using FieldsOf = typename TypeOf<table>::Fields;
} // namespace detail

template <auto& list, class Row = typename detail::TypeOf<list>::Item,
          class Filter = typename detail::TypeOf<list>::Query>
Task<Reply<Page<Row>>> list_page(Ask<Filter>& ask) {
    Page<Row> const page = co_await ask.read.list(list, ask.query());
    co_return listed(page);
}

template <auto& table>
Task<Reply<detail::RowOf<table>>> find_one(Call<>& call, detail::KeyOf<table> id) {
    detail::RowOf<table> const row = co_await call.read(table.find, id);
    co_return ok(row);
}

/// Nothing to add.
struct NoHook {};

template <auto& table, auto& events, auto hook = NoHook{}, class Row = detail::RowOf<table>>
Task<Reply<Row>> create_one(Call<detail::FieldsOf<table>>& call) {
    detail::KeyOf<table> const id{new_uuid()};
    detail::FieldsOf<table> body = call.body();
    Tx tx = call.begin();
    if constexpr (!std::is_same_v<decltype(hook), NoHook>) co_await hook(call, tx, id, body);
    Row const row = co_await tx(table.insert, id, body);
    call.made(row);
    emit(tx, events.created, id, row);
    co_return co_await call.commit(tx, created(row));
}

template <auto& table, auto& events, auto hook = NoHook{}, class Row = detail::RowOf<table>>
Task<Reply<Row>> change_one(Call<Change<detail::FieldsOf<table>>>& call, detail::KeyOf<table> id) {
    Tx tx = call.begin();
    Row const before = co_await tx(table.lock, id);
    call.expect(before);
    Row after = before;
    describe::apply(after, call.body());
    after.updated_at = now();
    if constexpr (!std::is_same_v<decltype(hook), NoHook>) co_await hook(call, tx, before, after);
    after = co_await tx(table.update, after);
    call.changed(before, after);
    emit(tx, events.updated, id, after);
    co_return co_await call.commit(tx, ok(after));
}

template <auto& table, auto& events, auto hook = NoHook{}, class Row = detail::RowOf<table>>
Task<Reply<Deleted>> remove_one(Call<>& call, detail::KeyOf<table> id) {
    Tx tx = call.begin();
    Row const row = co_await tx(table.lock, id);
    call.expect(row);
    if constexpr (!std::is_same_v<decltype(hook), NoHook>) co_await hook(call, tx, row);
    co_await tx(table.remove, id);
    call.removed(row);
    emit(tx, events.deleted, id, row);
    co_return co_await call.commit(tx, deleted(id));
}

} // namespace haat
