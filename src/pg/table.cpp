#include <pg/table.hpp>

#include <deque>

namespace haat::pg::detail {

char const* keep(std::string_view before, std::string_view table, std::string_view after) {
    static std::deque<std::string> kept;
    return kept.emplace_back(std::string(before) + std::string(table) + std::string(after)).c_str();
}

} // namespace haat::pg::detail
