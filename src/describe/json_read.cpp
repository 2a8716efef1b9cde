// Reads JSON straight into a struct: no tree is built, and money never becomes a double.
#include <describe/codec.hpp>
#include <describe/leaves.hpp>

#include <algorithm>

#include <boost/json/basic_parser_impl.hpp>

namespace haat::describe {

namespace json = boost::json;

namespace {

constexpr int frames_max = 64;

std::string_view view(json::string_view text) { return {text.data(), text.size()}; }

/// Keeps any JSON value as text, without white space, for a member of type Json.
class Collector {
public:
    void start(Json& into) {
        into_ = &into;
        text_.clear();
        depth_ = 0;
        fits_ = true;
    }
    bool running() const { return into_ != nullptr; }

    void open(char bracket) {
        separate();
        text_ += bracket;
        ++depth_;
    }
    /// True when the whole value has been collected.
    bool close(char bracket) {
        text_ += bracket;
        return --depth_ == 0;
    }
    void key(std::string_view name) {
        separate();
        put_string(name);
        text_ += ':';
    }
    void scalar(Token const& token) {
        separate();
        switch (token.what) {
        case Token::What::null: text_ += "null"; break;
        case Token::What::boolean: text_ += token.boolean ? "true" : "false"; break;
        case Token::What::number: put_number(token); break;
        case Token::What::string: put_string(token.text);
        }
    }
    /// False when PostgreSQL could not keep it; then the member is left alone.
    bool finish() {
        if (fits_) into_->text = text_;
        into_ = nullptr;
        return fits_;
    }
    /// A value that is no tree.
    bool only(Json& into, Token const& token) {
        start(into);
        scalar(token);
        return finish();
    }

private:
    void separate() {
        if (text_.empty()) return;
        char const last = text_.back();
        if (last != '{' && last != '[' && last != ':') text_ += ',';
    }
    void put_string(std::string_view text) {
        if (text.find('\0') != text.npos) fits_ = false;
        encode_string(text_, text);
    }
    void put_number(Token const& token) {
        // jsonb keeps numbers as numeric, which ends where an exponent needs four digits.
        std::size_t const exponent = token.text.find_first_of("eE");
        if (exponent != token.text.npos && token.text.size() - exponent > 5) fits_ = false;
        if (token.text.size() > 400) fits_ = false;
        text_ += token.text;
    }

    Json* into_ = nullptr;
    std::string text_;
    int depth_ = 0;
    bool fits_ = true;
};

class Reader {
public:
    static constexpr std::size_t max_object_size = std::size_t(-1);
    static constexpr std::size_t max_array_size = std::size_t(-1);
    static constexpr std::size_t max_key_size = std::size_t(-1);
    static constexpr std::size_t max_string_size = std::size_t(-1);

    Reader(Shape const& root, void* into, Problems& problems, ReadOptions const& options,
           Dialect dialect)
        : root_(&root), into_(into), problems_(problems), options_(options), dialect_(dialect),
          problems_at_start_(problems.size()) {}

    bool on_document_begin(json::error_code&) {
        aim(*root_, into_, nullptr, false);
        return true;
    }
    bool on_document_end(json::error_code&) { return true; }
    bool on_object_begin(json::error_code& error) { return open(Kind::object, '{', error); }
    bool on_array_begin(json::error_code& error) { return open(Kind::list, '[', error); }
    bool on_object_end(std::size_t, json::error_code& error) {
        if (closes_elsewhere('}')) return going_on(error);
        check_required();
        pop();
        return going_on(error);
    }
    bool on_array_end(std::size_t, json::error_code& error) {
        if (closes_elsewhere(']')) return going_on(error);
        Frame const& frame = frames_[depth_ - 1];
        if (frame.next < static_cast<std::uint32_t>(frame.shape->min))
            report("too_few", *frame.shape, frame.note, depth_ - 1);
        pop();
        return going_on(error);
    }
    bool on_key_part(json::string_view text, std::size_t, json::error_code&) {
        text_.append(text.data(), text.size());
        return true;
    }
    bool on_key(json::string_view text, std::size_t, json::error_code&) {
        if (text_.empty()) {
            key(view(text));
            return true;
        }
        text_.append(text.data(), text.size());
        key(text_);
        text_.clear();
        return true;
    }
    bool on_string_part(json::string_view text, std::size_t, json::error_code&) {
        text_.append(text.data(), text.size());
        return true;
    }
    bool on_string(json::string_view text, std::size_t, json::error_code& error) {
        if (!text_.empty()) [[unlikely]]
            return joined({.what = Token::What::string}, text, error);
        return scalar({.what = Token::What::string, .text = view(text)}, error);
    }
    bool on_number_part(json::string_view text, json::error_code&) {
        text_.append(text.data(), text.size());
        return true;
    }
    bool on_int64(std::int64_t value, json::string_view text, json::error_code& error) {
        Token const token{.what = Token::What::number, .is_int64 = true, .int64 = value};
        return joined(token, text, error);
    }
    bool on_uint64(std::uint64_t, json::string_view text, json::error_code& error) {
        return joined({.what = Token::What::number}, text, error);
    }
    bool on_double(double, json::string_view text, json::error_code& error) {
        return joined({.what = Token::What::number}, text, error);
    }
    bool on_bool(bool value, json::error_code& error) {
        return scalar({.what = Token::What::boolean, .boolean = value}, error);
    }
    bool on_null(json::error_code& error) { return scalar({}, error); }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    bool full() const { return full_; }
    /// A value that is skipped has no path of its own.
    void report_too_deep() {
        report("too_deep", *root_, nullptr, skipping_ ? std::max(depth_ - 1, 0) : depth_);
    }

private:
    /// One object or list that is open.
    struct Frame {
        Shape const* shape;
        char* target;
        Note const* note;
        std::uint64_t seen[2];
        std::uint32_t next;  // object: the field to try first; list: how many there were
        std::uint32_t field; // object: the field being read
        bool unwrapped;      // the outer braces of {"data":{…}}
    };

    /// Where the next value goes; without a shape it goes nowhere.
    void aim(Shape const& shape, void* at, Note const* note, bool again) {
        value_shape_ = &shape;
        value_ = at;
        note_ = note;
        again_ = again;
    }

    bool going_on(json::error_code& error) {
        if (!full_) [[likely]]
            return true;
        error = json::error::exception; // any will do: the caller asks full() first
        return false;
    }

    void key(std::string_view name) {
        if (skipping_) return;
        if (collector_.running()) return collector_.key(name);
        Frame& frame = frames_[depth_ - 1];
        // Most often the keys come in the order of the members.
        std::uint32_t const guess = frame.next;
        if (guess < frame.shape->count && frame.shape->fields[guess].name.json() == name) [[likely]]
            return found(frame, guess);
        search(frame, name);
    }
    [[gnu::noinline]] void search(Frame& frame, std::string_view name) {
        std::uint32_t const count = frame.shape->count;
        for (std::uint32_t step = 0, i = frame.next; step < count; ++step) {
            if (matches(frame.shape->fields[i].name, name)) return found(frame, i);
            i = i + 1 == count ? 0 : i + 1;
        }
        for (std::uint32_t i = 0; i < count; ++i)
            if (Note const* note = frame.shape->fields[i].note; note && !name.empty())
                for (std::string_view also : note->also)
                    if (also == name) return found(frame, i);
        value_shape_ = nullptr;
        if (name == "data" && wraps(frame)) {
            aim(*frame.shape, frame.target, nullptr, false);
            frame.unwrapped = true;
        }
    }
    bool matches(Name const& field, std::string_view name) const {
        return field.json() == name || (dialect_ == Dialect::stored && field.column() == name);
    }

    /// {"data":{…}} around the whole, before anything else of it was found.
    bool wraps(Frame const& frame) const {
        return options_.unwrap_data && depth_ == 1 && !frame.unwrapped && !frame.seen[0] &&
               !frame.seen[1];
    }
    void found(Frame& frame, std::uint32_t i) {
        Field const& field = frame.shape->fields[i];
        std::uint64_t const bit = std::uint64_t{1} << (i % 64);
        std::uint64_t& seen = frame.seen[i / 64];
        frame.field = i;
        frame.next = i + 1 == frame.shape->count ? 0 : i + 1;
        if (frame.unwrapped) { // beside "data" nothing counts
            value_shape_ = nullptr;
            return;
        }
        aim(*field.shape, frame.target + field.offset, field.note, (seen & bit) != 0);
        seen |= bit;
    }

    /// In a list every value is a new element.
    void next_element() {
        if (depth_ == 0) return;
        Frame& frame = frames_[depth_ - 1];
        if (frame.shape->kind != Kind::list) return;
        if (frame.next == static_cast<std::uint32_t>(frame.shape->max)) {
            if (!frame.seen[0]) report("too_many", *frame.shape, frame.note, depth_ - 1);
            frame.seen[0] = 1;
            value_shape_ = nullptr;
            return;
        }
        frame.field = frame.next++;
        aim(*frame.shape->element, frame.shape->append(frame.target), frame.note, false);
    }
    void unwrap_nullable() {
        while (is_nullable(value_shape_->kind)) {
            value_ = value_shape_->append(value_);
            value_shape_ = value_shape_->element;
        }
    }

    bool open(Kind kind, char bracket, json::error_code& error) {
        if (skipping_) {
            ++skipping_;
            return true;
        }
        if (collector_.running()) {
            collector_.open(bracket);
            return true;
        }
        next_element();
        if (!value_shape_) {
            skipping_ = 1;
            return going_on(error);
        }
        bool const wrapped = depth_ == 1 && frames_[0].unwrapped;
        unwrap_nullable();
        if (value_shape_->kind == Kind::json) {
            collector_.start(as<Json>(value_));
            collector_.open(bracket);
            return true;
        }
        if (value_shape_->kind != kind) {
            // {"data":[…]} is an unknown field, no wrapping.
            if (wrapped && kind == Kind::list)
                frames_[0].unwrapped = false;
            else
                report("type", *value_shape_, note_, depth_);
            skipping_ = 1;
            return going_on(error);
        }
        if (depth_ == frames_max) {
            error = json::error::too_deep;
            return false;
        }
        push(kind);
        return true;
    }
    void push(Kind kind) {
        if (kind == Kind::list) {
            value_shape_->clear(value_); // of its default, or of what the same key gave before
        } else if (again_) {
            value_shape_->drop(value_);
            value_shape_->make(value_);
        }
        frames_[depth_++] = {value_shape_, static_cast<char*>(value_), note_, {0, 0}, 0, 0, false};
    }
    void pop() { --depth_; }

    /// The end of something that is skipped or collected.
    bool closes_elsewhere(char bracket) {
        if (skipping_) {
            --skipping_;
            return true;
        }
        if (!collector_.running()) return false;
        if (collector_.close(bracket) && !collector_.finish())
            report("format", *value_shape_, note_, depth_);
        return true;
    }

    /// The last part of a string or number, or the only one.
    bool joined(Token token, json::string_view text, json::error_code& error) {
        if (text_.empty()) {
            token.text = view(text);
            return scalar(token, error);
        }
        text_.append(text.data(), text.size());
        token.text = text_;
        bool const on = scalar(token, error);
        text_.clear();
        return on;
    }
    bool scalar(Token const& token, json::error_code& error) {
        if (skipping_) return true;
        if (collector_.running()) {
            collector_.scalar(token);
            return true;
        }
        next_element();
        if (value_shape_) place(token);
        return going_on(error);
    }
    void place(Token const& token) {
        if (depth_ == 1 && frames_[0].unwrapped) [[unlikely]] {
            frames_[0].unwrapped = false; // {"data":5} is an unknown field
            return;
        }
        if (token.what == Token::What::null && value_shape_->kind != Kind::json)
            return place_null();
        if (is_nullable(value_shape_->kind)) unwrap_nullable();
        if (value_shape_->kind == Kind::json) [[unlikely]] {
            if (!collector_.only(as<Json>(value_), token))
                report("format", *value_shape_, note_, depth_);
            return;
        }
        auto const code = read_leaf(*value_shape_, note_, value_, token, dialect_);
        if (!code.empty()) [[unlikely]]
            report(code, *value_shape_, note_, depth_);
    }
    void place_null() {
        if (is_nullable(value_shape_->kind))
            value_shape_->clear(value_);
        else
            report("null", *value_shape_, note_, depth_);
    }

    void check_required() {
        Frame& frame = frames_[depth_ - 1];
        if (frame.unwrapped) return;
        if (frame.shape->given != 0) { // a change: nothing is required
            std::uint64_t* const given = given_of(*frame.shape, frame.target);
            given[0] |= frame.seen[0];
            given[1] |= frame.seen[1];
            return;
        }
        std::uint32_t const count = frame.shape->count;
        for (std::uint32_t i = 0; i < count && !full_; ++i) {
            if (frame.seen[i / 64] >> (i % 64) & 1) continue;
            Field const& field = frame.shape->fields[i];
            if (may_be_absent(field)) continue;
            frame.field = i;
            report("required", *field.shape, field.note, depth_);
        }
    }

    /// The path of the innermost value of the first `depth` frames.
    std::string path(int depth) const {
        std::string path;
        for (int i = 0; i < depth; ++i) {
            Frame const& frame = frames_[i];
            if (frame.unwrapped) continue;
            if (frame.shape->kind == Kind::list) {
                path.append("[").append(std::to_string(frame.field)).append("]");
            } else if (frame.shape->count) {
                if (!path.empty()) path += '.';
                path += frame.shape->fields[frame.field].name.json();
            }
        }
        return path;
    }
    [[gnu::cold]] void report(std::string_view code, Shape const& shape, Note const* note,
                              int depth) {
        if (full_) return;
        problems_.push_back({path(depth), code, params_of(code, shape, note)});
        full_ = problems_.size() - problems_at_start_ >= options_.problems_max;
    }

    Frame frames_[frames_max];
    int depth_ = 0;
    int skipping_ = 0; // brackets open inside a value that nobody wants
    Shape const* value_shape_ = nullptr;
    void* value_ = nullptr;
    Note const* note_ = nullptr;
    bool again_ = false; // the same key came before
    bool full_ = false;
    Shape const* root_;
    void* into_;
    Problems& problems_;
    ReadOptions const& options_;
    Dialect dialect_;
    std::size_t problems_at_start_;
    std::string text_; // of a key, string or number that comes in parts
    Collector collector_;
};

bool read(std::string_view text, Shape const& shape, void* into, Problems& problems,
          ReadOptions const& options, Dialect dialect) {
    json::parse_options parse_options;
    parse_options.max_depth =
        static_cast<std::size_t>(std::min(std::max(options.depth_max, 1), frames_max));
    std::size_t const before = problems.size();
    json::basic_parser<Reader> parser(parse_options, shape, into, problems, options, dialect);
    json::error_code error;
    std::size_t const used = parser.write_some(false, text.data(), text.size(), error);
    if (!error && used == text.size()) [[likely]]
        return true;
    if (parser.handler().full()) return true;
    if (error == json::error::too_deep) {
        parser.handler().report_too_deep();
        return true;
    }
    problems.resize(before);
    problems.push_back({"", "json", "{\"at\":" + std::to_string(used) + "}"});
    return false;
}

} // namespace

bool decode(std::string_view text, Shape const& shape, void* into, Problems& problems,
            ReadOptions const& options) {
    return read(text, shape, into, problems, options, Dialect::api);
}

bool decode_stored(std::string_view text, Shape const& shape, void* into, Problems& problems) {
    return read(text, shape, into, problems, ReadOptions{}, Dialect::stored);
}

} // namespace haat::describe
