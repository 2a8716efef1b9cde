#include <app/modules.hpp>

#include <modules/admin/admin.hpp>
#include <modules/catalog/catalog.hpp>
#include <modules/documents/documents.hpp>
#include <modules/identity/identity.hpp>
#include <modules/notify/notify.hpp>
#include <modules/webhooks/webhooks.hpp>

namespace haat::app {

void add_module_routes(Routes& routes, Parts const& parts) {
    identity::add_identity_routes(routes, parts.identity);
    identity::add_organization_address_routes(routes);
    catalog::add_brand_routes(routes);
    catalog::add_category_routes(routes);
    notify::add_own_notification_routes(routes, parts.messages);
    notify::add_recipient_routes(routes);
    notify::add_template_routes(routes);
    notify::add_callback_routes(routes, parts.messages);
    notify::add_notification_routes(routes);
    notify::add_outbox_page(routes, parts.messages);
    admin::add_job_routes(routes);
    admin::add_event_routes(routes);
    admin::add_audit_routes(routes);
    admin::add_config_routes(routes, parts.settings);
    admin::add_maintenance_routes(routes, parts.maintenance);
    admin::add_system_routes(routes, parts.system);
    webhooks::add_webhook_routes(routes, parts.webhooks);
    documents::add_document_routes(routes, parts.documents);
}

Task<void> seed_demo(pg::Database& database) {
    co_await identity::seed_identity_demo(database);
    co_await catalog::seed_demo(database);
}

} // namespace haat::app
