#include <files/local_store.hpp>

#include <cerrno>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <loop/loop.hpp>

namespace haat::files {

namespace {

namespace fs = std::filesystem;

/// A disk that takes no more is an answer to the client; anything else is a fault of ours.
[[noreturn]] void failed(char const* what) {
    int const error = errno;
    if (error == ENOSPC || error == EDQUOT || error == EFBIG) throw Refusal(storage_full);
    throw std::system_error(error, std::generic_category(), what);
}

class Descriptor {
public:
    explicit Descriptor(int number) : number_(number) {}
    Descriptor(Descriptor const&) = delete;
    ~Descriptor() {
        if (number_ >= 0) ::close(number_);
    }
    int get() const { return number_; }
    int release() { return std::exchange(number_, -1); }

private:
    int number_;
};

void make_directory(fs::path const& path) {
    std::error_code error;
    fs::create_directories(path, error);
    if (error) {
        errno = error.value();
        failed("cannot make a directory for files");
    }
}

void synchronise(fs::path const& directory) {
    Descriptor const opened(::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (opened.get() < 0 || ::fsync(opened.get()) != 0) failed("cannot synchronise a directory");
}

void write_all(int descriptor, std::string_view bytes) {
    while (!bytes.empty()) {
        ssize_t const written = ::write(descriptor, bytes.data(), bytes.size());
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) failed("cannot write a file");
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

class LocalWriter final : public Writer {
public:
    LocalWriter(Workers& workers, fs::path part, fs::path place)
        : workers_(workers), part_(std::move(part)), place_(std::move(place)) {}
    ~LocalWriter() override {
        if (descriptor_ < 0) return;
        // Removing a large file takes a while; without a free worker it is done here and now.
        auto clear = [descriptor = descriptor_, part = part_] {
            ::close(descriptor);
            ::unlink(part.c_str());
        };
        if (!workers_.post(clear)) clear();
    }

    /// On a worker.
    void open() {
        make_directory(part_.parent_path());
        descriptor_ = ::open(part_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (descriptor_ < 0) failed("cannot make a file");
    }
    Task<void> write(std::string_view piece) override {
        auto work = [&] {
            write_all(descriptor_, piece);
            return true;
        };
        co_await on(workers_, work);
    }
    Task<void> commit() override {
        auto work = [this] {
            settle();
            return true;
        };
        co_await on(workers_, work);
    }

private:
    void settle() {
        if (::fsync(descriptor_) != 0) failed("cannot synchronise a file");
        fs::path const folder = place_.parent_path();
        bool const fresh = !fs::exists(folder);
        make_directory(folder);
        if (::rename(part_.c_str(), place_.c_str()) != 0) failed("cannot put a file in its place");
        ::close(std::exchange(descriptor_, -1));
        synchronise(folder);
        if (fresh) synchronise(folder.parent_path());
    }

    Workers& workers_;
    fs::path part_;
    fs::path place_;
    int descriptor_ = -1;
};

int sweep_parts(fs::path const& folder, std::chrono::seconds age) {
    int removed = 0;
    std::error_code error;
    auto const oldest = fs::file_time_type::clock::now() - age;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
        std::error_code of_one;
        auto const written = fs::last_write_time(at->path(), of_one);
        if (!of_one && written <= oldest) removed += fs::remove(at->path(), of_one);
    }
    return removed;
}

} // namespace

LocalStore::LocalStore(fs::path directory, Workers& workers)
    : directory_(std::move(directory)), workers_(workers) {}

// Ids begin with the time, so that the last byte spreads them evenly over the folders.
fs::path LocalStore::place_of(ObjectId id) const {
    std::string const name = to_string(id.uuid);
    return directory_ / "objects" / name.substr(name.size() - 2) / name;
}

Task<std::unique_ptr<Writer>> LocalStore::put(ObjectId id) {
    auto writer = std::make_unique<LocalWriter>(
        workers_, incoming() / (to_string(id.uuid) + ".part"), place_of(id));
    auto work = [&] {
        writer->open();
        return true;
    };
    co_await on(workers_, work);
    co_return std::unique_ptr<Writer>(std::move(writer));
}

Task<Content> LocalStore::get(ObjectId id, Span span) {
    auto work = [place = place_of(id), span] {
        Descriptor opened(::open(place.c_str(), O_RDONLY | O_CLOEXEC));
        if (opened.get() < 0) throw Fault("the object " + place.filename().string() + " is lost");
        struct stat facts {};
        bool const known = ::fstat(opened.get(), &facts) == 0;
        if (!known || static_cast<std::uint64_t>(facts.st_size) < span.offset + span.length)
            throw Fault("the object " + place.filename().string() + " is shorter than it was");
        return opened.release();
    };
    Content content;
    content.descriptor = co_await on(workers_, work);
    co_return content;
}

Task<bool> LocalStore::exists(ObjectId id) {
    auto work = [place = place_of(id)] { return fs::exists(place); };
    co_return co_await on(workers_, work);
}

Task<void> LocalStore::remove(ObjectId id) {
    auto work = [place = place_of(id)] {
        fs::remove(place);
        return true;
    };
    co_await on(workers_, work);
}

std::string LocalStore::presign(Link const&) const { return {}; }

Task<int> LocalStore::sweep(std::chrono::seconds age) {
    auto work = [folder = incoming(), age] { return sweep_parts(folder, age); };
    co_return co_await on(workers_, work);
}

} // namespace haat::files
