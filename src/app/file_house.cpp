#include <app/file_house.hpp>

#include <app/backstage.hpp>
#include <files/local_store.hpp>

namespace haat::app {

namespace {

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
    backstage.at_end([&store](Loop& loop) { store.leave(loop); });
}

} // namespace haat::app
