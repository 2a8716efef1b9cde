#include <gtest/gtest.h>

#include <base/refusal.hpp>

namespace haat {
namespace {

struct Case {
    std::string_view code;
    std::string_view params;
    std::string_view sentence;
};

TEST(Problem, SaysWhatIsWrong) {
    Case const cases[] = {
        {"required", "", "is required"},
        {"null", "", "must not be null"},
        {"type", R"({"expected":"string"})", "must be a text"},
        {"type", R"({"expected":"integer"})", "must be a whole number"},
        {"type", R"({"expected":"array"})", "must be a list"},
        {"type", "", "is of the wrong type"},
        {"format", R"({"expected":"email"})", "must be a valid e-mail address"},
        {"format", R"({"expected":"money"})", "must be an amount with at most two decimals"},
        {"format", R"({"expected":"new"})", "is not valid"},
        {"too_short", R"({"min":1})", "must not be empty"},
        {"too_short", R"({"min":8})", "must have at least 8 characters"},
        {"too_long", R"({"max":1})", "must have at most 1 character"},
        {"too_long", R"({"max":255})", "must have at most 255 characters"},
        {"too_small", R"({"min":1})", "must be at least 1"},
        {"too_small", R"({"min":-5})", "must be at least -5"},
        {"too_large", R"({"max":100})", "must be at most 100"},
        {"too_large", "", "is too large"},
        {"too_few", R"({"min":1})", "must have at least 1 entry"},
        {"too_many", R"({"max":20})", "must have at most 20 entries"},
        {"not_one_of", R"({"values":["draft","active"]})", "must be one of: draft, active"},
        {"not_one_of", "", "is not one of the known values"},
        {"json", R"({"at":7})", "is not valid JSON"},
        {"too_deep", "", "is nested too deeply"},
        {"taken", "", "is taken already"},
        {"not_found", "", "does not exist"},
    };
    for (Case const& c : cases) {
        Problem const problem{"field", c.code, std::string(c.params)};
        EXPECT_EQ(sentence_of(problem), c.sentence) << c.code << c.params;
    }
}

} // namespace
} // namespace haat
