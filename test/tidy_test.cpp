// The house's own lint over this house, and each of its rules over a bad and a good snippet.
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include <test/harness/house.hpp>
#include <test/harness/paths.hpp>
#include <test/harness/process.hpp>

namespace haat::test {
namespace {

namespace files = std::filesystem;

/// A little house on disk: one room, two modules, one migration.
class TidyTest : public testing::Test {
protected:
    void SetUp() override {
        root_ = temporary_directory("tidy");
        put("build/edges.txt", "room base: \nroom pg: base\nroom events: base pg\n"
                               "module identity: \nmodule catalog: identity\n");
        put("migrations/0001_identity.sql", "create schema identity;\ncreate schema catalog;\n"
                                            "create table identity.users ();\n");
    }
    void put(std::string const& path, std::string const& text) {
        files::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << text;
    }
    static Finished tidy(files::path const& root, std::vector<std::string> more) {
        ProcessOptions options;
        options.program = (build_directory() / "tidy").string();
        options.words = {root.string()};
        options.words.insert(options.words.end(), more.begin(), more.end());
        return run_process(options);
    }
    std::string run() { return tidy(root_, {(root_ / "build").string()}).output; }

    /// `rule` finds something at `line` of the text, and says what to do.
    void bad(std::string const& rule, std::string const& path, std::string const& text,
             int line = 1) {
        put(path, text);
        std::string const found = run();
        std::string const begin = path + ":" + std::to_string(line) + ": " + rule + ": ";
        EXPECT_NE(found.find(begin), std::string::npos) << text << "\n" << found;
        files::remove(root_ / path);
    }
    /// Nothing at all is found.
    void good(std::string const& path, std::string const& text) {
        put(path, text);
        EXPECT_EQ(run(), "") << text;
        files::remove(root_ / path);
    }

    files::path root_;
};

std::string in_coroutine(std::string const& statement) {
    return "Task<void> f() {\n    " + statement + "\n}\n";
}

constexpr auto brands = "src/modules/catalog/brands.cpp";

TEST_F(TidyTest, ThisHouseIsTidy) {
    Finished const finished = tidy(source_directory(), {});
    EXPECT_EQ(finished.code, 0) << finished.output << finished.errors;
}

TEST_F(TidyTest, RefusesToLookAtNothing) { EXPECT_EQ(tidy(root_ / "build", {}).code, 2); }

TEST_F(TidyTest, IncludesPointDownwards) {
    put("src/pg/tx.hpp", "#pragma once\n#include <events/outbox.hpp>\n");
    bad("include-direction", "src/base/a.cpp", "#include <pg/tx.hpp>\n");
    bad("include-direction", "src/pg/a.cpp", "#include <modules/catalog/catalog.hpp>\n");
    bad("include-direction", brands, "#include <app/config.hpp>\n");
    files::remove(root_ / "src/pg/tx.hpp");
    good("src/pg/a.cpp", "#include <vector>\n#include <base/words.hpp>\n");
    good("src/base/test/a_test.cpp", "#include <pg/tx.hpp>\n");
    good(brands, "#include <base/words.hpp>\n#include <events/events.hpp>\n");
    good("src/app/modules.cpp", "#include <modules/catalog/catalog.hpp>\n");
}

TEST_F(TidyTest, ModulesKnowOneAnotherByTheirFacesAlongDeclaredEdges) {
    bad("module-face", brands, "\n#include <modules/identity/token.hpp>\n", 2);
    bad("module-edge", "src/modules/identity/a.cpp", "#include <modules/catalog/catalog.hpp>\n");
    good(brands,
         "#include <modules/identity/identity.hpp>\n#include <modules/catalog/slugs.hpp>\n");
}

TEST_F(TidyTest, ModulesUseNobodyInACircle) {
    put("build/edges.txt", "room base:\nmodule a: b\nmodule b: c\nmodule c: a\n");
    EXPECT_NE(run().find("CMakeLists.txt:1: module-circle: a uses itself"), std::string::npos);
}

TEST_F(TidyTest, NoHeavyHeaderReachesAModule) {
    put(brands, "#include <pg/a.hpp>\n");
    bad("heavy-header", "src/pg/a.hpp", "#pragma once\n#include <boost/asio.hpp>\n", 2);
    bad("heavy-header", "src/pg/a.hpp", "#pragma once\n#include <libpq-fe.h>\n", 2);
    good("src/pg/a.hpp", "#pragma once\n#include <vector>\n");
    files::remove(root_ / brands);
    bad("heavy-header", brands, "#include <boost/beast/http.hpp>\n");
    good("src/pg/a.cpp", "#include <boost/asio.hpp>\n");
}

TEST_F(TidyTest, IncludesHaveOneForm) {
    bad("include-form", brands, "#include \"brands.hpp\"\n");
    put("src/base/b.cpp", "#include <base/a.hpp>\n");
    bad("include-form", "src/base/a.hpp", "int one();\n");
}

TEST_F(TidyTest, AModuleWritesOnlyItsOwnTables) {
    for (char const* sql :
         {"insert into identity.users values (1)", "update identity.users set a = 1",
          "delete from identity.users", "truncate identity.users"})
        bad("sql-owner", brands, "auto q = R\"(\n" + std::string(sql) + ")\";\n", 2);
    bad("sql-owner", "src/modules/identity/a.cpp", "auto q = \"select id from catalog.brands\";\n");
    bad("sql-owner", "src/modules/identity/a.cpp",
        "auto q = \"select id from x join catalog.brands b using (id)\";\n");
    bad("sql-owner", "src/pg/a.cpp", "auto q = \"select id from identity.users\";\n");
    good(brands, "auto q = \"select b.id from catalog.brands b join identity.users u on true\n"
                 "where b.a is distinct from b.c\";\n");
    good(brands, "auto q = \"insert into catalog.brands (id) values ($1)\";\n");
    good(brands, "// update identity.users is said in a comment\n");
}

TEST_F(TidyTest, QueriesNameTheirColumns) {
    bad("select-star", brands, "auto q = \"SELECT * from catalog.brands\";\n");
    good(brands, "auto q = \"select count(*) from catalog.brands\";\n");
    good("src/modules/catalog/test/a_test.cpp", "auto q = \"select * from catalog.brands\";\n");
}

TEST_F(TidyTest, MigrationsAreNumberedWithoutAGap) {
    bad("migration-number", "migrations/0003_gap.sql", "select 1;\n");
    bad("migration-number", "migrations/0001_second.sql", "select 1;\n");
    bad("migration-number", "migrations/two.sql", "select 1;\n");
    good("migrations/0002_catalog_more.sql", "create table catalog.brands ();\n");
    bad("migration-owner", "migrations/0002_catalog.sql",
        "\nalter table identity.users add a int;\n", 2);
}

TEST_F(TidyTest, AwaitingStatementsAreSimple) {
    put("src/base/brand.cpp", "HAAT_DESCRIBE(BrandView, id)\n");
    for (char const* statement :
         {"co_return Reply{201, co_await g()};", "auto x = a ? co_await g() : 1;",
          "co_await with([&] { use(x); });", "co_await tx.emit(BrandView(row));",
          "co_await g({.a = 1});", "if (co_await g(a ? 1 : 2)) {\n    }"})
        bad("coroutine-trap", "src/base/a.cpp", in_coroutine(statement), 2);
    for (char const* statement :
         {"auto x = co_await g();", "if (co_await g()) {\n        use(a ? 1 : 2);\n    }",
          "for (auto& x : co_await g()) {\n        use(x);\n    }",
          "Reply const made{201, a};\n    co_await g(made);",
          "co_await g([](int a) { return a; });", "// co_await g({})\n    co_await g(\"{ ? }\");",
          "while (true) {\n        co_await g();\n    }\n    auto const h = [&] { return a ? 1 : "
          "2; };"})
        good("src/base/a.cpp", in_coroutine(statement));
}

TEST_F(TidyTest, CoroutinesAreNoCapturingLambdas) {
    bad("coroutine-lambda", "src/base/a.cpp",
        "void f() {\n    auto g = [&]() -> Task<void> { co_await h(); };\n}\n", 2);
    good("src/base/a.cpp",
         "void f() {\n    auto g = [](int a) -> Task<void> { co_await h(a); };\n}\n");
}

TEST_F(TidyTest, FunctionsFilesAndLinesHaveTheirLengths) {
    auto const lines = [](int count) {
        std::string text;
        for (int i = 0; i < count; ++i) text += "    ++a;\n";
        return text;
    };
    bad("function-length", "src/base/a.cpp", "\nvoid f() {\n" + lines(69) + "}\n", 2);
    bad("function-length", "src/base/a.cpp",
        "struct S {\n    int f() const {\n" + lines(69) + "    }\n};\n", 2);
    good("src/base/a.cpp", "void f() {\n" + lines(68) + "}\nvoid g() {\n" + lines(68) + "}\n");
    good("src/base/a.cpp", "struct S {\n" + lines(90) + "};\nnamespace {\n" + lines(90) + "}\n");
    bad("file-length", "src/base/a.cpp", std::string(601, '\n'));
    good("src/base/a.cpp", std::string(600, '\n'));
    bad("line-length", "src/base/a.cpp", "\n// " + std::string(98, 'x') + "\n", 2);
    std::string umlauts = "// ";
    for (int i = 0; i < 97; ++i) umlauts += "\xc3\xa4";
    good("src/base/a.cpp", umlauts + "\n");
}

TEST_F(TidyTest, SomeCallsAreBanned) {
    for (char const* call :
         {"std::this_thread::sleep_for(1s)", "::usleep(5)", "std::rand()", "strcpy(a, b)",
          "sprintf(a, b)", "std::system(a)", "printf(a)", "std::cout << a", "auto* p = new Thing"})
        bad("banned", "src/base/a.cpp", "\nvoid f() { " + std::string(call) + "; }\n", 2);
    bad("banned", "src/base/test/a_test.cpp", "TEST(A, DISABLED_B) {}\n");
    bad("exact-numbers", brands, "double price = 1;\n");
    bad("exact-numbers", brands, "std::optional<float> total_tax;\n");
    good(brands, "std::optional<double> lat;\n");
    good("src/app/commands/a.cpp", "void f() { std::printf(a); }\n");
    good("src/base/a.cpp", "Task<void> f() {\n    co_await sleep_for(1s);\n    snprintf(a, 1, b);\n"
                           "    std::unique_ptr<T> p(new T(1));\n    ::new (at) T();\n}\n");
    good("src/base/a.cpp", "double share = 1; // of the platform; modules count in minor units\n");
}

TEST_F(TidyTest, NothingIsLeftUnfinished) {
    bad("words", "src/base/a.cpp",
        "// TO"
        "DO: later\n");
    bad("words", "docs/a.md",
        "\nFIX"
        "ME\n",
        2);
    bad("words", "docs/a.md",
        "see /ho"
        "me/someone/notes\n");
    good("docs/a.md", "a to-do list, and the path /shops/home/items\n");
}

TEST_F(TidyTest, NoFileIsDead) {
    bad("dead-file", "src/base/a.hpp", "#pragma once\n");
    put("build/compile_commands.json", "[{\"file\": \"/x/src/base/a.cpp\"}]");
    bad("dead-file", "src/orphan/b.cpp", "int b();\n");
    good("src/base/a.cpp", "int a();\n");
}

} // namespace
} // namespace haat::test
