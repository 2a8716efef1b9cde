#include <app/webhook_options.hpp>

namespace haat::app {

webhooks::Options webhook_options(Config const& config) {
    webhooks::Options options;
    options.server_secret = config.secret_of_data();
    options.client = config.messages.client;
    options.https_only = config.production();
    return options;
}

} // namespace haat::app
