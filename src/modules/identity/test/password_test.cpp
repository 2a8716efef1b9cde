#include <gtest/gtest.h>

#include <modules/identity/password.hpp>
#include <test/harness/table.hpp>

namespace haat::identity {
namespace {

struct PolicyCase {
    PasswordPolicy policy = PasswordPolicy::mixed;
    std::string password;
    std::string problems;
};
HAAT_DESCRIBE(PolicyCase, policy, password, problems)

std::string codes_of(Problems const& problems) {
    std::string codes;
    for (Problem const& problem : problems) {
        EXPECT_EQ(problem.path, "password");
        EXPECT_NE(sentence_of(problem), "is not valid") << problem.code;
        codes.append(codes.empty() ? "" : " ").append(problem.code);
    }
    return codes;
}

TEST(Password, Policy) {
    test::table<PolicyCase>(R"(
        policy | password                  | problems
        mixed  | Haat-demo-2026            | -
        mixed  | SecurePass123             | -
        mixed  | Tr0ubadour                | -
        mixed  | "correct Horse 9 battery" | -
        mixed  | Ümläute-Größe9x           | -
        mixed  | Short1                    | too_short
        mixed  | alllowercase9             | needs_capital_letter
        mixed  | ALLUPPERCASE9             | needs_small_letter
        mixed  | NoDigitsHere              | needs_digit
        mixed  | password                  | "needs_capital_letter needs_digit too_common"
        mixed  | Password1                 | too_common
        mixed  | Password123               | too_common
        mixed  | P@ssw0rd2026!            | too_common
        mixed  | Qwertyuiop1               | too_common
        mixed  | Welcome@123               | too_common
        mixed  | Asha@Haat.test1           | -
        mixed  | asha.9Rao@haat.test       | same_as_email
        mixed  | Asha.9rao                 | same_as_email
        length | password123               | -
        length | short                     | too_short
        strong | SecurePass123             | needs_mark
        strong | SecurePass-123            | -
    )",
                            [](PolicyCase const& each) {
                                EXPECT_EQ(codes_of(password_problems(each.policy, each.password,
                                                                     "asha.9rao@haat.test")),
                                          each.problems);
                            });
}

TEST(Password, LengthCountsCharactersNotBytes) {
    std::string umlauts = "Aa1";
    for (int i = 0; i < 125; ++i) umlauts += i % 2 ? "ü" : "ö";
    EXPECT_EQ(codes_of(password_problems(PasswordPolicy::mixed, umlauts, "")), "");
    EXPECT_EQ(codes_of(password_problems(PasswordPolicy::mixed, umlauts + "x", "")), "too_long");
}

TEST(Password, RunsAreCommon) {
    for (std::string_view const each : {"aaaaaaaaaa", "12345678", "87654321", "1234567890",
                                        "abcdefgh", "AbCdEfGh", "iloveyou2", "Jaishreeram1"})
        EXPECT_TRUE(is_common_password(each)) << each;
    for (std::string_view const each : {"xkcd-Batteri3s", "Kolhapur Chappal 7", "Haat-demo-2026"})
        EXPECT_FALSE(is_common_password(each)) << each;
}

HashCost const cheap{.operations = 1, .memory_bytes = 64 * 1024};

TEST(Password, HashesAreSaltedAndVerified) {
    std::string const hash = hash_password("Haat-demo-2026", cheap);
    EXPECT_TRUE(hash.starts_with("$argon2id$v=19$m=64,t=1,p=1$")) << hash;
    EXPECT_NE(hash, hash_password("Haat-demo-2026", cheap));
    EXPECT_TRUE(verify_password(hash, "Haat-demo-2026"));
    EXPECT_FALSE(verify_password(hash, "haat-demo-2026"));
    EXPECT_FALSE(verify_password(hash, ""));
    EXPECT_FALSE(verify_password("", "Haat-demo-2026"));
    EXPECT_FALSE(verify_password("Haat-demo-2026", "Haat-demo-2026"));
    EXPECT_FALSE(needs_rehash(hash, cheap));
    EXPECT_TRUE(needs_rehash(hash, HashCost()));
}

TEST(Password, NothingIsCut) {
    std::string const longest(128, 'x');
    std::string const hash = hash_password(longest, cheap);
    EXPECT_TRUE(verify_password(hash, longest));
    EXPECT_FALSE(verify_password(hash, longest.substr(0, 127)));
    EXPECT_FALSE(verify_password(hash, longest + "x"));
}

// The first is of the crypt_blowfish test set, the second is as bcrypt.js writes them.
TEST(Password, BcryptOfImportedUsers) {
    std::string const set = "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    EXPECT_TRUE(verify_password(set, "U*U"));
    EXPECT_FALSE(verify_password(set, "U*V"));
    EXPECT_TRUE(needs_rehash(set, HashCost()));
    std::string text_with_zero("U*U\0more", 8);
    EXPECT_FALSE(verify_password(set, text_with_zero));
    EXPECT_FALSE(verify_password("$2a$05$short", "U*U"));
    EXPECT_FALSE(verify_password("$2", ""));
}

TEST(Password, TheDecoyIsReadLikeARealHash) {
    std::string const decoy = decoy_hash(HashCost());
    EXPECT_FALSE(needs_rehash(decoy, HashCost())) << "the library cannot read it";
    EXPECT_FALSE(verify_password(decoy, "Haat-demo-2026"));
    EXPECT_EQ(decoy.size(), hash_password("x", HashCost()).size());
}

} // namespace
} // namespace haat::identity
