// Messages to people: mail, text messages, WhatsApp, push, and those in the application itself. The
// face of the module.
//
//     notify::send(tx, notify::welcome, {.name = user.full_name}, notify::to_user(user.id));
//
// A message is a row and a job of the causing transaction: it is sent if that commits, and never
// within a request. Words, language, wishes and quiet hours are looked up when it is sent.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <access/access.hpp>
#include <describe/codec.hpp>
#include <pg/pg.hpp>

namespace haat {
class Loop;
class Routes;
} // namespace haat

namespace haat::notify {

struct NotificationNoun {
    static constexpr std::string_view noun = "notification";
};
using NotificationId = Id<NotificationNoun>;

enum class Channel : std::uint8_t { EMAIL, SMS, WHATSAPP, PUSH, IN_APP };
HAAT_DESCRIBE_ENUM(Channel, EMAIL, SMS, WHATSAPP, PUSH, IN_APP)
inline constexpr std::size_t channels = 5;
std::string_view name_of(Channel);

enum class NotificationStatus : std::uint8_t { PENDING, SENT, DELIVERED, READ, FAILED, CANCELLED };
HAAT_DESCRIBE_ENUM(NotificationStatus, PENDING, SENT, DELIVERED, READ, FAILED, CANCELLED)

enum class NotificationType : std::uint8_t {
    PAYMENT_REMINDER,
    PAYMENT_CONFIRMATION,
    INVOICE_CREATED,
    INVOICE_OVERDUE,
    SALE_CREATED,
    ORDER_CONFIRMATION,
    ORDER_STATUS_UPDATE,
    STOCK_ALERT,
    LOW_STOCK_ALERT,
    REORDER_ALERT,
    CUSTOM,
    WELCOME,
    BIRTHDAY,
    ANNIVERSARY,
    PROMOTIONAL,
    SYSTEM_ALERT,
    BACKUP_COMPLETED,
    BACKUP_FAILED
};
HAAT_DESCRIBE_ENUM(NotificationType, PAYMENT_REMINDER, PAYMENT_CONFIRMATION, INVOICE_CREATED,
                   INVOICE_OVERDUE, SALE_CREATED, ORDER_CONFIRMATION, ORDER_STATUS_UPDATE,
                   STOCK_ALERT, LOW_STOCK_ALERT, REORDER_ALERT, CUSTOM, WELCOME, BIRTHDAY,
                   ANNIVERSARY, PROMOTIONAL, SYSTEM_ALERT, BACKUP_COMPLETED, BACKUP_FAILED)

/// What people may switch off, all but the first.
enum class Category : std::uint8_t { transactional, reminder, alert, general, marketing };
HAAT_DESCRIBE_ENUM(Category, transactional, reminder, alert, general, marketing)
Category category_of(NotificationType);

enum class RecipientType : std::uint8_t { CUSTOMER, PARTY, USER };
HAAT_DESCRIBE_ENUM(RecipientType, CUSTOMER, PARTY, USER)

struct Recipient {
    RecipientType type = RecipientType::USER;
    std::optional<Uuid> id; // nothing: somebody whom only this message knows
    std::string name = {};
    /// An e-mail address or a phone number. Of users it is looked up when it is left out.
    std::optional<std::string> contact = {};
};
Recipient to_user(UserId user, std::string name = {});

/// What a message is about, for those who look for it.
struct Links {
    std::optional<Uuid> party_id = {};
    std::optional<Uuid> customer_id = {};
    std::optional<Uuid> invoice_id = {};
    std::optional<Uuid> sale_id = {};
    std::optional<Uuid> invoice_payment_id = {};
    std::optional<Uuid> sale_receipt_id = {};
    std::optional<Uuid> order_id = {};
};
HAAT_DESCRIBE(Links, party_id, customer_id, invoice_id, sale_id, invoice_payment_id,
              sale_receipt_id, order_id)

struct SendOptions {
    Channel channel = Channel::EMAIL;
    /// Two messages of one id are one: the second is not added.
    std::optional<NotificationId> id = {};
    std::string language = {}; // empty: the recipient's
    bool urgent = false;       // quiet hours do not hold it back
    std::optional<Timestamp> not_before = {};
    std::optional<OrgId> org = {}; // nothing: the one the transaction acts for, or the platform
    Links links = {};
    /// Files that go with a mail, as they are when it is sent; the caller has seen whose they are.
    std::vector<Uuid> attachments = {};
};
inline constexpr int attachments_max = 10;
inline constexpr std::int64_t attachment_bytes_max = 10 * 1024 * 1024; // of one mail

// ---- templates that are built in

struct TemplateWords {
    Channel channel = Channel::EMAIL;
    std::string_view language = "en";
    std::string_view subject;
    std::string_view body;
    std::string_view html = {};
};

struct TemplateOptions {
    NotificationType type = NotificationType::CUSTOM;
    /// Its words hold a code or a link that opens something: nobody sees them in lists, and they
    /// are wiped when it was sent.
    bool secret = false;
    std::vector<TemplateWords> words = {};
};

/// A template of any data; links itself into the list of all. Its variables are the JSON keys of
/// its data, which are texts, numbers and booleans.
class TemplateKind {
public:
    TemplateKind(char const* name, TemplateOptions options, describe::Shape const& data);
    TemplateKind(TemplateKind const&) = delete;

    char const* name() const { return name_; }
    TemplateOptions const& options() const { return options_; }
    describe::Shape const& data() const { return *data_; }
    std::vector<std::string> variables() const;

    TemplateKind const* next() const { return next_; }
    static TemplateKind const* first();
    static TemplateKind const* find(std::string_view name);

private:
    char const* name_;
    TemplateOptions options_;
    describe::Shape const* data_;
    TemplateKind const* next_;
};

template <class Data> struct Template : TemplateKind {
    Template(char const* name, TemplateOptions options)
        : TemplateKind(name, std::move(options), describe::shape_of<Data>) {}
};

struct WelcomeWords {
    std::string name;
};
HAAT_DESCRIBE(WelcomeWords, name)
extern Template<WelcomeWords> const welcome;

struct PaymentReminderWords {
    std::string customer_name;
    std::string invoice_number;
    std::string amount_due;
    std::string due_date;
    std::string shop_name;
};
HAAT_DESCRIBE(PaymentReminderWords, customer_name, invoice_number, amount_due, due_date, shop_name)
extern Template<PaymentReminderWords> const payment_reminder;

struct OrderWords {
    std::string customer_name;
    std::string order_number;
    std::string total;
    std::string status;
    std::string shop_name;
    std::string link;
};
HAAT_DESCRIBE(OrderWords, customer_name, order_number, total, status, shop_name, link)
extern Template<OrderWords> const order_confirmation;
extern Template<OrderWords> const order_status_update;

struct LowStockWords {
    std::string product_name;
    std::string quantity;
    std::string threshold;
};
HAAT_DESCRIBE(LowStockWords, product_name, quantity, threshold)
extern Template<LowStockWords> const low_stock_alert;

struct CodeWords {
    std::string code;
    std::int32_t minutes = 10;
};
HAAT_DESCRIBE(CodeWords, code, minutes)
extern Template<CodeWords> const one_time_code;

// ---- sending: goes out with the transaction's next round trip

NotificationId send_erased(Tx&, TemplateKind const&, std::string data, Recipient const&,
                           SendOptions const&);
template <class Data>
NotificationId send(Tx& tx, Template<Data> const& words, std::type_identity_t<Data> const& data,
                    Recipient const& to, SendOptions const& options = {}) {
    return send_erased(tx, words, describe::to_json(data), to, options);
}

// ---- putting it together

struct PostOptions;

/// What delivers: the providers that are set up, for each loop that runs jobs. Made before the
/// loops run; forget_loops() after they have stopped.
class Post {
public:
    explicit Post(PostOptions options);
    ~Post();
    Post(Post const&) = delete;
    void add(Loop& loop);
    void forget_loops();

    // Families of /metrics.
    void render(std::string& out) const;

    struct Inside;
    Inside& inside() { return *inside_; }

private:
    std::unique_ptr<Inside> inside_;
};

/// What requests need to know of it.
struct NotifyFacts {
    bool production = true;
    std::string push_key;              // VAPID; empty: there is no push
    Secret<0, 255> twilio_auth_token;  // empty: such callbacks are refused
    std::string public_url;            // as providers see us
    Secret<0, 255> msg91_callback_key; // empty: likewise
    Secret<0, 255> whatsapp_app_secret;
    Secret<0, 255> whatsapp_verify_token;
};

void add_notification_routes(Routes&);
void add_template_routes(Routes&);
void add_own_notification_routes(Routes&, NotifyFacts&);
void add_recipient_routes(Routes&);
void add_callback_routes(Routes&, NotifyFacts&);
void add_outbox_page(Routes&, NotifyFacts&);

} // namespace haat::notify
