// The part of the table of settings that is about webhooks and about workers that fall silent.
#pragma once

#include <string>
#include <vector>

#include <app/settings.hpp>

namespace haat::app {

void add_lease_settings(std::vector<Setting>& all);
void add_webhook_settings(std::vector<Setting>& all);
/// What cannot be goes to `problems`.
void check_webhooks(Config const& config, std::vector<std::string>& problems);

} // namespace haat::app
