// The catalogue as documents tell it: each subject with its payload and whoever emits it.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <events/events.hpp>

namespace haat::events {

/// The payload that a subject is promised to have, before any module emits it.
struct PromisedPayload {
    Subject const& subject;
    describe::Shape const& shape;
};
std::vector<PromisedPayload> const& promised_payloads();

struct CatalogueEntry {
    Subject const* subject = nullptr;
    /// What its emitter sends, else what was promised; nullptr when nothing is known.
    describe::Shape const* payload = nullptr;
    std::set<std::string_view> emitters;
};
/// In the order of the table.
std::vector<CatalogueEntry> catalogue();

/// docs/events.md.
std::string events_page();
/// AsyncAPI 3, compact JSON: a channel for each category, a message for each subject.
std::string asyncapi(std::string_view version);

} // namespace haat::events
