#include <outbound/mail.hpp>

#include <algorithm>

#include <fmt/format.h>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <outbound/crypto.hpp>
#include <outbound/engine.hpp>

namespace haat::outbound {

namespace {

constexpr std::size_t bytes_max = 25 * 1024 * 1024; // what most servers take
constexpr std::size_t recipients_max = 100;
constexpr std::size_t attachments_max = 50;
constexpr std::size_t line_letters = 76;

bool is_ascii(std::string_view text) {
    return std::all_of(text.begin(), text.end(),
                       [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

/// One line: a control character is a space, and spaces at the ends go.
std::string one_line(std::string_view text) {
    std::string out(text);
    for (char& c : out)
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
    return std::string(trimmed(out));
}

std::size_t character_size(std::string_view text) {
    std::size_t size = 1;
    while (size < text.size() && (static_cast<unsigned char>(text[size]) & 0xc0) == 0x80) ++size;
    return size;
}

/// =?UTF-8?B?…?= as often as needed, each of at most 75 letters and of whole characters.
std::string encoded_words(std::string_view text) {
    constexpr std::size_t bytes = 36; // beside the name of the longest header
    std::string out;
    while (!text.empty()) {
        std::size_t size = 0;
        while (size < text.size()) {
            auto const next = character_size(text.substr(size));
            if (size + next > bytes) break;
            size += next;
        }
        size = std::max<std::size_t>(size, 1);
        out +=
            (out.empty() ? "=?UTF-8?B?" : "\r\n =?UTF-8?B?") + base64(text.substr(0, size)) + "?=";
        text.remove_prefix(size);
    }
    return out;
}

bool needs_encoding(std::string_view line) {
    if (!is_ascii(line) || line.find("=?") != line.npos) return true;
    std::size_t word = 0;
    for (char const c : line) {
        word = c == ' ' ? 0 : word + 1;
        if (word > 60) return true; // a line of it could not be folded
    }
    return false;
}

/// Breaks before a space where the line grows too long.
std::string folded(std::string_view line, std::size_t column) {
    std::string out;
    while (!line.empty()) {
        auto const end = std::min(line.find(' ', 1), line.size());
        if (column + end > line_letters && column > 1 && line[0] == ' ') {
            out += "\r\n";
            column = 0;
        }
        out += line.substr(0, end);
        column += end;
        line.remove_prefix(end);
    }
    return out;
}

std::string ascii_domain(std::string const& domain) {
    if (is_ascii(domain)) return domain;
    std::string const ascii = ascii_host(domain);
    if (ascii.empty()) throw BadMail("the domain of an address cannot be written in ASCII");
    return ascii;
}

/// As it stands in an envelope. Strict: what it lets through cannot break out of a header.
std::string ascii_address(Email const& email) {
    Email checked;
    if (!parse(email.value, checked)) throw BadMail("an address is none");
    auto const at = checked.value.rfind('@');
    std::string const local = checked.value.substr(0, at);
    if (!is_ascii(local)) throw BadMail("an address with letters beyond ASCII before the @");
    return local + "@" + ascii_domain(checked.value.substr(at + 1));
}

std::string address_line(std::string_view name, std::vector<Mailbox> const& boxes) {
    std::string out(name);
    out += ": ";
    for (std::size_t i = 0; i < boxes.size(); ++i) {
        if (i > 0) out += ",\r\n ";
        out += mailbox_text(boxes[i], ascii_address(boxes[i].address));
    }
    return out + "\r\n";
}

std::string in_lines(std::string_view base64_text) {
    std::string out;
    out.reserve(base64_text.size() + base64_text.size() / 38 + 2);
    for (; !base64_text.empty();
         base64_text.remove_prefix(std::min(line_letters, base64_text.size())))
        out.append(base64_text.substr(0, line_letters)).append("\r\n");
    return out;
}

std::string text_part(std::string_view kind, std::string_view text) {
    return fmt::format("Content-Type: text/{}; charset=utf-8\r\n"
                       "Content-Transfer-Encoding: quoted-printable\r\n\r\n{}",
                       kind, quoted_printable(text));
}

bool is_media_type(std::string_view text) {
    auto const slash = text.find('/');
    if (slash == 0 || slash == text.npos || slash + 1 == text.size() || text.size() > 127)
        return false;
    return std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '/' || c == '-' || c == '+' || c == '.' || c == '_';
    });
}

std::string attachment_part(Attachment const& attachment) {
    std::string name = one_line(attachment.filename);
    std::replace_if(
        name.begin(), name.end(), [](char c) { return c == '/' || c == '\\'; }, '_');
    if (name.empty()) name = "attachment";
    if (name.size() > 150 || !is_utf8(name)) throw BadMail("the name of an attachment is no name");
    std::string const type = is_media_type(attachment.content_type) ? attachment.content_type
                                                                    : "application/octet-stream";
    bool const plain = std::all_of(name.begin(), name.end(),
                                   [](char c) { return c >= 0x20 && c < 0x7f && c != '"'; });
    std::string out = fmt::format("Content-Type: {}\r\nContent-Transfer-Encoding: base64\r\n"
                                  "Content-Disposition: attachment;\r\n ",
                                  type);
    out += plain ? "filename=\"" + name + "\"" : "filename*=UTF-8''" + percent_encoded(name);
    return out + "\r\n\r\n" + in_lines(base64(attachment.content));
}

/// The mark between parts holds "=_", which neither encoding can produce.
std::string multipart(std::string_view kind, std::vector<std::string> const& parts) {
    std::string const mark = "haat=_" + hex(random_bytes(12));
    std::string out =
        fmt::format("Content-Type: multipart/{};\r\n boundary=\"{}\"\r\n\r\n", kind, mark);
    for (std::string const& part : parts)
        out.append("--").append(mark).append("\r\n").append(part).append("\r\n");
    out.append("--").append(mark).append("--\r\n");
    return out;
}

std::string body_of(Mail const& mail) {
    std::string body;
    if (mail.html.empty())
        body = text_part("plain", mail.text);
    else if (mail.text.empty())
        body = text_part("html", mail.html);
    else // the last one is the one to prefer
        body =
            multipart("alternative", {text_part("plain", mail.text), text_part("html", mail.html)});
    if (mail.attachments.empty()) return body;
    std::vector<std::string> parts{std::move(body)};
    for (Attachment const& attachment : mail.attachments)
        parts.push_back(attachment_part(attachment));
    return multipart("mixed", parts);
}

void check(Mail const& mail) {
    auto const count = mail.to.size() + mail.cc.size() + mail.bcc.size();
    if (count == 0) throw BadMail("the mail has no recipient");
    if (count > recipients_max) throw BadMail("the mail has too many recipients");
    if (mail.text.empty() && mail.html.empty()) throw BadMail("the mail has no text");
    if (mail.attachments.size() > attachments_max)
        throw BadMail("the mail has too many attachments");
    for (std::string const* const text : {&mail.subject, &mail.text, &mail.html})
        if (!is_utf8(*text)) throw BadMail("the mail's text is not UTF-8");
    std::size_t bytes = mail.text.size() + mail.html.size();
    for (Attachment const& attachment : mail.attachments) bytes += attachment.content.size();
    if (bytes > bytes_max / 4 * 3) throw BadMail("the mail is too large");
}

std::string message_id_of(Mail const& mail, std::string_view domain) {
    std::string local;
    for (char const c : mail.id) {
        bool const fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!fine) throw BadMail("the mail's id is none");
        local += c;
    }
    if (local.empty()) local = to_string(new_uuid());
    return local + "@" + std::string(domain);
}

std::string unsubscribe_lines(std::string const& where) {
    if (where.empty()) return {};
    bool const plain = std::all_of(where.begin(), where.end(), [](char c) {
        return c > 0x20 && c < 0x7f && c != '<' && c != '>' && c != ',';
    });
    bool const https = where.starts_with("https://");
    if (!plain || where.size() > 900 || !(https || where.starts_with("mailto:")))
        throw BadMail("the way to unsubscribe is neither https nor mailto");
    std::string out = "List-Unsubscribe: <" + where + ">\r\n";
    if (https) out += "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n";
    return out;
}

} // namespace

std::string header_line(std::string_view name, std::string_view value) {
    std::string const line = one_line(value);
    std::string out(name);
    out += ": ";
    out += needs_encoding(line) ? encoded_words(line) : folded(line, name.size() + 2);
    return out + "\r\n";
}

std::string mailbox_text(Mailbox const& mailbox, std::string_view address) {
    std::string const name = one_line(mailbox.name);
    if (name.empty()) return std::string(address);
    if (!is_utf8(name)) throw BadMail("a name is not UTF-8");
    if (needs_encoding(name)) return encoded_words(name) + "\r\n <" + std::string(address) + ">";
    std::string quoted;
    for (char const c : name) {
        if (c == '"' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return folded("\"" + quoted + "\"", 10) + " <" + std::string(address) + ">";
}

std::string quoted_printable(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(text.size() + text.size() / 8 + 64);
    std::size_t column = 0;
    auto const put = [&](std::string_view piece) {
        if (column + piece.size() > line_letters - 1) { // room for the sign of a soft break
            out += "=\r\n";
            column = 0;
        }
        out += piece;
        column += piece.size();
    };
    for (std::size_t i = 0; i < text.size(); ++i) {
        char const c = text[i];
        if (c == '\n' || c == '\r') {
            if (c == '\r' && i + 1 < text.size() && text[i + 1] == '\n') ++i;
            out += "\r\n";
            column = 0;
            continue;
        }
        auto const byte = static_cast<unsigned char>(c);
        bool const last = i + 1 == text.size() || text[i + 1] == '\n' || text[i + 1] == '\r';
        bool const blank = (c == ' ' || c == '\t') && !last; // at an end it would be lost
        if (blank || (byte > 0x20 && byte < 0x7f && c != '=')) {
            put({&c, 1});
        } else {
            char const escaped[] = {'=', digits[byte >> 4], digits[byte & 15]};
            put({escaped, 3});
        }
    }
    if (column > 0) out += "\r\n";
    return out;
}

std::string mail_date(Timestamp at) {
    static constexpr std::string_view days[] = {"Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"};
    static constexpr std::string_view months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::string const text = to_string(at); // 2025-08-30T12:36:00.000Z
    auto const day = static_cast<std::size_t>((at.micros / 86'400'000'000) % 7);
    auto const month = static_cast<std::size_t>((text[5] - '0') * 10 + text[6] - '0' - 1);
    return fmt::format("{}, {} {} {} {} +0000", days[day], text.substr(8, 2), months[month],
                       text.substr(0, 4), text.substr(11, 8));
}

MailText write_mail(Mail const& mail, Mailbox const& standard, Timestamp at) {
    check(mail);
    Mailbox const& from = mail.from.address.value.empty() ? standard : mail.from;
    MailText out;
    out.from = ascii_address(from.address);
    out.message_id = message_id_of(mail, out.from.substr(out.from.rfind('@') + 1));
    for (auto const* const boxes : {&mail.to, &mail.cc, &mail.bcc})
        for (Mailbox const& box : *boxes) out.recipients.push_back(ascii_address(box.address));

    std::string& bytes = out.bytes;
    bytes = "Date: " + mail_date(at) + "\r\n";
    bytes += "From: " + mailbox_text(from, out.from) + "\r\n";
    bytes += mail.to.empty() ? "To: undisclosed-recipients:;\r\n" : address_line("To", mail.to);
    if (!mail.cc.empty()) bytes += address_line("Cc", mail.cc);
    if (!mail.reply_to.address.value.empty()) bytes += address_line("Reply-To", {mail.reply_to});
    bytes += header_line("Subject", mail.subject);
    bytes += "Message-ID: <" + out.message_id + ">\r\n";
    bytes += unsubscribe_lines(mail.unsubscribe);
    bytes += "Auto-Submitted: auto-generated\r\n"; // nobody's absence is answered to us
    bytes += "MIME-Version: 1.0\r\n";
    bytes += body_of(mail);
    if (bytes.size() > bytes_max) throw BadMail("the mail is too large");
    return out;
}

} // namespace haat::outbound
