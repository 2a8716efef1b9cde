#include <http/multipart.hpp>

#include <algorithm>

#include <http/headers.hpp>

namespace haat::http {

RefusalKind const malformed_form{400, "MALFORMED_FORM", "The form's parts cannot be told apart."};
RefusalKind const too_many_parts{413, "TOO_MANY_PARTS", "The form has too many fields or files."};
RefusalKind const field_too_large{413, "FIELD_TOO_LARGE", "A field of the form is too large."};
RefusalKind const file_too_large{413, "FILE_TOO_LARGE", "A file is too large for this route."};

namespace {

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

/// The value of `; name="value"` in a header; false when it is not there.
bool parameter_in(std::string_view header, std::string_view name, std::string& value) {
    std::size_t at = header.find(';');
    while (at < header.size()) {
        header.remove_prefix(at + 1);
        header = trimmed(header);
        std::size_t const equals = header.find('=');
        if (equals == std::string_view::npos) return false;
        bool const wanted = same_word(trimmed(header.substr(0, equals)), name);
        header.remove_prefix(equals + 1);
        value.clear();
        std::size_t end = 0;
        if (header.starts_with('"')) {
            for (end = 1; end < header.size() && header[end] != '"'; ++end) {
                if (header[end] == '\\' && end + 1 < header.size()) ++end;
                value += header[end];
            }
            ++end;
        } else {
            end = std::min(header.find(';'), header.size());
            value = trimmed(header.substr(0, end));
        }
        if (wanted) return true;
        at = header.find(';', std::min(end, header.size()));
    }
    return false;
}

std::string_view line_value(std::string_view headers, std::string_view name) {
    while (!headers.empty()) {
        std::size_t const end = std::min(headers.find("\r\n"), headers.size());
        std::string_view const line = headers.substr(0, end);
        headers.remove_prefix(std::min(end + 2, headers.size()));
        std::size_t const colon = line.find(':');
        if (colon == std::string_view::npos) throw Refusal(malformed_form);
        if (same_word(line.substr(0, colon), name)) return trimmed(line.substr(colon + 1));
    }
    return {};
}

} // namespace

std::string_view boundary_of(std::string_view content_type) {
    if (!is_media_type(content_type, "multipart/form-data")) return {};
    std::size_t const at = content_type.find("boundary=");
    if (at == std::string_view::npos) return {};
    std::string_view boundary = content_type.substr(at + 9);
    boundary = trimmed(boundary.substr(0, boundary.find(';')));
    if (boundary.size() >= 2 && boundary.front() == '"' && boundary.back() == '"')
        boundary = boundary.substr(1, boundary.size() - 2);
    return boundary.size() <= 70 ? boundary : std::string_view{};
}

FormParser::FormParser(std::string_view boundary, FormLimits const& limits, FormSink& sink)
    : delimiter_("\r\n--" + std::string(boundary)), limits_(limits), sink_(sink),
      buffer_("\r\n") { // so that the first boundary looks like the others
    if (boundary.empty()) throw Refusal(malformed_form);
}

void FormParser::feed(std::string_view piece) {
    if (at_ == At::epilogue) return;
    buffer_ += piece;
    while (step()) {
    }
}

void FormParser::finish() const {
    if (at_ != At::epilogue) throw Refusal(malformed_form);
}

bool FormParser::step() {
    switch (at_) {
    case At::preamble: return skip_preamble();
    case At::after_boundary: return read_after_boundary();
    case At::headers: return read_headers();
    case At::first_content: return read_first_content();
    case At::content: return read_content();
    case At::epilogue: buffer_.clear(); return false;
    }
    return false;
}

bool FormParser::skip_preamble() {
    std::size_t const found = buffer_.find(delimiter_);
    if (found == std::string::npos) {
        if (buffer_.size() > limits_.part_header_bytes_max) throw Refusal(malformed_form);
        return false;
    }
    buffer_.erase(0, found + delimiter_.size());
    at_ = At::after_boundary;
    return true;
}

bool FormParser::read_after_boundary() {
    if (buffer_.size() < 2) return false;
    if (buffer_.starts_with("--")) {
        at_ = At::epilogue;
        return true;
    }
    if (!buffer_.starts_with("\r\n")) throw Refusal(malformed_form);
    if (++parts_ > limits_.parts_max) throw Refusal(too_many_parts);
    buffer_.erase(0, 2);
    at_ = At::headers;
    return true;
}

bool FormParser::read_headers() {
    std::size_t const end = buffer_.find("\r\n\r\n");
    if (std::min(end, buffer_.size()) > limits_.part_header_bytes_max)
        throw Refusal(malformed_form);
    if (end == std::string::npos) return false;
    begin_part(std::string_view(buffer_).substr(0, end));
    // The second line break stays: an empty part's boundary begins with it.
    buffer_.erase(0, end + 2);
    part_bytes_ = 0;
    at_ = At::first_content;
    return true;
}

bool FormParser::read_first_content() {
    if (buffer_.size() < delimiter_.size() && std::string_view(delimiter_).starts_with(buffer_))
        return false;
    if (!buffer_.starts_with(delimiter_)) buffer_.erase(0, 2);
    at_ = At::content;
    return true;
}

bool FormParser::read_content() {
    std::size_t const found = buffer_.find(delimiter_);
    if (found == std::string::npos) {
        // What might be the beginning of a boundary waits for the next piece.
        std::size_t const keep = std::min(buffer_.size(), delimiter_.size() - 1);
        give(std::string_view(buffer_).substr(0, buffer_.size() - keep));
        buffer_.erase(0, buffer_.size() - keep);
        return false;
    }
    give(std::string_view(buffer_).substr(0, found));
    buffer_.erase(0, found + delimiter_.size());
    sink_.end_part();
    at_ = At::after_boundary;
    return true;
}

void FormParser::begin_part(std::string_view headers) {
    std::string_view const disposition = line_value(headers, "content-disposition");
    std::string name;
    std::string file_name;
    if (!same_word(trimmed(disposition.substr(0, disposition.find(';'))), "form-data") ||
        !parameter_in(disposition, "name", name) || name.empty())
        throw Refusal(malformed_form);
    in_file_ = parameter_in(disposition, "filename", file_name);
    if (!in_file_) return sink_.begin_field(name);
    if (++files_ > limits_.files_max) throw Refusal(too_many_parts);
    sink_.begin_file(name, file_name, line_value(headers, "content-type"));
}

void FormParser::give(std::string_view piece) {
    if (piece.empty()) return;
    part_bytes_ += piece.size();
    if (in_file_ && part_bytes_ > limits_.file_bytes_max) throw Refusal(file_too_large);
    if (!in_file_ && part_bytes_ > limits_.field_bytes_max) throw Refusal(field_too_large);
    sink_.data(piece);
}

} // namespace haat::http
