// Variables of the systems that haat replaces, and why nothing comes of them.
#include <app/settings.hpp>

namespace haat::app {

namespace {
constexpr IgnoredVariable ignored[] = {
    {"JWT_REFRESH_SECRET", "refresh tokens are random numbers, of which only hashes are stored"},
    {"SESSION_SECRET", "sessions are rows, not signed cookies"},
    {"BCRYPT_ROUNDS", "passwords are hashed with argon2id; bcrypt is only verified"},
    {"API_VERSION", "/api/v1 and /api are both served"},
    {"DATABASE_URL_TEST", "tests make their own cluster"},
    {"POSTGRES_PASSWORD", "it belongs to a PostgreSQL container, not to haat"},
    {"SUPABASE_URL", "haat is its own backend"},
    {"SUPABASE_ANON_KEY", "haat is its own backend"},
    {"SUPABASE_SERVICE_ROLE_KEY", "haat is its own backend"},
    {"RAZORPAY_KEY_ID", "payments are not built yet"},
    {"RAZORPAY_KEY_SECRET", "payments are not built yet"},
    {"STRIPE_SECRET_KEY", "payments are not built yet"},
    {"STRIPE_WEBHOOK_SECRET", "payments are not built yet"},
    {"ALLOWED_FILE_TYPES", "what a file is and whether it is taken, its content decides"},
    {"SENTRY_DSN", "errors are in the log and in /metrics"},
    {"NEW_RELIC_LICENSE_KEY", "measurements are in /metrics"},
    {"FEATURE_GUEST_CHECKOUT", "the cart is not built yet"},
    {"FEATURE_WISHLIST", "wishlists are not built yet"},
    {"FEATURE_REVIEWS", "reviews are not built yet"},
    {"CART_EXPIRY_DAYS", "the cart is not built yet"},
    {"ABANDONED_CART_REMINDER_HOURS", "the cart is not built yet"},
};
} // namespace

std::span<IgnoredVariable const> ignored_variables() { return ignored; }

} // namespace haat::app
