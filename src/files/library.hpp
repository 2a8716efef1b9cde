// The rows of files, and the life of their objects: pending before the bytes come, kept by the
// transaction that refers to them, dropped, and at last collected with their bytes.
#pragma once

#include <pg/database.hpp>
#include <pg/list.hpp>

#include <access/access.hpp>
#include <files/store.hpp>

namespace haat::files {

struct FileNoun {
    static constexpr std::string_view noun = "file";
};
using FileId = Id<FileNoun>;

/// Says how large a file may be and of which kinds.
enum class Purpose : std::uint8_t { image, document };
HAAT_DESCRIBE_ENUM(Purpose, image, document)

/// What became of the smaller sizes of a picture.
enum class PictureState : std::uint8_t { none, waiting, made, refused };
HAAT_DESCRIBE_ENUM(PictureState, none, waiting, made, refused)

struct File {
    FileId id;
    Text<1, 255> name;
    Purpose purpose = Purpose::document;
    std::string media_type;
    std::int64_t size = 0;
    std::string sha256;
    UserId owner_id;
    PictureState pictures = PictureState::none;
    Timestamp created_at;
    Timestamp updated_at;
};
HAAT_DESCRIBE(File, id, name, purpose, media_type, size, sha256, owner_id, pictures, created_at,
              updated_at)
HAAT_NOTES(File, {.field = "name", .text = "As the client called it.", .example = "bill-204.pdf"},
           {.field = "media_type", .text = "Told by the content.", .example = "application/pdf"},
           {.field = "size", .text = "In bytes.", .example = "48213"},
           {.field = "sha256", .text = "Of the content, in hexadecimal digits."},
           {.field = "pictures",
            .text = "`waiting` while the smaller sizes are made, `refused` when the file is no "
                    "picture that can be shown."})

/// A file and where its bytes are.
struct Placed : File {
    ObjectId object_id;
};
HAAT_DESCRIBE(Placed, id, name, purpose, media_type, size, sha256, owner_id, pictures, created_at,
              updated_at, object_id)

/// One of the smaller sizes that were made of a file.
struct StoredPicture {
    ObjectId object_id;
    OrgId org_id;
    FileId file_id;
    std::string name; // the hash of its bytes, and ".webp" or ".jpg"
    std::string media_type;
    std::int32_t width = 0;
    std::int32_t height = 0;
    std::int64_t size = 0;
};
HAAT_DESCRIBE(StoredPicture, object_id, org_id, file_id, name, media_type, width, height, size)

/// What anybody may know of a picture whose name he knows.
struct ShownPicture {
    ObjectId object_id;
    std::string media_type;
    std::int64_t size = 0;
};
HAAT_DESCRIBE(ShownPicture, object_id, media_type, size)

/// Of the organization that owns the file; for jobs, which serve all of them.
struct OwnedFile : Placed {
    OrgId org_id;
};
HAAT_DESCRIBE(OwnedFile, id, name, purpose, media_type, size, sha256, owner_id, pictures,
              created_at, updated_at, object_id, org_id)

struct FileFilter {
    std::optional<Text<1, 255>> search;
    std::optional<Purpose> purpose;
    std::optional<std::string> media_type;
    Paging paging;
};
HAAT_DESCRIBE(FileFilter, search, purpose, media_type, paging)
HAAT_NOTES(FileFilter, {.field = "search", .text = "Part of the name."})

namespace sql {
extern ListOf<File, FileFilter> const list_files;
extern One<File, FileId> const find_file;
extern One<Placed, FileId> const place_file;
extern Many<Placed, std::vector<Uuid>> const place_files;
extern One<Placed, FileId> const lock_file;
extern One<File, Placed> const insert_file;
extern One<File, Placed> const replace_file;
extern Exec<FileId> const remove_file;
extern Many<StoredPicture, FileId> const pictures_of;
extern Exec<StoredPicture> const insert_picture;
extern Maybe<ShownPicture, std::string> const find_picture;
extern Maybe<OwnedFile, FileId, ObjectId> const file_of_object;
extern Maybe<OwnedFile, FileId, ObjectId> const lock_file_of_object;
extern Exec<FileId, PictureState> const set_pictures;
} // namespace sql

/// Before the first byte, in a transaction that commits before it.
void announce_object(Tx& tx, ObjectId id, OrgId org);
/// In the transaction that refers to it: refused when it was given up meanwhile.
Task<void> keep_object(Tx& tx, ObjectId id);
/// In the transaction that ends the reference; the bytes go later.
void drop_object(Tx& tx, ObjectId id);
/// The same for all pictures of a file, which go with its content.
void drop_pictures(Tx& tx, FileId id);
/// After an upload that failed: the bytes and the row go now, unless a file keeps them.
Task<void> give_up_object(pg::Database& database, pg::Settings settings, Store& store, ObjectId id);

struct OrphanOptions {
    std::chrono::seconds pending_for = std::chrono::hours(24);   // no upload takes that long
    std::chrono::seconds dropped_for = std::chrono::minutes(15); // downloads that run may end
    std::int32_t objects_max = 500;                              // of one call
};
struct Orphans {
    int objects = 0; // that were removed, row and bytes
    int parts = 0;   // of uploads that ended in the middle
};

/// For a job that runs now and then: removes what no file refers to. May run on several nodes at
/// once and be ended anywhere. `worker` is a database of the worker role.
Task<Orphans> collect_orphans(pg::Database& worker, Store& store, OrphanOptions options = {});

} // namespace haat::files
