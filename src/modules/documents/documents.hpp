// The files of an organization over HTTP: upload, replace, find, download, links.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include <events/events.hpp>
#include <files/library.hpp>
#include <files/links.hpp>
#include <jobs/jobs.hpp>

namespace haat {
class Routes;
class Workers;
} // namespace haat

namespace haat::documents {

using namespace std::chrono_literals;

struct DocumentsOptions {
    std::string secret; // links are signed with a key made of it
    std::uint64_t image_bytes_max = 10 * 1024 * 1024;
    std::uint64_t document_bytes_max = 5 * 1024 * 1024;
    int batch_max = 10; // files of one request
    std::chrono::seconds link_lifetime = 15min;
};

/// One for the whole process; outlives the loops.
class Documents {
public:
    Documents(DocumentsOptions options, files::Store& store, Workers& workers)
        : options(std::move(options)), links(this->options.secret), store(store), workers(workers) {
    }

    DocumentsOptions const options;
    files::Links const links;
    files::Store& store;
    Workers& workers;
};

void add_document_routes(Routes&, Documents&);

// ---- events

inline Event<files::File> document_uploaded{subjects::document_uploaded};
inline Event<files::File> document_deleted{subjects::document_deleted};
inline Event<files::File> document_processed{subjects::document_processed};
inline Event<files::File> document_rejected{subjects::document_rejected};

/// For the jobs of the module, beside the store itself.
struct PictureWork {
    files::FileId file;
    files::ObjectId object; // its content; another one has a job of its own
};
HAAT_DESCRIBE(PictureWork, file, object)
extern Job<PictureWork> const make_pictures;

} // namespace haat::documents
