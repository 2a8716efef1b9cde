#include <base/refusal.hpp>

#include <array>

namespace haat {

namespace {

struct Saying {
    std::string_view word;
    std::string_view sentence;
};

template <std::size_t N>
std::string_view look_up(std::array<Saying, N> const& sayings, std::string_view word,
                         std::string_view otherwise) {
    for (Saying const& saying : sayings)
        if (saying.word == word) return saying.sentence;
    return otherwise;
}

constexpr std::array types{
    Saying{"string", "must be a text"},    Saying{"integer", "must be a whole number"},
    Saying{"number", "must be a number"},  Saying{"boolean", "must be true or false"},
    Saying{"object", "must be an object"}, Saying{"array", "must be a list"},
};
constexpr std::array formats{
    Saying{"email", "must be a valid e-mail address"},
    Saying{"phone", "must be a valid phone number"},
    Saying{"url", "must be a valid web address that starts with http:// or https://"},
    Saying{"slug", "must consist of a-z, 0-9 and single hyphens"},
    Saying{"money", "must be an amount with at most two decimals"},
    Saying{"quantity", "must be a quantity with at most three decimals"},
    Saying{"uuid", "must be a valid id"},
    Saying{"date-time", "must be a date and time like 2026-03-31T18:30:00Z"},
    Saying{"date", "must be a date like 2026-03-31"},
    Saying{"text", "must not have control characters"},
    Saying{"json", "must be a JSON value that can be kept"},
    Saying{"percent-encoding", "is not encoded as a web address must be"},
};
constexpr std::array codes{
    Saying{"required", "is required"},
    Saying{"null", "must not be null"},
    Saying{"json", "is not valid JSON"},
    Saying{"too_deep", "is nested too deeply"},
    Saying{"too_short", "is too short"},
    Saying{"too_long", "is too long"},
    Saying{"too_small", "is too small"},
    Saying{"too_large", "is too large"},
    Saying{"too_few", "has too few entries"},
    Saying{"too_many", "has too many entries"},
    Saying{"taken", "is taken already"},
    Saying{"not_found", "does not exist"},
    Saying{"not_one_of", "is not one of the known values"},
    Saying{"needs_small_letter", "must have a small letter"},
    Saying{"needs_capital_letter", "must have a capital letter"},
    Saying{"needs_digit", "must have a digit"},
    Saying{"needs_mark", "must have a character that is neither a letter nor a digit"},
    Saying{"same_as_email", "must not be the e-mail address"},
    Saying{"too_common", "is one of the first that anybody would try"},
};

/// The value of `key` in {"min":1} or {"expected":"email"}, without quotes.
std::string_view param(std::string_view params, std::string_view key) {
    std::size_t const at = params.find(key);
    if (at == params.npos || at == 0 || params[at - 1] != '"') return {};
    std::string_view rest = params.substr(at + key.size());
    if (!rest.starts_with("\":")) return {};
    rest.remove_prefix(2);
    if (rest.starts_with('[')) return rest.substr(1, rest.find(']') - 1);
    if (rest.starts_with('"')) {
        rest.remove_prefix(1);
        return rest.substr(0, rest.find('"'));
    }
    return rest.substr(0, rest.find_first_of(",}"));
}

std::string counted(std::string_view begin, std::string_view count, std::string_view noun) {
    std::string sentence(begin);
    sentence.append(count).append(" ").append(noun);
    if (noun.ends_with("entry") && count != "1")
        sentence.replace(sentence.size() - 1, 1, "ies");
    else if (count != "1")
        sentence += 's';
    return sentence;
}

std::string one_of(std::string_view values) {
    std::string sentence = "must be one of: ";
    for (char c : values) {
        if (c == ',')
            sentence += ", ";
        else if (c != '"')
            sentence += c;
    }
    return sentence;
}

} // namespace

std::string sentence_of(Problem const& problem) {
    std::string_view const code = problem.code;
    std::string_view const min = param(problem.params, "min");
    std::string_view const max = param(problem.params, "max");
    std::string_view const expected = param(problem.params, "expected");
    if (code == "type") return std::string(look_up(types, expected, "is of the wrong type"));
    if (code == "format") return std::string(look_up(formats, expected, "is not valid"));
    if (code == "too_short" && min == "1") return "must not be empty";
    if (code == "too_short" && !min.empty())
        return counted("must have at least ", min, "character");
    if (code == "too_long" && !max.empty()) return counted("must have at most ", max, "character");
    if (code == "too_few" && !min.empty()) return counted("must have at least ", min, "entry");
    if (code == "too_many" && !max.empty()) return counted("must have at most ", max, "entry");
    if (code == "too_small" && !min.empty()) return std::string("must be at least ").append(min);
    if (code == "too_large" && !max.empty()) return std::string("must be at most ").append(max);
    if (std::string_view const values = param(problem.params, "values");
        code == "not_one_of" && !values.empty())
        return one_of(values);
    return std::string(look_up(codes, code, "is not valid"));
}

} // namespace haat
