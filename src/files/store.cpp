#include <files/store.hpp>

#include <unistd.h>

namespace haat::files {

RefusalKind const storage_full{507, "STORAGE_FULL", "There is no room for another file."};
RefusalKind const storage_away{503, "STORAGE_UNAVAILABLE",
                               "The store of files does not answer. Try again in a while."};

namespace {

std::string read_span(int descriptor, Span span) {
    std::string bytes(span.length, '\0');
    std::size_t done = 0;
    while (done < bytes.size()) {
        ssize_t const count = ::pread(descriptor, bytes.data() + done, bytes.size() - done,
                                      static_cast<off_t>(span.offset + done));
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    ::close(descriptor);
    if (done < bytes.size()) throw Fault("an object is shorter than it was");
    return bytes;
}

} // namespace

Task<void> Store::leave(std::chrono::steady_clock::time_point) { co_return; }

Task<std::string> read_all(Store& store, ObjectId id, Span span) {
    Content const content = co_await store.get(id, span);
    if (content.descriptor >= 0) co_return read_span(content.descriptor, span);
    std::string bytes;
    for (;;) {
        std::string_view const piece = co_await content.source->next();
        if (piece.empty()) co_return bytes;
        bytes += piece;
    }
}

} // namespace haat::files
