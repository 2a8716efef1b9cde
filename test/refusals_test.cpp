// Every refusal that is declared has a test that produces it.
#include <algorithm>
#include <iterator>

#include <gtest/gtest.h>

#include <base/refusal.hpp>
#include <test/harness/sources.hpp>

namespace haat::test {
namespace {

// No request can bring these about just now; whoever changes that writes the test and takes the
// line out.
struct OutOfReach {
    std::string_view code;
    std::string_view why;
};
constexpr OutOfReach out_of_reach[] = {
    {"RESOURCE_NOT_FOUND", "every path argument is the id of a noun, whose own code is given"},
    {"DRAINING", "the backlog is emptied and the listener closed in one turn of the loop"}};

// "CODE" must stand in a test: as .code of a scenario, or compared with an answer's code.
TEST(RefusalsTest, EveryCodeIsProducedByATest) {
    int kinds = 0;
    for (RefusalKind const* kind = RefusalKind::first(); kind != nullptr; kind = kind->next()) {
        ++kinds;
        std::string const quoted = "\"" + std::string(kind->code()) + "\"";
        bool found = std::any_of(std::begin(out_of_reach), std::end(out_of_reach),
                                 [&](OutOfReach const& each) { return each.code == kind->code(); });
        for (auto const& [file, text] : test_sources())
            found |= text.find(quoted) != std::string::npos;
        EXPECT_TRUE(found) << kind->code() << " has no test that produces it";
    }
    EXPECT_GT(kinds, 30);
}

TEST(RefusalsTest, CodesAreDeclaredOnce) {
    std::map<std::string_view, int> codes;
    for (RefusalKind const* kind = RefusalKind::first(); kind != nullptr; kind = kind->next())
        ++codes[kind->code()];
    for (auto const& [code, times] : codes) EXPECT_EQ(times, 1) << code;
}

TEST(RefusalsTest, TheyHaveAStatusACodeAndASentence) {
    for (RefusalKind const* kind = RefusalKind::first(); kind != nullptr; kind = kind->next()) {
        EXPECT_GE(kind->status(), 400) << kind->code();
        EXPECT_LT(kind->status(), 600) << kind->code();
        EXPECT_EQ(kind->code().find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"),
                  std::string_view::npos)
            << kind->code();
        EXPECT_TRUE(kind->sentence().ends_with('.')) << kind->code();
    }
}

} // namespace
} // namespace haat::test
