#include <app/operations.hpp>

#include <map>

#include <pg/database.hpp>

namespace haat::app {

using metrics::Renderer;

void render_server(std::string& out, http::ServerCounters const& counters) {
    Renderer render(out);
    auto one = [&render](std::string_view name, std::string_view help, std::string_view type,
                         double value) {
        render.family(name, help, type);
        render.sample(name, {}, value);
    };
    auto number = [](auto value) { return static_cast<double>(value); };
    one("haat_http_connections_open", "Connections that are open.", "gauge",
        number(counters.connections_open));
    one("haat_http_connections_accepted_total", "Connections accepted.", "counter",
        number(counters.connections_accepted));
    one("haat_http_connections_refused_total", "Connections over a limit.", "counter",
        number(counters.connections_refused));
    one("haat_http_requests_running", "Requests that are being answered.", "gauge",
        number(counters.requests_running));
    one("haat_http_received_bytes_total", "Bytes read from clients.", "counter",
        number(counters.bytes_in));
    one("haat_http_sent_bytes_total", "Bytes written to clients.", "counter",
        number(counters.bytes_out));
}

namespace {

struct Sums {
    std::uint64_t count = 0;
    std::uint64_t errors = 0;
    std::uint64_t micros = 0;
};

void render_pool(Renderer& render, std::vector<pg::Database const*> const& databases) {
    auto family = [&](std::string_view name, std::string_view help, std::string_view type,
                      auto const& read) {
        render.family(name, help, type);
        for (std::size_t i = 0; i < databases.size(); ++i)
            render.sample(name, {{"loop", std::to_string(i)}},
                          static_cast<double>(read(databases[i]->counters())));
    };
    using Counters = pg::DatabaseCounters;
    family("haat_db_connections_up", "Connections that are up.", "gauge",
           [](Counters const& c) { return c.connections_up.load(); });
    family("haat_db_connections_wanted", "Connections that should be up.", "gauge",
           [](Counters const& c) { return c.connections_wanted.load(); });
    family("haat_db_reads_in_flight", "Reads on the shared connections.", "gauge",
           [](Counters const& c) { return c.reads_in_flight.load(); });
    family("haat_db_writes_waiting", "Transactions that wait for a connection.", "gauge",
           [](Counters const& c) { return c.writes_waiting.load(); });
    family("haat_db_reconnects_total", "Connections made again.", "counter",
           [](Counters const& c) { return c.reconnects.load(); });
    family("haat_db_reruns_slow_total", "Reads run again on the slow pool.", "counter",
           [](Counters const& c) { return c.reruns_slow.load(); });
}

} // namespace

void render_databases(std::string& out, std::vector<pg::Database const*> const& databases) {
    Renderer render(out);
    render_pool(render, databases);
    std::map<std::string_view, Sums> by_query;
    for (pg::Database const* database : databases)
        for (pg::QueryFacts const& facts : database->query_facts()) {
            Sums& sums = by_query[facts.name];
            sums.count += facts.count;
            sums.errors += facts.errors;
            sums.micros += facts.micros_total;
        }
    auto family = [&](std::string_view name, std::string_view help, auto const& read) {
        render.family(name, help, "counter");
        for (auto const& [query, sums] : by_query)
            render.sample(name, {{"query", std::string(query)}}, read(sums));
    };
    family("haat_db_queries_total", "Statements by name.",
           [](Sums const& s) { return static_cast<double>(s.count); });
    family("haat_db_query_errors_total", "Statements that failed.",
           [](Sums const& s) { return static_cast<double>(s.errors); });
    family("haat_db_query_seconds_total", "Time spent, by name.",
           [](Sums const& s) { return static_cast<double>(s.micros) / 1e6; });
}

} // namespace haat::app
