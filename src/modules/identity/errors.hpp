// What the identity module refuses, in the order in which a sign-in meets it.
#pragma once

#include <base/refusal.hpp>

namespace haat::identity {

// Signing in.
inline RefusalKind const account_locked{423, "ACCOUNT_LOCKED",
                                        "Too many wrong passwords. Wait a while, then try again."};
inline RefusalKind const too_many_sign_ins{
    429, "AUTH_RATE_LIMIT_EXCEEDED", "Too many wrong passwords from your address. Wait a while."};
inline RefusalKind const invalid_credentials{401, "INVALID_CREDENTIALS",
                                             "The e-mail address or the password is wrong."};
inline RefusalKind const account_inactive{403, "ACCOUNT_INACTIVE",
                                          "This account has been deactivated."};
inline RefusalKind const role_mismatch{403, "ROLE_MISMATCH",
                                       "This account is not of the kind you want to sign in as."};

// Tokens.
inline RefusalKind const session_ended{401, "TOKEN_REVOKED",
                                       "This session has ended. Sign in again."};
inline RefusalKind const invalid_refresh_token{401, "INVALID_REFRESH_TOKEN",
                                               "The refresh token is not valid. Sign in again."};
inline RefusalKind const refresh_token_reused{
    401, "REFRESH_TOKEN_REUSED",
    "This refresh token was used before, so the session has been ended. Sign in again."};

// Signing up.
inline RefusalKind const email_exists{409,
                                      "EMAIL_EXISTS",
                                      "This e-mail address is registered already.",
                                      {.constraint = "users_email_lower_key", .field = "email"}};

// Organizations.
inline RefusalKind const organization_required{
    400, "ORGANIZATION_REQUIRED", "Say which organization you act for in the header X-Org-Id."};
inline RefusalKind const too_many_organizations{409,
                                                "TOO_MANY_ORGANIZATIONS",
                                                "You own as many organizations as one account may.",
                                                {.constraint = "organizations_owned_max"}};
inline RefusalKind const gstin_invalid{
    422,
    "GSTIN_INVALID",
    "A GSTIN has 15 letters and digits, like 27AAPFU0939F1ZV.",
    {.constraint = "organizations_gstin_check", .field = "gstin"}};
inline RefusalKind const pan_invalid{422,
                                     "PAN_INVALID",
                                     "A PAN has 10 letters and digits, like AAPFU0939F.",
                                     {.constraint = "organizations_pan_check", .field = "pan"}};
inline RefusalKind const state_code_invalid{
    422,
    "STATE_CODE_INVALID",
    "A state code has two digits, like 27.",
    {.constraint = "organizations_state_code_check", .field = "stateCode"}};
inline RefusalKind const currency_invalid{
    422,
    "CURRENCY_INVALID",
    "A currency has three capital letters, like INR.",
    {.constraint = "organizations_currency_check", .field = "currency"}};
inline RefusalKind const time_zone_invalid{
    422,
    "TIME_ZONE_INVALID",
    "A time zone has a name like Asia/Kolkata.",
    {.constraint = "organizations_time_zone_check", .field = "timeZone"}};

} // namespace haat::identity
