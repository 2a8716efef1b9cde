#include <telemetry/log_sink.hpp>

#include <algorithm>
#include <array>
#include <cerrno>
#include <climits>
#include <filesystem>
#include <system_error>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <telemetry/log_text.hpp>

namespace haat::log {

namespace {

// How long a reader that does not read may hold up the writer before its lines are dropped.
constexpr std::chrono::milliseconds patience{1'000};

std::uint64_t count_lines(std::string_view lines) {
    return static_cast<std::uint64_t>(std::count(lines.begin(), lines.end(), '\n'));
}

// Calls `each` with every line, without its line break.
template <class Each> void for_each_line(std::string_view lines, Each each) {
    while (!lines.empty()) {
        std::size_t const end = lines.find('\n');
        if (end == std::string_view::npos) return;
        each(lines.substr(0, end));
        lines.remove_prefix(end + 1);
    }
}

bool is_plain_file(int descriptor) {
    struct stat facts {};
    return fstat(descriptor, &facts) == 0 && S_ISREG(facts.st_mode);
}

} // namespace

RotatedFile::RotatedFile(std::string path, std::uint64_t bytes_max, int files)
    : path_(std::move(path)), bytes_max_(std::max<std::uint64_t>(bytes_max, line_bytes_max)),
      files_(std::max(files, 1)) {}

RotatedFile::~RotatedFile() {
    if (descriptor_ >= 0) close(descriptor_);
}

void RotatedFile::open() {
    auto const folder = std::filesystem::path(path_).parent_path();
    if (!folder.empty()) std::filesystem::create_directories(folder);
    if (!open_again(0))
        throw std::system_error(errno, std::generic_category(), "the log file " + path_);
}

bool RotatedFile::open_again(int more_flags) {
    int const flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | more_flags;
    descriptor_ = ::open(path_.c_str(), flags, 0640);
    if (descriptor_ < 0) return false;
    struct stat facts {};
    size_ = fstat(descriptor_, &facts) == 0 ? static_cast<std::uint64_t>(facts.st_size) : 0;
    return true;
}

bool RotatedFile::write(std::string_view lines) {
    bool all = true;
    while (!lines.empty()) {
        if (descriptor_ < 0 && !open_again(0)) return false;
        auto const room = bytes_max_ > size_ ? bytes_max_ - size_ : 0;
        std::size_t fits = lines.size();
        if (fits > room) {
            std::size_t const last = room == 0
                                         ? std::string_view::npos
                                         : lines.rfind('\n', static_cast<std::size_t>(room) - 1);
            fits = last == std::string_view::npos ? 0 : last + 1;
        }
        if (fits == 0) {
            rotate();
            continue;
        }
        all = put(lines.substr(0, fits)) && all;
        lines.remove_prefix(fits);
    }
    return all;
}

void RotatedFile::rotate() {
    close(descriptor_);
    descriptor_ = -1;
    // A name that cannot be changed costs old lines, not new ones.
    for (int i = files_ - 1; i > 1; --i)
        rename((path_ + "." + std::to_string(i - 1)).c_str(),
               (path_ + "." + std::to_string(i)).c_str());
    if (files_ > 1) rename(path_.c_str(), (path_ + ".1").c_str());
    open_again(O_TRUNC);
}

bool RotatedFile::put(std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const written = ::write(descriptor_, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) return false;
        size_ += static_cast<std::uint64_t>(written);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

Outlet::Outlet(int descriptor)
    : descriptor_(descriptor), may_block_(descriptor >= 0 && !is_plain_file(descriptor)) {}

bool Outlet::wait_until_writable() {
    pollfd watched{descriptor_, POLLOUT, 0};
    int const wait = stuck_ ? 0 : static_cast<int>(patience.count());
    int ready = 0;
    do ready = poll(&watched, 1, wait);
    while (ready < 0 && errno == EINTR);
    stuck_ = ready <= 0;
    return !stuck_;
}

bool Outlet::write(std::string_view lines) {
    if (descriptor_ < 0) return true;
    if (mid_line_ && (!may_block_ || wait_until_writable()))
        mid_line_ = ::write(descriptor_, "\n", 1) != 1; // ends the line that was cut
    while (!lines.empty()) {
        std::size_t chunk = lines.size();
        if (may_block_) {
            // A pipe that is writable takes this much without blocking.
            if (!wait_until_writable()) return false;
            chunk = std::min<std::size_t>(chunk, PIPE_BUF);
        }
        ssize_t const written = ::write(descriptor_, lines.data(), chunk);
        if (written < 0 && (errno == EINTR || (errno == EAGAIN && may_block_))) continue;
        if (written <= 0) return false;
        mid_line_ = lines[static_cast<std::size_t>(written) - 1] != '\n';
        lines.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

Sink::Sink(LogOptions const& options)
    : outlet_(options.descriptor),
      coloured_(options.form == Form::coloured ||
                (options.form == Form::automatic && isatty(options.descriptor) == 1)),
      file_(options.file, options.rotate_bytes, options.rotate_files),
      error_file_(options.error_file, options.rotate_bytes, options.rotate_files) {
    if (!file_.path().empty()) file_.open();
    if (!error_file_.path().empty()) error_file_.open();
}

void Sink::write(std::string_view lines) {
    if (outlet_.descriptor() >= 0) {
        text_.clear();
        if (coloured_)
            for_each_line(lines, [this](std::string_view line) { append_coloured(text_, line); });
        if (!outlet_.write(coloured_ ? std::string_view(text_) : lines))
            lost_ += count_lines(lines);
        if (text_.capacity() > (1U << 20)) std::string().swap(text_);
    }
    if (!file_.path().empty()) {
        if (file_.write(lines))
            told_of_failure_ = false;
        else
            file_failed(file_, lines);
    }
    if (!error_file_.path().empty()) write_errors(lines);
}

void Sink::write_errors(std::string_view lines) {
    std::string errors;
    for_each_line(lines, [&errors](std::string_view line) {
        if (line.size() > level_offset && line.substr(level_offset).starts_with("error"))
            errors.append(line).append("\n");
    });
    if (!error_file_.write(errors)) file_failed(error_file_, errors);
}

void Sink::file_failed(RotatedFile const& file, std::string_view lines) {
    int const reason = errno;
    lost_ += count_lines(lines);
    if (told_of_failure_) return; // once until it works again, not with every batch
    told_of_failure_ = true;
    std::array<char, line_bytes_max> text;
    Pen pen(text.data(), text.size());
    begin_line(pen, Level::error);
    pen.raw(R"(","message":"log file cannot be written","file":")");
    pen.escaped(file.path());
    pen.raw(R"(","reason":")");
    pen.escaped(std::generic_category().message(reason));
    pen.raw("\"}\n");
    outlet_.write({text.data(), pen.size()});
}

void Sink::write_dying(std::string_view lines) const {
    for (int const descriptor : {outlet_.descriptor(), file_.descriptor()})
        if (descriptor >= 0) [[maybe_unused]]
            auto const n = ::write(descriptor, lines.data(), lines.size());
}

} // namespace haat::log
