// Query strings and forms: flat names to the members of a struct and of the structs inside it.
#include <describe/codec.hpp>
#include <describe/leaves.hpp>

#include <algorithm>
#include <bitset>

#include <base/text_forms.hpp>

namespace haat::describe {

namespace {

constexpr std::size_t problems_max = 100;
constexpr std::size_t slots_max = 512;

/// A member, however deep, by its number in the flattened struct.
struct Slot {
    Field const* field = nullptr;
    char* at = nullptr;
    std::size_t number = 0;
    std::string path; // as the client may write it: a flat name, or one with dots
};

std::size_t slot_count(Shape const& shape) {
    std::size_t count = shape.count;
    for (std::uint32_t i = 0; i < shape.count; ++i)
        if (shape.fields[i].shape->kind == Kind::object)
            count += slot_count(*shape.fields[i].shape);
    return count;
}

bool is_called(Field const& field, std::string_view name) {
    if (field.name.json() == name) return true;
    if (!field.note || name.empty()) return false;
    auto const& also = field.note->also;
    return std::find(also.begin(), also.end(), name) != also.end();
}

/// Looks for `name` among the members, then in the structs inside. "shipTo.city" is found too.
bool find_slot(Shape const& shape, char* base, std::string_view name, std::size_t first,
               Slot& slot) {
    for (std::uint32_t i = 0; i < shape.count; ++i)
        if (is_called(shape.fields[i], name)) {
            Field const& field = shape.fields[i];
            std::size_t number = first + i;
            for (std::uint32_t before = 0; before < i; ++before)
                if (shape.fields[before].shape->kind == Kind::object)
                    number += slot_count(*shape.fields[before].shape);
            slot = {&field, base + field.offset, number, std::string(field.name.json())};
            return true;
        }
    std::size_t const dot = name.find('.');
    std::size_t number = first;
    for (std::uint32_t i = 0; i < shape.count; ++i, ++number) {
        Field const& field = shape.fields[i];
        if (field.shape->kind != Kind::object) continue;
        bool const dotted = dot != name.npos && is_called(field, name.substr(0, dot));
        std::string_view const rest = dotted ? name.substr(dot + 1) : name;
        if (find_slot(*field.shape, base + field.offset, rest, number + 1, slot)) {
            if (dotted) slot.path = std::string(field.name.json()) + "." + slot.path;
            return true;
        }
        number += slot_count(*field.shape);
    }
    return false;
}

class FlatReader {
public:
    FlatReader(Shape const& shape, void* into, Problems& problems)
        : shape_(shape), into_(static_cast<char*>(into)), problems_(problems) {}

    /// One `name=value`, both decoded. `broken`: the value was not encoded as it must be.
    void take(std::string_view name, std::string_view value, bool broken) {
        bool const listed = name.ends_with("[]");
        if (listed) name.remove_suffix(2);
        std::string dotted;
        if (name.find('[') != name.npos) { // shipTo[city]
            for (char c : name)
                if (c != ']') dotted += c == '[' ? '.' : c;
            name = dotted;
        }
        Slot slot;
        if (!find_slot(shape_, into_, name, 0, slot) || slot.number >= slots_max) return;
        if (broken) return report(slot.path, "format", R"({"expected":"percent-encoding"})");
        place(slot, value, listed);
    }

    void finish() { finish(shape_, into_, 0, false); }

private:
    void place(Slot const& slot, std::string_view value, bool listed) {
        Shape const& core = core_of(*slot.field->shape);
        bool const again = seen_[slot.number];
        if (core.kind == Kind::list) {
            seen_[slot.number] = true;
            return add_to_list(slot, core, value, {.listed = listed, .again = again});
        }
        if (core.kind == Kind::object || core.kind == Kind::json) {
            if (value.empty()) return;
            mark(slot);
            return read_json(slot.path, *slot.field->shape, slot.at, value);
        }
        if (value.empty() && !(is_text(core.kind) && core.min == 0 && core.max > 0)) {
            // An input left empty: the client did not say anything, or takes the value away.
            if (!is_nullable(slot.field->shape->kind)) return;
            slot.field->shape->clear(slot.at);
            if (shape_.given != 0) seen_[slot.number] = true;
            return;
        }
        seen_[slot.number] = true;
        read_text(slot.path, *slot.field->shape, slot.at, value, slot.field->note);
    }

    struct Adding {
        bool listed; // name[]: commas belong to the value
        bool again;
    };
    void add_to_list(Slot const& slot, Shape const& list, std::string_view value, Adding how) {
        void* const at = inner(*slot.field->shape, slot.at);
        if (!how.again) list.clear(at);
        if (value.empty()) return;
        if (value.starts_with('[')) return read_json(slot.path, list, at, value);
        if (how.listed || !is_leaf(core_of(*list.element).kind))
            return add_element(slot, list, at, value);
        for (std::size_t from = 0; from < value.size();) {
            std::size_t const comma = std::min(value.find(',', from), value.size());
            if (std::string_view const part = trimmed(value.substr(from, comma - from));
                !part.empty())
                add_element(slot, list, at, part);
            from = comma + 1;
        }
    }
    void add_element(Slot const& slot, Shape const& list, void* at, std::string_view value) {
        std::size_t const length = list.length(at);
        if (length == static_cast<std::size_t>(list.max)) {
            if (!problems_.empty() && problems_.back().code == "too_many" &&
                problems_.back().path == slot.path)
                return;
            return report(slot.path, "too_many", params_of("too_many", list, nullptr));
        }
        std::string const path = slot.path + "[" + std::to_string(length) + "]";
        Shape const& element = *list.element;
        void* const into = list.append(at);
        Kind const kind = core_of(element).kind;
        if (kind == Kind::json || !is_leaf(kind)) return read_json(path, element, into, value);
        read_text(path, element, into, value, slot.field->note);
    }

    /// The value inside optionals and patches; what is there already stays.
    static void* inner(Shape const& outer, void* at) {
        Shape const* shape = &outer;
        while (is_nullable(shape->kind)) {
            void const* const there = shape->value(at);
            at = there ? const_cast<void*>(there) : shape->append(at);
            shape = shape->element;
        }
        return at;
    }
    void read_text(std::string const& path, Shape const& shape, void* at, std::string_view value,
                   Note const* note) {
        Shape const& core = core_of(shape);
        Token const token{.what = Token::What::string, .text = value};
        auto const code = read_leaf(core, note, inner(shape, at), token, Dialect::api);
        if (!code.empty()) report(path, code, params_of(code, core, note));
    }
    void read_json(std::string const& path, Shape const& shape, void* at, std::string_view value) {
        Problems found;
        decode(value, shape, at, found);
        for (Problem& problem : found) {
            bool const joined = problem.path.empty() || problem.path.front() == '[';
            report(path + (joined ? "" : ".") + problem.path, problem.code,
                   std::move(problem.params));
        }
    }

    /// A struct given as JSON has checked its own members.
    void mark(Slot const& slot) {
        std::size_t count = 1;
        if (slot.field->shape->kind == Kind::object) count += slot_count(*slot.field->shape);
        for (std::size_t i = slot.number; i < std::min(slot.number + count, slots_max); ++i)
            seen_[i] = true;
    }

    /// `optional`: the struct has a default, so nothing in it is required.
    std::size_t finish(Shape const& shape, char* base, std::size_t number, bool optional) {
        for (std::uint32_t i = 0; i < shape.count; ++i) {
            Field const& field = shape.fields[i];
            std::size_t const own = number++;
            if (shape.given != 0 && own < slots_max && seen_[own])
                given_of(shape, base)[i / 64] |= std::uint64_t{1} << (i % 64);
            if (field.shape->kind == Kind::object) {
                bool const spared = optional || field.has_default;
                number = finish(*field.shape, base + field.offset, number, spared);
                continue;
            }
            check(field, base + field.offset, own < slots_max && seen_[own],
                  optional || shape.given != 0);
        }
        return number;
    }
    void check(Field const& field, char* at, bool seen, bool optional) {
        Shape const& core = core_of(*field.shape);
        if (seen) {
            if (core.kind != Kind::list) return;
            if (core.length(inner(*field.shape, at)) < static_cast<std::size_t>(core.min))
                report(std::string(field.name.json()), "too_few",
                       params_of("too_few", core, nullptr));
            return;
        }
        // An empty list cannot be written by repeating a name.
        if (core.kind == Kind::list && core.min == 0) return;
        if (!optional && !may_be_absent(field))
            report(std::string(field.name.json()), "required", {});
    }

    void report(std::string path, std::string_view code, std::string params) {
        if (problems_.size() < problems_max)
            problems_.push_back({std::move(path), code, std::move(params)});
    }

    Shape const& shape_;
    char* into_;
    Problems& problems_;
    std::bitset<slots_max> seen_;
};

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

} // namespace

bool percent_decode(std::string_view text, std::string& out, bool plus_is_space) {
    out.clear();
    out.reserve(text.size());
    for (std::size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            int const high = text.size() - i > 2 ? hex_digit(text[i + 1]) : -1;
            int const low = text.size() - i > 2 ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0) return false;
            c = static_cast<char>(high << 4 | low);
            i += 2;
        } else if (c == '+' && plus_is_space) {
            c = ' ';
        }
        if (c == '\0') return false;
        out += c;
    }
    return is_utf8(out);
}

void decode_query(std::string_view query, Shape const& shape, void* into, Problems& problems) {
    FlatReader reader(shape, into, problems);
    std::string name, value;
    while (!query.empty()) {
        std::size_t const end = std::min(query.find('&'), query.size());
        std::string_view const pair = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        std::size_t const equals = std::min(pair.find('='), pair.size());
        if (!percent_decode(pair.substr(0, equals), name, true)) continue; // no name of ours
        std::string_view const rest = equals < pair.size() ? pair.substr(equals + 1) : "";
        bool const sound = percent_decode(rest, value, true);
        reader.take(name, value, !sound);
    }
    reader.finish();
}

void decode_form(std::vector<FormField> const& fields, Shape const& shape, void* into,
                 Problems& problems) {
    FlatReader reader(shape, into, problems);
    for (FormField const& field : fields) reader.take(field.name, field.value, false);
    reader.finish();
}

} // namespace haat::describe
