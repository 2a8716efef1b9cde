// The files that go with a mail, out of the store.
#include <files/library.hpp>
#include <files/store.hpp>
#include <modules/notify/letter.hpp>
#include <telemetry/log.hpp>

namespace haat::notify {

namespace {

Task<outbound::Attachment> fetch(JobRun<DeliverMessage>& run, files::FileId id,
                                 std::int64_t bytes_max) {
    files::Placed const file = co_await run.read()(files::sql::place_file, id);
    if (file.size > bytes_max) throw not_found<files::FileNoun>();
    files::Span const whole{0, static_cast<std::uint64_t>(file.size)};
    files::Store& store = run.get<files::Store>();
    outbound::Attachment attachment;
    attachment.filename = file.name.value;
    attachment.content_type = file.media_type;
    attachment.content = co_await files::read_all(store, file.object_id, whole);
    co_return attachment;
}

} // namespace

Task<void> fetch_attachments(JobRun<DeliverMessage>& run, Letter& letter) {
    std::vector<outbound::Attachment>& all = letter.parcel.attachments;
    all.clear();
    std::int64_t room = attachment_bytes_max;
    letter.files = Letter::Files::fetched;
    try {
        for (Uuid const& each : letter.row.attachments) {
            files::FileId const id{each};
            all.push_back(co_await fetch(run, id, room));
            room -= static_cast<std::int64_t>(all.back().content.size());
        }
    } catch (Refusal const& refusal) {
        bool const gone = refusal.status() == 404;
        letter.files = gone ? Letter::Files::gone : Letter::Files::away;
    } catch (Fault const& fault) {
        log::warn("an attached file").field("why", fault.what());
        letter.files = Letter::Files::away;
    }
}

} // namespace haat::notify
