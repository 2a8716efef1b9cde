// The part of the table of settings that is about files and pictures.
#pragma once

#include <string>
#include <vector>

#include <app/settings.hpp>

namespace haat::app {

void add_file_settings(std::vector<Setting>& all);
/// What cannot be goes to `problems`.
void check_files(FilesConfig const& config, std::vector<std::string>& problems);

} // namespace haat::app
