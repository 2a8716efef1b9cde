#pragma once

#include <http/resource.hpp>

namespace haat::catalog {

struct CategoryNoun {
    static constexpr std::string_view noun = "category";
};
using CategoryId = Id<CategoryNoun>;

enum class AttributeType : std::uint8_t { text, number, boolean, choice };
HAAT_DESCRIBE_ENUM(AttributeType, text, number, boolean, choice)

/// What the products of a category say of themselves: fabric, gsm, grade.
struct AttributeDefinition {
    Text<1, 60> name;
    AttributeType type = AttributeType::text;
    std::optional<Text<1, 20>> unit;
    List<Text<1, 100>, 0, 200> allowed_values;
    bool required = false;
    bool filterable = false;
};
HAAT_DESCRIBE(AttributeDefinition, name, type, unit, allowed_values, required, filterable)
HAAT_DEFAULTS(AttributeDefinition, type, allowed_values, required, filterable)

struct NewCategory {
    Text<1, 255> name;
    std::optional<Slug> slug;
    std::optional<Text<0, 5000>> description;
    std::optional<CategoryId> parent_id;
    std::optional<Url> image_url;
    List<AttributeDefinition, 0, 50> product_attributes;
    bool is_active = true;
};
HAAT_DESCRIBE(NewCategory, name, slug, description, parent_id, image_url, product_attributes,
              is_active)
HAAT_DEFAULTS(NewCategory, product_attributes, is_active)
HAAT_NOTES(NewCategory, {.field = "name", .text = "What shoppers read.", .example = "Notebooks"},
           {.field = "slug", .text = "Made of the name when absent.", .example = "notebooks"})

struct Category : NewCategory {
    CategoryId id;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(Category, id, name, slug, description, parent_id, image_url, product_attributes,
              is_active, created_at, updated_at)

struct CategoryFilter {
    std::optional<Text<1, 100>> search;
    std::optional<CategoryId> parent_id;
    std::optional<bool> root_only;
    bool is_active = true;
    Paging paging;
};
HAAT_DESCRIBE(CategoryFilter, search, parent_id, root_only, is_active, paging)
HAAT_DEFAULTS(CategoryFilter, is_active)
HAAT_NOTES(CategoryFilter, {.field = "search", .text = "Anywhere in the name.", .example = "note"},
           {.field = "root_only", .text = "Only categories without a parent."})

} // namespace haat::catalog
