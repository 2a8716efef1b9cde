// Where the log's lines go: a descriptor that may be stuck, and files that are rotated.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <telemetry/log.hpp>

namespace haat::log {

/// app.log, and when it is full app.log.1 … Lines are never parted.
class RotatedFile {
public:
    RotatedFile(std::string path, std::uint64_t bytes_max, int files);
    ~RotatedFile();
    RotatedFile(RotatedFile const&) = delete;

    /// Makes the folders above too. Throws std::system_error.
    void open();
    /// Whole lines. False when some could not be written (full disk): they are lost.
    bool write(std::string_view lines);
    std::string const& path() const { return path_; }
    int descriptor() const { return descriptor_; }

private:
    bool open_again(int more_flags);
    void rotate();
    bool put(std::string_view bytes);
    std::string path_;
    std::uint64_t bytes_max_;
    int files_;
    int descriptor_ = -1;
    std::uint64_t size_ = 0;
};

/// Writes to a terminal, a pipe or a file that we did not open, and never waits for long.
class Outlet {
public:
    explicit Outlet(int descriptor);
    /// Whole lines. False when some were lost.
    bool write(std::string_view lines);
    int descriptor() const { return descriptor_; }

private:
    bool wait_until_writable();
    int descriptor_;
    bool may_block_;        // not a plain file
    bool stuck_ = false;    // the last write waited in vain
    bool mid_line_ = false; // …in the middle of a line
};

class Sink {
public:
    explicit Sink(LogOptions const& options);
    /// Whole lines of JSON, as threads wrote them.
    void write(std::string_view lines);
    std::uint64_t lost() const { return lost_; }
    /// From a signal handler: raw, at once.
    void write_dying(std::string_view lines) const;

private:
    void write_errors(std::string_view lines);
    void file_failed(RotatedFile const& file, std::string_view lines);
    Outlet outlet_;
    bool coloured_;
    RotatedFile file_;
    RotatedFile error_file_;
    bool told_of_failure_ = false;
    std::uint64_t lost_ = 0;
    std::string text_; // reused
};

} // namespace haat::log
