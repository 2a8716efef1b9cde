// A hash is good when every bit of the input moves about half the bits of the number.
#include <base/hash.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <set>
#include <string>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace haat {
namespace {

std::string bytes_of(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>(i * 131 + 7);
    return text;
}

TEST(Hash, EveryInputBitMovesAboutHalfOfTheOutput) {
    for (std::size_t const size : {1, 3, 4, 7, 8, 15, 16, 17, 31, 48, 49, 96, 97, 200}) {
        std::string text = bytes_of(size);
        std::uint64_t const before = hash_of(text);
        double sum = 0;
        int fewest = 64;
        for (std::size_t bit = 0; bit < size * 8; ++bit) {
            text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
            int const moved = std::popcount(before ^ hash_of(text));
            text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << bit % 8));
            sum += moved;
            fewest = std::min(fewest, moved);
        }
        EXPECT_GE(fewest, 8) << size << " bytes";
        EXPECT_NEAR(sum / static_cast<double>(size * 8), 32, size < 4 ? 6 : 2.5) << size;
    }
}

TEST(Hash, EverySizeAndEverySeedGivesAnother) {
    std::unordered_set<std::uint64_t> seen;
    std::string const zeros(512, '\0');
    for (std::size_t size = 0; size <= zeros.size(); ++size)
        seen.insert(hash_of(std::string_view(zeros).substr(0, size)));
    EXPECT_EQ(seen.size(), 513U);

    std::unordered_set<std::uint64_t> seeded;
    for (std::uint64_t seed = 0; seed < 1'000; ++seed) seeded.insert(hash_of("/brands", seed));
    EXPECT_EQ(seeded.size(), 1'000U);
}

TEST(Hash, SimilarKeysDoNotClashAndFillATableEvenly) {
    std::unordered_set<std::uint64_t> seen;
    std::vector<int> buckets(256);
    for (int i = 0; i < 256 * 400; ++i) {
        std::uint64_t const hash = hash_of("/api/v1/products?page=" + std::to_string(i));
        seen.insert(hash);
        ++buckets[hash & 255];
    }
    EXPECT_EQ(seen.size(), 256U * 400U);
    auto const [low, high] = std::minmax_element(buckets.begin(), buckets.end());
    EXPECT_GT(*low, 400 - 6 * 20); // six standard deviations
    EXPECT_LT(*high, 400 + 6 * 20);
}

TEST(Hash, DoesNotDependOnWhereTheBytesLie) {
    std::string const text = bytes_of(100);
    for (std::size_t shift = 1; shift < 8; ++shift) {
        std::string const moved = std::string(shift, 'x') + text;
        EXPECT_EQ(hash_of(std::string_view(moved).substr(shift)), hash_of(text));
    }
}

TEST(Hash, ETagsAreQuotedAndStayTheSameForEver) {
    EXPECT_EQ(etag_of(R"({"id":1})").size(), 18U);
    EXPECT_EQ(etag_of("a"), etag_of(std::string("a")));
    EXPECT_NE(etag_of("a"), etag_of("b"));
    // Clients keep ETags over our releases: these must not change.
    EXPECT_EQ(etag_of(""), "\"63845f7127be0d0d\"");
    EXPECT_EQ(etag_of("haat"), "\"1118b8e79702ac3e\"");
}

} // namespace
} // namespace haat
