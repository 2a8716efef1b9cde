#include <modules/documents/reception.hpp>

#include <deque>

#include <base/clock.hpp>
#include <base/text_forms.hpp>
#include <http/multipart.hpp>

namespace haat::documents {

RefusalKind const file_missing{422, "FILE_MISSING", "The form holds no file."};

namespace {

/// Keeps what the parser found until the store has taken it.
class Parts final : public http::FormSink {
public:
    struct Step {
        enum class Kind : std::uint8_t { begin, data, end };
        Kind kind;
        std::string text; // the name or the bytes
    };
    std::deque<Step> steps;

    void begin_field(std::string_view) override { in_file_ = false; }
    void begin_file(std::string_view, std::string_view file_name, std::string_view) override {
        in_file_ = true;
        steps.push_back({Step::Kind::begin, std::string(file_name)});
    }
    void data(std::string_view piece) override {
        if (in_file_) steps.push_back({Step::Kind::data, std::string(piece)});
    }
    void end_part() override {
        if (in_file_) steps.push_back({Step::Kind::end, {}});
    }

private:
    bool in_file_ = false;
};

void cut_to_characters(std::string& text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return;
    std::size_t end = bytes_max;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
    text.resize(end);
}

} // namespace

std::string tidy_name(std::string_view given) {
    auto const slash = given.find_last_of("/\\");
    if (slash != given.npos) given.remove_prefix(slash + 1);
    std::string name;
    for (char const c : given)
        if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f) name += c;
    name = std::string(trimmed(name));
    TextFacts const facts = facts_of(name);
    if (name.empty() || !facts.utf8 || facts.control) return "file";
    cut_to_characters(name, 255);
    return name;
}

Reception::Reception(Documents& documents, RawCall& call, Terms terms)
    : documents_(documents), call_(call), terms_(std::move(terms)) {}

pg::Settings Reception::settings() const {
    return {.user_id = to_string(terms_.owner.uuid),
            .org_id = to_string(terms_.org.uuid),
            .role = "customer",
            .correlation_id = std::string(call_.request_id())};
}

Tx Reception::begin() const { return {call_.database(), settings()}; }

Task<void> Reception::read() {
    std::string_view const type = call_.request().header("content-type");
    std::string_view const boundary = http::boundary_of(type);
    if (!boundary.empty())
        co_await read_form(boundary);
    else if (type.starts_with("multipart/"))
        throw Refusal(unsupported_media);
    else
        co_await read_raw();
}

Task<std::unique_ptr<files::Intake>> Reception::expect(std::string name) {
    Arrival arrival;
    arrival.object.uuid = new_uuid();
    arrival.name = tidy_name(name);
    Tx tx = begin();
    files::announce_object(tx, arrival.object, terms_.org);
    co_await tx.commit();
    bool const image = terms_.purpose == files::Purpose::image;
    files::IntakeLimits limits;
    limits.images_only = image;
    limits.bytes_max = documents_.options.document_bytes_max;
    if (image) limits.bytes_max = documents_.options.image_bytes_max;
    arrivals_.push_back(arrival);
    co_return std::make_unique<files::Intake>(documents_.store, documents_.workers, arrival.object,
                                              limits);
}

Task<void> Reception::finish(files::Intake& intake) {
    files::Received received = co_await intake.finish();
    Arrival& arrival = arrivals_.back();
    if (arrival.name == "file") arrival.name += "." + std::string(received.media->extension);
    arrival.received = std::move(received);
}

// A request without a body has no stream either.
Task<std::string_view> Reception::next_piece() {
    http::BodyStream* const stream = call_.request().stream;
    if (stream == nullptr) co_return std::string_view();
    co_return co_await stream->next();
}

Task<void> Reception::read_raw() {
    std::unique_ptr<files::Intake> const intake = co_await expect(terms_.name);
    for (;;) {
        std::string_view const piece = co_await next_piece();
        if (piece.empty()) break;
        co_await intake->take(piece);
    }
    co_await finish(*intake);
}

Task<void> Reception::read_form(std::string_view boundary) {
    http::FormLimits limits;
    limits.files_max = terms_.files_max;
    limits.file_bytes_max = documents_.options.image_bytes_max; // the intake knows it better
    if (limits.file_bytes_max < documents_.options.document_bytes_max)
        limits.file_bytes_max = documents_.options.document_bytes_max;
    Parts parts;
    http::FormParser parser(boundary, limits, parts);
    std::unique_ptr<files::Intake> intake;
    for (;;) {
        std::string_view const piece = co_await next_piece();
        if (piece.empty()) break;
        parser.feed(piece);
        for (; !parts.steps.empty(); parts.steps.pop_front()) {
            Parts::Step& step = parts.steps.front();
            if (step.kind == Parts::Step::Kind::begin)
                intake = co_await expect(std::move(step.text));
            else if (step.kind == Parts::Step::Kind::data)
                co_await intake->take(step.text);
            else
                co_await finish(*intake);
        }
    }
    parser.finish();
    if (arrivals_.empty()) throw Refusal(file_missing);
}

// What cannot be taken back now, the collector of orphans finds.
Task<void> Reception::give_up() {
    for (Arrival const& arrival : arrivals_) {
        try {
            co_await files::give_up_object(call_.database(), settings(), documents_.store,
                                           arrival.object);
        } catch (std::exception const&) {
        }
    }
}

} // namespace haat::documents
