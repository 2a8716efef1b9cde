#include <pg/listen.hpp>

#include <algorithm>
#include <stdexcept>

#include <pg/inside.hpp>

namespace haat::pg {

namespace {
constexpr milliseconds listen_limit{5'000};
}

void Listening::add(std::string channel, std::function<void(std::string_view)> heard) {
    // LISTEN takes no parameter, so that the name stands in the statement.
    bool const plain = !channel.empty() && channel.size() < 64 &&
                       std::all_of(channel.begin(), channel.end(), [](char c) {
                           return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
                       });
    if (!plain) throw std::invalid_argument("not the name of a channel: " + channel);
    auto made = std::make_unique<Channel>();
    made->name = std::move(channel);
    made->heard = std::move(heard);
    channels_.push_back(std::move(made));
    heard_all_ = false;
    if (listener_ && listener_->up() && !Batch::connection) send(sent_);
}

void Listening::came_up() { send(0); }

void Listening::send(std::size_t first) {
    begin_anew();
    for (std::size_t i = first; i < channels_.size(); ++i)
        listener_->execute(this, ("listen " + channels_[i]->name).c_str());
    sent_ = channels_.size();
    confirmed_ = first;
    listener_->sync(this, listen_limit);
}

void Listening::answered() {
    if (error) return listener_->lose(error->what());
    std::size_t const first = confirmed_;
    std::size_t const last = confirmed_ = sent_;
    heard_all_ = last == channels_.size();
    if (!heard_all_) send(last);
    for (std::size_t i = first; i < last; ++i) {
        Channel& channel = *channels_[i];
        // What was sent while nobody listened is unknown.
        if (std::exchange(channel.missed, true)) channel.heard({});
    }
}

void Listening::heard(std::string_view channel, std::string_view payload) {
    // By index, for whoever hears may listen to more. NOLINTNEXTLINE(modernize-loop-convert)
    for (std::size_t i = 0; i < channels_.size(); ++i)
        if (channels_[i]->name == channel) channels_[i]->heard(payload);
}

void Database::listen(std::string channel, std::function<void(std::string_view)> heard) {
    inside_->listening.add(std::move(channel), std::move(heard));
    inside_->start_listening();
}

bool Database::listening() const { return inside_->listening.up(); }

} // namespace haat::pg
