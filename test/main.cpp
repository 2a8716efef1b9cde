// The one test binary: everything of haat but its main(), and the tests of all rooms and modules.
#include <cstdio>
#include <cstdlib>
#include <memory>

#include <gtest/gtest.h>

#include <files/pictures.hpp>
#include <test/harness/database.hpp>
#include <test/harness/house.hpp>
#include <test/harness/wait.hpp>

namespace {

using namespace std::chrono_literals;

// With HAAT_CANARY=1 there are two more tests. One fails: proof that failing works. The other holds
// a cluster until its process is killed: proof that nothing is left behind.
class Canary : public testing::Test {
public:
    void TestBody() override { FAIL() << "the canary sings, as it should"; }
};
class Holder : public testing::Test {
public:
    void TestBody() override {
        haat::test::TestDatabase const db;
        std::printf("the cluster is up\n");
        std::fflush(stdout);
        haat::test::soon([] { return false; }, 60s);
    }
};

template <class Hidden> void add_hidden(char const* name) {
    testing::RegisterTest("Canary", name, nullptr, nullptr, __FILE__, __LINE__,
                          []() -> testing::Test* { return std::make_unique<Hidden>().release(); });
}

void add_hidden_tests() {
    if (std::getenv("HAAT_CANARY") == nullptr) return;
    add_hidden<Canary>("MustFail");
    add_hidden<Holder>("HoldsACluster");
}

} // namespace

// What libvips calls is not instrumented: how its threads wait for one another cannot be seen.
extern "C" char const* __tsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)
extern "C" char const* __tsan_default_suppressions() { // NOLINT(bugprone-reserved-identifier)
    return "race:libglib-2.0.so\nrace:libvips.so\nrace:libpng16.so\nrace:libz.so\n";
}

int main(int count, char** words) {
    if (haat::files::is_picture_child(count, words)) return haat::files::picture_child(words);
    haat::test::House const house;
    testing::InitGoogleTest(&count, words);
    add_hidden_tests();
    int const result = RUN_ALL_TESTS();
    haat::test::stop_cluster();
    return result;
}
