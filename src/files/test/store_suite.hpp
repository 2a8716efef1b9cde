// What every store must do, written once; each store says how it is made.
#pragma once

#include <memory>

#include <gtest/gtest.h>

#include <base/clock.hpp>
#include <files/intake.hpp>
#include <files/store.hpp>
#include <loop/loop.hpp>
#include <outbound/crypto.hpp>
#include <pg/test/run_loop.hpp>

namespace haat::files::test {

using namespace std::chrono_literals;
using haat::test::all_of;
using haat::test::run;

/// A loop with a store on it. Made by the factory of each store.
class StoreWorld {
public:
    virtual ~StoreWorld() = default;
    virtual Store& store() = 0;
    Loop loop;
    Workers workers{2};

    template <class T> T await(Task<T> task) { return run(loop, std::move(task)); }
};
struct StoreMaker {
    char const* name;
    std::unique_ptr<StoreWorld> (*make)();
};
inline std::string name_of(testing::TestParamInfo<StoreMaker> const& info) {
    return info.param.name;
}

/// Bytes that differ everywhere, so that a piece in the wrong place shows.
inline std::string some_bytes(std::size_t count) {
    std::string bytes(count, '\0');
    std::uint32_t state = 7;
    for (char& c : bytes) {
        state = state * 1'664'525u + 1'013'904'223u;
        c = static_cast<char>(state >> 24);
    }
    return bytes;
}

inline Task<void> put(Store& store, ObjectId id, std::string_view bytes, std::size_t piece) {
    std::unique_ptr<Writer> const writer = co_await store.put(id);
    for (std::size_t at = 0; at < bytes.size(); at += piece)
        co_await writer->write(bytes.substr(at, piece));
    co_await writer->commit();
}

inline Task<void> put_half(Store& store, ObjectId id, std::string_view bytes) {
    std::unique_ptr<Writer> const writer = co_await store.put(id);
    co_await writer->write(bytes);
}

inline Task<Received> take(Intake& intake, std::string_view bytes, std::size_t piece) {
    for (std::size_t at = 0; at < bytes.size(); at += piece)
        co_await intake.take(bytes.substr(at, piece));
    co_return co_await intake.finish();
}

class StoreTest : public testing::TestWithParam<StoreMaker> {
protected:
    StoreTest() : world(GetParam().make()) {}
    Store& store() { return world->store(); }
    std::string refusal_of(Task<Received> task) {
        try {
            world->await(std::move(task));
            return "taken";
        } catch (Refusal const& refusal) {
            return std::string(refusal.code());
        }
    }
    std::unique_ptr<StoreWorld> const world;
    ObjectId const id = new_id<Object>();
};

} // namespace haat::files::test
