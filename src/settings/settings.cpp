#include <settings/settings.hpp>

namespace haat {

namespace {
constinit SettingKind const* first_setting = nullptr;
}

SettingKind::SettingKind(char const* key, char const* text, SettingOptions options,
                         describe::Shape const& shape, Normalize normalize, std::string standard)
    : key_(key), text_(text), options_(options), shape_(&shape), normalize_(normalize),
      standard_(std::move(standard)), next_(first_setting) {
    first_setting = this;
}
SettingKind const* SettingKind::first() { return first_setting; }
SettingKind const* SettingKind::find(std::string_view key) {
    for (SettingKind const* kind = first_setting; kind; kind = kind->next_)
        if (key == kind->key_) return kind;
    return nullptr;
}

} // namespace haat
