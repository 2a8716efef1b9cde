// Where what is personal stands in encoded JSON, and of whom it tells.
#include <gtest/gtest.h>

#include <describe/codec.hpp>

namespace haat::describe {
namespace {

struct Contact {
    std::string label;
    std::optional<Phone> phone;
};
HAAT_DESCRIBE(Contact, label, phone)

struct Member {
    Uuid id;
    std::string name;
    std::vector<Email> emails;
};
HAAT_DESCRIBE(Member, id, name, emails)
HAAT_PERSONAL(Member, name)
HAAT_PERSON(Member, id)

struct Family {
    std::string town;
    Contact contact;
    std::vector<Member> members;
    std::optional<Uuid> head;
    Contact secret_contact;
};
HAAT_DESCRIBE(Family, town, contact, members, head, secret_contact)
HAAT_PERSONAL(Family, secret_contact)
HAAT_PERSON(Family, head)

struct Town {
    std::string name;
};
HAAT_DESCRIBE(Town, name)

static_assert(shape_of<Family>.personal && shape_of<std::optional<Contact>>.personal);
static_assert(!shape_of<Town>.personal);

Uuid uuid_of(unsigned char last) {
    Uuid uuid;
    uuid.bytes[15] = last;
    return uuid;
}

using Found = std::vector<std::pair<std::string, int>>; // the value, whose it is

Found found(std::string const& json, PersonalParts const& parts) {
    Found all;
    for (PersonalPart const& part : parts)
        all.emplace_back(json.substr(part.at, part.size), part.person ? part.person->bytes[15] : 0);
    return all;
}

template <class T> Found parts_of(T const& value) {
    std::string json = "before ";
    PersonalParts parts;
    encode(json, shape_of<T>, &value, parts);
    EXPECT_EQ(json, "before " + to_json(value));
    return found(json, parts);
}

TEST(PersonalTest, ContactsAreSoByTheirType) {
    EXPECT_EQ(parts_of(Contact{"home", Phone{"+919812345678"}}),
              (Found{{R"("+919812345678")", 0}}));
    EXPECT_EQ(parts_of(Contact{"home", std::nullopt}), Found{});
}

TEST(PersonalTest, TheInnermostPersonOwnsIt) {
    Family family{.town = "Pune",
                  .contact = {"shop", Phone{"+919800000001"}},
                  .members = {{uuid_of(1), "A", {}}, {uuid_of(2), "B", {Email{"b@haat.test"}}}},
                  .head = uuid_of(7),
                  .secret_contact = {"nobody's", Phone{"+919800000002"}}};
    EXPECT_EQ(parts_of(family), (Found{{R"("+919800000001")", 7},
                                       {R"("A")", 1},
                                       {"[]", 1},
                                       {R"("B")", 2},
                                       {R"(["b@haat.test"])", 2},
                                       {R"({"label":"nobody's","phone":"+919800000002"})", 7}}));
    family.head.reset();
    EXPECT_EQ(parts_of(family).front(), (std::pair<std::string, int>{R"("+919800000001")", 0}));
}

TEST(PersonalTest, ListsOfPersons) {
    std::vector<Member> const members{{uuid_of(1), "A", {}}, {uuid_of(2), "B", {}}};
    EXPECT_EQ(parts_of(members), (Found{{R"("A")", 1}, {"[]", 1}, {R"("B")", 2}, {"[]", 2}}));
}

TEST(PersonalTest, ChangesHaveItOnBothSides) {
    Member const before{uuid_of(1), "A", {}};
    Member const after{uuid_of(1), "B", {}};
    PersonalParts parts;
    std::string const json = diff(shape_of<Member>, &before, &after, parts);
    EXPECT_EQ(json, R"({"name":{"from":"A","to":"B"}})");
    EXPECT_EQ(found(json, parts), (Found{{R"("A")", 1}, {R"("B")", 1}}));
}

TEST(PersonalTest, ChangesOfPartsWithin) {
    Family before;
    before.head = uuid_of(7);
    before.contact = {"shop", Phone{"+919800000001"}};
    Family after = before;
    after.contact.phone.reset();
    PersonalParts parts;
    std::string const json = diff(shape_of<Family>, &before, &after, parts);
    EXPECT_EQ(found(json, parts), (Found{{R"("+919800000001")", 7}}));
}

} // namespace
} // namespace haat::describe
