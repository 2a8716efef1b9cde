#include <http/routes.hpp>

#include <http/envelope.hpp>

#include <cctype>

namespace haat {

using http::Method;
using http::RouteSpec;

namespace {

/// GET /api/v1/brands/{id} -> getBrandsById: stable names for generated clients.
std::string operation_of(Method method, std::string_view path) {
    std::string name(http::name_of(method));
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    if (path.starts_with("/api/v1/")) path.remove_prefix(8);
    bool upper = true;
    for (char const c : path) {
        if (c == '{') name += "By";
        if (!std::isalnum(static_cast<unsigned char>(c))) {
            upper = true;
            continue;
        }
        name += upper ? static_cast<char>(std::toupper(static_cast<unsigned char>(c))) : c;
        upper = false;
    }
    return name;
}

std::size_t parameters_in(std::string_view path) {
    std::size_t count = 0;
    for (char c : path) count += c == '{';
    return count;
}

} // namespace

std::string_view http::RouteSpec::message_for(RawReply const& reply) const {
    if (!reply.message.empty()) return reply.message;
    return message.empty() ? default_message(reply.status) : message;
}

Routes::Routes() : all_(std::make_shared<std::deque<RouteSpec>>()), prefix_("/api/v1") {}

Routes Routes::group(std::string_view path, std::string_view tag) const {
    Routes inner = *this;
    inner.prefix_ += path;
    inner.tag_ = tag;
    return inner;
}

Routes Routes::cached(std::chrono::seconds how_long, std::string_view tag) const {
    Routes inner = *this;
    inner.cache_for_ = how_long;
    inner.cache_tag_ = tag;
    return inner;
}

Routes Routes::root(std::string_view tag) const {
    Routes outer = *this;
    outer.prefix_.clear();
    outer.tag_ = tag;
    return outer;
}

Unguarded Routes::add_erased(Method method, std::string_view path, void (*handler)(),
                             http::Signature signature, std::string_view summary) {
    RouteSpec spec{.method = method,
                   .path = prefix_ + std::string(path),
                   .tag = tag_,
                   .summary = summary,
                   .signature = std::move(signature),
                   .handler = handler};
    if (!cache_tag_.empty() && method == Method::get) {
        spec.cache_for = cache_for_;
        spec.cache_tag = cache_tag_;
    } else if (!cache_tag_.empty()) {
        spec.drops.push_back(cache_tag_);
    }
    if (parameters_in(spec.path) != spec.signature.path_arguments.size())
        throw Fault("the handler of " + spec.path + " does not take its path parameters");
    return {*all_, std::move(spec)};
}

Route Unguarded::add() {
    spec_.number = static_cast<int>(all_->size());
    spec_.operation = operation_of(spec_.method, spec_.path);
    spec_.success_status = spec_.method == Method::post ? 201 : 200;
    all_->push_back(std::move(spec_));
    return {*all_, all_->size() - 1};
}
Route Unguarded::open() && {
    spec_.open = true;
    return add();
}
Route Unguarded::needs(Permit permit) && {
    spec_.open = false;
    spec_.permit = permit;
    return add();
}

Route& Route::cached(std::chrono::seconds how_long, std::string_view tag) {
    spec().cache_for = how_long;
    spec().cache_tag = tag;
    return *this;
}
Route& Route::drops(std::string_view tag) {
    spec().drops.push_back(tag);
    return *this;
}
Route& Route::alias(std::string_view path) { return alias(spec().method, path); }
Route& Route::alias(Method method, std::string_view path) {
    RouteSpec copy = spec();
    copy.method = method;
    copy.path = path;
    copy.deprecated = true;
    copy.alias_of = &spec();
    copy.number = static_cast<int>(all_->size());
    copy.operation = operation_of(method, path);
    all_->push_back(std::move(copy));
    return *this;
}
Route& Route::idempotent() {
    spec().idempotent = true;
    return *this;
}
Route& Route::limited(RateClass rate_class) {
    spec().rate_class = rate_class;
    return *this;
}
Route& Route::body_max(std::size_t bytes) {
    spec().body_bytes_max = bytes;
    return *this;
}
Route& Route::streams() {
    spec().streams_body = true;
    return *this;
}
Route& Route::answers(int status) {
    spec().success_status = status;
    return *this;
}
Route& Route::bare(std::string_view media_type) {
    spec().bare = true;
    spec().media_type = media_type;
    return *this;
}
Route& Route::in_maintenance() {
    spec().in_maintenance = true;
    return *this;
}
Route& Route::audited_as(std::string_view action) {
    spec().action = action;
    return *this;
}
Route& Route::unaudited() {
    spec().audited = false;
    return *this;
}
Route& Route::says(std::string_view message) {
    spec().message = message;
    return *this;
}
Route& Route::describes(std::string text) {
    spec().description = std::move(text);
    return *this;
}

} // namespace haat
