#pragma once

#include <http/resource.hpp>

namespace haat::catalog {

/// A slug that was not given is made of the name; a name without Latin letters gets digits of the
/// id.
template <class Key, class Body> Task<void> fill_slug(RawCall&, Tx&, Key id, Body& body) {
    if (body.slug) co_return;
    body.slug = Slug::of(body.name.value);
    if (body.slug->value.empty()) body.slug->value = to_string(id.uuid).substr(24);
}

/// The same when a change takes the slug away.
template <class Row> Task<void> refill_slug(RawCall& call, Tx& tx, Row const&, Row& after) {
    return fill_slug(call, tx, after.id, after);
}

} // namespace haat::catalog
