// The part of the table of settings that is about what haat sends into the world.
#pragma once

#include <string>
#include <vector>

#include <app/settings.hpp>

namespace haat::app {

void add_message_settings(std::vector<Setting>& all);
/// What follows from other settings is filled in; what cannot be goes to `problems`.
void check_messages(MessagesConfig& messages, std::vector<std::string>& problems);

} // namespace haat::app
