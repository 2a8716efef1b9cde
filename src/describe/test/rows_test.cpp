// Rows and parameters against a real PostgreSQL.
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>

#include <libpq-fe.h>

#include <describe/rows.hpp>
#include <describe/test/shapes.hpp>
#include <pg/cluster.hpp>

namespace haat::describe::test {
namespace {

struct AllKinds {
    bool flag = true;
    std::int32_t small = -7;
    std::int64_t big = 9'007'199'254'740'993;
    double ratio = 0.1;
    Text<0, 50> text{"पेन, \"blue\"\n"};
    Secret<1, 50> secret{"secret"};
    Email email{"asha@example.in"};
    Phone phone{"+919876543210"};
    Url url{"https://example.in/"};
    Slug slug{"blue-pen"};
    Quantity quantity{1250};
    Money money{19'950};
    Id<Pen> id{Uuid{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}}};
    Timestamp at{1'774'981'800'123'456};
    Date day{20'543};
    Json json{R"({"a": [1, null, "x"]})"};
    Status status = Status::new_;
    std::optional<Money> absent;
    std::optional<Text<0, 9>> present{Text<0, 9>{""}};
    std::vector<std::string> texts{"a", "", "b,c\"{}"};
    std::vector<std::int64_t> numbers{1, -2, INT64_MAX};
    std::vector<std::int32_t> small_numbers{};
    std::vector<Id<Pen>> ids{Id<Pen>{Uuid{{9}}}};
    std::vector<std::optional<Date>> days{Date{0}, std::nullopt, Date{-40'000}};
    std::optional<std::vector<Status>> statuses{{Status::draft, Status::sold_out}};
    std::vector<Line> lines{{Id<Pen>{Uuid{{7}}}, Quantity{1500}, Money{-1}, std::nullopt}};
    std::optional<Address> address{Address{{"Pune"}, std::nullopt, {"IN"}}};
};
HAAT_DESCRIBE(AllKinds, flag, small, big, ratio, text, secret, email, phone, url, slug, quantity,
              money, id, at, day, json, status, absent, present, texts, numbers, small_numbers, ids,
              days, statuses, lines, address)

struct Inner {
    Text<1, 9> city;
    std::optional<std::int32_t> floor;
};
HAAT_DESCRIBE(Inner, city, floor)
struct Arguments {
    Id<Pen> id;
    Inner inner;
    Patch<Money> price;
    std::vector<Line> lines;
};
HAAT_DESCRIBE(Arguments, id, inner, price, lines)

struct Result {
    explicit Result(PGresult* of) : rows(of, &PQclear) {}
    std::unique_ptr<PGresult, decltype(&PQclear)> rows;
};

class Rows : public ::testing::Test {
protected:
    static void SetUpTestSuite() {
        cluster_.emplace(pg::Cluster::throw_away());
        connection_ = PQconnectdb(cluster_->url(pg::Role::admin).c_str());
        ASSERT_EQ(PQstatus(connection_), CONNECTION_OK) << PQerrorMessage(connection_);
    }
    static void TearDownTestSuite() {
        PQfinish(connection_);
        connection_ = nullptr;
        cluster_.reset();
    }

    static Result ask(std::string const& sql, Parameters& parameters,
                      std::vector<std::uint32_t> const& types = {}) {
        Result result(PQexecParams(connection_, sql.c_str(), parameters.count(),
                                   types.empty() ? nullptr : types.data(), parameters.values(),
                                   parameters.lengths(), parameters.formats(), 1));
        EXPECT_EQ(PQresultStatus(result.rows.get()), PGRES_TUPLES_OK)
            << PQerrorMessage(connection_) << sql;
        return result;
    }
    static Result ask(std::string const& sql) {
        Parameters none;
        return ask(sql, none);
    }
    template <class T> static std::string read(std::string const& sql) {
        Result const result = ask(sql);
        RowPlan const plan = plan_rows(shape_of<T>, result.rows.get());
        if (!plan.mismatches.empty()) return plan.mismatches.front();
        T value{};
        decode_row(plan, shape_of<T>, result.rows.get(), 0, &value);
        return to_json(value);
    }

    static inline std::optional<pg::Cluster> cluster_;
    static inline PGconn* connection_ = nullptr;
};

TEST_F(Rows, EveryKindGoesRoundUnchanged) {
    AllKinds const sent;
    Shape const& shape = shape_of<AllKinds>;
    Parameters parameters;
    parameters.add(shape, &sent);
    std::vector<std::uint32_t> types;
    parameter_types(shape, types);
    ASSERT_EQ(types.size(), static_cast<std::size_t>(parameters.count()));
    std::string sql = "select ";
    for (std::uint32_t i = 0; i < shape.count; ++i)
        sql += (i ? ", $" : "$") + std::to_string(i + 1) + " as " +
               std::string(shape.fields[i].name.column());
    Result const result = ask(sql, parameters, types);
    RowPlan const plan = plan_rows(shape, result.rows.get());
    for (std::string const& mismatch : plan.mismatches) ADD_FAILURE() << mismatch;
    AllKinds got;
    got.absent = Money{5};
    got.small_numbers = {1};
    decode_row(plan, shape, result.rows.get(), 0, &got);
    EXPECT_EQ(to_json(got), to_json(sent));
    EXPECT_EQ(got.at, sent.at); // to the microsecond
}

TEST_F(Rows, LeafRows) {
    EXPECT_EQ(read<std::int64_t>("select count(*) from (values (1), (2)) as t"), "2");
    EXPECT_EQ(read<std::int64_t>("select 7::int2"), "7");
    EXPECT_EQ(read<std::int32_t>("select (-7)::int2"), "-7");
    EXPECT_EQ(read<double>("select 1.5::float4"), "1.5");
    EXPECT_EQ(read<std::optional<std::string>>("select null::text"), "null");
    EXPECT_EQ(read<std::string>("select 'INR'::char(3)"), "\"INR\"");
    EXPECT_EQ(read<std::string>("select 'a'::varchar(9)"), "\"a\"");
    EXPECT_EQ(read<Json>("select '[1]'::json"), "[1]");
    EXPECT_EQ(read<Json>("select '[1]'::jsonb"), "[1]");
    EXPECT_EQ(read<Status>("select 'in_review'"), "\"in_review\"");
    EXPECT_EQ(read<Timestamp>("select 'infinity'::timestamptz"), "\"9999-12-31T23:59:59.999Z\"");
    EXPECT_EQ(read<Timestamp>("select '-infinity'::timestamptz"), "\"0001-01-01T00:00:00.000Z\"");
    EXPECT_EQ(read<Date>("select 'infinity'::date"), "\"9999-12-31\"");
    EXPECT_EQ(read<Date>("select '1969-12-31'::date"), "\"1969-12-31\"");
    EXPECT_EQ(read<std::vector<std::string>>("select array['a', 'b']::varchar[]"), R"(["a","b"])");
    EXPECT_EQ(read<std::vector<std::string>>(R"(select '["a"]'::jsonb)"), R"(["a"])");
    EXPECT_EQ(read<std::vector<std::string>>("select '{}'::text[]"), "[]");
}

TEST_F(Rows, ObjectsThatPostgresqlMakes) {
    std::string const made = R"(
        select jsonb_agg(line) from (
            select '00000000-0000-0000-0000-000000000001'::uuid as pen_id, 1500::bigint as quantity,
                   19950::bigint as unit_price, null::text as note) as line)";
    EXPECT_EQ(read<std::vector<Line>>(made),
              R"([{"penId":"00000000-0000-0000-0000-000000000001","quantity":1.5,)"
              R"("unitPrice":199.50,"note":null}])");
    EXPECT_EQ(read<Address>("select 'Pune' as city, null::text as line_two, 'IN' as country"),
              R"({"city":"Pune","lineTwo":null,"country":"IN"})");
    EXPECT_EQ(read<std::optional<Address>>("select to_jsonb(t) from (select 'Pune' as city) as t"),
              R"({"city":"Pune","lineTwo":null,"country":"IN"})");
}

TEST_F(Rows, ParametersPostgresqlTakesApart) {
    Arguments arguments;
    arguments.inner.city.value = "Pune";
    arguments.lines.push_back({Id<Pen>{}, Quantity{2000}, Money{500}, std::nullopt});
    arguments.lines.push_back({Id<Pen>{}, Quantity{500}, Money{100}, Text<1, 20>{"n"}});
    Parameters parameters;
    parameters.add(shape_of<Arguments>, &arguments);
    std::vector<std::uint32_t> types;
    parameter_types(shape_of<Arguments>, types);
    EXPECT_EQ(types, (std::vector<std::uint32_t>{2950, 25, 23, 20, 3802}));
    Result const result = ask(R"(
        select ($3::int is null and $4::bigint is null) as flag, $2 || $1::text as text,
               (select sum(quantity * unit_price)::bigint
                from jsonb_to_recordset($5) as line(quantity bigint, unit_price bigint)) as sum)",
                              parameters, types);
    EXPECT_EQ(*PQgetvalue(result.rows.get(), 0, 0), 1);
    EXPECT_STREQ(PQgetvalue(result.rows.get(), 0, 1), "Pune00000000-0000-0000-0000-000000000000");
    std::int64_t sum = 0;
    RowPlan const plan{.columns = {2}, .mismatches = {}};
    decode_row(plan, shape_of<std::int64_t>, result.rows.get(), 0, &sum);
    EXPECT_EQ(sum, 1'050'000);

    parameters.clear();
    parameters.add_text("");
    Result const empty = ask("select $1::text is not null and $1 = ''", parameters);
    EXPECT_EQ(*PQgetvalue(empty.rows.get(), 0, 0), 1);
}

TEST_F(Rows, TellMismatches) {
    EXPECT_EQ(read<Address>("select 'Pune' as city, 'IN' as country"),
              "there is no column for the member line_two");
    EXPECT_EQ(read<std::int32_t>("select 7::bigint as n"),
              "column n is of type 20, its member wants 23");
    EXPECT_EQ(read<Timestamp>("select now()::timestamp as at"),
              "column at is of type 1114, its member wants 1184");
    EXPECT_EQ(read<Money>("select 1.5 as amount"),
              "column amount is of type 1700, its member wants 20");
    EXPECT_EQ(read<std::vector<std::string>>("select array[1] as list"),
              "column list is of type 1007, its member wants 1009");
    EXPECT_THROW(read<std::string>("select null::text"), Fault);
    EXPECT_THROW(read<Status>("select 'lost'"), Fault);
    EXPECT_THROW(read<std::vector<std::string>>("select array['a', null]"), Fault);
    EXPECT_THROW(read<std::vector<std::int32_t>>("select array[[1, 2], [3, 4]]"), Fault);
    EXPECT_THROW(read<std::vector<Line>>(R"(select '[{"quantity":1}]'::jsonb)"), Fault);
}

} // namespace
} // namespace haat::describe::test
