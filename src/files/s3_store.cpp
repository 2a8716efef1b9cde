#include <files/s3_store.hpp>

#include <base/clock.hpp>
#include <loop/loop.hpp>
#include <outbound/crypto.hpp>
#include <telemetry/log.hpp>

namespace haat::files {

namespace {

using outbound::Method;
using outbound::Reply;
using namespace std::chrono_literals;

constexpr std::uint64_t piece_bytes = 1024 * 1024; // of a download, by one request each

[[noreturn]] void unexpected(std::string_view act, Reply const& reply) {
    throw Fault("the object store answered " + std::to_string(reply.status) + " to " +
                std::string(act) + ": " + reply.body.substr(0, 300));
}

/// What stands between <tag> and </tag>, or nothing.
std::string between(std::string_view xml, std::string const& tag) {
    auto const begin = xml.find("<" + tag + ">");
    if (begin == xml.npos) return {};
    auto const from = begin + tag.size() + 2;
    return std::string(xml.substr(from, xml.find("</" + tag + ">", from) - from));
}

/// Nobody waits for it but whoever leaves the loop.
Task<void> abort_upload(S3Store& store, ObjectId id, std::string upload) {
    try {
        Reply const reply = co_await store.ask(
            S3Question(Method::remove, id, "uploadId=" + outbound::percent_encoded(upload)));
        if (reply.ok() || reply.status == 404) co_return;
        log::warn("parts of an upload stay in the bucket").field("status", reply.status);
    } catch (std::exception const& error) {
        log::warn("parts of an upload stay in the bucket").field("why", error.what());
    }
}

class S3Writer final : public Writer {
public:
    S3Writer(S3Store& store, ObjectId id) : store_(store), id_(id) {}
    ~S3Writer() override {
        if (!upload_.empty()) detach(abort_upload(store_, id_, upload_));
    }

    Task<void> write(std::string_view piece) override {
        buffer_ += piece;
        std::size_t const part = store_.options().part_bytes;
        while (buffer_.size() > part) {
            std::string rest = buffer_.substr(part);
            buffer_.resize(part);
            co_await send_part();
            buffer_ = std::move(rest);
        }
    }

    Task<void> commit() override {
        if (!upload_.empty()) {
            co_await send_part();
            co_await complete();
            co_return;
        }
        Reply const reply =
            co_await store_.ask(S3Question(Method::put, id_, "", std::move(buffer_)));
        if (!reply.ok()) unexpected("an upload", reply);
    }

private:
    Task<void> begin() {
        Reply const reply = co_await store_.ask(S3Question(Method::post, id_, "uploads="));
        upload_ = between(reply.body, "UploadId");
        if (!reply.ok() || upload_.empty()) unexpected("the beginning of an upload", reply);
    }
    std::string of_upload() const { return "uploadId=" + outbound::percent_encoded(upload_); }

    Task<void> send_part() {
        if (upload_.empty()) co_await begin();
        std::string const query =
            "partNumber=" + std::to_string(tags_.size() + 1) + "&" + of_upload();
        Reply const reply =
            co_await store_.ask(S3Question(Method::put, id_, query, std::move(buffer_)));
        buffer_.clear();
        std::string const tag(reply.header("etag"));
        if (!reply.ok() || tag.empty()) unexpected("a part of an upload", reply);
        tags_.push_back(tag);
    }

    /// The answer may be lost, or hold an error though it says 200: then the object itself tells.
    Task<void> complete() {
        std::string body = "<CompleteMultipartUpload>";
        for (std::size_t i = 0; i < tags_.size(); ++i)
            body += "<Part><PartNumber>" + std::to_string(i + 1) + "</PartNumber><ETag>" +
                    tags_[i] + "</ETag></Part>";
        body += "</CompleteMultipartUpload>";
        S3Question question(Method::post, id_, of_upload(), std::move(body));
        question.headers = {{"Content-Type", "application/xml"}};
        Reply reply;
        std::exception_ptr error;
        try {
            reply = co_await store_.ask(std::move(question));
        } catch (...) {
            error = std::current_exception();
        }
        bool const said = reply.ok() && reply.body.find("<Error>") == std::string::npos;
        bool const done = said || co_await store_.exists(id_);
        if (!done && error) std::rethrow_exception(error);
        if (!done) unexpected("the end of an upload", reply);
        upload_.clear();
    }

    S3Store& store_;
    ObjectId id_;
    std::string buffer_;
    std::string upload_; // S3's id of it; empty: not begun, or at its end
    std::vector<std::string> tags_;
};

/// Asks for one piece after another, so that a slow client holds no connection of the store.
class S3Source final : public Source {
public:
    S3Source(S3Store& store, ObjectId id, Span left) : store_(store), id_(id), left_(left) {}

    Task<std::string_view> next() override {
        if (fetched_) {
            fetched_ = false;
            co_return std::string_view(piece_);
        }
        if (left_.length == 0) co_return std::string_view();
        co_await fetch();
        fetched_ = false;
        co_return std::string_view(piece_);
    }
    /// The first piece is fetched before the answer begins, while it can still be a refusal.
    Task<void> fetch() {
        std::uint64_t const count = std::min(left_.length, piece_bytes);
        S3Question question(Method::get, id_);
        question.headers = {{"Range", "bytes=" + std::to_string(left_.offset) + "-" +
                                          std::to_string(left_.offset + count - 1)}};
        Reply reply = co_await store_.ask(std::move(question));
        if (reply.status == 404) throw Fault("the object " + to_string(id_.uuid) + " is lost");
        if (reply.status != 206 || reply.body.size() < count) unexpected("a download", reply);
        reply.body.resize(count); // some servers give more than was asked for
        piece_ = std::move(reply.body);
        left_.offset += count;
        left_.length -= count;
        fetched_ = true;
    }

private:
    S3Store& store_;
    ObjectId id_;
    Span left_;
    std::string piece_;
    bool fetched_ = false;
};

std::string amazons_unless(std::string endpoint, std::string const& region) {
    if (endpoint.empty()) return "https://s3." + region + ".amazonaws.com";
    while (endpoint.ends_with('/')) endpoint.pop_back();
    return endpoint;
}

class Counted {
public:
    explicit Counted(int& count) : count_(count) { ++count_; }
    ~Counted() { --count_; }
    Counted(Counted const&) = delete;

private:
    int& count_;
};

S3Options completed(S3Options options) {
    options.endpoint = amazons_unless(std::move(options.endpoint), options.region);
    return options;
}

} // namespace

S3Store::S3Store(S3Options options, Workers& workers, outbound::Options client)
    : options_(completed(std::move(options))), workers_(workers),
      client_options_(std::move(client)) {}
S3Store::~S3Store() = default;

S3Store::Branch& S3Store::branch() {
    Loop& here = Loop::current();
    std::lock_guard const guard(mutex_);
    auto const [at, fresh] = branches_.try_emplace(&here);
    if (fresh) at->second.client = std::make_unique<outbound::Client>(here, client_options_);
    return at->second;
}

Task<void> S3Store::leave(std::chrono::steady_clock::time_point deadline) {
    Branch& here = branch();
    while (here.asking > 0 && std::chrono::steady_clock::now() < deadline) co_await sleep_for(5ms);
    here.client.reset(); // what still asks learns that there is no answer
    while (here.asking > 0) co_await sleep_for(5ms);
}

std::string S3Store::url_of(ObjectId id, std::string const& query) const {
    auto const host = options_.endpoint.find("://") + 3;
    std::string url = options_.endpoint;
    if (options_.path_style)
        url += "/" + options_.bucket;
    else
        url.insert(host, options_.bucket + ".");
    url += "/" + to_string(id.uuid);
    return query.empty() ? url : url + "?" + query;
}

Task<Reply> S3Store::ask(S3Question question) {
    Branch& here = branch();
    Counted const counted(here.asking);
    auto hash = [&question] { return outbound::hex(outbound::sha256(question.body)); };
    std::string payload_hash = co_await on(workers_, hash);
    outbound::Request request;
    request.method = question.method;
    request.url = url_of(question.object, question.query);
    request.headers = std::move(question.headers);
    request.body = std::move(question.body);
    request.purpose = "files";
    request.reach = outbound::Reach::house; // the operator's settings name it
    request.times.whole = 120s;
    outbound::sign(request, options_.key, scope(), now(), std::move(payload_hash));
    if (!here.client) throw Refusal(storage_away);
    try {
        Reply reply = co_await here.client->send(std::move(request));
        if (reply.status < 500) co_return reply;
        log::warn("object store").field("status", reply.status);
    } catch (outbound::Error const& error) {
        log::warn("object store").field("why", error.text());
    }
    throw Refusal(storage_away).retry_after(5);
}

Task<std::unique_ptr<Writer>> S3Store::put(ObjectId id) {
    co_return std::unique_ptr<Writer>(std::make_unique<S3Writer>(*this, id));
}

Task<Content> S3Store::get(ObjectId id, Span span) {
    auto source = std::make_unique<S3Source>(*this, id, span);
    co_await source->fetch();
    Content content;
    content.source = std::move(source);
    co_return content;
}

Task<bool> S3Store::exists(ObjectId id) {
    Reply const reply = co_await ask(S3Question(Method::head, id));
    if (reply.ok()) co_return true;
    if (reply.status != 404) unexpected("a question", reply);
    co_return false;
}

Task<void> S3Store::remove(ObjectId id) {
    Reply const reply = co_await ask(S3Question(Method::remove, id));
    if (!reply.ok() && reply.status != 404) unexpected("a removal", reply);
}

std::string S3Store::presign(Link const& link) const {
    outbound::Presigned const what{
        .method = Method::get,
        .url = url_of(link.object,
                      outbound::form_encoded({{"response-content-disposition", link.disposition},
                                              {"response-content-type", link.media_type}})),
        .lifetime = link.lifetime};
    return outbound::presign(what, options_.key, scope(), now());
}

Task<int> S3Store::sweep(std::chrono::seconds) { co_return 0; }

} // namespace haat::files
