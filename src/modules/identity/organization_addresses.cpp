#include <modules/identity/organization_addresses.hpp>

#include <modules/identity/identity.hpp>

namespace haat::identity {

namespace {

RefusalKind const default_needed{409, "CANNOT_DELETE_DEFAULT",
                                 "Make another address the default first."};

Events<Address> events{subjects::organization_address};

Table<Address, NewAddress, AddressId> table{"identity.organization_addresses"};
ListOf<Address, AddressFilter> list{"identity.organization_addresses.list",
                                    {.select = "select {row} from identity.organization_addresses",
                                     .filters = {{"is_default", "is_default = $"}},
                                     .sorts = {{"createdAt", "created_at"}, {"label", "label"}}}};
// Whoever touches the default does so alone: exactly one address has it.
Exec<OrgId> lock_default{"identity.organization_addresses.lock_default",
                         "select pg_advisory_xact_lock(hashtextextended($1::text, 4))"};
One<std::int64_t> count{"identity.organization_addresses.count",
                        "select count(*) from identity.organization_addresses"};
Exec<AddressId> unset_default{"identity.organization_addresses.unset_default", R"(
    update identity.organization_addresses set is_default = false where is_default and id <> $1)"};

Task<void> default_first(RawCall& call, Tx& tx, AddressId id, NewAddress& body) {
    tx.later(lock_default, call.actor().org);
    std::int64_t const others = co_await tx(count);
    body.is_default = body.is_default || others == 0;
    if (body.is_default) tx.later(unset_default, id);
}

// An address stops being the default only when another takes over.
Task<void> hand_over_default(RawCall& call, Tx& tx, Address const& before, Address& after) {
    after.is_default = after.is_default || before.is_default;
    if (!after.is_default || before.is_default) co_return;
    tx.later(lock_default, call.actor().org);
    tx.later(unset_default, after.id);
}

Task<void> refuse_default(RawCall& call, Tx& tx, Address const& address) {
    if (!address.is_default) co_return;
    tx.later(lock_default, call.actor().org);
    std::int64_t const all = co_await tx(count);
    if (all > 1) throw Refusal(default_needed);
}

} // namespace

void add_organization_address_routes(Routes& r) {
    Routes addresses = r.group("/organizations/addresses", "Organization addresses");
    addresses.get("", &list_page<list>, "The organization's addresses")
        .needs(Permit::organization_read);
    addresses.get("/{id}", &find_one<table>, "One address").needs(Permit::organization_read);
    addresses.post("", &create_one<table, events, &default_first>, "Add an address")
        .needs(Permit::organization_write)
        .idempotent();
    addresses.put("/{id}", &change_one<table, events, &hand_over_default>, "Change an address")
        .needs(Permit::organization_write);
    addresses.remove("/{id}", &remove_one<table, events, &refuse_default>, "Remove an address")
        .needs(Permit::organization_write)
        .refuses(default_needed);
}

} // namespace haat::identity
