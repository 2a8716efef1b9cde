// The table inside this binary, and tools/embed run on a folder made for it.
#include <base/embedded.hpp>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

#include <test/harness/paths.hpp>
#include <test/harness/process.hpp>

namespace haat {
namespace {

namespace files = std::filesystem;

std::string content(files::path const& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(Embedded, HoldsTheMigrationsOfTheTree) {
    std::size_t count = 0;
    for (auto const& entry : files::directory_iterator(test::source_directory() / "migrations")) {
        if (entry.path().extension() != ".sql") continue;
        ++count;
        auto const bytes = embedded("migrations/" + entry.path().filename().string());
        ASSERT_TRUE(bytes) << entry.path();
        EXPECT_EQ(*bytes, content(entry.path()));
    }
    EXPECT_EQ(embedded_under("migrations/").size(), count);
}

TEST(Embedded, KnowsNothingElse) {
    EXPECT_FALSE(embedded("migrations"));
    EXPECT_FALSE(embedded("migrations/"));
    EXPECT_FALSE(embedded(""));
    EXPECT_TRUE(embedded_under("no/such/folder/").empty());
}

TEST(Embedded, PathsAreSorted) {
    auto const all = embedded_under("");
    for (std::size_t i = 1; i < all.size(); ++i) EXPECT_LT(all[i - 1].path, all[i].path);
}

class EmbedTool : public testing::Test {
protected:
    void SetUp() override {
        std::string pattern = files::temp_directory_path() / "haat-embed-XXXXXX";
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        root_ = pattern;
    }
    void TearDown() override { files::remove_all(root_); }

    void put(std::string const& path, std::string const& text) {
        files::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path, std::ios::binary) << text;
    }
    int embed(std::vector<std::string> const& folders) {
        test::ProcessOptions options;
        options.program = test::build_directory() / "embed";
        options.words = {(root_ / "out.S").string(), root_.string()};
        options.words.insert(options.words.end(), folders.begin(), folders.end());
        return test::run_process(options).code;
    }

    files::path root_;
};

TEST_F(EmbedTool, WritesTheSameBytesForTheSameTree) {
    put("a/two.txt", "2");
    put("a/one.txt", "1");
    put("b/deep/three.txt", "");
    ASSERT_EQ(embed({"a", "b"}), 0);
    auto const first = content(root_ / "out.S");
    ASSERT_EQ(embed({"b", "a"}), 0);
    EXPECT_EQ(content(root_ / "out.S"), first);
    EXPECT_LT(first.find("a/one.txt"), first.find("a/two.txt"));
    EXPECT_NE(first.find(".quad 3"), std::string::npos);
}

TEST_F(EmbedTool, AMissingFolderHoldsNothing) {
    ASSERT_EQ(embed({"nowhere"}), 0);
    EXPECT_NE(content(root_ / "out.S").find("haat_embedded_count:\n    .quad 0"),
              std::string::npos);
}

TEST_F(EmbedTool, OddNamesAreEscaped) {
    put("a/with \"quotes\" and \\.txt", "x");
    ASSERT_EQ(embed({"a"}), 0);
    EXPECT_NE(content(root_ / "out.S").find(R"(with \"quotes\" and \\.txt)"), std::string::npos);
}

} // namespace
} // namespace haat
