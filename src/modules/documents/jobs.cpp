// What happens to files behind the scenes: pictures in smaller sizes, and the end of orphans.
#include <base/clock.hpp>
#include <files/pictures.hpp>
#include <jobs/cron.hpp>
#include <modules/documents/documents.hpp>
#include <outbound/crypto.hpp>

namespace haat::documents {

namespace {

using files::ObjectId;
using files::OwnedFile;
using files::Picture;
using files::PictureState;
using files::StoredPicture;

// One original after another is enough for one process; more would only share its two cores.
Queue const pictures_queue{"pictures", {.concurrency = 1}};

struct PicturesMade {
    int pictures = 0;
    std::string reason; // why there are none
};
HAAT_DESCRIBE(PicturesMade, pictures, reason)

StoredPicture row_of(OwnedFile const& file, Picture const& picture) {
    StoredPicture row;
    row.object_id.uuid = new_uuid();
    row.org_id = file.org_id;
    row.file_id = file.id;
    row.name = outbound::hex(outbound::sha256(picture.bytes)) + "." +
               std::string(picture.media->extension);
    row.media_type = std::string(picture.media->type);
    row.width = picture.width;
    row.height = picture.height;
    row.size = static_cast<std::int64_t>(picture.bytes.size());
    return row;
}

Task<void> store(JobRun<PictureWork>& run, std::vector<Picture> const& pictures,
                 std::vector<StoredPicture> const& rows) {
    Tx tx = run.begin();
    for (StoredPicture const& row : rows) files::announce_object(tx, row.object_id, row.org_id);
    co_await run.commit(tx);
    files::Store& store = run.get<files::Store>();
    for (std::size_t i = 0; i < rows.size(); ++i) {
        std::unique_ptr<files::Writer> const writer = co_await store.put(rows[i].object_id);
        co_await writer->write(pictures[i].bytes);
        co_await writer->commit();
    }
}

/// False: the file went, or has another content by now.
Task<bool> settle(JobRun<PictureWork>& run, PictureState state, PicturesMade const& made,
                  std::vector<StoredPicture> const& rows) {
    PictureWork const& work = run.payload();
    Tx tx = run.begin();
    std::optional<OwnedFile> file =
        co_await tx(files::sql::lock_file_of_object, work.file, work.object);
    if (!file) co_return false;
    files::drop_pictures(tx, work.file);
    for (StoredPicture const& row : rows) {
        co_await files::keep_object(tx, row.object_id);
        tx.later(files::sql::insert_picture, row);
    }
    tx.later(files::sql::set_pictures, work.file, state);
    file->pictures = state;
    Cause cause;
    cause.org_id = file->org_id.uuid;
    if (state == PictureState::made)
        emit(tx, cause, document_processed, file->id, *file);
    else
        emit(tx, cause, document_rejected, file->id, *file);
    co_await run.finish(tx, made);
    co_return true;
}

Task<void> give_up(JobRun<PictureWork>& run, std::vector<StoredPicture> const& rows) {
    for (StoredPicture const& row : rows) {
        pg::Settings settings = run.settings();
        co_await files::give_up_object(run.database(), std::move(settings), run.get<files::Store>(),
                                       row.object_id);
    }
}

/// Stores what was made. What does not become the file's is taken back now; what cannot be, the
/// collector of orphans finds.
Task<void> keep(JobRun<PictureWork>& run, OwnedFile const& file,
                std::vector<Picture> const& pictures) {
    std::vector<StoredPicture> rows;
    rows.reserve(pictures.size());
    for (Picture const& picture : pictures) rows.push_back(row_of(file, picture));
    PicturesMade made;
    made.pictures = static_cast<int>(rows.size());
    std::exception_ptr error;
    bool kept = false;
    try {
        co_await store(run, pictures, rows);
        kept = co_await settle(run, PictureState::made, made, rows);
    } catch (...) {
        error = std::current_exception();
    }
    if (!kept) co_await give_up(run, rows);
    if (error) std::rethrow_exception(error);
}

Task<void> refuse(JobRun<PictureWork>& run, std::string reason) {
    PicturesMade made;
    made.reason = std::move(reason);
    std::vector<StoredPicture> const none;
    co_await settle(run, PictureState::refused, made, none);
}

Task<void> run_pictures(JobRun<PictureWork>& run) {
    PictureWork const& work = run.payload();
    std::optional<OwnedFile> const file =
        co_await run.read()(files::sql::file_of_object, work.file, work.object);
    files::Media const* const media = file ? files::media_of(file->media_type) : nullptr;
    if (media == nullptr) co_return;
    files::Span const all{0, static_cast<std::uint64_t>(file->size)};
    std::string const original =
        co_await files::read_all(run.get<files::Store>(), work.object, all);
    std::vector<Picture> pictures;
    std::string refused;
    try {
        pictures = co_await run.get<files::PictureMaker>().make(original, *media);
    } catch (files::PictureRefused const& why) {
        refused = why.what();
    }
    if (pictures.empty())
        co_await refuse(run, std::move(refused));
    else
        co_await keep(run, *file, pictures);
}

struct Collected {
    int objects = 0;
    int parts = 0;
};
HAAT_DESCRIBE(Collected, objects, parts)

Task<Collected> collect(JobRun<Nothing>& run) {
    Collected all;
    files::OrphanOptions const options;
    for (;;) {
        run.check();
        files::Orphans const now =
            co_await files::collect_orphans(run.database(), run.get<files::Store>(), options);
        all.objects += now.objects;
        all.parts += now.parts;
        if (now.objects < options.objects_max) co_return all;
    }
}

Job<Nothing> const collect_job{"files.collect_orphans", {.timeout = 10min}, &collect};
Cron const hourly{"files.collect_orphans", "23 * * * *", collect_job};

} // namespace

Job<PictureWork> const make_pictures{
    "files.make_pictures", {.queue = &pictures_queue, .timeout = 2min}, &run_pictures};

} // namespace haat::documents
