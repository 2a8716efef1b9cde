// This module's refusals.
#pragma once

#include <base/refusal.hpp>

namespace haat::notify {

inline RefusalKind const move_not_allowed{409,
                                          "NOTIFICATION_STATUS_NOT_ALLOWED",
                                          "The message is not in a state from which this goes.",
                                          {.constraint = "messages_move"}};
inline RefusalKind const retries_exhausted{
    409, "NOTIFICATION_RETRIES_EXHAUSTED",
    "The message has been retried as often as it may; send a new one."};
inline RefusalKind const being_sent{409, "NOTIFICATION_BEING_SENT",
                                    "A provider is being asked just now."};
inline RefusalKind const still_pending{409, "NOTIFICATION_PENDING",
                                       "The message waits to be sent; cancel it first."};
inline RefusalKind const wiped{
    409, "NOTIFICATION_WIPED",
    "The words of this message were secret and are gone; send a new one."};

inline RefusalKind const attachments_too_large{422,
                                               "NOTIFICATION_ATTACHMENTS_TOO_LARGE",
                                               "The attached files are larger than a mail carries.",
                                               {.field = "attachments"}};

inline RefusalKind const template_not_found{404, "TEMPLATE_NOT_FOUND",
                                            "There is no template of this name."};
inline RefusalKind const template_invalid{422, "TEMPLATE_INVALID", "The template cannot be read."};
inline RefusalKind const template_variable_unknown{
    422, "TEMPLATE_VARIABLE_UNKNOWN", "The template has a variable that it will never be given."};
inline RefusalKind const template_variable_missing{422, "TEMPLATE_VARIABLE_MISSING",
                                                   "A variable of the template has no value."};
inline RefusalKind const template_data_invalid{
    422, "TEMPLATE_DATA_INVALID",
    "Template data are texts, numbers and booleans under their names."};

inline RefusalKind const callback_unknown{404, "CALLBACK_UNKNOWN",
                                          "No provider reports about this channel here."};
inline RefusalKind const callback_signature{401, "CALLBACK_SIGNATURE_INVALID",
                                            "The report is not signed by the provider."};
inline RefusalKind const callback_unreadable{400, "CALLBACK_UNREADABLE",
                                             "The report is not what this provider sends."};
inline RefusalKind const wishes_of_users{
    403, "NOTIFICATION_WISHES_ARE_THEIRS",
    "What users want they say themselves; here are customers and parties of the organization."};
inline RefusalKind const push_unavailable{409, "PUSH_UNAVAILABLE", "Web push is not set up here."};
inline RefusalKind const push_subscriptions_full{409, "PUSH_SUBSCRIPTIONS_FULL",
                                                 "No user has more browsers than this."};
inline RefusalKind const outbox_hidden{404, "DEV_OUTBOX_HIDDEN",
                                       "The outbox is shown in development, to this machine and "
                                       "to administrators."};

} // namespace haat::notify
