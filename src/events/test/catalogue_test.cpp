// The catalogue: whole, without doubles, and what documents say of it.
#include <set>

#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include <describe/codec.hpp>
#include <events/catalogue.hpp>

namespace haat::events {
namespace {

template <class Value>
concept CanBeASubject = requires(Value value) { Event<Priority>{value}; };
static_assert(CanBeASubject<Subject const&>);
static_assert(!CanBeASubject<char const*>, "an undeclared subject must not compile");
static_assert(subjects::brand_created.name == "brand:created");
static_assert(&subjects::brand.updated == &subjects::brand_updated);

TEST(CatalogueTest, HasEverySubjectOnce) {
    std::set<std::string_view> names;
    std::set<std::string_view> constants;
    int of_the_back_office = 0;
    for (Subject const& subject : all_subjects()) {
        EXPECT_TRUE(names.insert(subject.name).second) << subject.name;
        EXPECT_TRUE(constants.insert(subject.constant).second) << subject.constant;
        EXPECT_FALSE(subject.section.empty()) << subject.name;
        EXPECT_LE(subject.name.size(), 100u);
        bool const own = subject.category == SubjectCategory::catalog ||
                         subject.category == SubjectCategory::organizations ||
                         subject.section == "Customer relations";
        of_the_back_office += !own;
    }
    EXPECT_EQ(of_the_back_office, 305);
}

TEST(CatalogueTest, PrioritiesGroupsAndLiveOnesAreThoseOfTheInventory) {
    std::set<std::string_view> critical, high, low, live;
    int in_groups = 0;
    for (Subject const& subject : all_subjects()) {
        if (subject.priority == Priority::critical) critical.insert(subject.name);
        if (subject.priority == Priority::high) high.insert(subject.name);
        if (subject.priority == Priority::low) low.insert(subject.name);
        if (subject.live) live.insert(subject.name);
        in_groups += subject.group != SubjectGroup::none;
    }
    using Names = std::set<std::string_view>;
    EXPECT_EQ(critical,
              (Names{"system:shutdown", "data:backup-failed", "security:suspicious-activity",
                     "cash:shortage-detected", "invoice-payment:failed"}));
    EXPECT_EQ(high, (Names{"invoice:overdue", "customer:credit-limit-exceeded", "stock:out",
                           "whatsapp:message-failed"}));
    EXPECT_EQ(low,
              (Names{"dashboard:viewed", "report:generated", "email:opened", "user:logged-in"}));
    EXPECT_EQ(live, (Names{"system:api-endpoint-accessed", "dashboard:viewed", "audit:log-created",
                           "system:metrics-collected"}));
    EXPECT_EQ(in_groups, 28);
}

TEST(CatalogueTest, OtherSpellingsAreUnderstood) {
    EXPECT_EQ(find_subject("order:created"), &subjects::order_created);
    EXPECT_EQ(find_subject("order.created"), &subjects::order_created);
    EXPECT_EQ(find_subject("payment.succeeded"), &subjects::online_payment_succeeded);
    EXPECT_EQ(find_subject("order.exploded"), nullptr);
    for (SubjectAlias const& alias : subject_aliases())
        EXPECT_EQ(find_subject(alias.name), &alias.subject) << alias.name;
}

TEST(CatalogueTest, KnowsPayloadsAndEmitters) {
    int with_payload = 0;
    for (CatalogueEntry const& entry : catalogue()) {
        with_payload += entry.payload != nullptr;
        if (!entry.emitters.empty()) EXPECT_NE(entry.payload, nullptr);
        if (entry.subject == &subjects::brand_created)
            EXPECT_EQ(entry.emitters, std::set<std::string_view>{"catalog"});
        if (entry.subject == &subjects::customer_credit_limit_warning) {
            ASSERT_NE(entry.payload, nullptr);
            EXPECT_EQ(entry.payload->name, "CustomerCreditLimitWarning");
            EXPECT_TRUE(entry.emitters.empty());
        }
    }
    EXPECT_GE(with_payload, 40);
}

// A module that emits what was promised sends at least the promised members.
TEST(CatalogueTest, EmittersKeepWhatWasPromised) {
    for (PromisedPayload const& promised : promised_payloads())
        for (EventKind const* kind = EventKind::first(); kind; kind = kind->next()) {
            if (&kind->subject() != &promised.subject) continue;
            std::set<std::string_view> sent;
            for (std::uint32_t i = 0; i < kind->payload().count; ++i)
                sent.insert(kind->payload().fields[i].name.json());
            for (std::uint32_t i = 0; i < promised.shape.count; ++i)
                EXPECT_TRUE(sent.contains(promised.shape.fields[i].name.json()))
                    << promised.subject.name << " without " << promised.shape.fields[i].name.json();
        }
}

TEST(CatalogueTest, AsyncApiNamesEverySubjectAndResolvesEveryReference) {
    std::string const text = asyncapi("1.2.3");
    boost::json::value const document = boost::json::parse(text);
    EXPECT_EQ(document.at("asyncapi").as_string(), "3.0.0");
    auto const& messages = document.at("components").at("messages").as_object();
    EXPECT_EQ(messages.size(), all_subjects().size());
    for (std::size_t at = 0; (at = text.find(R"("$ref":"#)", at)) != std::string::npos; ++at) {
        auto const begin = at + 9;
        std::string const pointer = text.substr(begin, text.find('"', begin) - begin);
        boost::json::error_code error;
        EXPECT_NE(document.find_pointer(pointer, error), nullptr) << pointer;
    }
    auto const& channels = document.at("channels").as_object();
    EXPECT_TRUE(channels.contains("auth-event"));
    EXPECT_FALSE(
        channels.at("system-event").at("messages").as_object().contains("APIEndpointAccessed"))
        << "live-only subjects travel to no broker";
}

} // namespace
} // namespace haat::events
