// From what a person typed to the rows that are kept: rules and values, no I/O.
#pragma once

#include <modules/identity/identity.hpp>
#include <modules/identity/model.hpp>

namespace haat::identity {

/// Throws everything that is wrong with name and password at once.
void check_registration(PasswordPolicy, Registration const&);

/// "Asha Rao" from any of the three forms; empty when there is none.
std::string name_of(Registration const&);

NewUser new_user(Registration const&, std::string password_hash);
UserCreated created_event(UserView const&);

/// Ten letters and digits that are hard to misread.
std::string new_referral_code();

OrganizationRow new_organization(NewOrganization const&, int owned_max);

} // namespace haat::identity
