// Writes JSON straight into the caller's buffer.
#include <describe/codec.hpp>
#include <describe/leaves.hpp>

#include <array>
#include <charconv>
#include <cmath>
#include <emmintrin.h>

#include <base/text_forms.hpp>

namespace haat::describe {

namespace {

/// 0: as it is; 'u': \u00xx; else the letter after the backslash.
constexpr auto escapes = [] {
    std::array<char, 256> table{};
    for (std::size_t c = 0; c < 0x20; ++c) table[c] = 'u';
    table['\n'] = 'n';
    table['\r'] = 'r';
    table['\t'] = 't';
    table['\b'] = 'b';
    table['\f'] = 'f';
    table['"'] = '"';
    table['\\'] = '\\';
    return table;
}();

/// Which of sixteen letters must be escaped, as a mask.
unsigned dirty_mask(__m128i letters) {
    __m128i const quote = _mm_cmpeq_epi8(letters, _mm_set1_epi8('"'));
    __m128i const slash = _mm_cmpeq_epi8(letters, _mm_set1_epi8('\\'));
    __m128i const control = _mm_cmpeq_epi8(_mm_min_epu8(letters, _mm_set1_epi8(0x1F)), letters);
    __m128i const dirty = _mm_or_si128(_mm_or_si128(quote, slash), control);
    return static_cast<unsigned>(_mm_movemask_epi8(dirty));
}

__m128i load_four(char const* from) {
    int letters;
    std::memcpy(&letters, from, sizeof letters);
    return _mm_cvtsi32_si128(letters);
}
void store_four(char* at, __m128i letters) {
    int const four = _mm_cvtsi128_si32(letters);
    std::memcpy(at, &four, sizeof four);
}

enum class Manner : std::uint8_t { plain, masked, stored };

class Writer {
public:
    Writer(std::string& out, Manner manner, PersonalParts* personal = nullptr)
        : out_(out), manner_(manner), personal_(personal) {
        at_ = out_.data() + out_.size();
        end_ = at_;
    }
    Writer(Writer const&) = delete;
    ~Writer() { out_.resize(static_cast<std::size_t>(at_ - out_.data())); }

    void value(Shape const& shape, void const* from) {
        switch (shape.kind) {
        case Kind::object: return object(shape, from);
        case Kind::list: return list(shape, from);
        case Kind::optional:
        case Kind::patch:
            if (void const* inner = shape.value(from)) return value(*shape.element, inner);
            return raw("null");
        default: return leaf(shape, from);
        }
    }

    void string(std::string_view text) {
        room(text.size() + slack);
        // Locals: a char may alias everything, members would be stored and loaded at each letter.
        char* at = at_;
        char const* from = text.data();
        char const* const end = from + text.size();
        *at++ = '"';
        while (end - from >= 16) {
            __m128i const letters = _mm_loadu_si128(reinterpret_cast<__m128i const*>(from));
            _mm_storeu_si128(reinterpret_cast<__m128i*>(at), letters);
            unsigned const dirty = dirty_mask(letters);
            if (!dirty) [[likely]] { // guessed, so that the next sixteen need not wait for the mask
                from += 16;
                at += 16;
                continue;
            }
            int const clean = __builtin_ctz(dirty);
            from += clean;
            at = escape(at + clean, *from, end - from);
            ++from;
        }
        at = rest(at, from, end);
        *at++ = '"';
        at_ = at;
    }

private:
    // Room beyond a string's own size: quotes, one escape, and a store of sixteen bytes.
    static constexpr std::size_t slack = 32;

    /// The last fifteen letters or fewer: by two halves that overlap, when they are clean.
    char* rest(char* at, char const* from, char const* end) {
        auto const size = static_cast<std::size_t>(end - from);
        if (size >= 8) {
            __m128i const head = _mm_loadl_epi64(reinterpret_cast<__m128i const*>(from));
            __m128i const tail = _mm_loadl_epi64(reinterpret_cast<__m128i const*>(end - 8));
            if (!dirty_mask(_mm_unpacklo_epi64(head, tail))) [[likely]] {
                _mm_storel_epi64(reinterpret_cast<__m128i*>(at), head);
                _mm_storel_epi64(reinterpret_cast<__m128i*>(at + size - 8), tail);
                return at + size;
            }
        } else if (size >= 4) {
            __m128i const head = load_four(from);
            __m128i const tail = load_four(end - 4);
            __m128i const both = _mm_unpacklo_epi32(head, tail);
            if (!dirty_mask(_mm_unpacklo_epi64(both, both))) [[likely]] {
                store_four(at, head);
                store_four(at + size - 4, tail);
                return at + size;
            }
        }
        for (; from != end; ++from) {
            if (escapes[static_cast<unsigned char>(*from)]) [[unlikely]]
                at = escape(at, *from, end - from);
            else
                *at++ = *from;
        }
        return at;
    }
    void room(std::size_t size) {
        if (static_cast<std::size_t>(end_ - at_) < size) [[unlikely]]
            grow(size);
    }
    [[gnu::noinline]] void grow(std::size_t size) {
        auto const used = static_cast<std::size_t>(at_ - out_.data());
        out_.resize(used + std::max(size, used + 224));
        at_ = out_.data() + used;
        end_ = out_.data() + out_.size();
    }
    /// Writes one escape and makes room for the `left` letters from it on.
    [[gnu::noinline]] char* escape(char* at, char c, std::ptrdiff_t left) {
        at_ = at;
        room(static_cast<std::size_t>(left) + slack);
        at = at_;
        char const letter = escapes[static_cast<unsigned char>(c)];
        *at++ = '\\';
        *at++ = letter;
        if (letter != 'u') return at;
        constexpr char digits[] = "0123456789abcdef";
        *at++ = '0';
        *at++ = '0';
        *at++ = digits[c >> 4 & 15];
        *at++ = digits[c & 15];
        return at;
    }
    void raw(std::string_view text) {
        room(text.size());
        std::memcpy(at_, text.data(), text.size());
        at_ += text.size();
    }

    void object(Shape const& shape, void const* from) {
        if (personal_ && shape.personal) [[unlikely]]
            return marked(shape, from);
        members<false>(shape, from);
    }
    /// As an object, telling where what is personal stands.
    [[gnu::noinline]] void marked(Shape const& shape, void const* from) {
        std::optional<Uuid> const outer = person_;
        if (auto const own = person_in(shape, from)) person_ = own;
        members<true>(shape, from);
        person_ = outer;
    }
    void personal_value(Field const& field, void const* from) {
        std::size_t const begin = written();
        std::size_t const parts = personal_->size();
        value(*field.shape, from);
        if (!field.personal || at_[-1] == 'l') return; // null tells of nobody
        personal_->resize(parts);                      // those within it are a part of it
        personal_->push_back({begin, written() - begin, person_});
    }
    std::size_t written() const { return static_cast<std::size_t>(at_ - out_.data()); }
    template <bool Marked> void members(Shape const& shape, void const* from) {
        char separator = '{';
        for (Field const *field = shape.fields, *end = field + shape.count; field != end; ++field) {
            void const* const member = static_cast<char const*>(from) + field->offset;
            if (is_absent(*field->shape, member)) continue;
            room(sizeof field->name.key + 1);
            *at_++ = separator;
            separator = ',';
            key(field->name);
            if constexpr (Marked)
                personal_value(*field, member);
            else
                value(*field->shape, member);
        }
        room(2);
        if (separator == '{') *at_++ = '{';
        *at_++ = '}';
    }
    void key(Name const& name) {
        if (manner_ == Manner::stored) {
            std::string_view const column = name.column();
            *at_++ = '"';
            std::memcpy(at_, column.data(), column.size());
            at_ += column.size();
            *at_++ = '"';
            *at_++ = ':';
            return;
        }
        std::memcpy(at_, name.key, sizeof name.key); // a constant size is one or two moves
        at_ += name.key_size;
    }
    void list(Shape const& shape, void const* from) {
        auto const* at = static_cast<char const*>(shape.value(from));
        std::size_t const length = shape.length(from);
        raw("[");
        for (std::size_t i = 0; i < length; ++i) {
            if (i) raw(",");
            value(*shape.element, at + i * shape.element->size);
        }
        raw("]");
    }

    void leaf(Shape const& shape, void const* from) {
        switch (shape.kind) {
        case Kind::boolean: return raw(as<bool>(from) ? "true" : "false");
        case Kind::int32: return integer(as<std::int32_t>(from));
        case Kind::int64: return integer(as<std::int64_t>(from));
        case Kind::float64: return number(as<double>(from));
        case Kind::money:
            if (manner_ == Manner::stored) return integer(as<Money>(from).minor);
            return word(as<Money>(from));
        case Kind::quantity:
            if (manner_ == Manner::stored) return integer(as<Quantity>(from).thousandths);
            return word(as<Quantity>(from));
        case Kind::uuid: return quoted(as<Uuid>(from));
        case Kind::date: return quoted(as<Date>(from));
        case Kind::timestamp: return timestamp(as<Timestamp>(from));
        case Kind::json: {
            std::string const& text = as<Json>(from).text;
            return raw(text.empty() ? std::string_view("null") : std::string_view(text));
        }
        case Kind::enumeration: {
            Enumerator const* const enumerator = find_enumerator(shape, from);
            return enumerator ? string(name_of(*enumerator)) : raw("null");
        }
        case Kind::secret:
            if (manner_ == Manner::masked) return raw("\"***\"");
            [[fallthrough]];
        default: return string(as<std::string>(from));
        }
    }
    void integer(std::int64_t value) {
        room(24);
        at_ = std::to_chars(at_, at_ + 24, value).ptr;
    }
    void number(double value) {
        if (!std::isfinite(value)) return raw("null"); // JSON has no word for it
        room(32);
        at_ = std::to_chars(at_, at_ + 32, value).ptr;
    }
    template <class Word> void word(Word const& value) {
        room(text_form_max);
        at_ = write(at_, value);
    }
    template <class Word> void quoted(Word const& value) {
        room(text_form_max + 2);
        *at_++ = '"';
        at_ = write(at_, value);
        *at_++ = '"';
    }
    void timestamp(Timestamp value) {
        if (manner_ != Manner::stored) return quoted(value);
        room(text_form_max + 2);
        *at_++ = '"';
        at_ = write_with_micros(at_, value);
        *at_++ = '"';
    }

    std::string& out_;
    char* at_;
    char* end_;
    Manner manner_;
    PersonalParts* personal_;
    std::optional<Uuid> person_;
};

} // namespace

void encode(std::string& out, Shape const& shape, void const* from) {
    Writer(out, Manner::plain).value(shape, from);
}
void encode(std::string& out, Shape const& shape, void const* from, PersonalParts& personal) {
    Writer(out, Manner::plain, &personal).value(shape, from);
}
void encode_masked(std::string& out, Shape const& shape, void const* from) {
    Writer(out, Manner::masked).value(shape, from);
}
void encode_masked(std::string& out, Shape const& shape, void const* from,
                   PersonalParts& personal) {
    Writer(out, Manner::masked, &personal).value(shape, from);
}
void encode_stored(std::string& out, Shape const& shape, void const* from) {
    Writer(out, Manner::stored).value(shape, from);
}
void encode_string(std::string& out, std::string_view text) {
    Writer(out, Manner::plain).string(text);
}

} // namespace haat::describe
