// A loop with a client that believes 127.0.0.1 to be public, and nothing else of this machine.
#pragma once

#include <map>
#include <mutex>
#include <optional>

#include <loop/loop.hpp>
#include <outbound/client.hpp>
#include <outbound/meter.hpp>
#include <outbound/test/world_server.hpp>
#include <pg/test/run_loop.hpp>

namespace haat::outbound::test {

using haat::test::run;

inline Network network(std::string_view text) {
    Network network;
    if (!parse(text, network)) throw std::runtime_error("no network: " + std::string(text));
    return network;
}
inline Address address(std::string_view text) {
    Address address;
    if (!parse(text, address)) throw std::runtime_error("no address: " + std::string(text));
    return address;
}

inline Options quick() {
    Options options;
    options.allowed_networks = {network("127.0.0.1")};
    options.backoff = 2ms;
    return options;
}

inline Request get(std::string url) {
    Request request;
    request.url = std::move(url);
    request.purpose = "test";
    return request;
}
inline Request post(std::string url, std::string body = "{}") {
    Request request = get(std::move(url));
    request.method = Method::post;
    request.body = std::move(body);
    return request;
}

struct World {
    explicit World(Options options = quick()) : client(std::in_place, loop, with(options, meter)) {}

    Reply send(Request request) { return run(loop, client->send(std::move(request))); }
    /// What sending throws; nothing when it does not.
    std::optional<Error> error(Request request) {
        try {
            send(std::move(request));
            return std::nullopt;
        } catch (Error const& thrown) {
            return thrown;
        }
    }
    std::string kind(Request request) {
        auto const thrown = error(std::move(request));
        return thrown ? std::string(name_of(thrown->kind())) : "answered";
    }

    Loop loop;
    Meter meter;
    std::optional<Client> client;

private:
    static Options with(Options options, Meter& meter) {
        options.meter = &meter;
        return options;
    }
};

} // namespace haat::outbound::test
