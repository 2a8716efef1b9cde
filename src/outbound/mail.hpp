// A mail, and its text as RFC 5322 and MIME have it. Nothing that a customer wrote can become a
// header: whatever breaks lines is a space, whatever is not ASCII is encoded.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <base/words.hpp>
#include <describe/describe.hpp>

namespace haat::outbound {

struct Mailbox {
    std::string name; // empty: the address alone
    Email address;
};
HAAT_DESCRIBE(Mailbox, name, address)

struct Attachment {
    std::string filename;
    std::string content_type;
    std::string content; // bytes; not part of its description, so in no log and no audit row
};
HAAT_DESCRIBE(Attachment, filename, content_type)

struct Mail {
    Mailbox from; // without an address: the settings' FROM_EMAIL
    std::vector<Mailbox> to;
    std::vector<Mailbox> cc;
    std::vector<Mailbox> bcc; // in no header
    Mailbox reply_to;         // without an address: none
    std::string subject;
    std::string text; // one of the two at least; both: the reader's program chooses
    std::string html;
    std::vector<Attachment> attachments;
    std::string id;          // of our message: the same id is the same Message-ID; empty: a new one
    std::string unsubscribe; // an https URL that takes one click, or "mailto:…"; empty: none
};
HAAT_DESCRIBE(Mail, from, to, cc, bcc, reply_to, subject, text, html, attachments, id, unsubscribe)

/// It cannot be sent as it is; what() says why.
struct BadMail : std::runtime_error {
    using std::runtime_error::runtime_error;
};

struct MailText {
    std::string message_id;              // without the angle brackets
    std::string from;                    // of the envelope, its domain in ASCII
    std::vector<std::string> recipients; // of the envelope
    std::string bytes;                   // lines end in CRLF
};
MailText write_mail(Mail const& mail, Mailbox const& from, Timestamp at);

// ---- the encodings, for tests
/// A header, folded; words that are not plain ASCII as RFC 2047 has it.
std::string header_line(std::string_view name, std::string_view value);
std::string quoted_printable(std::string_view text);
std::string mailbox_text(Mailbox const& mailbox, std::string_view ascii_address);
/// "Sat, 30 Aug 2025 12:36:00 +0000"
std::string mail_date(Timestamp at);

} // namespace haat::outbound
