#include <app/commands/commands.hpp>

#include <cstdio>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include <app/config.hpp>

namespace haat::app {

namespace json = boost::json;

namespace {

std::string as_json(Loaded const& loaded) {
    json::object settings;
    for (auto const& line : loaded.effective)
        settings[line.key] = json::object{{"value", line.value},
                                          {"source", std::string(name_of(line.source))},
                                          {"from", line.from}};
    json::array notes;
    for (auto const& note : loaded.notes) notes.emplace_back(note);
    return json::serialize(
        json::object{{"file", loaded.file.string()}, {"settings", settings}, {"notes", notes}});
}

} // namespace

int config(Invocation const& invocation) {
    auto const loaded = load_config();
    if (invocation.json) {
        std::printf("%s\n", as_json(loaded).c_str());
        return 0;
    }
    for (auto const& line : loaded.effective) {
        std::string const from = line.from.empty() ? "default" : line.from;
        std::printf("%-36s %-32s %s\n", line.key.c_str(), line.value.c_str(), from.c_str());
    }
    for (auto const& note : loaded.notes) std::printf("note: %s\n", note.c_str());
    return 0;
}

} // namespace haat::app
