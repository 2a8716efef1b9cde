#include <http/envelope.hpp>

#include <map>

#include <base/clock.hpp>
#include <describe/codec.hpp>

namespace haat::http {

namespace {

void write_number(std::string& out, std::int64_t number) { out += std::to_string(number); }

void write_meta(std::string& out, std::string_view request_id, std::string_view pagination) {
    out += R"(,"meta":{)";
    if (!pagination.empty()) out.append(R"("pagination":)").append(pagination).append(",");
    out.append(R"("requestId":")").append(request_id).append(R"(","timestamp":)");
    describe::to_json(out, now());
    out += "}}";
}

void write_details(std::string& out, Problems const& problems) {
    std::map<std::string_view, std::vector<Problem const*>> by_path;
    for (Problem const& problem : problems) by_path[problem.path].push_back(&problem);
    out += R"(,"details":{)";
    bool first = true;
    for (auto const& [path, of_path] : by_path) {
        if (!first) out += ',';
        first = false;
        describe::encode_string(out, path);
        out += ":[";
        for (std::size_t i = 0; i < of_path.size(); ++i) {
            if (i > 0) out += ',';
            describe::encode_string(out, sentence_of(*of_path[i]));
        }
        out += ']';
    }
    out += R"(},"problems":[)";
    for (std::size_t i = 0; i < problems.size(); ++i) {
        out += i > 0 ? R"(,{"path":)" : R"({"path":)";
        describe::encode_string(out, problems[i].path);
        out.append(R"(,"code":")").append(problems[i].code).append(R"(","params":)");
        out.append(problems[i].params.empty() ? "{}" : problems[i].params).append("}");
    }
    out += ']';
}

std::string message_of(Refusal const& refusal) {
    if (!refusal.is(validation_error) || refusal.problems().empty())
        return std::string(refusal.sentence());
    Problem const& first = refusal.problems().front();
    if (first.path.empty()) return "Validation failed: the body " + sentence_of(first);
    return "Validation failed: " + first.path + " " + sentence_of(first);
}

} // namespace

std::string_view default_message(int status) {
    switch (status) {
    case 201: return "Created";
    case 202: return "Accepted";
    default: return "OK";
    }
}

std::size_t write_success(std::string& out, RawReply const& reply, std::string_view message,
                          std::string_view request_id) {
    out.reserve(out.size() + reply.data.size() + reply.pagination.size() + 256);
    out += R"({"success":true,"status":)";
    write_number(out, reply.status);
    out += R"(,"message":)";
    describe::encode_string(out, message);
    out += R"(,"data":)";
    std::size_t const begin = out.size();
    out += reply.data.empty() ? std::string_view{"null"} : std::string_view{reply.data};
    write_meta(out, request_id, reply.pagination);
    return begin;
}

void write_failure(std::string& out, Refusal const& refusal, std::string_view request_id) {
    std::string const message = message_of(refusal);
    out += R"({"success":false,"status":)";
    write_number(out, refusal.status());
    out += R"(,"message":)";
    describe::encode_string(out, message);
    out.append(R"(,"error":{"code":")").append(refusal.code()).append(R"(","message":)");
    describe::encode_string(out, message);
    if (!refusal.problems().empty()) write_details(out, refusal.problems());
    if (!refusal.extras().empty()) out.append(",").append(refusal.extras());
    out.append(R"(,"docs":"/docs/errors#)").append(refusal.code()).append(R"("})");
    write_meta(out, request_id, {});
}

std::string pagination_json(Page<int> const& facts) {
    std::int32_t const limit = facts.limit > 0 ? facts.limit : 1;
    Pagination const pagination{.total = facts.total,
                                .total_is_exact = facts.total_is_exact,
                                .limit = facts.limit,
                                .skip = facts.skip,
                                .page = facts.skip / limit + 1,
                                .total_pages = (facts.total + limit - 1) / limit,
                                .has_more = facts.has_more,
                                .next_cursor = facts.next_cursor,
                                .prev_cursor = facts.prev_cursor};
    return describe::to_json(pagination);
}

} // namespace haat::http
