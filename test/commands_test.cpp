// Every command as it is typed, and as a machine asks it.
#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

#include <test/harness/house.hpp>
#include <test/harness/process.hpp>

namespace haat::test {
namespace {

constexpr char const* somebody = "00000000-0000-7000-8000-000000000001";

class CommandsTest : public testing::Test {
protected:
    Finished haat(std::vector<std::string> words) const {
        ProcessOptions options;
        options.words = std::move(words);
        options.environment = {{"HAAT_DATA_DIR", directory_.string()}, {"PORT", "1"}};
        return run_process(options);
    }
    std::filesystem::path const directory_ = temporary_directory("commands");
};

/// One JSON document, and nothing beside it.
bool is_json(std::string const& text) {
    boost::json::error_code error;
    boost::json::parse(text, error);
    return !error;
}

TEST_F(CommandsTest, AnswerInJson) {
    std::string const pages = (directory_ / "pages").string();
    std::vector<std::vector<std::string>> const asked = {{"routes", "--json"},
                                                         {"docs", pages, "--json"},
                                                         {"check", "queries", "--json"},
                                                         {"migrate", "--json"},
                                                         {"migrate", "status", "--json"},
                                                         {"audit", "verify", "--json"},
                                                         {"erase", somebody, "--json"},
                                                         {"erase", somebody, "yes", "--json"},
                                                         {"config", "--json"},
                                                         {"doctor", "--json"},
                                                         {"version", "--json"}};
    for (auto const& words : asked) {
        Finished const finished = haat(words);
        EXPECT_TRUE(is_json(finished.output)) << words[0] << ": " << finished.output;
        EXPECT_TRUE(finished.code == 0 || words[0] == "doctor") << words[0] << finished.errors;
    }
}

TEST_F(CommandsTest, MigrateTellsWhatIsPending) {
    Finished const pending = haat({"migrate", "status"});
    EXPECT_EQ(pending.code, 1);
    EXPECT_NE(pending.output.find("pending"), std::string::npos) << pending.output;
    EXPECT_EQ(haat({"migrate"}).code, 0);
    Finished const applied = haat({"migrate", "status"});
    EXPECT_EQ(applied.code, 0);
    EXPECT_EQ(applied.output.find("pending"), std::string::npos) << applied.output;
    EXPECT_EQ(haat({"migrate"}).output, "nothing to apply\n");
}

TEST_F(CommandsTest, CheckPreparesEveryQuery) {
    Finished const finished = haat({"check", "queries"});
    EXPECT_EQ(finished.code, 0) << finished.output << finished.errors;
    EXPECT_NE(finished.output.find("queries fit"), std::string::npos) << finished.output;
}

TEST_F(CommandsTest, EraseAsksTwice) {
    EXPECT_EQ(haat({"migrate"}).code, 0);
    Finished const asked = haat({"erase", somebody});
    EXPECT_NE(asked.output.find("cannot be undone"), std::string::npos) << asked.output;
    EXPECT_NE(haat({"erase", somebody, "yes"}).output.find("destroyed"), std::string::npos);
}

TEST_F(CommandsTest, AskedWronglyTheySayHow) {
    for (std::vector<std::string> const& words : {std::vector<std::string>{"check"},
                                                  {"check", "nothing"},
                                                  {"migrate", "back"},
                                                  {"erase"},
                                                  {"erase", "nobody"},
                                                  {"erase", somebody, "perhaps"},
                                                  {"audit", "forge"},
                                                  {"sing"},
                                                  {"version", "--loudly"}}) {
        Finished const finished = haat(words);
        EXPECT_EQ(finished.code, 2) << words[0];
        EXPECT_NE(finished.errors + finished.output, "") << words[0];
    }
}

} // namespace
} // namespace haat::test
