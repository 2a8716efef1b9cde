#include <http/multipart.hpp>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <unistd.h>

#include <base/clock.hpp>
#include <loop/loop.hpp>

namespace haat::http {

UploadedFile::UploadedFile(std::string field, std::string name, std::string content_type,
                           std::filesystem::path path)
    : field_(std::move(field)), name_(std::move(name)), content_type_(std::move(content_type)),
      path_(std::move(path)) {}
UploadedFile::UploadedFile(UploadedFile&& other) noexcept
    : field_(std::move(other.field_)), name_(std::move(other.name_)),
      content_type_(std::move(other.content_type_)), path_(std::exchange(other.path_, {})),
      size_(other.size_) {}
UploadedFile::~UploadedFile() {
    std::error_code ignored;
    if (!path_.empty()) std::filesystem::remove(path_, ignored);
}
void UploadedFile::keep_as(std::filesystem::path const& place) {
    std::filesystem::rename(path_, place);
    path_.clear();
}

/// Collects fields, and the bytes of the file that is being read until they are written.
class FormReader final : public FormSink {
public:
    explicit FormReader(std::filesystem::path folder) : folder_(std::move(folder)) {}
    FormReader(FormReader const&) = delete;
    ~FormReader() {
        if (descriptor_ >= 0) ::close(descriptor_);
        for (Piece const& piece : pieces_)
            if (piece.last) ::close(piece.descriptor);
    }

    void begin_field(std::string_view name) override {
        form_.fields.push_back({std::string(name), {}});
    }
    void begin_file(std::string_view name, std::string_view file_name,
                    std::string_view content_type) override {
        std::filesystem::path path = folder_ / (to_string(new_uuid()) + ".part");
        form_.files.emplace_back(std::string(name), std::string(file_name),
                                 std::string(content_type), path);
        descriptor_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "upload");
    }
    void data(std::string_view piece) override {
        if (descriptor_ < 0) {
            form_.fields.back().value += piece;
            return;
        }
        form_.files.back().size_ += piece.size();
        pieces_.push_back({descriptor_, std::string(piece), false});
    }
    void end_part() override {
        if (descriptor_ < 0) return;
        pieces_.push_back({descriptor_, {}, true});
        descriptor_ = -1;
    }

    bool has_work() const { return !pieces_.empty(); }
    /// On a worker: writes what came in since the last time.
    void write() {
        for (Piece const& piece : pieces_)
            for (std::string_view rest = piece.bytes; !rest.empty();) {
                ssize_t const written = ::write(piece.descriptor, rest.data(), rest.size());
                if (written < 0 && errno == EINTR) continue;
                if (written < 0) throw std::system_error(errno, std::generic_category(), "upload");
                rest.remove_prefix(static_cast<std::size_t>(written));
            }
        for (Piece const& piece : pieces_)
            if (piece.last) ::close(piece.descriptor);
        pieces_.clear();
    }
    Form take() { return std::move(form_); }

private:
    struct Piece {
        int descriptor;
        std::string bytes;
        bool last;
    };
    std::filesystem::path folder_;
    Form form_;
    int descriptor_ = -1;
    std::vector<Piece> pieces_;
};

Task<Form> read_form(Request& request, Workers& workers, std::filesystem::path folder,
                     FormLimits limits) {
    std::string_view const boundary = boundary_of(request.header("content-type"));
    if (boundary.empty()) throw Refusal(unsupported_media);
    FormReader reader(std::move(folder));
    FormParser parser(boundary, limits, reader);
    auto write = [&reader] {
        reader.write();
        return true;
    };
    for (;;) {
        std::string_view const piece = co_await request.stream->next();
        if (piece.empty()) break;
        parser.feed(piece);
        if (reader.has_work()) co_await on(workers, write);
    }
    parser.finish();
    co_return reader.take();
}

namespace {
class FieldsOnly final : public FormSink {
public:
    std::vector<describe::FormField> fields;

    void begin_field(std::string_view name) override { fields.push_back({std::string(name), {}}); }
    void begin_file(std::string_view, std::string_view, std::string_view) override {
        throw Refusal(unsupported_media).saying("This route takes no files.");
    }
    void data(std::string_view piece) override { fields.back().value += piece; }
    void end_part() override {}
};
} // namespace

std::vector<describe::FormField> read_fields(Request const& request, FormLimits const& limits) {
    FieldsOnly sink;
    FormParser parser(boundary_of(request.header("content-type")), limits, sink);
    parser.feed(request.body);
    parser.finish();
    return std::move(sink.fields);
}

} // namespace haat::http
