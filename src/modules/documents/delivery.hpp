// A file as an answer: ranges, ETag, and headers that keep a browser from running it.
#pragma once

#include <http/call.hpp>
#include <modules/documents/documents.hpp>

namespace haat::documents {

/// 200, 206, 304 or 416.
Task<Reply<None>> deliver(Documents& documents, RawCall& call, files::Placed const& file,
                          std::string_view cache_control = "private, no-cache");

/// Images are shown, everything else is kept; any name, in a form that no name can break.
std::string disposition_of(files::Placed const& file);

enum class RangeOutcome : std::uint8_t { whole, part, unsatisfiable };
struct AskedRange {
    RangeOutcome outcome = RangeOutcome::whole;
    files::Span span;
};
/// One range of a Range header; several, or another unit, mean the whole.
AskedRange read_range(std::string_view header, std::uint64_t size);

} // namespace haat::documents
