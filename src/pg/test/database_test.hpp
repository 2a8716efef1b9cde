// A loop, the shop and a Database that speaks to it as the request role.
#pragma once

#include <memory>

#include <gtest/gtest.h>

#include <loop/loop.hpp>
#include <pg/test/run_loop.hpp>
#include <pg/test/shop.hpp>

namespace haat::pg::shop {

class DatabaseTest : public testing::Test {
protected:
    void open(DatabaseOptions options = {}) {
        options.url = shop_.url();
        database_ = std::make_unique<Database>(loop_, std::move(options));
        ASSERT_TRUE(test::run(loop_, database_->start())) << database_->last_error();
    }
    void TearDown() override {
        if (!database_) return;
        test::run(loop_, database_->stop(std::chrono::seconds(5)));
        database_.reset();
    }
    /// `count` items of `org`, with ties in price and time.
    void fill(std::string_view org, int count) {
        shop_.exec("insert into shop.items (id, org_id, name, price, grade, is_active, created_at)"
                   " select gen_random_uuid(), '" +
                   std::string(org) + "', 'item ' || (n * 7919 % " + std::to_string(count) +
                   "), n % 7, (array['low', 'fine', 'best'])[n % 3 + 1],"
                   " n % 4 <> 0, timestamptz '2026-01-01' + (n / 5) * interval '1.000001 s'"
                   " from generate_series(1, " +
                   std::to_string(count) + ") n");
        shop_.exec("analyze shop.items");
    }
    Shop shop_;
    Loop loop_;
    std::unique_ptr<Database> database_;
};

} // namespace haat::pg::shop
