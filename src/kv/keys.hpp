// The keys that values are kept under, in one table: how they look, how long they stay, which tag
// ends them. Whose they are is part of every key, so that nobody reads another organization's.
//
//     std::string const key = key_of(keys::product, Scope::of(org), {id});  //
//     org:<org>:product:<id>
#pragma once

#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include <base/words.hpp>
#include <kv/store.hpp>

namespace haat::kv {

struct KeyPattern {
    std::string_view pattern; // "project:{}:members"; each {} takes one part
    std::chrono::seconds ttl;
    std::string_view tag; // likewise, with the first parts; empty: nothing but time ends it
    std::string_view text;
};

namespace keys {
using namespace std::chrono_literals;
inline constexpr KeyPattern product_list{"products:{}", 300s, "products",
                                         "a list of products, by its filter"};
inline constexpr KeyPattern product{"product:{}", 600s, "products", "a product by id"};
inline constexpr KeyPattern categories{"categories", 3'600s, "categories", "the category tree"};
inline constexpr KeyPattern result{"{}:{}:{}", 300s, "",
                                   "what a function gave: room, function, arguments"};
inline constexpr KeyPattern user{"user:{}", 3'600s, "user:{}", "a user by id"};
inline constexpr KeyPattern user_projects{"user:{}:projects", 3'600s, "user:{}",
                                          "the projects of a user"};
inline constexpr KeyPattern cart{"cart:{}", 300s, "cart:{}", "a cart by its owner"};
inline constexpr KeyPattern project{"project:{}", 1'800s, "project:{}", "a project by id"};
inline constexpr KeyPattern project_members{"project:{}:members", 1'800s, "project:{}",
                                            "who is in a project"};
inline constexpr KeyPattern project_tasks{"project:{}:tasks", 900s, "project:{}",
                                          "the tasks of a project"};
inline constexpr KeyPattern task{"task:{}", 900s, "task:{}", "a task by id"};
inline constexpr KeyPattern session{"session:{}", 86'400s, "user:{}",
                                    "what a signed-in user has open"};
inline constexpr KeyPattern action_rate{"rate_limit:{}:{}", 0s, "",
                                        "how much of an action a user has left: user, action; "
                                        "the time is the caller's window"};
} // namespace keys
std::span<KeyPattern const* const> key_patterns();

/// Whose a value is.
class Scope {
public:
    static Scope everybody() { return Scope({}); }
    static Scope of(Uuid const& organization) { return Scope("org:" + to_string(organization)); }
    std::string const& text() const { return text_; }

private:
    explicit Scope(std::string text) : text_(std::move(text)) {}
    std::string text_;
};

/// Parts are escaped, so that none can pretend to be another key; long ones become their hash
/// (BLAKE2b of 128 bits). As many parts as the pattern has places.
std::string key_of(KeyPattern const&, Scope const&, std::initializer_list<std::string_view> parts);
/// Empty when the pattern has none.
std::string tag_of(KeyPattern const&, Scope const&, std::initializer_list<std::string_view> parts);

} // namespace haat::kv
