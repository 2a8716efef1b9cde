#include <app/file_house.hpp>

#include <app/backstage.hpp>
#include <app/run_on.hpp>
#include <files/local_store.hpp>
#include <files/s3_store.hpp>
#include <loop/loop.hpp>

namespace haat::app {

namespace {

using std::chrono::steady_clock;

constexpr std::chrono::seconds patience(5); // with a store that does not answer

std::unique_ptr<files::Store> make_store(Config const& config, Workers& workers) {
    if (config.files.s3.bucket.empty())
        return std::make_unique<files::LocalStore>(config.files_directory(), workers);
    return std::make_unique<files::S3Store>(config.files.s3, workers, config.messages.client);
}

} // namespace

documents::DocumentsOptions documents_options(Config const& config) {
    documents::DocumentsOptions options;
    options.secret = config.sign_in.jwt_secret;
    options.image_bytes_max = config.files.image_bytes_max;
    options.document_bytes_max = config.files.document_bytes_max;
    options.batch_max = config.files.batch_max;
    options.link_lifetime =
        std::chrono::duration_cast<std::chrono::seconds>(config.files.link_lifetime);
    return options;
}

FileHouse::FileHouse(Config const& config, Workers& workers)
    : store_(make_store(config, workers)), pictures_(config.files.pictures) {}

void FileHouse::serve(Backstage& backstage) {
    backstage.services().add<files::Store>(*store_);
    backstage.services().add(pictures_);
    files::Store& store = *store_;
    backstage.before_end([&store] { return store.leave(steady_clock::now() + patience); });
}

void FileHouse::leave(std::vector<std::unique_ptr<Loop>> const& loops) {
    auto const deadline = steady_clock::now() + patience; // one for all of them
    files::Store& store = *store_;
    for (auto const& loop : loops)
        run_on(*loop, [&store, deadline] { return store.leave(deadline); });
}

} // namespace haat::app
