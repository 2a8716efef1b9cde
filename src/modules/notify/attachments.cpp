// The files that go with a mail, out of the store.
#include <algorithm>

#include <files/library.hpp>
#include <files/store.hpp>
#include <modules/notify/letter.hpp>
#include <telemetry/log.hpp>

namespace haat::notify {

namespace {

Task<outbound::Attachment> fetch(files::Store& store, files::Placed const& file) {
    files::Span const whole{0, static_cast<std::uint64_t>(file.size)};
    outbound::Attachment attachment;
    attachment.filename = file.name.value;
    attachment.content_type = file.media_type;
    attachment.content = co_await files::read_all(store, file.object_id, whole);
    co_return attachment;
}

/// In the order in which they were named.
Task<std::vector<files::Placed>> placed(JobRun<DeliverMessage>& run, std::vector<Uuid> const& ids) {
    auto const found = co_await run.read()(files::sql::place_files, ids);
    std::vector<files::Placed> all;
    std::int64_t room = attachment_bytes_max;
    for (Uuid const& id : ids) {
        auto const at = std::ranges::find(found, files::FileId{id}, &files::Placed::id);
        if (at == found.end() || at->size > room) throw not_found<files::FileNoun>();
        room -= at->size;
        all.push_back(*at);
    }
    co_return all;
}

} // namespace

Task<void> fetch_attachments(JobRun<DeliverMessage>& run, Letter& letter) {
    std::vector<outbound::Attachment>& all = letter.parcel.attachments;
    all.clear();
    letter.files = Letter::Files::fetched;
    try {
        auto const files = co_await placed(run, letter.row.attachments);
        files::Store& store = run.get<files::Store>();
        for (files::Placed const& file : files) all.push_back(co_await fetch(store, file));
    } catch (Refusal const& refusal) {
        bool const gone = refusal.status() == 404;
        letter.files = gone ? Letter::Files::gone : Letter::Files::away;
    } catch (Fault const& fault) {
        log::warn("an attached file").field("why", fault.what());
        letter.files = Letter::Files::away;
    }
}

} // namespace haat::notify
