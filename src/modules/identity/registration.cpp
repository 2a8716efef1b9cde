#include <modules/identity/registration.hpp>

#include <sodium.h>

#include <base/clock.hpp>

namespace haat::identity {

std::string name_of(Registration const& body) {
    if (body.full_name) return body.full_name->value;
    std::string name;
    if (body.first_name) name = body.first_name->value;
    if (body.last_name) name.append(name.empty() ? "" : " ").append(body.last_name->value);
    return name;
}

void check_registration(PasswordPolicy policy, Registration const& body) {
    Problems problems = password_problems(policy, body.password.value, body.email.value);
    if (name_of(body).empty()) problems.push_back({"fullName", "required", {}});
    if (problems.empty()) return;
    throw Refusal(validation_error).about(std::move(problems));
}

std::string new_referral_code() {
    constexpr std::string_view letters = "ABCDEFGHJKMNPQRSTUVWXYZ23456789";
    std::string code(10, ' ');
    for (char& c : code) c = letters[randombytes_uniform(letters.size())];
    return code;
}

NewUser new_user(Registration const& body, std::string password_hash) {
    NewUser row{.email = body.email,
                .email_lower = body.email.lower(),
                .phone = body.phone,
                .full_name = name_of(body),
                .password_hash = std::move(password_hash),
                .referral_code = new_referral_code(),
                .referrer_code = {},
                .now = now()};
    if (body.referral_code) row.referrer_code = body.referral_code->value;
    return row;
}

UserCreated created_event(UserView const& user) {
    return {.id = user.id,
            .email = user.email.value_or(Email()),
            .name = user.full_name,
            .phone = user.phone,
            .role = user.role,
            .is_active = user.is_active,
            .created_at = user.created_at};
}

OrganizationRow new_organization(NewOrganization const& body, int owned_max) {
    OrganizationRow row{.id = new_id<Organization>(),
                        .display_name = body.display_name,
                        .owner_name = body.owner_name,
                        .slug = Slug::of(body.display_name.value),
                        .gstin = body.gstin,
                        .pan = body.pan,
                        .state_code = body.state_code,
                        .currency = body.currency,
                        .time_zone = body.time_zone,
                        .fiscal_year_start = body.fiscal_year_start,
                        .now = now(),
                        .owned_max = owned_max};
    if (row.slug.value.empty()) row.slug.value = "shop"; // a name without a Latin letter
    return row;
}

} // namespace haat::identity
