#include <files/pictures.hpp>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <mutex>

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <files/vips.hpp>
#include <loop/loop.hpp>

namespace haat::files {

namespace {

using Steady = std::chrono::steady_clock;

constexpr std::string_view child_word = "picture-child";
constexpr std::uint32_t pictures_count_max = 16;
constexpr std::uint64_t answer_bytes_max = 64 << 20;

// ---- what goes over the socket: a head of fixed size, then the bytes it tells of

struct AskedHead {
    char media_type[32];
    std::uint64_t size;
};
enum class Outcome : std::uint32_t { made, refused, unable };
struct AnswerHead {
    Outcome outcome;
    std::uint32_t count; // of pictures; when there are none: the length of the reason
};
struct PictureHead {
    char media_type[32];
    std::int32_t width;
    std::int32_t height;
    std::uint64_t size;
};

struct ChildLost : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// One end of the socket. The parent's waits until a deadline; the child's as long as it takes.
class Wire {
public:
    explicit Wire(int descriptor) : descriptor_(descriptor) {}

    void until(Steady::time_point deadline, std::atomic<bool> const& stopping) {
        deadline_ = deadline;
        stopping_ = &stopping;
    }
    void send(void const* from, std::size_t size) {
        auto const* at = static_cast<char const*>(from);
        while (size > 0) {
            await(POLLOUT);
            ssize_t const sent = ::send(descriptor_, at, size, MSG_NOSIGNAL | flags());
            if (sent < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (sent <= 0) throw ChildLost("it ended");
            at += sent;
            size -= static_cast<std::size_t>(sent);
        }
    }
    void receive(void* into, std::size_t size) {
        auto* at = static_cast<char*>(into);
        while (size > 0) {
            await(POLLIN);
            ssize_t const received = ::recv(descriptor_, at, size, flags());
            if (received < 0 && (errno == EINTR || errno == EAGAIN)) continue;
            if (received <= 0) throw ChildLost("it ended");
            at += received;
            size -= static_cast<std::size_t>(received);
        }
    }

private:
    int flags() const { return stopping_ != nullptr ? MSG_DONTWAIT : 0; }
    void await(short events) const {
        if (stopping_ == nullptr) return;
        for (;;) {
            if (stopping_->load()) throw ChildLost("haat stops");
            if (Steady::now() >= deadline_) throw ChildLost("it took too long");
            pollfd what{descriptor_, events, 0};
            if (::poll(&what, 1, 100) > 0) return;
        }
    }

    int descriptor_;
    Steady::time_point deadline_;
    std::atomic<bool> const* stopping_ = nullptr;
};

void copy_type(char (&into)[32], std::string_view type) {
    std::memset(into, 0, sizeof into);
    std::memcpy(into, type.data(), std::min(type.size(), sizeof into - 1));
}
std::string_view type_in(char const (&from)[32]) { return {from, ::strnlen(from, sizeof from)}; }

/// The process, as its parent sees it. Killed when it goes.
class Child {
public:
    explicit Child(PictureOptions const& options) {
        int ends[2];
        if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
            throw std::runtime_error("no socket for the process that makes pictures");
        mine_ = ends[0];
        start(options, ends[1]);
        ::close(ends[1]);
    }
    ~Child() {
        ::close(mine_);
        ::kill(id_, SIGKILL);
        ::waitpid(id_, nullptr, 0);
    }
    Child(Child const&) = delete;
    int end() const { return mine_; }

private:
    void start(PictureOptions const& options, int its) {
        std::string program = options.program;
        std::string name = "haat";
        std::string word(child_word);
        std::string pixels = std::to_string(options.pixels_max);
        std::string memory = std::to_string(options.memory_bytes_max);
        char* words[] = {name.data(), word.data(), pixels.data(), memory.data(), nullptr};
        std::vector<std::string> lines = surroundings();
        std::vector<char*> environment;
        environment.reserve(lines.size() + 1);
        for (std::string& line : lines) environment.push_back(line.data());
        environment.push_back(nullptr);
        posix_spawn_file_actions_t actions;
        posix_spawn_file_actions_init(&actions);
        posix_spawn_file_actions_adddup2(&actions, its, 0);
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
        int const error =
            ::posix_spawn(&id_, program.c_str(), &actions, nullptr, words, environment.data());
        posix_spawn_file_actions_destroy(&actions);
        if (error == 0) return;
        ::close(mine_);
        ::close(its);
        throw std::runtime_error("cannot start the process that makes pictures");
    }
    /// Nothing of ours: what reads strangers' files must not know our secrets.
    static std::vector<std::string> surroundings() {
        std::vector<std::string> lines = {"PATH=/usr/bin:/bin", "LANG=C.UTF-8"};
        for (char const* name : {"ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS"})
            if (char const* const value = std::getenv(name))
                lines.push_back(std::string(name) + "=" + value);
        return lines;
    }

    int mine_ = -1;
    pid_t id_ = -1;
};

Picture receive_picture(Wire& wire) {
    PictureHead head{};
    wire.receive(&head, sizeof head);
    Picture picture;
    picture.media = media_of(type_in(head.media_type));
    picture.width = head.width;
    picture.height = head.height;
    if (picture.media == nullptr || head.size > answer_bytes_max || head.width < 1 ||
        head.height < 1)
        throw ChildLost("it answered nonsense");
    picture.bytes.resize(head.size);
    wire.receive(picture.bytes.data(), head.size);
    return picture;
}

std::vector<Picture> receive_answer(Wire& wire) {
    AnswerHead head{};
    wire.receive(&head, sizeof head);
    if (head.outcome != Outcome::made) {
        std::string reason(std::min<std::uint32_t>(head.count, 1'000), '\0');
        wire.receive(reason.data(), reason.size());
        if (head.outcome == Outcome::unable) throw std::runtime_error(reason);
        throw PictureRefused(reason);
    }
    if (head.count > pictures_count_max) throw ChildLost("it answered nonsense");
    std::vector<Picture> pictures;
    for (std::uint32_t i = 0; i < head.count; ++i) pictures.push_back(receive_picture(wire));
    return pictures;
}

} // namespace

// ---- the parent

struct PictureMaker::Inside {
    explicit Inside(PictureOptions o) : options(std::move(o)) {}

    std::vector<Picture> make(std::string const& original, Media const& media) {
        // A process that ended while it was idle is found out by the first word to it.
        bool const fresh = child == nullptr || idle_too_long();
        if (fresh) child = std::make_unique<Child>(options);
        try {
            std::vector<Picture> pictures = ask(original, media);
            last_used = Steady::now();
            return pictures;
        } catch (PictureRefused const&) {
            last_used = Steady::now();
            throw;
        } catch (ChildLost const& lost) {
            child.reset();
            if (stopping) throw std::runtime_error("haat stops");
            if (!fresh) return make(original, media);
            throw PictureRefused(std::string("the process that read it was lost: ") + lost.what());
        }
    }
    std::vector<Picture> ask(std::string const& original, Media const& media) {
        Wire wire(child->end());
        wire.until(Steady::now() + options.time_max, stopping);
        AskedHead head{};
        copy_type(head.media_type, media.type);
        head.size = original.size();
        wire.send(&head, sizeof head);
        wire.send(original.data(), original.size());
        return receive_answer(wire);
    }
    /// It may be about to end by itself; half the time leaves no doubt.
    bool idle_too_long() const { return Steady::now() - last_used > options.idle_max / 2; }

    PictureOptions const options;
    std::atomic<bool> stopping{false};
    std::unique_ptr<Child> child;
    Steady::time_point last_used;
    std::mutex starting;
    std::unique_ptr<Workers> thread; // waits for the process, so that the others need not
};

PictureMaker::PictureMaker(PictureOptions options)
    : inside_(std::make_unique<Inside>(std::move(options))) {}
PictureMaker::~PictureMaker() {
    inside_->stopping = true;
    inside_->thread.reset();
}

Task<std::vector<Picture>> PictureMaker::make(std::string const& original, Media const& media) {
    {
        std::lock_guard const guard(inside_->starting);
        if (!inside_->thread) inside_->thread = std::make_unique<Workers>(1, 1'000);
    }
    auto work = [&] { return inside_->make(original, media); };
    co_return co_await on(*inside_->thread, work);
}

// ---- the child

namespace {

void limit(std::size_t memory_bytes) {
    rlimit const no_core{0, 0};
    ::setrlimit(RLIMIT_CORE, &no_core);
#if !__has_feature(address_sanitizer) && !__has_feature(thread_sanitizer)
    rlimit const memory{memory_bytes, memory_bytes};
    ::setrlimit(RLIMIT_AS, &memory);
#else
    static_cast<void>(memory_bytes); // their shadow alone is larger than any limit
#endif
}

/// False: nobody asked for so long that the process may go, or the parent went.
bool asked(int descriptor, std::chrono::milliseconds idle_max) {
    pollfd what{descriptor, POLLIN, 0};
    return ::poll(&what, 1, static_cast<int>(idle_max.count())) > 0;
}

void send_reason(Wire& wire, Outcome outcome, std::string_view reason) {
    reason = reason.substr(0, 1'000);
    AnswerHead const head{outcome, static_cast<std::uint32_t>(reason.size())};
    wire.send(&head, sizeof head);
    wire.send(reason.data(), reason.size());
}

void answer(Wire& wire, Vips* vips, std::uint64_t pixels_max) {
    AskedHead head{};
    wire.receive(&head, sizeof head);
    std::string original(head.size, '\0');
    wire.receive(original.data(), original.size());
    if (vips == nullptr) return send_reason(wire, Outcome::unable, "libvips is not installed");
    try {
        std::vector<Picture> const pictures =
            vips->make(original, type_in(head.media_type), pixels_max);
        AnswerHead const whole{Outcome::made, static_cast<std::uint32_t>(pictures.size())};
        wire.send(&whole, sizeof whole);
        for (Picture const& picture : pictures) {
            PictureHead one{};
            copy_type(one.media_type, picture.media->type);
            one.width = picture.width;
            one.height = picture.height;
            one.size = picture.bytes.size();
            wire.send(&one, sizeof one);
            wire.send(picture.bytes.data(), picture.bytes.size());
        }
    } catch (PictureRefused const& refused) {
        send_reason(wire, Outcome::refused, refused.what());
    }
}

} // namespace

bool is_picture_child(int count, char const* const* words) {
    return count == 4 && words[1] == child_word;
}

int picture_child(char const* const* words) {
    try {
        std::uint64_t const pixels_max = std::strtoull(words[2], nullptr, 10);
        limit(std::strtoull(words[3], nullptr, 10));
        Wire wire(0);
        std::unique_ptr<Vips> vips;
        try {
            vips = std::make_unique<Vips>();
        } catch (std::runtime_error const&) { // then every answer says so
        }
        while (asked(0, PictureOptions{}.idle_max)) answer(wire, vips.get(), pixels_max);
        return 0;
    } catch (std::exception const&) {
        return 1; // the parent sees that it ended; there is nobody else to tell
    }
}

} // namespace haat::files
