#include <files/library.hpp>

namespace haat::files {

namespace {

RefusalKind const upload_expired{410, "UPLOAD_EXPIRED",
                                 "The upload took too long and was given up. Send the file again."};

namespace objects {
Exec<ObjectId, OrgId> const announce{"files.objects.announce",
                                     "insert into files.objects (id, org_id) values ($1, $2)"};
Exec<ObjectId> const keep{"files.objects.keep", R"(
    update files.objects set state = 'kept', changed_at = now()
     where id = $1 and state = 'pending')"};
Exec<ObjectId> const drop{"files.objects.drop", R"(
    update files.objects set state = 'dropped', changed_at = now() where id = $1)"};
Exec<FileId> const drop_pictures{"files.objects.drop_pictures", R"(
    with gone as (delete from files.pictures where file_id = $1 returning object_id)
    update files.objects set state = 'dropped', changed_at = now()
     where id in (select object_id from gone))"};
Exec<ObjectId> const give_up{"files.objects.give_up", R"(
    update files.objects set state = 'dropped', changed_at = now()
     where id = $1 and state = 'pending')"};
Exec<ObjectId> const remove{"files.objects.remove",
                            "delete from files.objects where id = $1 and state = 'dropped'"};
Exec<std::int64_t> const give_up_old{"files.objects.give_up_old", R"(
    update files.objects set state = 'dropped', changed_at = now()
     where state = 'pending' and created_at < now() - make_interval(secs => $1::bigint))"};
Many<ObjectId, std::int64_t, std::int32_t> const dropped{"files.objects.dropped", R"(
    select id from files.objects
     where state = 'dropped' and changed_at < now() - make_interval(secs => $1::bigint)
     order by changed_at limit $2)"};
} // namespace objects

} // namespace

namespace sql {
ListOf<File, FileFilter> const list_files{
    "files.list",
    {.select = "select {row} from files.files",
     .filters = {{"search", "lower(name) like platform.containing($)"},
                 {"purpose", "purpose = $"},
                 {"media_type", "media_type = $"}},
     .sorts = {{"createdAt", "created_at", Order::desc}, {"name", "name"}, {"size", "size"}}}};
One<File, FileId> const find_file{"files.find", "select {row} from files.files where id = $1"};
One<Placed, FileId> const place_file{"files.place", "select {row} from files.files where id = $1"};
Many<Placed, std::vector<Uuid>> const place_files{
    "files.place_many", "select {row} from files.files where id = any($1) order by id"};
One<Placed, FileId> const lock_file{"files.lock",
                                    "select {row} from files.files where id = $1 for update"};
One<File, Placed> const insert_file{"files.insert",
                                    "insert into files.files ({1}) values ({$1}) returning {row}"};
One<File, Placed> const replace_file{"files.replace", R"(
    update files.files set {set 1} where id = $1 returning {row})"};
Exec<FileId> const remove_file{"files.remove", "delete from files.files where id = $1"};

Many<StoredPicture, FileId> const pictures_of{"files.pictures_of", R"(
    select {row} from files.pictures where file_id = $1 order by width desc, media_type desc)"};
Exec<StoredPicture> const insert_picture{"files.insert_picture",
                                         "insert into files.pictures ({1}) values ({$1})"};
Maybe<ShownPicture, std::string> const find_picture{"files.find_picture",
                                                    "select {row} from files.find_picture($1)"};
Maybe<OwnedFile, FileId, ObjectId> const file_of_object{"files.file_of_object", R"(
    select {row} from files.files where id = $1 and object_id = $2)"};
Maybe<OwnedFile, FileId, ObjectId> const lock_file_of_object{"files.lock_file_of_object", R"(
    select {row} from files.files where id = $1 and object_id = $2 for update)"};
Exec<FileId, PictureState> const set_pictures{"files.set_pictures",
                                              "update files.files set pictures = $2 where id = $1"};
} // namespace sql

void announce_object(Tx& tx, ObjectId id, OrgId org) { tx.later(objects::announce, id, org); }

Task<void> keep_object(Tx& tx, ObjectId id) {
    int const kept = co_await tx(objects::keep, id);
    if (kept != 1) throw Refusal(upload_expired);
}

void drop_object(Tx& tx, ObjectId id) { tx.later(objects::drop, id); }
void drop_pictures(Tx& tx, FileId id) { tx.later(objects::drop_pictures, id); }

// The row says "dropped" before the bytes go, so that no commit that is still on its way can keep
// an object without bytes.
Task<void> give_up_object(pg::Database& database, pg::Settings settings, Store& store,
                          ObjectId id) {
    Tx first(database, settings);
    int const given_up = co_await first(objects::give_up, id);
    if (given_up != 1) co_return;
    co_await first.commit();
    co_await store.remove(id);
    Tx second(database, std::move(settings));
    second.later(objects::remove, id);
    co_await second.commit();
}

Task<Orphans> collect_orphans(pg::Database& worker, Store& store, OrphanOptions options) {
    pg::Reader reader(worker, pg::nobody);
    Orphans found;
    std::int64_t const pending_for = options.pending_for.count();
    std::int64_t const dropped_for = options.dropped_for.count();
    {
        Tx tx(worker, pg::nobody);
        tx.later(objects::give_up_old, pending_for);
        co_await tx.commit();
    }
    std::vector<ObjectId> const dropped =
        co_await reader(objects::dropped, dropped_for, options.objects_max);
    for (ObjectId const id : dropped) {
        co_await store.remove(id);
        Tx tx(worker, pg::nobody);
        tx.later(objects::remove, id);
        co_await tx.commit();
        ++found.objects;
    }
    found.parts = co_await store.sweep(options.pending_for);
    co_return found;
}

} // namespace haat::files
