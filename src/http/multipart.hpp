// multipart/form-data: fields in memory, files streamed to disk.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <base/refusal.hpp>
#include <base/task.hpp>
#include <describe/codec.hpp>
#include <http/message.hpp>

namespace haat {
class Workers;
}

namespace haat::http {

struct FormLimits {
    int parts_max = 100;
    std::size_t part_header_bytes_max = 8 * 1024;
    std::size_t field_bytes_max = 64 * 1024;
    int files_max = 10;
    std::uint64_t file_bytes_max = 5 * 1024 * 1024;
};

extern RefusalKind const malformed_form;  // 400
extern RefusalKind const too_many_parts;  // 413
extern RefusalKind const field_too_large; // 413
extern RefusalKind const file_too_large;  // 413

/// The boundary of a Content-Type, or empty when it is not a sound multipart/form-data.
std::string_view boundary_of(std::string_view content_type);

/// Told what the parser finds, piece by piece.
class FormSink {
public:
    virtual void begin_field(std::string_view name) = 0;
    virtual void begin_file(std::string_view name, std::string_view file_name,
                            std::string_view content_type) = 0;
    virtual void data(std::string_view piece) = 0;
    virtual void end_part() = 0;

protected:
    ~FormSink() = default;
};

/// Fed with the body in pieces of any size; throws the refusals above.
class FormParser {
public:
    FormParser(std::string_view boundary, FormLimits const& limits, FormSink& sink);

    void feed(std::string_view piece);
    /// The body has ended: throws unless the closing boundary was seen.
    void finish() const;

private:
    enum class At : std::uint8_t {
        preamble,
        after_boundary,
        headers,
        first_content,
        content,
        epilogue
    };
    bool step();
    bool skip_preamble();
    bool read_after_boundary();
    bool read_headers();
    bool read_first_content();
    bool read_content();
    void begin_part(std::string_view headers);
    void give(std::string_view piece);

    std::string delimiter_; // "\r\n--boundary"
    FormLimits limits_;
    FormSink& sink_;
    std::string buffer_;
    At at_ = At::preamble;
    int parts_ = 0;
    int files_ = 0;
    bool in_file_ = false;
    std::uint64_t part_bytes_ = 0;
};

/// A file that came with a form; removed with this object unless it was moved away.
class UploadedFile {
public:
    UploadedFile(std::string field, std::string name, std::string content_type,
                 std::filesystem::path path);
    UploadedFile(UploadedFile&&) noexcept;
    UploadedFile& operator=(UploadedFile&&) = delete;
    ~UploadedFile();

    std::string const& field() const { return field_; }
    std::string const& name() const { return name_; } // as the client says; never a path of ours
    std::string const& content_type() const { return content_type_; }
    std::filesystem::path const& path() const { return path_; }
    std::uint64_t size() const { return size_; }
    /// Moves it to its place, within the same file system.
    void keep_as(std::filesystem::path const& place);

private:
    friend class FormReader;
    std::string field_;
    std::string name_;
    std::string content_type_;
    std::filesystem::path path_;
    std::uint64_t size_ = 0;
};

struct Form {
    std::vector<describe::FormField> fields;
    std::vector<UploadedFile> files;
};

/// Reads a route's streamed body; files go to `folder`, written by the worker pool.
Task<Form> read_form(Request& request, Workers& workers, std::filesystem::path folder,
                     FormLimits limits);

/// The fields of a form that is in memory already; a file in it is refused.
std::vector<describe::FormField> read_fields(Request const& request, FormLimits const& limits);

} // namespace haat::http
