// How a connection hands its socket over to a WebSocket.
#pragma once

#include <string>
#include <vector>

#include <http/message.hpp>
#include <http/shard.hpp>
#include <http/wire.hpp>

namespace haat::http {

struct WebSocketStart {
    std::shared_ptr<Shard> shard;
    Wire wire;
    Seat seat;
    std::string key, version; // of the request's Sec-WebSocket-… headers
    std::string address;
    std::string head; // further headers of the 101, from the response
    std::function<Task<void>(std::unique_ptr<class WebSocket>)> owner;
};

void start_web_socket(WebSocketStart);

} // namespace haat::http
