// The described types that the tests of this room share.
#pragma once

#include <describe/codec.hpp>

namespace haat::describe::test {

enum class Status : std::uint8_t { draft, in_review, sold_out, new_ };
HAAT_DESCRIBE_ENUM(Status, draft, in_review, sold_out, new_)

enum class Level : std::int32_t { low = -1, high = 70'000 };
HAAT_DESCRIBE_ENUM(Level, low, high)

struct Pen {
    static constexpr std::string_view noun = "pen";
};

/// One member of every kind of leaf.
struct Leaves {
    bool flag = false;
    std::int32_t small = 0;
    std::int64_t big = 0;
    double ratio = 0;
    Text<2, 5> text;
    Secret<8, 72> secret;
    Email email;
    Phone phone;
    Url url;
    Slug slug;
    Quantity quantity;
    Money money;
    Id<Pen> id;
    Timestamp at;
    Date day;
    Json json;
    Status status = Status::draft;
    Level level = Level::low;
};
HAAT_DESCRIBE(Leaves, flag, small, big, ratio, text, secret, email, phone, url, slug, quantity,
              money, id, at, day, json, status, level)

struct Line {
    Id<Pen> pen_id;
    Quantity quantity;
    Money unit_price;
    std::optional<Text<1, 20>> note;
};
HAAT_DESCRIBE(Line, pen_id, quantity, unit_price, note)
HAAT_NOTES(Line, {.field = "quantity", .text = "How many.", .example = "2.5", .min = 1, .max = 100},
           {.field = "unit_price", .also = {"price", "unitCost"}, .min = 0, .max = 1000})

struct Address {
    Text<1, 40> city;
    std::optional<Text<1, 40>> line_two;
    Text<2, 2> country{"IN"};
};
HAAT_DESCRIBE(Address, city, line_two, country)
HAAT_DEFAULTS(Address, country)

struct Order {
    Email email;
    Address ship_to;
    std::optional<Address> bill_to;
    List<Line, 1, 3> items;
    List<Text<1, 5>, 0, 3> tags{{"a"}, {"b"}};
    std::int32_t priority = 5;
    Status status = Status::draft;
    std::optional<Json> attributes;
};
HAAT_DESCRIBE(Order, email, ship_to, bill_to, items, tags, priority, status, attributes)
HAAT_DEFAULTS(Order, tags, priority, status)
HAAT_NOTES(Order, {.field = "priority", .text = "1 to 9.", .min = 1, .max = 9})

struct Row {
    Id<Pen> id;
    Text<1, 40> name;
    std::optional<Text<0, 100>> description;
    Money price;
    Status status = Status::draft;
    std::vector<std::string> tags;
    std::optional<Address> address;
    Secret<1, 40> token;
    Json extra;
};
HAAT_DESCRIBE(Row, id, name, description, price, status, tags, address, token, extra)

struct Change {
    std::optional<Text<1, 40>> name;
    Patch<Text<0, 100>> description;
    Patch<Money> price;
    std::optional<Status> status;
    Patch<List<Text<1, 5>>> tags;
    Patch<Address> address;
    Patch<Secret<1, 40>> token;
    Patch<std::int32_t> unrelated;
};
HAAT_DESCRIBE(Change, name, description, price, status, tags, address, token, unrelated)

struct Paging {
    std::int32_t limit = 20;
    std::optional<std::string> cursor;
};
HAAT_DESCRIBE(Paging, limit, cursor)
HAAT_DEFAULTS(Paging, limit)
HAAT_NOTES(Paging, {.field = "limit", .also = {"per_page"}, .min = 1, .max = 100})

struct Query {
    std::optional<Text<1, 20>> search;
    List<Status, 0, 3> status;
    std::vector<std::string> tags;
    std::optional<bool> active;
    std::optional<Date> from;
    Id<Pen> pen;
    Paging paging;
    std::string note{"none"};
};
HAAT_DESCRIBE(Query, search, status, tags, active, from, pen, paging, note)
HAAT_DEFAULTS(Query, note)

/// "items[1].quantity too_small {"min":1}; …"
inline std::string told(Problems const& problems) {
    std::string text;
    for (Problem const& problem : problems) {
        if (!text.empty()) text += "; ";
        text.append(problem.path.empty() ? "-" : problem.path).append(" ").append(problem.code);
        if (!problem.params.empty()) text.append(" ").append(problem.params);
    }
    return text;
}

} // namespace haat::describe::test
