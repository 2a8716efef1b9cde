// What the process uses, from /proc.
#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <telemetry/metrics.hpp>

namespace haat::metrics {

namespace {

using namespace std::chrono_literals;

std::string content(char const* path) {
    std::string text;
    int const file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return text;
    std::array<char, 4096> piece;
    for (;;) {
        ssize_t const size = read(file, piece.data(), piece.size());
        if (size <= 0) break;
        text.append(piece.data(), static_cast<std::size_t>(size));
    }
    close(file);
    return text;
}

// The first number after `word`; 0 when there is none.
std::uint64_t number_after(std::string_view text, std::string_view word) {
    std::size_t const at = text.find(word);
    if (at == std::string_view::npos) return 0;
    text.remove_prefix(at + word.size());
    text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// The n-th field of /proc/self/stat, counted from 1 as its manual does; the name in brackets, which
// may hold anything, is the second.
std::uint64_t stat_field(std::string_view text, int n) {
    std::size_t const bracket = text.rfind(')');
    if (bracket == std::string_view::npos) return 0;
    text.remove_prefix(bracket + 1);
    for (int field = 2; field < n; ++field) {
        std::size_t const space = text.find(' ');
        if (space == std::string_view::npos) return 0;
        text.remove_prefix(space + 1);
    }
    std::uint64_t value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

// Walks the page tables: a millisecond for a large process, so not with every scrape.
std::uint64_t proportional_bytes() {
    static std::mutex mutex;
    static std::chrono::steady_clock::time_point read_at;
    static std::uint64_t bytes = 0;
    std::lock_guard const lock(mutex);
    auto const now = std::chrono::steady_clock::now();
    if (bytes == 0 || now - read_at > 10s) {
        bytes = number_after(content("/proc/self/smaps_rollup"), "\nPss:") * 1024;
        read_at = now;
    }
    return bytes;
}

double started_at(std::string_view stat) {
    double const ticks = static_cast<double>(sysconf(_SC_CLK_TCK));
    timespec real{}, up{};
    clock_gettime(CLOCK_REALTIME, &real);
    clock_gettime(CLOCK_BOOTTIME, &up);
    auto const seconds = [](timespec const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
    };
    return seconds(real) - seconds(up) + static_cast<double>(stat_field(stat, 22)) / ticks;
}

} // namespace

ProcessUse process_use() {
    ProcessUse use;
    std::string const stat = content("/proc/self/stat");
    use.resident_bytes = stat_field(stat, 24) * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
    use.proportional_bytes = proportional_bytes();
    use.threads = static_cast<int>(stat_field(stat, 20));

    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    auto const seconds = [](timeval const& t) {
        return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
    };
    use.cpu_seconds = seconds(usage.ru_utime) + seconds(usage.ru_stime);

    std::error_code ignored;
    for (std::filesystem::directory_iterator entry("/proc/self/fd", ignored), end; entry != end;
         entry.increment(ignored))
        ++use.open_files;
    if (use.open_files > 0) --use.open_files; // the one that lists them
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        use.open_files_max = static_cast<int>(std::min<rlim_t>(limit.rlim_cur, 1 << 30));

    // Computed once: the two clocks are not read at the same moment.
    static double const start = started_at(stat);
    use.start_seconds = start;
    return use;
}

void add_process_metrics(Registry& registry, std::string version) {
    registry.collect([version = std::move(version)](std::string& out) {
        ProcessUse const use = process_use();
        Renderer write(out);
        auto const one = [&](std::string_view name, std::string_view help, std::string_view type,
                             double value) {
            write.family(name, help, type);
            write.sample(name, {}, value);
        };
        timespec now{};
        clock_gettime(CLOCK_REALTIME, &now);
        one("haat_process_resident_memory_bytes", "Memory in RAM.", "gauge",
            static_cast<double>(use.resident_bytes));
        one("haat_process_proportional_memory_bytes",
            "Memory in RAM, shared pages divided among those who share them.", "gauge",
            static_cast<double>(use.proportional_bytes));
        one("haat_process_cpu_seconds_total", "Processor time, user and system.", "counter",
            use.cpu_seconds);
        one("haat_process_open_fds", "Open files and sockets.", "gauge", use.open_files);
        one("haat_process_max_fds", "How many may be open.", "gauge", use.open_files_max);
        one("haat_process_threads", "Threads.", "gauge", use.threads);
        one("haat_process_start_time_seconds", "When it was started, since 1970.", "gauge",
            use.start_seconds);
        one("haat_process_uptime_seconds", "How long it has been running.", "gauge",
            static_cast<double>(now.tv_sec) - use.start_seconds);
        write.family("haat_build_info", "The version, as a label.", "gauge");
        write.sample("haat_build_info", {{"version", version}}, std::uint64_t{1});
    });
}

} // namespace haat::metrics
