// Where the bytes of files are: a disk of this machine or an object store. Nothing is visible
// before it is whole, and nothing changes afterwards: another content is another object.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include <base/refusal.hpp>
#include <base/task.hpp>
#include <base/words.hpp>

namespace haat::files {

struct Object {
    static constexpr std::string_view noun = "object";
};
using ObjectId = Id<Object>;

extern RefusalKind const storage_full; // 507
extern RefusalKind const storage_away; // 503

/// Takes one object. Gone before commit() has returned: it was never there.
class Writer {
public:
    virtual ~Writer() = default;
    /// `piece` stays as it is until this returns.
    virtual Task<void> write(std::string_view piece) = 0;
    /// When it returns, the object is there and stays, whatever happens to this machine.
    virtual Task<void> commit() = 0;
};

struct Span {
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
};

/// Gives the bytes piece by piece; each is valid until the next call, an empty one is the end.
class Source {
public:
    virtual ~Source() = default;
    virtual Task<std::string_view> next() = 0;
};

/// An open file, which the taker closes, or a source.
struct Content {
    int descriptor = -1;
    std::unique_ptr<Source> source;
};

/// A link that needs no further right.
struct Link {
    ObjectId object;
    std::chrono::seconds lifetime{900};
    std::string media_type;
    std::string disposition; // a whole Content-Disposition
};

class Store {
public:
    virtual ~Store() = default;
    virtual Task<std::unique_ptr<Writer>> put(ObjectId id) = 0;
    /// Throws a Fault when it is not there: whoever asks has seen the row that says it is.
    virtual Task<Content> get(ObjectId id, Span span) = 0;
    virtual Task<bool> exists(ObjectId id) = 0;
    /// No complaint when it is not there.
    virtual Task<void> remove(ObjectId id) = 0;
    /// A URL of the store's own, or empty when only haat can give the bytes.
    virtual std::string presign(Link const& link) const = 0;
    /// Removes what uploads that ended in the middle left behind, when it is older than that;
    /// answers how many there were.
    virtual Task<int> sweep(std::chrono::seconds age) = 0;
    /// The loop that this runs on will stop: what the store still does there ends, or is ended at
    /// the deadline, and the store serves that loop no more.
    virtual Task<void> leave(std::chrono::steady_clock::time_point deadline);
};

/// All of it in memory; for what is known to be small.
Task<std::string> read_all(Store& store, ObjectId id, Span span);

} // namespace haat::files
