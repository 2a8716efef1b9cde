// A small schema of its own for the tests of this room: a tenant table with row-level security.
#pragma once

#include <string>

#include <base/words.hpp>
#include <describe/describe.hpp>
#include <pg/database.hpp>
#include <pg/list.hpp>
#include <pg/pg.hpp>
#include <pg/query.hpp>
#include <test/harness/database.hpp>

namespace haat::pg::shop {

struct ItemNoun {
    static constexpr std::string_view noun = "item";
};
using ItemId = Id<ItemNoun>;

enum class Grade : std::uint8_t { low, fine, best };
HAAT_DESCRIBE_ENUM(Grade, low, fine, best)

struct Item {
    ItemId id;
    std::string name;
    std::int64_t price = 0;
    Grade grade = Grade::low;
    bool is_active = true;
    Timestamp created_at;
};
HAAT_DESCRIBE(Item, id, name, price, grade, is_active, created_at)

struct NewItem {
    ItemId id;
    Uuid org_id;
    std::string name;
    std::int64_t price = 0;
};
HAAT_DESCRIBE(NewItem, id, org_id, name, price)

struct ItemFilter {
    Paging paging;
    std::optional<std::string> search;
    std::optional<bool> is_active;
    std::optional<Grade> grade;
    std::optional<std::int64_t> min_price;
    std::optional<std::int64_t> max_price;
    List<ItemId, 0, 100> ids;
    std::optional<bool> cheap;
};
HAAT_DESCRIBE(ItemFilter, paging, search, is_active, grade, min_price, max_price, ids, cheap)

struct Who {
    std::string user_id;
    std::string org_id;
    std::string role;
    std::string timeout;
};
HAAT_DESCRIBE(Who, user_id, org_id, role, timeout)

namespace sql {
inline One<Item, ItemId> find_item{"shop.find_item", "select {row} from shop.items where id = $1"};
inline Maybe<Item, ItemId> maybe_item{"shop.maybe_item",
                                      "select {row} from shop.items where id = $1"};
inline Many<Item> all_items{"shop.all_items", "select {row} from shop.items order by id"};
inline One<std::int64_t> count_items{"shop.count_items", "select count(*) from shop.items"};
inline One<Item, NewItem> insert_item{"shop.insert_item", R"(
    insert into shop.items ({1}) values ({$1}) returning {row})"};
inline Exec<ItemId, std::int64_t> set_price{"shop.set_price",
                                            "update shop.items set price = $2 where id = $1"};
inline Exec<ItemId> delete_item{"shop.delete_item", "delete from shop.items where id = $1"};
inline Exec<Uuid, ItemId> order_item{"shop.order_item",
                                     "insert into shop.orders (id, item_id) values ($1, $2)"};
inline One<std::int64_t, std::int64_t> divide{"shop.divide", "select 100 / $1"};
inline One<Who> who{"shop.who", R"(
    select coalesce(current_setting('haat.user_id', true), '') as user_id,
           coalesce(current_setting('haat.org_id', true), '') as org_id,
           coalesce(current_setting('haat.role', true), '') as role,
           current_setting('statement_timeout') as timeout)"};
inline One<std::int64_t, std::int64_t> echo{"shop.echo", "select $1"};
inline One<std::string> plans{"shop.plans", "select current_setting('plan_cache_mode')"};
inline One<std::string> plans_slowly{
    "shop.plans_slowly", "select current_setting('plan_cache_mode')", {.slow = true}};
inline One<std::int64_t, double> sleep{"shop.sleep",
                                       "select 1::bigint from (select pg_sleep($1)) as slept"};
inline One<std::int64_t, double> sleep_slowly{
    "shop.sleep_slowly", "select 2::bigint from (select pg_sleep($1)) as slept", {.slow = true}};
inline ListOf<Item, ItemFilter> list_items{
    "shop.list_items",
    {.select = "select {row} from shop.items",
     .filters = {{"search", "name like $ || '%'"},
                 {"is_active", "is_active = $"},
                 {"grade", "grade = $"},
                 {"min_price", "price >= $"},
                 {"max_price", "price <= $"},
                 {"ids", "id = any($)"},
                 {"cheap", "price < 10"}},
     .sorts = {{"createdAt", "created_at", Order::desc}, {"name", "name"}, {"price", "price"}},
     .total_max = 500}};
} // namespace sql

inline constexpr std::string_view schema = R"(
    create schema shop;
    create table shop.items (
        id         uuid primary key,
        org_id     uuid not null,
        name       text not null,
        price      bigint not null constraint items_price_check check (price >= 0),
        grade      text not null default 'low',
        is_active  boolean not null default true,
        created_at timestamptz not null default now(),
        constraint items_org_name_key unique (org_id, name)
    );
    create index items_by_time on shop.items (created_at, id);
    create index items_by_price on shop.items (price, id);
    create table shop.orders (
        id      uuid primary key,
        item_id uuid not null,
        constraint orders_item_fkey foreign key (item_id) references shop.items (id)
            deferrable initially immediate
    );
    create table shop.lines (n bigint not null, words text not null);
    alter table shop.items enable row level security;
    create policy tenant on shop.items
        using (org_id = nullif(current_setting('haat.org_id', true), '')::uuid)
        with check (org_id = nullif(current_setting('haat.org_id', true), '')::uuid);
    grant usage on schema shop to haat_request;
    grant select, insert, update, delete on all tables in schema shop to haat_request;
)";

/// A fresh database with the shop in it.
struct Shop : test::TestDatabase {
    Shop() { exec(std::string(schema)); }
};

inline constexpr std::string_view org_a = "0a000000-0000-7000-8000-00000000000a";
inline constexpr std::string_view org_b = "0b000000-0000-7000-8000-00000000000b";

inline Uuid uuid_of(std::string_view text) {
    Uuid uuid;
    parse(text, uuid);
    return uuid;
}
inline Settings settings_of(std::string_view org) {
    return {.user_id = "u", .org_id = std::string(org), .role = "STAFF"};
}
/// The nth id, for tests that want to know it beforehand.
inline ItemId item_id(int n) {
    ItemId id;
    id.uuid.bytes[0] = 1;
    id.uuid.bytes[14] = static_cast<unsigned char>(n >> 8);
    id.uuid.bytes[15] = static_cast<unsigned char>(n);
    return id;
}

} // namespace haat::pg::shop
