#pragma once

#include <http/resource.hpp>

namespace haat::catalog {

struct BrandNoun {
    static constexpr std::string_view noun = "brand";
};
using BrandId = Id<BrandNoun>;

struct NewBrand {
    Text<1, 255> name;
    std::optional<Slug> slug;
    std::optional<Text<0, 5000>> description;
    std::optional<Text<0, 100>> country;
    std::optional<Url> logo_url;
    Json metadata;
    bool is_active = true;
};
HAAT_DESCRIBE(NewBrand, name, slug, description, country, logo_url, metadata, is_active)
HAAT_DEFAULTS(NewBrand, metadata, is_active)
HAAT_NOTES(NewBrand, {.field = "name", .text = "What shoppers read.", .example = "Cello"},
           {.field = "slug", .text = "Made of the name when absent.", .example = "cello"},
           {.field = "country", .text = "Where it comes from.", .example = "India"})

struct Brand : NewBrand {
    BrandId id;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(Brand, id, name, slug, description, country, logo_url, metadata, is_active,
              created_at, updated_at)

struct BrandFilter {
    std::optional<Text<1, 100>> search;
    std::optional<Text<1, 100>> country;
    bool is_active = true;
    Paging paging;
};
HAAT_DESCRIBE(BrandFilter, search, country, is_active, paging)
HAAT_DEFAULTS(BrandFilter, is_active)
HAAT_NOTES(BrandFilter, {.field = "search", .text = "Anywhere in the name.", .example = "cel"})

} // namespace haat::catalog
