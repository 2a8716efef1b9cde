// A text message, for whichever provider is set up.
#pragma once

#include <string>
#include <vector>

#include <base/words.hpp>
#include <describe/describe.hpp>
#include <outbound/delivery.hpp>

namespace haat::outbound {

struct SmsVariable {
    std::string name;
    std::string value;
};
HAAT_DESCRIBE(SmsVariable, name, value)

struct Sms {
    Phone to;
    std::string text; // for providers that send any text
    /// For those that send approved templates only, as India's rules (DLT) want it.
    std::string template_id;
    std::vector<SmsVariable> variables;
};
HAAT_DESCRIBE(Sms, to, text, template_id, variables)

} // namespace haat::outbound
