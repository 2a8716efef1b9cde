#include <http/body.hpp>

#include <http/headers.hpp>
#include <http/multipart.hpp>

namespace haat::http {

namespace {
bool is_json(std::string_view type) {
    std::string_view const media = type.substr(0, type.find(';'));
    return type.empty() || is_media_type(type, "application/json") || media.ends_with("+json");
}
} // namespace

void decode_body(Request const& request, describe::Shape const& shape, void* into,
                 Problems& problems, describe::ReadOptions const& options) {
    std::string_view const type = request.header("content-type");
    if (is_media_type(type, "application/x-www-form-urlencoded")) {
        describe::decode_query(request.body, shape, into, problems);
        return;
    }
    if (is_media_type(type, "multipart/form-data")) {
        describe::decode_form(read_fields(request, FormLimits{}), shape, into, problems);
        return;
    }
    if (!is_json(type)) throw Refusal(unsupported_media);
    std::string_view const body = request.body.empty() ? "{}" : std::string_view{request.body};
    if (describe::decode(body, shape, into, problems, options)) return;
    throw Refusal(malformed_json).about(std::move(problems));
}

} // namespace haat::http
