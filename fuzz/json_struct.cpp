// Any bytes as the JSON of a struct: no crash, and what was taken is written and taken again alike.
#include <cstdlib>

#include <describe/leaves.hpp>
#include <describe/test/shapes.hpp>

namespace {

using namespace haat::describe;

template <class T> void check(std::string_view text, ReadOptions const& options) {
    T value;
    haat::Problems problems;
    bool const json = decode(text, shape_of<T>, &value, problems, options);
    if (!json && problems.size() != 1) std::abort();
    if (problems.size() > options.problems_max) std::abort();
    for (haat::Problem const& problem : problems)
        if (sentence_of(problem).empty()) std::abort();
    std::string const out = to_json(value);
    if (!problems.empty()) return;
    T second;
    haat::Problems none;
    if (!decode(out, shape_of<T>, &second, none) || !none.empty()) std::abort();
    if (to_json(second) != out) std::abort();
    if (diff(value, second) != "{}") std::abort();
    std::string stored;
    encode_stored(stored, shape_of<T>, &value);
    T third;
    if (!decode_stored(stored, shape_of<T>, &third, none) || !none.empty()) std::abort();
    if (to_json(third) != out) std::abort();
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    if (size == 0) return 0;
    std::string_view const text(reinterpret_cast<char const*>(data) + 1, size - 1);
    ReadOptions options;
    options.unwrap_data = (data[0] & 1) != 0;
    switch (data[0] >> 1 & 3) {
    case 0: check<test::Leaves>(text, options); break;
    case 1: check<test::Order>(text, options); break;
    case 2: check<test::Change>(text, options); break;
    default: check<haat::Json>(text, options);
    }
    return 0;
}
