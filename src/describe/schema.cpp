// JSON Schema in the dialect of OpenAPI 3.1.
//
// A type has the same schema in both directions, and so one name, unless a secret is in it: that
// is `writeOnly` on the way in. Then its input is called "SignInInput" beside "SignIn".
#include <describe/codec.hpp>
#include <describe/leaves.hpp>

#include <algorithm>
#include <new>
#include <utility>

namespace haat::describe {

namespace {

using Named = std::function<void(Shape const&, Direction)>;

bool holds_secret(Shape const& shape, std::vector<Shape const*>& visited) {
    if (shape.kind == Kind::secret) return true;
    if (shape.element) return holds_secret(*shape.element, visited);
    if (shape.kind != Kind::object) return false;
    if (std::find(visited.begin(), visited.end(), &shape) != visited.end()) return false;
    visited.push_back(&shape);
    return std::any_of(shape.fields, shape.fields + shape.count, [&visited](Field const& field) {
        return holds_secret(*field.shape, visited);
    });
}

/// A default-made object, to see what its members are when nobody says.
class Made {
public:
    explicit Made(Shape const& shape) : shape_(shape), at_(::operator new(shape.size, alignment)) {
        shape_.make(at_);
    }
    Made(Made const&) = delete;
    ~Made() {
        shape_.drop(at_);
        ::operator delete(at_, alignment);
    }
    void const* member(Field const& field) const {
        return static_cast<char const*>(at_) + field.offset;
    }

private:
    static constexpr std::align_val_t alignment{64};
    Shape const& shape_;
    void* at_;
};

/// One JSON object being written, keyword by keyword.
class Keywords {
public:
    explicit Keywords(std::string& out) : out_(out) { out_ += '{'; }
    Keywords(Keywords const&) = delete;
    ~Keywords() { out_ += '}'; }

    /// The text so far, ready for a value of any length.
    std::string& add(std::string_view keyword) {
        if (!first_) out_ += ',';
        first_ = false;
        out_.append("\"").append(keyword).append("\":");
        return out_;
    }
    void text(std::string_view keyword, std::string_view value) {
        encode_string(add(keyword), value);
    }
    void number(std::string_view keyword, std::int64_t value) {
        add(keyword) += std::to_string(value);
    }

private:
    std::string& out_;
    bool first_ = true;
};

class SchemaWriter {
public:
    SchemaWriter(std::string& out, Direction direction, Named const& named)
        : out_(out), direction_(direction), named_(named) {}

    void value(Shape const& shape, Note const* note, std::string_view preset) {
        Shape const& core = core_of(shape);
        bool const nullable = &core != &shape;
        Keywords keywords(out_);
        if (core.name.empty())
            inline_schema(keywords, core, note, nullable);
        else
            reference(keywords, core, nullable);
        describe(keywords, core, note);
        if (!preset.empty()) keywords.add("default") += preset;
    }

    static void parameters(Shape const& shape, Named const& named, std::vector<Parameter>& into) {
        Made const made(shape);
        for (std::uint32_t i = 0; i < shape.count; ++i) {
            Field const& field = shape.fields[i];
            if (field.shape->kind == Kind::object) {
                parameters(*field.shape, named, into);
                continue;
            }
            Parameter parameter{.name = field.name.json(), .text = {}, .schema = {}};
            Note note = field.note ? *field.note : Note{};
            parameter.text = std::exchange(note.text, {});
            parameter.required = !may_be_absent(field);
            std::string preset;
            if (field.has_default) encode_masked(preset, *field.shape, made.member(field));
            SchemaWriter writer(parameter.schema, Direction::input, named);
            writer.value(core_of(*field.shape), &note, preset);
            into.push_back(std::move(parameter));
        }
    }

    void component(Shape const& shape) {
        Keywords keywords(out_);
        if (shape.kind == Kind::enumeration) return enumeration(keywords, shape);
        keywords.text("type", "object");
        properties(keywords, shape);
        if (shape.given == 0) required(keywords, shape);
    }

private:
    void reference(Keywords& keywords, Shape const& shape, bool nullable) {
        named_(shape, direction_);
        std::string const target =
            "\"#/components/schemas/" + component_name(shape, direction_) + "\"";
        if (nullable)
            keywords.add("anyOf") += "[{\"$ref\":" + target + "},{\"type\":\"null\"}]";
        else
            keywords.add("$ref") += target;
    }
    static void type(Keywords& keywords, std::string_view name, bool nullable) {
        std::string& out = keywords.add("type");
        out.append(nullable ? "[\"" : "\"").append(name).append(nullable ? "\",\"null\"]" : "\"");
    }
    void inline_schema(Keywords& keywords, Shape const& shape, Note const* note, bool nullable) {
        if (shape.kind == Kind::json) return; // any value, null too
        if (shape.kind == Kind::list) return list(keywords, shape, note, nullable);
        type(keywords, expected_of("type", shape.kind), nullable);
        format(keywords, shape.kind);
        lengths(keywords, shape);
        if (shape.kind == Kind::int32 || shape.kind == Kind::int64 || shape.kind == Kind::float64 ||
            shape.kind == Kind::money || shape.kind == Kind::quantity)
            limits(keywords, note);
    }
    void list(Keywords& keywords, Shape const& shape, Note const* note, bool nullable) {
        type(keywords, "array", nullable);
        keywords.add("items");
        // The note's limits are about the elements; its words are about the list.
        Note element{};
        if (note) {
            element.min = note->min;
            element.max = note->max;
        }
        value(*shape.element, note ? &element : nullptr, {});
        if (shape.min > 0) keywords.number("minItems", shape.min);
        if (shape.max < list_max) keywords.number("maxItems", shape.max);
    }
    void format(Keywords& keywords, Kind kind) const {
        switch (kind) {
        case Kind::int32: return keywords.text("format", "int32");
        case Kind::int64: return keywords.text("format", "int64");
        case Kind::float64: return keywords.text("format", "double");
        case Kind::url: return keywords.text("format", "uri");
        case Kind::slug: return keywords.text("pattern", "^[a-z0-9]+(-[a-z0-9]+)*$");
        case Kind::secret:
            keywords.text("format", "password");
            if (direction_ == Direction::input) keywords.add("writeOnly") += "true";
            return;
        case Kind::boolean:
        case Kind::text: return;
        default: return keywords.text("format", expected_of("format", kind));
        }
    }
    static void lengths(Keywords& keywords, Shape const& shape) {
        if (shape.kind == Kind::slug) keywords.number("maxLength", 255);
        if (shape.kind == Kind::url) keywords.number("maxLength", 2048);
        if (shape.kind == Kind::email) keywords.number("maxLength", 254);
        if (shape.kind != Kind::text && shape.kind != Kind::secret) return;
        if (shape.min > 0) keywords.number("minLength", shape.min);
        if (shape.max < text_max) keywords.number("maxLength", shape.max);
    }
    static void limits(Keywords& keywords, Note const* note) {
        if (note && note->min != INT64_MIN) keywords.number("minimum", note->min);
        if (note && note->max != INT64_MAX) keywords.number("maximum", note->max);
    }
    static void describe(Keywords& keywords, Shape const& shape, Note const* note) {
        if (!note) return;
        std::string text(note->text);
        std::string also;
        for (std::string_view name : note->also)
            if (!name.empty()) also.append(also.empty() ? "" : ", ").append(name);
        if (!also.empty())
            text.append(text.empty() ? "" : " ").append("Also taken as ").append(also).append(".");
        if (!text.empty()) keywords.text("description", text);
        if (note->example.empty()) return;
        std::string& out = keywords.add("examples");
        out += '[';
        example_of(out, shape, note, 0);
        out += ']';
    }

    void properties(Keywords& keywords, Shape const& shape) {
        bool const any_default = std::any_of(shape.fields, shape.fields + shape.count,
                                             [](Field const& field) { return field.has_default; });
        std::optional<Made> made;
        if (any_default) made.emplace(shape);
        keywords.add("properties") += '{';
        for (std::uint32_t i = 0; i < shape.count; ++i) {
            Field const& field = shape.fields[i];
            if (i) out_ += ',';
            out_ += field.name.json_prefix();
            std::string preset;
            bool const tells = field.has_default && shape.given == 0;
            if (tells) encode_masked(preset, *field.shape, made->member(field));
            value(*field.shape, field.note, preset == "null" ? std::string_view{} : preset);
        }
        out_ += '}';
    }
    static void required(Keywords& keywords, Shape const& shape) {
        std::string names;
        for (std::uint32_t i = 0; i < shape.count; ++i)
            if (!may_be_absent(shape.fields[i]))
                names.append(names.empty() ? "\"" : ",\"")
                    .append(shape.fields[i].name.json())
                    .append("\"");
        if (!names.empty()) keywords.add("required") += "[" + names + "]";
    }
    static void enumeration(Keywords& keywords, Shape const& shape) {
        keywords.text("type", "string");
        std::string& out = keywords.add("enum");
        out += '[';
        for (std::uint32_t i = 0; i < shape.count; ++i) {
            if (i) out += ',';
            encode_string(out, name_of(shape.enumerators[i]));
        }
        out += ']';
    }

public:
    /// `depth` ends what a type that holds itself would go on with for ever.
    static void example_of(std::string& out, Shape const& shape, Note const* note, int depth) {
        if (note && !note->example.empty() && is_leaf(shape.kind))
            return example_from(out, shape, note->example);
        switch (shape.kind) {
        case Kind::optional:
        case Kind::patch: return example_of(out, *shape.element, note, depth);
        case Kind::list:
            if (note && note->example.starts_with('[')) {
                out += note->example;
                return;
            }
            out += '[';
            if (depth < 4) example_of(out, *shape.element, note, depth + 1);
            out += ']';
            return;
        case Kind::object: return example_object(out, shape, depth);
        default: out += plain_example(shape);
        }
    }

private:
    static void example_object(std::string& out, Shape const& shape, int depth) {
        out += '{';
        bool first = true;
        for (std::uint32_t i = 0; i < shape.count; ++i) {
            Field const& field = shape.fields[i];
            if (depth >= 4 && core_of(*field.shape).kind >= Kind::list) continue;
            if (!first) out += ',';
            first = false;
            out += field.name.json_prefix();
            example_of(out, *field.shape, field.note, depth + 1);
        }
        out += '}';
    }
    static void example_from(std::string& out, Shape const& shape, std::string_view example) {
        bool const bare = shape.kind == Kind::json || shape.kind == Kind::boolean ||
                          expected_of("type", shape.kind) == "integer" ||
                          expected_of("type", shape.kind) == "number";
        if (bare)
            out += example;
        else
            encode_string(out, example);
    }
    static std::string plain_example(Shape const& shape) {
        switch (shape.kind) {
        case Kind::boolean: return "true";
        case Kind::int32:
        case Kind::int64: return "1";
        case Kind::float64: return "1.5";
        case Kind::email: return R"("asha@example.com")";
        case Kind::phone: return R"("+919876543210")";
        case Kind::url: return R"("https://example.com/picture.webp")";
        case Kind::slug: return R"("blue-pen")";
        case Kind::quantity: return "1.5";
        case Kind::money: return "199.50";
        case Kind::uuid: return R"("0197f3a2-8c4e-7b11-9a5d-3e1f60c2d784")";
        case Kind::timestamp: return R"("2026-03-31T18:30:00.000Z")";
        case Kind::date: return R"("2026-03-31")";
        case Kind::json: return "{}";
        case Kind::enumeration:
            return "\"" + std::string(shape.count ? name_of(shape.enumerators[0]) : "") + "\"";
        default: break;
        }
        // Long enough for the type.
        std::string text = shape.kind == Kind::secret ? "correct horse battery" : "text";
        while (text.size() < static_cast<std::size_t>(shape.min)) text += " text";
        if (shape.max > 0) text.resize(std::min(text.size(), static_cast<std::size_t>(shape.max)));
        return "\"" + text + "\"";
    }

    std::string& out_;
    Direction direction_;
    Named const& named_;
};

} // namespace

void schema(std::string& out, Shape const& shape, Direction direction, Named const& named) {
    SchemaWriter(out, direction, named).value(shape, nullptr, {});
}

std::vector<Parameter> parameters(Shape const& shape, Named const& named) {
    std::vector<Parameter> all;
    SchemaWriter::parameters(shape, named, all);
    return all;
}

void component(std::string& out, Shape const& shape, Direction direction, Named const& named) {
    SchemaWriter(out, direction, named).component(shape);
}

std::string component_name(Shape const& shape, Direction direction) {
    std::string name(shape.name);
    if (shape.given != 0) name += "Change";
    std::vector<Shape const*> visited;
    if (direction == Direction::input && holds_secret(shape, visited)) name += "Input";
    return name;
}

void example(std::string& out, Shape const& shape, Direction) {
    SchemaWriter::example_of(out, shape, nullptr, 0);
}

} // namespace haat::describe
