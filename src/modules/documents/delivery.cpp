#include <modules/documents/delivery.hpp>

#include <charconv>

#include <files/media.hpp>
#include <http/headers.hpp>
#include <outbound/client.hpp>

namespace haat::documents {

namespace {

/// A source of the store as the engine wants it.
class StoredBody final : public http::BodySource {
public:
    explicit StoredBody(std::unique_ptr<files::Source> source) : source_(std::move(source)) {}
    Task<std::string_view> next() override { return source_->next(); }

private:
    std::unique_ptr<files::Source> source_;
};

bool read_number(std::string_view text, std::uint64_t& out) {
    auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && error == std::errc() && end == text.data() + text.size();
}

/// If-Range with another content's tag, or with a date, asks for the whole.
AskedRange range_for(http::Request const& request, std::string const& etag, std::uint64_t size) {
    std::string_view const condition = request.header("if-range");
    if (!condition.empty() && condition != etag) return {RangeOutcome::whole, {0, size}};
    return read_range(request.header("range"), size);
}

void add_headers(Reply<None>& answer, files::Placed const& file, std::string const& etag,
                 std::string_view cache_control) {
    files::Media const* const media = files::media_of(file.media_type);
    answer.content_type = media ? media->type : std::string_view("application/octet-stream");
    answer.header("ETag", etag);
    answer.header("Cache-Control", cache_control);
    answer.header("Accept-Ranges", "bytes");
    answer.header("Content-Disposition", disposition_of(file));
    answer.header("Content-Security-Policy", "default-src 'none'; sandbox");
}

} // namespace

AskedRange read_range(std::string_view header, std::uint64_t size) {
    AskedRange const whole{RangeOutcome::whole, {0, size}};
    if (!header.starts_with("bytes=") || header.find(',') != header.npos) return whole;
    header.remove_prefix(6);
    auto const dash = header.find('-');
    if (dash == header.npos) return whole;
    std::string_view const from = header.substr(0, dash);
    std::string_view const to = header.substr(dash + 1);
    std::uint64_t first = 0;
    std::uint64_t last = size - 1;
    if (from.empty()) {
        std::uint64_t wanted = 0;
        if (!read_number(to, wanted)) return whole;
        if (wanted == 0) return {RangeOutcome::unsatisfiable, {}};
        first = wanted < size ? size - wanted : 0;
    } else {
        if (!read_number(from, first)) return whole;
        if (!to.empty() && (!read_number(to, last) || last < first)) return whole;
        if (first >= size) return {RangeOutcome::unsatisfiable, {}};
        if (last >= size) last = size - 1;
    }
    return {RangeOutcome::part, {first, last - first + 1}};
}

std::string disposition_of(files::Placed const& file) {
    files::Media const* const media = files::media_of(file.media_type);
    std::string plain;
    for (char const c : file.name.value) {
        bool const safe = c >= 0x20 && c < 0x7f && c != '"' && c != '\\' && c != '%';
        plain += safe ? c : '_';
    }
    return std::string(media && media->image ? "inline" : "attachment") + "; filename=\"" + plain +
           "\"; filename*=UTF-8''" + outbound::percent_encoded(file.name.value);
}

Task<Reply<None>> deliver(Documents& documents, RawCall& call, files::Placed const& file,
                          std::string_view cache_control) {
    auto const size = static_cast<std::uint64_t>(file.size);
    std::string const etag = "\"" + file.sha256 + "\"";
    Reply<None> answer;
    answer.bare = true;
    add_headers(answer, file, etag, cache_control);
    http::Request const& request = call.request();
    if (http::names_etag(request.header("if-none-match"), etag)) {
        answer.status = 304;
        co_return answer;
    }
    AskedRange const asked = range_for(request, etag, size);
    if (asked.outcome == RangeOutcome::unsatisfiable) {
        answer.status = 416;
        answer.header("Content-Range", "bytes */" + std::to_string(size));
        co_return answer;
    }
    if (asked.outcome == RangeOutcome::part) {
        answer.status = 206;
        answer.header("Content-Range",
                      "bytes " + std::to_string(asked.span.offset) + "-" +
                          std::to_string(asked.span.offset + asked.span.length - 1) + "/" +
                          std::to_string(size));
    }
    files::Content content = co_await documents.store.get(file.object_id, asked.span);
    answer.payload = std::make_shared<http::Payload>();
    if (content.descriptor >= 0) {
        answer.payload->file.descriptor = content.descriptor;
        answer.payload->file.offset = asked.span.offset;
        answer.payload->file.length = asked.span.length;
    } else {
        answer.payload->source = std::make_shared<StoredBody>(std::move(content.source));
    }
    co_return answer;
}

} // namespace haat::documents
