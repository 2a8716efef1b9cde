#include <gtest/gtest.h>

#include <map>

#include <describe/test/shapes.hpp>

namespace haat::describe::test {
namespace {

using Components = std::map<std::string, std::string>;

/// The component of a type and of every type it names.
template <class T> Components components(Direction direction) {
    Components found;
    std::function<void(Shape const&, Direction)> named;
    named = [&](Shape const& shape, Direction way) {
        std::string const name = component_name(shape, way);
        if (found.contains(name)) return;
        found[name] = "being written";
        std::string text;
        component(text, shape, way, named);
        found[name] = text;
    };
    named(shape_of<T>, direction);
    return found;
}

TEST(Schema, OfAnOrder) {
    Components const found = components<Order>(Direction::input);
    EXPECT_EQ(found, components<Order>(Direction::output));
    EXPECT_EQ(found.size(), 4u);
    EXPECT_EQ(found.at("Order"),
              R"({"type":"object","properties":{)"
              R"("email":{"type":"string","format":"email","maxLength":254},)"
              R"("shipTo":{"$ref":"#/components/schemas/Address"},)"
              R"("billTo":{"anyOf":[{"$ref":"#/components/schemas/Address"},{"type":"null"}]},)"
              R"("items":{"type":"array","items":{"$ref":"#/components/schemas/Line"},)"
              R"("minItems":1,"maxItems":3},)"
              R"("tags":{"type":"array","items":{"type":"string","minLength":1,"maxLength":5},)"
              R"("maxItems":3,"default":["a","b"]},)"
              R"("priority":{"type":"integer","format":"int32","minimum":1,"maximum":9,)"
              R"("description":"1 to 9.","default":5},)"
              R"("status":{"$ref":"#/components/schemas/Status","default":"draft"},)"
              R"("attributes":{}},)"
              R"("required":["email","shipTo","items"]})");
    EXPECT_EQ(found.at("Status"),
              R"({"type":"string","enum":["draft","in_review","sold_out","new"]})");
    EXPECT_EQ(found.at("Line"),
              R"({"type":"object","properties":{)"
              R"("penId":{"type":"string","format":"uuid"},)"
              R"("quantity":{"type":"number","format":"quantity","minimum":1,"maximum":100,)"
              R"("description":"How many.","examples":[2.5]},)"
              R"("unitPrice":{"type":"number","format":"money","minimum":0,"maximum":1000,)"
              R"("description":"Also taken as price, unitCost."},)"
              R"("note":{"type":["string","null"],"minLength":1,"maxLength":20}},)"
              R"("required":["penId","quantity","unitPrice"]})");
}

TEST(Schema, OfEveryLeaf) {
    Components const found = components<Leaves>(Direction::output);
    EXPECT_EQ(
        found.at("Leaves"),
        R"({"type":"object","properties":{)"
        R"("flag":{"type":"boolean"},"small":{"type":"integer","format":"int32"},)"
        R"("big":{"type":"integer","format":"int64"},"ratio":{"type":"number","format":"double"},)"
        R"("text":{"type":"string","minLength":2,"maxLength":5},)"
        R"("secret":{"type":"string","format":"password","minLength":8,"maxLength":72},)"
        R"("email":{"type":"string","format":"email","maxLength":254},)"
        R"("phone":{"type":"string","format":"phone"},)"
        R"("url":{"type":"string","format":"uri","maxLength":2048},)"
        R"("slug":{"type":"string","pattern":"^[a-z0-9]+(-[a-z0-9]+)*$","maxLength":255},)"
        R"("quantity":{"type":"number","format":"quantity"},)"
        R"("money":{"type":"number","format":"money"},"id":{"type":"string","format":"uuid"},)"
        R"("at":{"type":"string","format":"date-time"},"day":{"type":"string","format":"date"},)"
        R"("json":{},"status":{"$ref":"#/components/schemas/Status"},)"
        R"("level":{"$ref":"#/components/schemas/Level"}},)"
        R"("required":["flag","small","big","ratio","text","secret","email","phone","url","slug",)"
        R"("quantity","money","id","at","day","json","status","level"]})");
}

TEST(Schema, SecretsGoInOnly) {
    Components const in = components<Leaves>(Direction::input);
    ASSERT_TRUE(in.contains("LeavesInput"));
    EXPECT_NE(in.at("LeavesInput").find(R"("format":"password","writeOnly":true)"),
              std::string::npos);
    EXPECT_EQ(component_name(shape_of<Leaves>, Direction::output), "Leaves");
    EXPECT_EQ(component_name(shape_of<Order>, Direction::input), "Order");
    EXPECT_EQ(component_name(shape_of<Change>, Direction::input), "ChangeInput");
}

TEST(Schema, InPlace) {
    auto const text = [](Shape const& shape) {
        std::string out;
        schema(out, shape, Direction::output, [](Shape const&, Direction) {});
        return out;
    };
    EXPECT_EQ(text(shape_of<std::string>), R"({"type":"string"})");
    EXPECT_EQ(text(shape_of<std::optional<Money>>),
              R"({"type":["number","null"],"format":"money"})");
    EXPECT_EQ(text(shape_of<std::vector<Line>>),
              R"({"type":"array","items":{"$ref":"#/components/schemas/Line"}})");
}

TEST(Schema, ExamplesCanBeRead) {
    std::string out;
    example(out, shape_of<Leaves>, Direction::input);
    Leaves leaves;
    EXPECT_EQ(told(from_json(out, leaves)), "") << out;
    out.clear();
    example(out, shape_of<Order>, Direction::input);
    Order order;
    EXPECT_EQ(told(from_json(out, order)), "") << out;
    EXPECT_NE(out.find(R"("quantity":2.5)"), out.npos);
}

} // namespace
} // namespace haat::describe::test
