// The templates that haat brings along. Organizations and the platform may have words of their own.
#include <modules/notify/notify.hpp>

#include <base/refusal.hpp>

namespace haat::notify {

namespace {
TemplateKind const*& first_kind() {
    static TemplateKind const* first = nullptr;
    return first;
}
} // namespace

TemplateKind::TemplateKind(char const* name, TemplateOptions options, describe::Shape const& data)
    : name_(name), options_(std::move(options)), data_(&data), next_(first_kind()) {
    first_kind() = this;
}
TemplateKind const* TemplateKind::first() { return first_kind(); }

TemplateKind const* TemplateKind::find(std::string_view name) {
    for (TemplateKind const* each = first(); each != nullptr; each = each->next())
        if (name == each->name()) return each;
    return nullptr;
}

std::vector<std::string> TemplateKind::variables() const {
    std::vector<std::string> names;
    for (std::uint32_t i = 0; i < data_->count; ++i)
        names.emplace_back(data_->fields[i].name.json());
    return names;
}

using enum Channel;

Template<WelcomeWords> const welcome{
    "welcome",
    {.type = NotificationType::WELCOME,
     .words = {
         {.channel = EMAIL,
          .subject = "Welcome, {{name}}",
          .body = "Hello {{name}},\n\nyour account is ready. Good to have you with us.\n",
          .html = "<p>Hello {{name}},</p>\n"
                  "<p>your account is ready. Good to have you with us.</p>\n"},
         {.channel = EMAIL,
          .language = "hi",
          .subject = "स्वागत है, {{name}}",
          .body = "नमस्ते {{name}},\n\nआपका खाता तैयार है।\n",
          .html = "<p>नमस्ते {{name}},</p>\n<p>आपका खाता तैयार है।</p>\n"},
         {.channel = IN_APP, .subject = "Welcome, {{name}}", .body = "Your account is ready."}}}};

Template<PaymentReminderWords> const payment_reminder{
    "payment_reminder",
    {.type = NotificationType::PAYMENT_REMINDER,
     .words = {
         {.channel = EMAIL,
          .subject = "Payment of {{amountDue}} is due on {{dueDate}}",
          .body = "Hello {{customerName}},\n\nfor invoice {{invoiceNumber}}, {{amountDue}} is "
                  "due on {{dueDate}}.\n\n{{shopName}}\n",
          .html = "<p>Hello {{customerName}},</p>\n<p>for invoice {{invoiceNumber}}, "
                  "<b>{{amountDue}}</b> is due on {{dueDate}}.</p>\n<p>{{shopName}}</p>\n"},
         {.channel = SMS,
          .subject = "",
          .body = "{{shopName}}: {{amountDue}} for invoice {{invoiceNumber}} is due on "
                  "{{dueDate}}."},
         {.channel = WHATSAPP,
          .subject = "",
          .body = "Hello {{customerName}}, {{amountDue}} for invoice {{invoiceNumber}} is due "
                  "on {{dueDate}}. {{shopName}}"}}}};

Template<OrderWords> const order_confirmation{
    "order_confirmation",
    {.type = NotificationType::ORDER_CONFIRMATION,
     .words = {
         {.channel = EMAIL,
          .subject = "Your order {{orderNumber}}",
          .body =
              "Hello {{customerName}},\n\nthank you for your order {{orderNumber}} of {{total}}."
              "\n{{#if link}}\nSee it here: {{link}}\n{{/if}}\n{{shopName}}\n",
          .html = "<p>Hello {{customerName}},</p>\n<p>thank you for your order "
                  "<b>{{orderNumber}}</b> of {{total}}.</p>\n{{#if link}}<p><a href=\"{{link}}\">"
                  "See your order</a></p>\n{{/if}}<p>{{shopName}}</p>\n"},
         {.channel = SMS,
          .subject = "",
          .body = "{{shopName}}: your order {{orderNumber}} of {{total}} is confirmed."},
         {.channel = PUSH, .subject = "Order {{orderNumber}}", .body = "{{total}}: confirmed."}}}};

Template<OrderWords> const order_status_update{
    "order_status_update",
    {.type = NotificationType::ORDER_STATUS_UPDATE,
     .words = {{.channel = EMAIL,
                .subject = "Your order {{orderNumber}} is {{status}}",
                .body = "Hello {{customerName}},\n\nyour order {{orderNumber}} is now {{status}}.\n"
                        "{{#if link}}\nSee it here: {{link}}\n{{/if}}\n{{shopName}}\n",
                .html =
                    "<p>Hello {{customerName}},</p>\n<p>your order <b>{{orderNumber}}</b> is now "
                    "{{status}}.</p>\n{{#if link}}<p><a href=\"{{link}}\">See your order</a></p>\n"
                    "{{/if}}<p>{{shopName}}</p>\n"},
               {.channel = SMS,
                .subject = "",
                .body = "{{shopName}}: your order {{orderNumber}} is now {{status}}."},
               {.channel = PUSH, .subject = "Order {{orderNumber}}", .body = "Now {{status}}."}}}};

Template<LowStockWords> const low_stock_alert{
    "low_stock_alert",
    {.type = NotificationType::LOW_STOCK_ALERT,
     .words = {{.channel = IN_APP,
                .subject = "{{productName}} is running low",
                .body = "{{quantity}} left; reorder below {{threshold}}."},
               {.channel = EMAIL,
                .subject = "{{productName}} is running low",
                .body = "Of {{productName}} there are {{quantity}} left; reorder below "
                        "{{threshold}}.\n"}}}};

Template<CodeWords> const one_time_code{
    "one_time_code",
    {.type = NotificationType::SYSTEM_ALERT,
     .secret = true,
     .words = {{.channel = EMAIL,
                .subject = "Your code: {{code}}",
                .body = "Your code is {{code}}. It is good for {{minutes}} minutes.\n"},
               {.channel = SMS,
                .subject = "",
                .body = "Your code is {{code}}. It is good for {{minutes}} minutes."}}}};

} // namespace haat::notify
