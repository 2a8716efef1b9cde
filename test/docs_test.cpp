// What `haat docs` writes is what is committed, so that a change of the API shows in review.
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include <test/harness/house.hpp>
#include <test/harness/paths.hpp>
#include <test/harness/process.hpp>

namespace haat::test {
namespace {

std::string text_of(std::filesystem::path const& path) {
    std::ifstream in(path);
    return {std::istreambuf_iterator<char>(in), {}};
}

TEST(DocsTest, TheGeneratedPagesAreThoseThatAreCommitted) {
    auto const folder = temporary_directory("docs");
    ProcessOptions options;
    options.words = {"docs", folder.string()};
    Finished const finished = run_process(options);
    ASSERT_EQ(finished.code, 0) << finished.errors;
    int pages = 0;
    for (auto const& entry : std::filesystem::directory_iterator(folder)) {
        ++pages;
        auto const name = entry.path().filename();
        // Not EXPECT_EQ: nobody reads the difference of two documents of a thousand lines here.
        EXPECT_TRUE(text_of(entry.path()) == text_of(source_directory() / "docs" / name))
            << "docs/" << name.string()
            << " is not what the program says: run `haat docs` and commit";
    }
    EXPECT_GE(pages, 4);
}

} // namespace
} // namespace haat::test
