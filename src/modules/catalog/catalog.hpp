// Brands and categories: rows of the platform, which every shop's products refer to.
#pragma once

#include <base/words.hpp>
#include <http/routes.hpp>

namespace haat::catalog {

void add_brand_routes(Routes&);
void add_category_routes(Routes&);

/// A handful of brands and a small tree of categories; adds nothing that is there.
Task<void> seed_demo(pg::Database&);

} // namespace haat::catalog
