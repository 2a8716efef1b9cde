// What people are reached by: e-mail addresses, telephone numbers, web addresses.
#include <base/text_forms.hpp>

#include <algorithm>

namespace haat {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_wide(char c) { return static_cast<unsigned char>(c) >= 0x80; } // a part of a non-ASCII one

bool is_label(std::string_view label) {
    return !label.empty() && label.size() <= 63 && label.front() != '-' && label.back() != '-' &&
           std::all_of(label.begin(), label.end(), [](char c) {
               return is_letter(c) || is_digit(c) || c == '-' || is_wide(c);
           });
}

/// Labels between dots. `dotted`: at least two of them, and the last is no number.
bool is_host_name(std::string_view host, bool dotted) {
    if (host.empty() || host.size() > 253) return false;
    std::size_t labels = 0;
    std::string_view last;
    for (std::size_t at = 0; at <= host.size(); at += last.size() + 1) {
        last = host.substr(at, std::min(host.find('.', at), host.size()) - at);
        if (!is_label(last)) return false;
        ++labels;
    }
    if (!dotted) return true;
    return labels > 1 && last.size() > 1 && !std::all_of(last.begin(), last.end(), is_digit);
}

bool is_mailbox(std::string_view local) {
    if (local.empty() || local.size() > 64 || local.front() == '.' || local.back() == '.')
        return false;
    constexpr std::string_view marks = "!#$%&'*+-/=?^_`{|}~.";
    for (std::size_t i = 0; i < local.size(); ++i) {
        char const c = local[i];
        if (!is_letter(c) && !is_digit(c) && !is_wide(c) && marks.find(c) == marks.npos)
            return false;
        if (c == '.' && local[i - 1] == '.') return false;
    }
    return true;
}

bool is_port(std::string_view port) {
    if (port.empty() || port.size() > 5 || !std::all_of(port.begin(), port.end(), is_digit))
        return false;
    int number = 0;
    for (char c : port) number = number * 10 + (c - '0');
    return number > 0 && number <= 65535;
}

bool is_bracketed_address(std::string_view host) {
    return host.size() > 3 && host.front() == '[' && host.back() == ']' &&
           host.find_first_not_of("0123456789abcdefABCDEF:.", 1) == host.size() - 1 &&
           host.find(':') != host.npos;
}

bool is_authority(std::string_view authority) {
    // A name and password in a web address are for deceiving people.
    if (authority.find('@') != authority.npos) return false;
    std::size_t const colon = authority.rfind(':');
    bool const has_port = colon != authority.npos && authority.find(']', colon) == authority.npos;
    std::string_view const host = has_port ? authority.substr(0, colon) : authority;
    if (has_port && !is_port(authority.substr(colon + 1))) return false;
    return is_bracketed_address(host) || is_host_name(host, false);
}

bool begins_ignoring_case(std::string_view text, std::string_view begin) {
    return text.size() >= begin.size() &&
           std::equal(begin.begin(), begin.end(), text.begin(),
                      [](char a, char b) { return a == (is_letter(b) ? (b | 32) : b); });
}

} // namespace

bool parse(std::string_view text, Email& out) {
    std::size_t const at = text.find('@');
    if (at == text.npos || text.size() > 254) return false;
    if (!is_mailbox(text.substr(0, at)) || !is_host_name(text.substr(at + 1), true)) return false;
    if (!is_utf8(text)) return false;
    out.value.assign(text);
    return true;
}

bool parse(std::string_view text, Phone& out) {
    bool plus = text.starts_with('+');
    char digits[16];
    std::size_t count = 0;
    for (char c : text.substr(plus ? 1 : 0)) {
        if (c == ' ' || c == '-' || c == '(' || c == ')' || c == '.') continue;
        if (!is_digit(c) || count == sizeof digits) return false;
        digits[count++] = c;
    }
    std::string_view number(digits, count);
    if (!plus && number.starts_with("00")) {
        number.remove_prefix(2);
        plus = true;
    }
    std::string_view country;
    if (!plus) {
        // Written as in India: ten digits, with a 0 or 91 in front or without.
        if (number.size() == 11 && number.front() == '0') number.remove_prefix(1);
        if (number.size() == 10 && number.front() != '0')
            country = "91";
        else if (number.size() != 12 || !number.starts_with("91"))
            return false;
    }
    std::size_t const size = country.size() + number.size();
    if (size < 8 || size > 15 || number.front() == '0') return false;
    if (country.empty() && number.starts_with("91") && size != 12) return false;
    out.value.assign("+").append(country).append(number);
    return true;
}

bool parse(std::string_view text, Url& out) {
    if (text.size() > 2048) return false;
    std::size_t const scheme = begins_ignoring_case(text, "https://")  ? 8
                               : begins_ignoring_case(text, "http://") ? 7
                                                                       : 0;
    if (scheme == 0) return false;
    for (char c : text)
        if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f ||
            std::string_view("\"<>\\^`{|}").find(c) != std::string_view::npos)
            return false;
    std::size_t const end = std::min(text.find_first_of("/?#", scheme), text.size());
    if (!is_authority(text.substr(scheme, end - scheme)) || !is_utf8(text)) return false;
    out.value.assign(text);
    return true;
}

} // namespace haat
