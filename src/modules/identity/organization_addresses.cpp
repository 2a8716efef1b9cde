#include "organization_addresses.hpp"

#include <base/clock.hpp>
#include <modules/identity/identity.hpp>

namespace haat::identity {

namespace {

RefusalKind const default_address_needed{409, "CANNOT_DELETE_DEFAULT",
                                         "Make another address the default first."};

Event<Address> const address_added{"OrganizationAddressAdded", "organization:address-added"};
Event<Address> const address_updated{"OrganizationAddressUpdated", "organization:address-updated"};
Event<Address> const address_deleted{"OrganizationAddressDeleted", "organization:address-deleted"};

namespace sql {
ListOf<Address, AddressFilter> list_addresses{
    "identity.list_addresses",
    {.select = "select {row} from identity.organization_addresses",
     .filters = {{"is_default", "is_default = $"}},
     .sorts = {{"createdAt", "created_at"}, {"label", "label"}}}};
One<Address, AddressId> find_address{
    "identity.find_address", "select {row} from identity.organization_addresses where id = $1"};
One<Address, AddressId, NewAddress> insert_address{"identity.insert_address", R"(
    insert into identity.organization_addresses (id, {2}) values ($1, {$2}) returning {row})"};
One<Address, Address> update_address{"identity.update_address", R"(
    update identity.organization_addresses set {set 1} where id = $1 returning {row})"};
Exec<AddressId> delete_address{"identity.delete_address",
                               "delete from identity.organization_addresses where id = $1"};
// Changes of one organization's addresses go one after another: exactly one is the default.
Exec<OrgId> lock_addresses{"identity.lock_addresses",
                           "select pg_advisory_xact_lock(hashtextextended($1::text, 4))"};
One<std::int64_t> count_addresses{"identity.count_addresses",
                                  "select count(*) from identity.organization_addresses"};
Exec<AddressId> unset_default{"identity.unset_default_address", R"(
    update identity.organization_addresses set is_default = false where is_default and id <> $1)"};
} // namespace sql

Task<Reply<Page<Address>>> list_addresses(Ask<AddressFilter>& ask) {
    Page<Address> const page = co_await ask.read.list(sql::list_addresses, ask.query());
    co_return listed(page);
}

Task<Reply<Address>> get_address(Call<>& call, AddressId id) {
    Address const address = co_await call.read(sql::find_address, id);
    co_return ok(address);
}

Task<Reply<Address>> create_address(Call<NewAddress>& call) {
    AddressId const id = new_id<AddressNoun>();
    NewAddress body = call.body();
    Tx tx = call.begin();
    tx.later(sql::lock_addresses, call.actor().org);
    std::int64_t const others = co_await tx(sql::count_addresses);
    body.is_default = body.is_default || others == 0;
    if (body.is_default) tx.later(sql::unset_default, id);
    Address const address = co_await tx(sql::insert_address, id, body);
    emit(tx, address_added, id, address);
    co_return co_await call.commit(tx, created(address));
}

Task<Reply<Address>> update_address(Call<AddressChange>& call, AddressId id) {
    Tx tx = call.begin();
    tx.later(sql::lock_addresses, call.actor().org);
    Address const before = co_await tx(sql::find_address, id);
    call.expect(before);
    Address after = before;
    describe::apply(after, call.body());
    after.updated_at = now();
    after.is_default = after.is_default || before.is_default; // it ends when another takes over
    if (after.is_default) tx.later(sql::unset_default, id);
    after = co_await tx(sql::update_address, after);
    call.changed(before, after);
    emit(tx, address_updated, id, after);
    co_return co_await call.commit(tx, ok(after));
}

Task<Reply<Deleted>> delete_address(Call<>& call, AddressId id) {
    Tx tx = call.begin();
    tx.later(sql::lock_addresses, call.actor().org);
    Address const address = co_await tx(sql::find_address, id);
    call.expect(address);
    std::int64_t const count = co_await tx(sql::count_addresses);
    if (address.is_default && count > 1) throw Refusal(default_address_needed);
    co_await tx(sql::delete_address, id);
    emit(tx, address_deleted, id, address);
    co_return co_await call.commit(tx, deleted(id));
}

} // namespace

void add_organization_address_routes(Routes& r) {
    Routes addresses = r.group("/organizations/addresses", "Organization addresses");
    addresses.get("", &list_addresses, "The organization's addresses")
        .needs(Permit::organization_read);
    addresses.get("/{id}", &get_address, "One address").needs(Permit::organization_read);
    addresses.post("", &create_address, "Add an address")
        .needs(Permit::organization_write)
        .idempotent();
    addresses.put("/{id}", &update_address, "Change an address").needs(Permit::organization_write);
    addresses.remove("/{id}", &delete_address, "Remove an address")
        .needs(Permit::organization_write)
        .refuses(default_address_needed);
}

} // namespace haat::identity
