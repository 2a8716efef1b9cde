// Any bytes as a path: the router finds the same route again, and what it cuts out is in the path.
#include <cstdlib>

#include <describe/codec.hpp>
#include <http/router.hpp>

namespace {

using namespace haat;

struct Noun {
    static constexpr std::string_view noun = "thing";
};

Task<Reply<None>> plain(Call<>&) { co_return nothing(); }
Task<Reply<None>> one(Call<>&, Id<Noun>) { co_return nothing(); }
Task<Reply<None>> two(Call<>&, Slug, Id<Noun>) { co_return nothing(); }

Routes make_routes() {
    Routes routes;
    Routes things = routes.group("/things", "Things");
    things.get("", &plain, "All").open();
    things.get("/{id}", &one, "One").open();
    things.get("/search", &plain, "Literal before parameter").open();
    things.get("/{slug}/parts/{id}", &two, "A part").open();
    routes.root("Root").get("/", &plain, "Start").open();
    return routes;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    static Routes const routes = make_routes();
    static http::Router const router(routes.all());
    std::string_view const path(reinterpret_cast<char const*>(data), size);
    http::Match const match = router.find(http::Method::get, path);
    if (match.route && !match.path_exists) std::abort();
    std::string text;
    for (std::size_t i = 0; i < match.argument_count; ++i) {
        std::string_view const argument = match.arguments[i];
        if (argument.data() < path.data() || argument.data() + argument.size() > path.data() + size)
            std::abort();
        Uuid uuid;
        if (describe::percent_decode(argument, text, false))
            (void)describe::decode_text(text, describe::shape_of<Uuid>, &uuid);
    }
    if (match.route && router.allowed(path).empty()) std::abort();
    return 0;
}
