#include <algorithm>

#include <base/clock.hpp>
#include <http/resource.hpp>
#include <modules/documents/delivery.hpp>
#include <modules/documents/reception.hpp>
#include <outbound/client.hpp>

namespace haat::documents {

namespace {

using files::File;
using files::FileId;
using files::Placed;
using files::Purpose;

struct UploadQuery {
    Purpose purpose = Purpose::document;
    std::optional<Text<1, 255>> name;
};
HAAT_DESCRIBE(UploadQuery, purpose, name)
HAAT_DEFAULTS(UploadQuery, purpose)
HAAT_NOTES(UploadQuery,
           {.field = "purpose", .text = "`image`: pictures alone, which may be larger."},
           {.field = "name", .text = "Of a body that is the file itself; a form says it."})

struct ImageQuery {
    FileId id;
};
HAAT_DESCRIBE(ImageQuery, id)

struct NewUploadLink {
    Text<1, 255> name;
    Purpose purpose = Purpose::document;
};
HAAT_DESCRIBE(NewUploadLink, name, purpose)
HAAT_DEFAULTS(NewUploadLink, purpose)
HAAT_NOTES(NewUploadLink, {.field = "name", .example = "bill-204.pdf"})

struct FileLink {
    FileId id;
    std::string method;
    std::string url;
    Timestamp expires_at;
};
HAAT_DESCRIBE(FileLink, id, method, url, expires_at)
HAAT_NOTES(FileLink, {.field = "url",
                      .text = "Needs no token. A path of this server, or a URL of "
                              "the object store."})

/// What a link says; the signature covers all of it.
struct DownloadRight {
    OrgId org;
    std::int64_t expires = 0;
    Text<1, 100> signature;
};
HAAT_DESCRIBE(DownloadRight, org, expires, signature)

struct UploadRight {
    OrgId org;
    UserId owner;
    Purpose purpose = Purpose::document;
    Text<1, 255> name;
    std::int64_t expires = 0;
    Text<1, 100> signature;
};
HAAT_DESCRIBE(UploadRight, org, owner, purpose, name, expires, signature)

/// One of the smaller sizes of a picture, for everybody to see.
struct PictureView {
    std::string url;
    std::string media_type;
    std::int32_t width = 0;
    std::int32_t height = 0;
    std::int64_t size = 0;
};
HAAT_DESCRIBE(PictureView, url, media_type, width, height, size)
HAAT_NOTES(PictureView, {.field = "url", .text = "Needs no token and never changes its content."})

RefusalKind const picture_not_found{404, "PICTURE_NOT_FOUND", "There is no picture of this name."};
RefusalKind const already_uploaded{
    409, "FILE_ALREADY_UPLOADED", "This link was used.", {.constraint = "files_pkey"}};

std::string meaning_of(FileId id, DownloadRight const& right) {
    return "GET\n" + to_string(id.uuid) + "\n" + to_string(right.org.uuid);
}
std::string meaning_of(FileId id, UploadRight const& right) {
    return "PUT\n" + to_string(id.uuid) + "\n" + to_string(right.org.uuid) + "\n" +
           to_string(right.owner.uuid) + "\n" + std::to_string(static_cast<int>(right.purpose)) +
           "\n" + right.name.value;
}

std::string_view name_of(Purpose purpose) {
    return purpose == Purpose::image ? "image" : "document";
}

Placed placed(FileId id, Terms const& terms, Arrival const& arrival) {
    Placed file;
    file.id = id;
    file.name.value = arrival.name;
    file.purpose = terms.purpose;
    file.media_type = std::string(arrival.received.media->type);
    file.size = static_cast<std::int64_t>(arrival.received.size);
    file.sha256 = arrival.received.sha256;
    file.owner_id = terms.owner;
    bool const image = arrival.received.media->image;
    file.pictures = image ? files::PictureState::waiting : files::PictureState::none;
    file.created_at = file.updated_at = now();
    file.object_id = arrival.object;
    return file;
}

/// The smaller sizes of a picture are made behind the scenes.
void want_pictures(Tx& tx, Placed const& row) {
    PictureWork work;
    work.file = row.id;
    work.object = row.object_id;
    if (row.pictures == files::PictureState::waiting) enqueue(tx, make_pictures, work);
}

// ---- new files

/// The row of one arrival, in the transaction that makes its object stay.
Task<File> add_file(Tx& tx, FileId id, Terms const& terms, Arrival const& arrival) {
    Placed const row = placed(id, terms, arrival);
    co_await files::keep_object(tx, arrival.object);
    File const file = co_await tx(files::sql::insert_file, row);
    want_pictures(tx, row);
    emit(tx, document_uploaded, file.id, file);
    co_return file;
}

Task<Reply<File>> take_one(RawCall& call, Reception& reception, FileId id) {
    co_await reception.read();
    Tx tx = reception.begin();
    File const file = co_await add_file(tx, id, reception.terms(), reception.arrivals().front());
    call.made(file);
    co_return co_await call.commit(tx, created(file));
}

Task<Reply<File>> take_or_give_up(RawCall& call, Reception& reception, FileId id) {
    std::exception_ptr error;
    try {
        co_return co_await take_one(call, reception, id);
    } catch (...) {
        error = std::current_exception();
    }
    co_await reception.give_up();
    std::rethrow_exception(error);
}

Terms terms_of(Call<None, UploadQuery>& call) {
    Terms terms;
    terms.org = call.actor().org;
    terms.owner = call.actor().user;
    terms.purpose = call.query().purpose;
    if (call.query().name) terms.name = call.query().name->value;
    return terms;
}

Task<Reply<File>> upload(Documents& documents, Call<None, UploadQuery>& call) {
    Reception reception(documents, call, terms_of(call));
    co_return co_await take_or_give_up(call, reception, new_id<files::FileNoun>());
}

Task<Reply<File>> upload_image(Documents& documents, Call<None, UploadQuery>& call) {
    Terms terms = terms_of(call);
    terms.purpose = Purpose::image;
    Reception reception(documents, call, std::move(terms));
    co_return co_await take_or_give_up(call, reception, new_id<files::FileNoun>());
}

Task<Reply<std::vector<File>>> take_all(RawCall& call, Reception& reception) {
    co_await reception.read();
    Tx tx = reception.begin();
    std::vector<File> all;
    for (Arrival const& arrival : reception.arrivals()) {
        File file = co_await add_file(tx, new_id<files::FileNoun>(), reception.terms(), arrival);
        all.push_back(std::move(file));
    }
    co_return co_await call.commit(tx, reply(201, all));
}

Task<Reply<std::vector<File>>> upload_batch(Documents& documents, Call<None, UploadQuery>& call) {
    Terms terms = terms_of(call);
    terms.files_max = documents.options.batch_max;
    Reception reception(documents, call, std::move(terms));
    std::exception_ptr error;
    try {
        co_return co_await take_all(call, reception);
    } catch (...) {
        error = std::current_exception();
    }
    co_await reception.give_up();
    std::rethrow_exception(error);
}

// ---- replacing and removing

Task<Reply<File>> put_in_place(RawCall& call, Reception& reception, Placed const& before) {
    co_await reception.read();
    Tx tx = reception.begin();
    Placed const current = co_await tx(files::sql::lock_file, before.id);
    call.expect(static_cast<File const&>(current));
    Arrival const& arrival = reception.arrivals().front();
    Placed row = placed(before.id, reception.terms(), arrival);
    row.owner_id = current.owner_id;
    row.created_at = current.created_at;
    co_await files::keep_object(tx, arrival.object);
    File const file = co_await tx(files::sql::replace_file, row);
    files::drop_object(tx, current.object_id);
    files::drop_pictures(tx, file.id);
    want_pictures(tx, row);
    emit(tx, document_uploaded, file.id, file);
    call.changed(static_cast<File const&>(current), file);
    co_return co_await call.commit(tx, ok(file));
}

Task<Reply<File>> replace_with(Documents& documents, RawCall& call, FileId id, std::string name) {
    Placed const before = co_await call.read(files::sql::place_file, id);
    Terms terms;
    terms.org = call.actor().org;
    terms.owner = call.actor().user;
    terms.purpose = before.purpose;
    terms.name = name.empty() ? before.name.value : name;
    Reception reception(documents, call, std::move(terms));
    std::exception_ptr error;
    try {
        co_return co_await put_in_place(call, reception, before);
    } catch (...) {
        error = std::current_exception();
    }
    co_await reception.give_up();
    std::rethrow_exception(error);
}

struct ReplaceQuery {
    std::optional<Text<1, 255>> name;
};
HAAT_DESCRIBE(ReplaceQuery, name)

Task<Reply<File>> replace(Documents& documents, Call<None, ReplaceQuery>& call, FileId id) {
    std::string name = call.query().name ? call.query().name->value : std::string();
    co_return co_await replace_with(documents, call, id, std::move(name));
}
Task<Reply<File>> replace_image(Documents& documents, Call<None, ImageQuery>& call) {
    co_return co_await replace_with(documents, call, call.query().id, std::string());
}

Task<Reply<Deleted>> remove_file(RawCall& call, FileId id) {
    Tx tx = call.begin();
    Placed const file = co_await tx(files::sql::lock_file, id);
    call.expect(static_cast<File const&>(file));
    files::drop_pictures(tx, id);
    co_await tx(files::sql::remove_file, id);
    files::drop_object(tx, file.object_id);
    emit(tx, document_deleted, id, file);
    call.removed(static_cast<File const&>(file));
    co_return co_await call.commit(tx, deleted(id));
}
Task<Reply<Deleted>> remove(Call<>& call, FileId id) { co_return co_await remove_file(call, id); }
Task<Reply<Deleted>> remove_image(Call<None, ImageQuery>& call) {
    co_return co_await remove_file(call, call.query().id);
}

// ---- finding and giving out

Task<Reply<File>> find(Call<>& call, FileId id) {
    File const file = co_await call.read(files::sql::find_file, id);
    co_return ok(file);
}

Task<Reply<None>> content(Documents& documents, Call<>& call, FileId id) {
    Placed const file = co_await call.read(files::sql::place_file, id);
    co_return co_await deliver(documents, call, file);
}

Task<Reply<std::vector<PictureView>>> pictures(Call<>& call, FileId id) {
    File const file = co_await call.read(files::sql::find_file, id);
    std::vector<files::StoredPicture> const rows =
        co_await call.read(files::sql::pictures_of, file.id);
    std::vector<PictureView> views;
    views.reserve(rows.size());
    for (files::StoredPicture const& row : rows)
        views.push_back(
            {"/api/v1/pictures/" + row.name, row.media_type, row.width, row.height, row.size});
    co_return ok(views);
}

// What its name says never changes, so that every cache may keep it for ever.
Task<Reply<None>> picture(Documents& documents, Call<>& call, Text<1, 100> name) {
    std::optional<files::ShownPicture> const found =
        co_await call.read(files::sql::find_picture, name.value);
    if (!found) throw Refusal(picture_not_found);
    Placed file;
    file.object_id = found->object_id;
    file.media_type = found->media_type;
    file.size = found->size;
    file.name.value = name.value;
    file.sha256 = name.value.substr(0, 64);
    co_return co_await deliver(documents, call, file, "public, max-age=31536000, immutable");
}

Timestamp expiry(Documents const& documents) {
    std::int64_t const seconds = now().micros / 1'000'000 + documents.options.link_lifetime.count();
    return {seconds * 1'000'000};
}

Task<Reply<FileLink>> link(Documents& documents, Call<>& call, FileId id) {
    Placed const file = co_await call.read(files::sql::place_file, id);
    FileLink view;
    view.id = id;
    view.method = "GET";
    view.expires_at = expiry(documents);
    files::Link of_store;
    of_store.object = file.object_id;
    of_store.lifetime = documents.options.link_lifetime;
    of_store.media_type = file.media_type;
    of_store.disposition = disposition_of(file);
    view.url = documents.store.presign(of_store);
    if (view.url.empty()) {
        DownloadRight right;
        right.org = call.actor().org;
        right.expires = view.expires_at.micros / 1'000'000;
        view.url = "/api/v1/files/signed/" + to_string(id.uuid) +
                   "?org=" + to_string(right.org.uuid) +
                   "&expires=" + std::to_string(right.expires) +
                   "&signature=" + documents.links.sign(meaning_of(id, right), right.expires);
    }
    co_return ok(view);
}

Task<Reply<None>> download_signed(Documents& documents, Call<None, DownloadRight>& call,
                                  FileId id) {
    DownloadRight const& right = call.query();
    documents.links.check(meaning_of(id, right), right.expires, right.signature.value);
    pg::Settings settings;
    settings.org_id = to_string(right.org.uuid);
    settings.role = "anonymous";
    pg::Reader reader(call.database(), settings);
    Placed const file = co_await reader(files::sql::place_file, id);
    co_return co_await deliver(documents, call, file);
}

Task<Reply<FileLink>> upload_link(Documents& documents, Call<NewUploadLink>& call) {
    FileLink view;
    view.id = new_id<files::FileNoun>();
    view.method = "PUT";
    view.expires_at = expiry(documents);
    UploadRight right;
    right.org = call.actor().org;
    right.owner = call.actor().user;
    right.purpose = call.body().purpose;
    right.name.value = tidy_name(call.body().name.value);
    right.expires = view.expires_at.micros / 1'000'000;
    view.url = "/api/v1/files/signed/" + to_string(view.id.uuid) +
               "?org=" + to_string(right.org.uuid) + "&owner=" + to_string(right.owner.uuid) +
               "&purpose=" + std::string(name_of(right.purpose)) +
               "&name=" + outbound::percent_encoded(right.name.value) +
               "&expires=" + std::to_string(right.expires) +
               "&signature=" + documents.links.sign(meaning_of(view.id, right), right.expires);
    co_return reply(201, view);
}

Task<Reply<File>> upload_signed(Documents& documents, Call<None, UploadRight>& call, FileId id) {
    UploadRight const& right = call.query();
    documents.links.check(meaning_of(id, right), right.expires, right.signature.value);
    Terms terms;
    terms.org = right.org;
    terms.owner = right.owner;
    terms.purpose = right.purpose;
    terms.name = right.name.value;
    Reception reception(documents, call, std::move(terms));
    co_return co_await take_or_give_up(call, reception, id);
}

// ---- routes

/// What every route that takes a file has in common.
Route takes_files(Route route, std::uint64_t bytes_max) {
    constexpr std::uint64_t around = 64 * 1024; // a form's own lines
    route.streams()
        .body_max(static_cast<std::size_t>(bytes_max + around))
        .limited(RateClass::upload)
        .refuses(files::unsupported_file, files::oversized_file, files::empty_file,
                 files::storage_full, files::storage_away, file_missing);
    return route;
}

void add_picture_routes(Routes& r, Routes& all, Documents& documents) {
    all.get("/{id}/pictures", &pictures, "The smaller sizes that were made of a picture")
        .needs(Permit::organization_read);
    Routes shown = r.group("/pictures", "Files");
    shown.get("/{name}", &picture, documents, "A picture in one of its sizes")
        .open()
        .bare("image/webp")
        .refuses(picture_not_found);
}

void add_image_routes(Routes& r, Documents& documents) {
    std::uint64_t const most = documents.options.image_bytes_max;
    Routes images = r.group("/images", "Files");
    takes_files(images.post("/upload", &upload_image, documents, "Upload an image")
                    .needs(Permit::catalog_write),
                most);
    takes_files(images.put("/replace", &replace_image, documents, "Replace an image's content")
                    .needs(Permit::catalog_write),
                most)
        .answers(200);
    images.remove("/delete", &remove_image, "Remove an image").needs(Permit::catalog_write);
}

} // namespace

void add_document_routes(Routes& r, Documents& documents) {
    std::uint64_t const most =
        std::max(documents.options.image_bytes_max, documents.options.document_bytes_max);
    Routes all = r.group("/files", "Files");
    all.get("", &list_page<files::sql::list_files>, "The organization's files")
        .needs(Permit::organization_read);
    all.get("/{id}", &find, "What is known of a file").needs(Permit::organization_read);
    all.get("/{id}/content", &content, documents, "A file's content, or a range of it")
        .needs(Permit::organization_read)
        .bare("application/octet-stream");
    all.post("/{id}/link", &link, documents, "A link to the content that needs no token")
        .needs(Permit::organization_read)
        .unaudited()
        .answers(200);
    takes_files(
        all.post("", &upload, documents, "Upload a file: a form with one, or the file itself")
            .needs(Permit::catalog_write),
        most)
        .alias("/api/v1/uploads");
    takes_files(
        all.post("/batch", &upload_batch, documents, "Upload the files of a form, all or none")
            .needs(Permit::catalog_write),
        most * static_cast<std::uint64_t>(documents.options.batch_max));
    takes_files(all.put("/{id}", &replace, documents, "Replace a file's content")
                    .needs(Permit::catalog_write),
                most);
    all.remove("/{id}", &remove, "Remove a file").needs(Permit::catalog_write);

    all.post("/links", &upload_link, documents, "A link that takes one file without a token")
        .needs(Permit::catalog_write)
        .unaudited();
    all.get("/signed/{id}", &download_signed, documents, "Download through a link")
        .open()
        .bare("application/octet-stream")
        .refuses(files::link_invalid, files::link_expired);
    takes_files(all.put("/signed/{id}", &upload_signed, documents, "Upload through a link").open(),
                most)
        .answers(201)
        .refuses(files::link_invalid, files::link_expired, already_uploaded);
    add_picture_routes(r, all, documents);
    add_image_routes(r, documents);
}

} // namespace haat::documents
