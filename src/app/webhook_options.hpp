// The part of the configuration that webhooks run with.
#pragma once

#include <app/config.hpp>
#include <modules/webhooks/webhooks.hpp>

namespace haat::app {

webhooks::Options webhook_options(Config const& config);

} // namespace haat::app
