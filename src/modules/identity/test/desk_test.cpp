#include <gtest/gtest.h>

#include <thread>

#include <base/clock.hpp>
#include <modules/identity/desk.hpp>

namespace haat::identity {
namespace {

TEST(News, TellsWhatCameAfter) {
    News news;
    std::vector<Uuid> heard;
    EXPECT_TRUE(news.after(0, heard));
    EXPECT_TRUE(heard.empty());
    std::vector<Uuid> const told{new_uuid(), new_uuid(), new_uuid()};
    for (Uuid const& each : told) news.add(each);
    EXPECT_EQ(news.count(), 3u);
    EXPECT_TRUE(news.after(0, heard));
    EXPECT_EQ(heard, told);
    heard.clear();
    EXPECT_TRUE(news.after(2, heard));
    EXPECT_EQ(heard, std::vector<Uuid>{told[2]});
}

TEST(News, SaysWhenItHasForgotten) {
    News news;
    for (int i = 0; i < 300; ++i) news.add(new_uuid());
    Uuid const last = new_uuid();
    news.add(last);
    std::vector<Uuid> heard;
    EXPECT_FALSE(news.after(0, heard));
    EXPECT_TRUE(heard.empty());
    EXPECT_TRUE(news.after(301 - 256, heard));
    EXPECT_EQ(heard.size(), 256u);
    EXPECT_EQ(heard.back(), last);
}

TEST(News, ConcurrentTellersLoseNothing) {
    News news;
    std::vector<std::thread> tellers;
    for (int i = 0; i < 4; ++i)
        tellers.emplace_back([&] {
            for (int j = 0; j < 1000; ++j) news.add(new_uuid());
        });
    std::uint64_t seen = 0;
    while (seen < 4000) {
        std::vector<Uuid> heard;
        if (news.after(seen, heard))
            seen += heard.size();
        else
            seen = news.count();
    }
    for (auto& teller : tellers) teller.join();
    EXPECT_EQ(seen, 4000u);
}

struct Same {
    std::size_t operator()(int number) const noexcept { return static_cast<std::size_t>(number); }
};

TEST(Generations, HoldsWhatIsAskedForAndIsBounded) {
    Generations<int, int, Same> kept(10);
    kept.put(0, 100);
    for (int i = 1; i < 1000; ++i) {
        kept.put(i, i);
        ASSERT_TRUE(kept.find(0)) << i;
        EXPECT_EQ(*kept.find(0), 100);
    }
    int there = 0;
    for (int i = 0; i < 1000; ++i) there += kept.find(i) != nullptr;
    EXPECT_LE(there, 20);
    kept.erase_if([](auto const& entry) { return entry.first == 0; });
    EXPECT_FALSE(kept.find(0));
    kept.put(1, 1);
    kept.clear();
    EXPECT_FALSE(kept.find(1));
}

} // namespace
} // namespace haat::identity
