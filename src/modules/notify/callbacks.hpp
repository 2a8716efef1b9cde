// What providers report, read and with its signature checked: pure.
#pragma once

#include <modules/notify/inside.hpp>

namespace haat::notify {

/// Nothing of these throws but Refusal.
TakeReceipts read_twilio(NotifyFacts const& facts, std::string_view url, std::string_view body,
                         std::string_view signature);
TakeReceipts read_msg91(NotifyFacts const& facts, std::string_view body, std::string_view key);
TakeReceipts read_whatsapp(NotifyFacts const& facts, std::string_view body,
                           std::string_view signature);

/// The challenge of Meta's verification of a webhook; throws CALLBACK_SIGNATURE_INVALID.
std::string whatsapp_challenge(NotifyFacts const& facts, std::string_view query);

inline constexpr std::size_t receipts_max = 1'000; // of one report

} // namespace haat::notify
