#include <events/subjects.hpp>

#include <unordered_map>

namespace haat {

namespace {

#define SECTION(category, title)
#define SUBJECT(id, ...)
#define PRIORITY(id, is)
#define GROUP(id, is)
#define LIVE(id)
#define LIFECYCLE(id)
#define ALIAS(other, id) {other, subjects::id},
constexpr SubjectAlias aliases[] = {
#include <events/subjects.inc>
};

struct CategoryWords {
    SubjectCategory category;
    std::string_view topic;
    std::string_view title;
};
using enum SubjectCategory;
constexpr CategoryWords categories[] = {
    {users, "auth-event", "Authentication and users"},
    {parties, "party-event", "Parties and suppliers"},
    {customers, "customer-event", "Customers"},
    {invoices, "invoice-event", "Invoices"},
    {sales, "sale-event", "Sales"},
    {invoice_payments, "invoice-payment-event", "Invoice payments"},
    {sale_receipts, "sale-receipt-event", "Sale receipts"},
    {ledger, "ledger-event", "Ledger and accounting"},
    {notifications, "notification-event", "Reminders and notifications"},
    {documents, "document-event", "OCR and documents"},
    {inventory, "inventory-event", "Inventory and items"},
    {ecommerce_users, "ecommerce-user-event", "E-commerce users"},
    {orders, "order-event", "E-commerce and orders"},
    {reports, "report-event", "Reports and analytics"},
    {system, "system-event", "System and administration"},
    {textile, "textile-event", "Textile shop"},
    {catalog, "catalog-event", "Catalogue"},
    {organizations, "organization-event", "Organizations"},
};

constexpr bool in_order_of_the_enumeration() {
    for (std::size_t i = 0; i < std::size(categories); ++i)
        if (static_cast<std::size_t>(categories[i].category) != i) return false;
    return true;
}
static_assert(in_order_of_the_enumeration());

CategoryWords const& words_of(SubjectCategory category) {
    return categories[static_cast<std::size_t>(category)];
}

} // namespace

Subject const* find_subject(std::string_view name) {
    static std::unordered_map<std::string_view, Subject const*> const by_name = [] {
        std::unordered_map<std::string_view, Subject const*> made;
        for (Subject const& subject : all_subjects()) made.emplace(subject.name, &subject);
        for (SubjectAlias const& alias : aliases) made.emplace(alias.name, &alias.subject);
        return made;
    }();
    auto const found = by_name.find(name);
    return found == by_name.end() ? nullptr : found->second;
}

std::span<SubjectAlias const> subject_aliases() { return aliases; }
std::string_view topic_of(SubjectCategory category) { return words_of(category).topic; }
std::string_view title_of(SubjectCategory category) { return words_of(category).title; }

} // namespace haat
