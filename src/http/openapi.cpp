#include <http/openapi.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <describe/codec.hpp>
#include <http/envelope.hpp>
#include <http/idempotency.hpp>

namespace haat::http {

namespace {

using describe::Direction;
using describe::Shape;

void quote(std::string& out, std::string_view text) { describe::encode_string(out, text); }

/// "a":…,"b":… with the commas in the right places.
class Fields {
public:
    explicit Fields(std::string& out, char open = '{', char close = '}')
        : out_(out), close_(close) {
        out_ += open;
    }
    Fields(Fields const&) = delete;
    ~Fields() { out_ += close_; }
    std::string& key(std::string_view name) {
        item();
        quote(out_, name);
        return out_ += ':';
    }
    std::string& item() {
        if (!first_) out_ += ',';
        first_ = false;
        return out_;
    }
    void text(std::string_view name, std::string_view value) { quote(key(name), value); }

private:
    std::string& out_;
    char close_;
    bool first_ = true;
};

/// Collects the named types that schemas refer to, and those that these refer to.
class Components {
public:
    std::function<void(Shape const&, Direction)> const& named() const { return named_; }

    void write(std::string& out) {
        named_(describe::shape_of<Failure>, Direction::output);
        Fields all(out);
        while (!waiting_.empty()) {
            auto const [name, what] = *waiting_.begin();
            waiting_.erase(waiting_.begin());
            std::string text;
            describe::component(text, *what.first, what.second, named_);
            written_[name] = std::move(text);
        }
        for (auto const& [name, text] : written_) all.key(name) += text;
    }

private:
    std::map<std::string, std::pair<Shape const*, Direction>> waiting_;
    std::map<std::string, std::string> written_;
    std::function<void(Shape const&, Direction)> named_ = [this](Shape const& s, Direction d) {
        std::string name = describe::component_name(s, d);
        if (!written_.contains(name)) waiting_.try_emplace(std::move(name), &s, d);
    };
};

std::string_view parameter_name(std::string_view& path) {
    std::size_t const open = path.find('{');
    if (open == std::string_view::npos) return {};
    std::size_t const close = path.find('}', open);
    std::string_view const name = path.substr(open + 1, close - open - 1);
    path.remove_prefix(close + 1);
    return name;
}

class Writer {
public:
    explicit Writer(Components& components) : components_(components) {}

    void operation(std::string& out, RouteSpec const& route) {
        Fields fields(out);
        fields.text("operationId", route.operation);
        fields.text("summary", route.summary);
        fields.text("description", description(route));
        {
            Fields tags(fields.key("tags"), '[', ']');
            quote(tags.item(), route.tag);
        }
        if (route.deprecated) fields.key("deprecated") += "true";
        fields.key("security") +=
            route.canonical().open ? "[]" : R"([{"bearer":[]},{"cookie":[]}])";
        parameters(fields.key("parameters"), route);
        if (route.signature.body || route.streams_body) body(fields.key("requestBody"), route);
        responses(fields.key("responses"), route);
    }

private:
    static std::string description(RouteSpec const& route) {
        std::string text =
            route.description.empty() ? std::string(route.summary) + "." : route.description;
        if (route.alias_of) text += " Another spelling of `" + route.alias_of->path + "`.";
        if (route.canonical().open)
            text += " Open to everybody.";
        else
            text.append(" Needs `").append(describe::to_json(route.permit)).append("`.");
        std::erase(text, '"');
        return text;
    }
    static void header(Fields& list, std::string_view name, std::string_view text) {
        Fields one(list.item());
        one.text("name", name);
        one.text("in", "header");
        one.text("description", text);
        one.key("schema") += R"({"type":"string"})";
    }
    void parameters(std::string& out, RouteSpec const& route) {
        Fields list(out, '[', ']');
        std::string_view rest = route.path;
        for (Shape const* shape : route.signature.path_arguments) {
            Fields one(list.item());
            one.text("name", parameter_name(rest));
            one.text("in", "path");
            one.key("required") += "true";
            describe::schema(one.key("schema"), *shape, Direction::input, components_.named());
        }
        if (route.signature.query)
            for (auto const& parameter :
                 describe::parameters(*route.signature.query, components_.named())) {
                Fields one(list.item());
                one.text("name", parameter.name);
                one.text("in", "query");
                if (!parameter.text.empty()) one.text("description", parameter.text);
                if (parameter.required) one.key("required") += "true";
                one.key("schema") += parameter.schema;
            }
        RouteSpec const& real = route.canonical();
        if (!real.open && is_organizational(real.permit))
            header(list, "X-Org-Id", "The acting organization, when you belong to several.");
        if (real.idempotent)
            header(list, "Idempotency-Key", "The same key gives the first success again for 24 h.");
        if (real.method == Method::put || real.method == Method::patch ||
            real.method == Method::del)
            header(list, "If-Match", "The ETag that you read: 412 when it has changed since.");
    }
    void body(std::string& out, RouteSpec const& route) {
        Fields fields(out);
        fields.key("required") += "true";
        Fields content(fields.key("content"));
        if (route.streams_body) {
            content.key("multipart/form-data") += R"({"schema":{"type":"object"}})";
            return;
        }
        Fields json(content.key("application/json"));
        describe::schema(json.key("schema"), *route.signature.body, Direction::input,
                         components_.named());
        describe::example(json.key("example"), *route.signature.body, Direction::input);
    }
    void data_schema(std::string& out, RouteSpec const& route) {
        Signature const& signature = route.signature;
        if (!signature.out) {
            out += R"({"type":"null"})";
            return;
        }
        if (signature.paged) out += R"({"type":"array","items":)";
        describe::schema(out, *signature.out, Direction::output, components_.named());
        if (signature.paged) out += '}';
    }
    void success(std::string& out, RouteSpec const& route) {
        Fields fields(out);
        fields.text("description", route.message.empty() ? "It went well." : route.message);
        Fields content(fields.key("content"));
        Fields json(content.key(route.media_type));
        std::string& schema = json.key("schema");
        if (route.bare && !route.signature.out) {
            schema += route.media_type == "application/json" ? R"({"type":"object"})"
                                                             : R"({"type":"string"})";
            return;
        }
        if (route.bare) return data_schema(schema, route);
        schema += R"({"type":"object","required":["success","status","message","data","meta"],)"
                  R"("properties":{"success":{"const":true},"status":{"type":"integer"},)"
                  R"("message":{"type":"string"},"data":)";
        data_schema(schema, route);
        schema += R"(,"meta":{"$ref":"#/components/schemas/Meta"}}})";
    }
    void responses(std::string& out, RouteSpec const& route) {
        Fields all(out);
        success(all.key(std::to_string(route.success_status)), route);
        std::map<int, std::string> by_status;
        for (Refusable const& refusal : refusals_of(route)) {
            std::string& text = by_status[refusal.status];
            if (!text.empty()) text += ' ';
            text.append("`").append(refusal.code).append("`: ").append(refusal.sentence);
        }
        for (auto const& [status, text] : by_status) {
            Fields one(all.key(std::to_string(status)));
            one.text("description", text);
            one.key("content") +=
                R"({"application/json":{"schema":{"$ref":"#/components/schemas/Failure"}}})";
        }
    }
    Components& components_;
};

void add_kind(std::set<Refusable>& all, RefusalKind const& kind) {
    all.insert({kind.status(), std::string(kind.code()), kind.sentence()});
}

void add_not_found(std::set<Refusable>& all, std::string_view noun) {
    Refusal const refusal = Refusal::not_found(noun);
    all.insert({404, std::string(refusal.code()), resource_not_found.sentence()});
}

std::map<std::string_view, std::vector<RouteSpec const*>>
by_path(std::deque<RouteSpec> const& routes) {
    std::map<std::string_view, std::vector<RouteSpec const*>> paths;
    for (RouteSpec const& route : routes) paths[route.path].push_back(&route);
    return paths;
}

/// Every code there is: of kinds, and the 404 of each noun.
std::set<Refusable> all_refusals(std::deque<RouteSpec> const& routes) {
    std::set<Refusable> all;
    for (RefusalKind const* kind = RefusalKind::first(); kind; kind = kind->next())
        add_kind(all, *kind);
    for (RouteSpec const& route : routes)
        for (Refusable& refusal : refusals_of(route)) all.insert(std::move(refusal));
    return all;
}

} // namespace

std::vector<Refusable> refusals_of(RouteSpec const& declared) {
    RouteSpec const& route = declared.canonical();
    std::set<Refusable> all;
    for (Shape const* shape : route.signature.path_arguments)
        shape->noun.empty() ? add_kind(all, resource_not_found) : add_not_found(all, shape->noun);
    if (route.signature.body) {
        add_kind(all, malformed_json);
        add_kind(all, body_too_large);
        add_kind(all, unsupported_media);
    }
    if (route.signature.body || route.signature.query) add_kind(all, validation_error);
    if (!route.open)
        for (auto const* kind : {&unauthenticated, &token_invalid, &token_expired, &forbidden})
            add_kind(all, *kind);
    if (route.idempotent) {
        add_kind(all, idempotency_in_progress);
        add_kind(all, idempotency_mismatch);
        add_kind(all, idempotency_key_invalid);
    }
    bool const changes =
        route.method == Method::put || route.method == Method::patch || route.method == Method::del;
    if (changes) add_kind(all, precondition_failed);
    if (route.rate_class != RateClass::none) add_kind(all, too_many_requests);
    if (!route.bare) {
        add_kind(all, internal_error);
        add_kind(all, unavailable);
    }
    if (route.open && !route.signature.body && !route.signature.query) add_kind(all, bad_request);
    for (RefusalKind const* kind : route.refusals) add_kind(all, *kind);
    return {all.begin(), all.end()};
}

std::string openapi(std::deque<RouteSpec> const& routes, std::string_view version) {
    std::string out;
    Components components;
    Writer writer(components);
    Fields document(out);
    document.text("openapi", "3.1.0");
    {
        Fields info(document.key("info"));
        info.text("title", "haat");
        info.text("version", version);
        info.text(
            "description",
            "Storefront and marketplace, shop books, customer inbox and team workspace in one "
            "server. Every answer has the same envelope; every error links to its entry.");
        info.key("license") += R"({"name":"Proprietary","identifier":"LicenseRef-haat"})";
    }
    document.key("servers") += R"([{"url":"/","description":"This server"}])";
    std::set<std::string> tags;
    for (RouteSpec const& route : routes) tags.insert(route.tag);
    {
        Fields list(document.key("tags"), '[', ']');
        for (std::string const& tag : tags) {
            Fields one(list.item());
            one.text("name", tag);
            one.text("description", tag + ".");
        }
    }
    {
        Fields paths(document.key("paths"));
        for (auto const& [path, of_path] : by_path(routes)) {
            Fields verbs(paths.key(path));
            for (RouteSpec const* route : of_path) {
                std::string verb(name_of(route->method));
                for (char& c : verb) c = static_cast<char>(c | 0x20);
                writer.operation(verbs.key(verb), *route);
            }
        }
    }
    {
        Fields parts(document.key("components"));
        components.write(parts.key("schemas"));
        parts.key("securitySchemes") +=
            R"({"bearer":{"type":"http","scheme":"bearer","bearerFormat":"JWT"},)"
            R"("cookie":{"type":"apiKey","in":"cookie","name":"accessToken"}})";
    }
    Fields errors(document.key("x-haat-errors"), '[', ']');
    for (Refusable const& refusal : all_refusals(routes)) {
        Fields one(errors.item());
        one.text("code", refusal.code);
        one.key("status") += std::to_string(refusal.status);
        one.text("sentence", refusal.sentence);
    }
    return out;
}

std::string errors_page(std::deque<RouteSpec> const& routes) {
    std::string out =
        "# Errors\n\nEvery error has a code that never changes its meaning. This page "
        "is written by `haat docs`.\n\n| status | code | meaning | given by |\n"
        "|---|---|---|---|\n";
    std::map<std::string, std::size_t> givers;
    for (RouteSpec const& route : routes)
        if (!route.alias_of)
            for (Refusable const& refusal : refusals_of(route)) ++givers[refusal.code];
    for (Refusable const& refusal : all_refusals(routes)) {
        std::size_t const count = givers[refusal.code];
        out += "| " + std::to_string(refusal.status) + " | <a id=\"" + refusal.code + "\"></a>`" +
               refusal.code + "` | " + std::string(refusal.sentence) + " | " +
               (count == 0   ? std::string("the server")
                : count == 1 ? std::string("1 route")
                             : std::to_string(count) + " routes") +
               " |\n";
    }
    return out;
}

std::string indented(std::string_view json) {
    std::string out;
    std::string margin = "\n";
    bool in_string = false;
    for (std::size_t i = 0; i < json.size(); ++i) {
        char const c = json[i];
        if (in_string) {
            out += c;
            if (c == '\\') out += json[++i];
            in_string = c != '"';
            continue;
        }
        bool const empty = i + 1 < json.size() && (json[i + 1] == '}' || json[i + 1] == ']');
        if (c == '{' || c == '[') {
            out += c;
            if (empty) {
                out += json[++i];
                continue;
            }
            margin += "  ";
            out += margin;
        } else if (c == '}' || c == ']') {
            margin.resize(margin.size() - 2);
            out += margin;
            out += c;
        } else if (c == ',') {
            out += c;
            out += margin;
        } else if (c == ':') {
            out += ": ";
        } else {
            in_string = c == '"';
            out += c;
        }
    }
    return out + "\n";
}

} // namespace haat::http
