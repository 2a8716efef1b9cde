#include <app/webhook_options.hpp>

namespace haat::app {

webhooks::Options webhook_options(Config const& config) {
    webhooks::Options options;
    options.server_secret = config.secret_of_data();
    options.client = config.messages.client;
    options.https_only = config.production();
    WebhooksConfig const& from = config.webhooks;
    options.endpoints_max = from.endpoints_max;
    options.at_once_max = from.at_once_max;
    options.attempts_max = from.attempts_max;
    options.timeout = from.timeout;
    options.retry_first = from.retry_first;
    options.retry_max = from.retry_max;
    options.patience = from.patience;
    options.disable_after = from.disable_after;
    options.keep = from.keep;
    options.body_bytes_max = from.body_bytes_max;
    options.answer_bytes_kept = from.answer_bytes_kept;
    return options;
}

} // namespace haat::app
