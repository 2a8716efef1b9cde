// The people of every scenario, made with SQL and with tokens minted as identity mints them.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include <base/words.hpp>
#include <pg/plain.hpp>
#include <test/harness/client.hpp>

namespace haat::test {

enum class Who {
    guest,    // nobody
    stranger, // signed in, a customer without an organization
    owner,    // and the other roles, of organization A
    manager,
    accountant,
    staff,
    viewer,
    other_owner, // of organization B
    admin        // of the platform, without an organization
};
inline constexpr std::array everybody{Who::guest,   Who::stranger,    Who::owner,
                                      Who::manager, Who::accountant,  Who::staff,
                                      Who::viewer,  Who::other_owner, Who::admin};
std::string_view name_of(Who);

class Actors {
public:
    explicit Actors(pg::PlainConnection& db);

    Caller const& operator[](Who who) const { return callers_[static_cast<std::size_t>(who)]; }
    /// The user's id; empty for the guest.
    std::string const& user(Who who) const { return users_[static_cast<std::size_t>(who)]; }
    std::string const& org_a() const { return org_a_; }
    std::string const& org_b() const { return org_b_; }

    /// Another sign-in of the same user: for what ends one session and not the others. `db` is the
    /// owner's or a superuser's.
    static std::string sign_in(pg::PlainConnection& db, std::string const& user,
                               bool is_admin = false);

private:
    std::array<Caller, everybody.size()> callers_;
    std::array<std::string, everybody.size()> users_;
    std::string org_a_;
    std::string org_b_;
};

} // namespace haat::test
