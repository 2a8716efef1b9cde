#include <app/modules.hpp>

#include <modules/catalog/catalog.hpp>
#include <modules/identity/identity.hpp>

namespace haat::app {

void add_module_routes(Routes& routes, identity::Identity& identity) {
    identity::add_identity_routes(routes, identity);
    identity::add_organization_address_routes(routes);
    catalog::add_brand_routes(routes);
    catalog::add_category_routes(routes);
}

Task<void> seed_demo(pg::Database& database) {
    co_await identity::seed_identity_demo(database);
    co_await catalog::seed_demo(database);
}

} // namespace haat::app
