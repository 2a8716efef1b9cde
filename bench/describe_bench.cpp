// What reading and writing described structs costs: an order in, a list of products out.
// To hold: an order of 1 KB in at most 2 µs, twenty products in at most 6 µs.
#include <benchmark/benchmark.h>

#include <describe/codec.hpp>
#include <describe/rows.hpp>

namespace shop {
using namespace haat;

enum class Status : std::uint8_t { draft, active, sold_out };
HAAT_DESCRIBE_ENUM(Status, draft, active, sold_out)

struct Address {
    Text<1, 80> name;
    Text<1, 200> line_one;
    std::optional<Text<0, 200>> line_two;
    Text<1, 80> city;
    Text<2, 2> country;
    Text<3, 12> postal_code;
};
HAAT_DESCRIBE(Address, name, line_one, line_two, city, country, postal_code)

struct Line {
    Id<struct Product> product_id;
    std::int32_t quantity = 0;
    Money unit_price;
    std::optional<Text<0, 500>> note;
};
HAAT_DESCRIBE(Line, product_id, quantity, unit_price, note)
HAAT_NOTES(Line, {.field = "quantity", .min = 1, .max = 1000})

struct Order {
    Id<struct Cart> cart_id;
    Email email;
    Address ship_to;
    Address bill_to;
    List<Line, 1, 200> lines;
    std::optional<Text<0, 40>> coupon;
    bool gift = false;
    Timestamp placed_at;
};
HAAT_DESCRIBE(Order, cart_id, email, ship_to, bill_to, lines, coupon, gift, placed_at)

struct ProductView {
    Id<struct Product> id;
    Text<1, 255> name;
    Slug slug;
    std::string description;
    Money price;
    std::optional<Money> old_price;
    Status status = Status::draft;
    std::int32_t stock = 0;
    bool is_active = true;
    Id<struct Brand> brand_id;
    std::optional<Url> image_url;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(ProductView, id, name, slug, description, price, old_price, status, stock, is_active,
              brand_id, image_url, created_at, updated_at)

struct ProductList {
    std::vector<ProductView> items;
    std::int64_t total = 0;
};
HAAT_DESCRIBE(ProductList, items, total)

struct ProductQuery {
    std::optional<Text<0, 100>> search;
    std::vector<Status> status;
    std::optional<Money> price_min;
    std::int32_t limit = 20;
    std::int32_t skip = 0;
};
HAAT_DESCRIBE(ProductQuery, search, status, price_min, limit, skip)
HAAT_DEFAULTS(ProductQuery, limit, skip)
HAAT_NOTES(ProductQuery, {.field = "limit", .min = 1, .max = 100})

std::string order_body() {
    std::string const id = "\"00112233-4455-6677-8899-aabbccddeeff\"";
    std::string const address =
        R"({"name":"Asha Rao","lineOne":"14, Second Main Road, Indiranagar",)"
        R"("lineTwo":"Near the park","city":"Bengaluru","country":"IN","postalCode":"560038"})";
    std::string body = "{\"cartId\":" + id +
                       ",\"email\":\"asha@example.in\",\"shipTo\":" + address +
                       ",\"billTo\":" + address + ",\"lines\":[";
    for (int i = 0; i < 5; ++i)
        body += std::string(i ? "," : "") + "{\"productId\":" + id +
                ",\"quantity\":" + std::to_string(i + 1) +
                R"(,"unitPrice":"1999.50","note":"gift wrap"})";
    return body + R"(],"coupon":"DIWALI10","gift":true,"placedAt":"2024-10-31T12:34:56.789Z"})";
}

ProductList product_list() {
    ProductList list;
    for (unsigned char i = 0; i < 20; ++i) {
        ProductView view;
        view.id.uuid.bytes[3] = i;
        view.name.value = "Handloom cotton saree, indigo";
        view.slug.value = "handloom-cotton-saree-indigo";
        view.description = std::string(160, 'd') + "\nTwo \"lines\".";
        view.price.minor = 249900 + i;
        view.status = Status::active;
        view.stock = 17;
        view.image_url = Url{"https://cdn.example.in/i/0123456789abcdef.webp"};
        view.created_at.micros = 1'730'377'496'789'000;
        view.updated_at = view.created_at;
        list.items.push_back(view);
    }
    list.total = 20;
    return list;
}
} // namespace shop

namespace {

void count_bytes(benchmark::State& state, std::size_t size) {
    state.SetBytesProcessed(state.iterations() * static_cast<std::int64_t>(size));
    state.counters["size"] = static_cast<double>(size);
}

void decode_order(benchmark::State& state) {
    std::string const body = shop::order_body();
    for (auto _ : state) {
        shop::Order order;
        auto problems = haat::describe::from_json(body, order);
        if (!problems.empty()) state.SkipWithError("the order has problems");
        benchmark::DoNotOptimize(order);
    }
    count_bytes(state, body.size());
}
BENCHMARK(decode_order);

void decode_order_with_five_problems(benchmark::State& state) {
    std::string body = shop::order_body();
    for (std::size_t at; (at = body.find("\"quantity\"")) != body.npos;) body[at + 1] = 'Q';
    for (auto _ : state) {
        shop::Order order;
        auto problems = haat::describe::from_json(body, order);
        if (problems.size() != 5) state.SkipWithError("the problems are not five");
        benchmark::DoNotOptimize(order);
    }
}
BENCHMARK(decode_order_with_five_problems);

void encode_products(benchmark::State& state) {
    shop::ProductList const list = shop::product_list();
    std::string out;
    for (auto _ : state) {
        out.clear();
        haat::describe::to_json(out, list);
        benchmark::DoNotOptimize(out.data());
    }
    count_bytes(state, out.size());
}
BENCHMARK(encode_products);

void encode_one_product(benchmark::State& state) {
    shop::ProductList const list = shop::product_list();
    std::string out;
    for (auto _ : state) {
        out.clear();
        haat::describe::to_json(out, list.items.front());
        benchmark::DoNotOptimize(out.data());
    }
}
BENCHMARK(encode_one_product);

void decode_query(benchmark::State& state) {
    std::string_view const query = "search=cotton+saree&status=active,draft&priceMin=100&limit=50";
    for (auto _ : state) {
        shop::ProductQuery filter;
        haat::Problems problems;
        haat::describe::decode_query(query, haat::describe::shape_of<shop::ProductQuery>, &filter,
                                     problems);
        benchmark::DoNotOptimize(filter);
    }
}
BENCHMARK(decode_query);

void parameters_of_a_product(benchmark::State& state) {
    shop::ProductView const view = shop::product_list().items.front();
    haat::describe::Parameters parameters;
    for (auto _ : state) {
        parameters.clear();
        parameters.add(haat::describe::shape_of<shop::ProductView>, &view);
        benchmark::DoNotOptimize(parameters.values());
    }
}
BENCHMARK(parameters_of_a_product);

} // namespace

BENCHMARK_MAIN();
