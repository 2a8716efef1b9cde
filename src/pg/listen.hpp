// The connection that listens: every channel, again after every loss.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <pg/connection.hpp>

namespace haat::pg {

class Listening final : public Batch {
public:
    void attach(std::shared_ptr<Connection> connection) { listener_ = std::move(connection); }
    Connection* connection() { return listener_.get(); }

    /// Channels are named in code: a-z, 0-9 and _.
    void add(std::string channel, std::function<void(std::string_view)> heard);
    void came_up();
    void went_down() { heard_all_ = false; }
    void heard(std::string_view channel, std::string_view payload);
    bool up() const { return heard_all_ && listener_ && listener_->up(); }

    void answered() override;
    void lost(std::exception_ptr) override {}

private:
    struct Channel {
        std::string name;
        std::function<void(std::string_view)> heard;
        bool missed = false; // it was listened to once, and lost since
    };
    void send(std::size_t first);

    std::shared_ptr<Connection> listener_;
    std::vector<std::unique_ptr<Channel>> channels_;
    std::size_t confirmed_ = 0; // channels the last answered batch has made sure of
    std::size_t sent_ = 0;
    bool heard_all_ = false;
};

} // namespace haat::pg
