// The shape of every answer, as docs/errors.md and domain.md promise it.
#pragma once

#include <string>
#include <string_view>

#include <base/refusal.hpp>
#include <http/reply.hpp>

namespace haat::http {

struct Pagination {
    std::int64_t total = 0;
    bool total_is_exact = true;
    std::int32_t limit = 0;
    std::int32_t skip = 0;
    std::int32_t page = 1;
    std::int64_t total_pages = 0;
    bool has_more = false;
    std::optional<std::string> next_cursor;
    std::optional<std::string> prev_cursor;
};
HAAT_DESCRIBE(Pagination, total, total_is_exact, limit, skip, page, total_pages, has_more,
              next_cursor, prev_cursor)

struct Meta {
    std::optional<Pagination> pagination; // of lists
    std::string request_id;
    Timestamp timestamp;
};
HAAT_DESCRIBE(Meta, pagination, request_id, timestamp)

// The failure's parts are described for the documents; write_failure writes them by hand.
struct FailureProblem {
    std::string path;
    std::string code;
    Json params;
};
HAAT_DESCRIBE(FailureProblem, path, code, params)

struct FailureError {
    std::string code;
    std::string message;
    std::optional<Json> details; // sentences by path
    std::optional<std::vector<FailureProblem>> problems;
    std::string docs;
};
HAAT_DESCRIBE(FailureError, code, message, details, problems, docs)

struct Failure {
    bool success = false;
    std::int32_t status = 0;
    std::string message;
    FailureError error;
    Meta meta;
};
HAAT_DESCRIBE(Failure, success, status, message, error, meta)

/// {"success":true,"status":200,"message":"…","data":…,"meta":{…}}; gives where the data begins.
std::size_t write_success(std::string& out, RawReply const& reply, std::string_view message,
                          std::string_view request_id);

/// {"success":false,"status":422,"message":"…","error":{…},"meta":{…}}
void write_failure(std::string& out, Refusal const& refusal, std::string_view request_id);

/// "The brand was created." is the route's; this is the status's own.
std::string_view default_message(int status);

} // namespace haat::http
