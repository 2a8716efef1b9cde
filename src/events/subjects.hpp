// The catalogue of subjects as constants: subjects::brand_created. The table is subjects.inc; what
// is not in it cannot be published.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include <describe/describe.hpp>

namespace haat {

enum class Priority : std::uint8_t { low, medium, high, critical };
HAAT_DESCRIBE_ENUM(Priority, low, medium, high, critical)

/// Each is a topic of its own; see topic_of().
enum class SubjectCategory : std::uint8_t {
    users,
    parties,
    customers,
    invoices,
    sales,
    invoice_payments,
    sale_receipts,
    ledger,
    notifications,
    documents,
    inventory,
    ecommerce_users,
    orders,
    reports,
    system,
    textile,
    catalog,
    organizations
};
HAAT_DESCRIBE_ENUM(SubjectCategory, users, parties, customers, invoices, sales, invoice_payments,
                   sale_receipts, ledger, notifications, documents, inventory, ecommerce_users,
                   orders, reports, system, textile, catalog, organizations)

enum class SubjectGroup : std::uint8_t {
    none,
    authentication,
    core_business,
    notifications,
    document_processing,
    inventory,
    reports,
    system
};
HAAT_DESCRIBE_ENUM(SubjectGroup, none, authentication, core_business, notifications,
                   document_processing, inventory, reports, system)

struct Subject {
    std::string_view constant; // "BrandCreated"
    std::string_view name;     // "brand:created"
    SubjectCategory category = SubjectCategory::system;
    Priority priority = Priority::medium;
    SubjectGroup group = SubjectGroup::none;
    bool live = false;        // told to those who listen just now, never kept
    std::string_view section; // of docs/events.md
};

namespace detail {

#define SECTION(category, title)
#define SUBJECT(id, ...) subject_##id,
#define PRIORITY(id, is)
#define GROUP(id, is)
#define LIVE(id)
#define LIFECYCLE(id)
#define ALIAS(other, id)
enum SubjectNumber : std::size_t {
#include <events/subjects.inc>
    subject_count
};
#undef SECTION
#undef SUBJECT
#undef PRIORITY
#undef GROUP
#undef LIVE

consteval std::array<Subject, subject_count> make_subjects() {
    std::array<Subject, subject_count> all{};
    SubjectCategory category{};
    std::string_view section;
#define SECTION(its_category, title)                                                               \
    category = SubjectCategory::its_category;                                                      \
    section = title;
#define SUBJECT(id, Name, subject)                                                                 \
    all[subject_##id].constant = #Name;                                                            \
    all[subject_##id].name = subject;                                                              \
    all[subject_##id].category = category;                                                         \
    all[subject_##id].section = section;
#define PRIORITY(id, is) all[subject_##id].priority = Priority::is;
#define GROUP(id, is) all[subject_##id].group = SubjectGroup::is;
#define LIVE(id) all[subject_##id].live = true;
#include <events/subjects.inc>
#undef SECTION
#undef SUBJECT
#undef PRIORITY
#undef GROUP
#undef LIVE
#undef LIFECYCLE
    return all;
}
inline constexpr std::array<Subject, subject_count> all_subjects = make_subjects();

} // namespace detail

/// The three of a resource that is only kept and found: subjects::brand.
struct Lifecycle {
    Subject const& created;
    Subject const& updated;
    Subject const& deleted;
};

namespace subjects {
#define SECTION(category, title)
#define SUBJECT(id, ...)                                                                           \
    inline constexpr Subject const& id = ::haat::detail::all_subjects[::haat::detail::subject_##id];
#define PRIORITY(id, is)
#define GROUP(id, is)
#define LIVE(id)
#define LIFECYCLE(id) inline constexpr Lifecycle id{id##_created, id##_updated, id##_deleted};
#include <events/subjects.inc>
#undef SECTION
#undef SUBJECT
#undef PRIORITY
#undef GROUP
#undef LIVE
#undef LIFECYCLE
#undef ALIAS
} // namespace subjects

/// In the order of the table.
inline constexpr std::span<Subject const> all_subjects() { return detail::all_subjects; }

/// By its own spelling or by an alias ("order.created"); nullptr when there is none.
Subject const* find_subject(std::string_view name);

struct SubjectAlias {
    std::string_view name;
    Subject const& subject;
};
std::span<SubjectAlias const> subject_aliases();

/// "auth-event": the Kafka topic, as the earlier back office named its own.
std::string_view topic_of(SubjectCategory);
/// "Authentication and users".
std::string_view title_of(SubjectCategory);

} // namespace haat
