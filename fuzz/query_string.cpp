// Any bytes as a query string: no crash, and the texts that were taken are UTF-8 without NUL.
#include <cstdlib>

#include <base/text_forms.hpp>
#include <describe/test/shapes.hpp>

namespace {

using namespace haat::describe;

void check_text(std::string_view text) {
    if (!haat::is_utf8(text) || text.find('\0') != text.npos) std::abort();
}

template <class T> void check(std::string_view text) {
    T value;
    haat::Problems problems;
    decode_query(text, shape_of<T>, &value, problems);
    if (problems.size() > 100) std::abort();
    check_text(to_json(value));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    std::string_view const text(reinterpret_cast<char const*>(data), size);
    check<test::Query>(text);
    check<test::Order>(text);
    check<test::Change>(text);
    std::string out;
    if (percent_decode(text, out, true)) check_text(out);
    return 0;
}
