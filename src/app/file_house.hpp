// Where files are kept, as the configuration says, and who makes pictures of them.
#pragma once

#include <memory>
#include <vector>

#include <app/config.hpp>
#include <files/pictures.hpp>
#include <files/store.hpp>
#include <modules/documents/documents.hpp>

namespace haat {
class Loop;
}

namespace haat::app {

class Backstage;

documents::DocumentsOptions documents_options(Config const& config);

class FileHouse {
public:
    FileHouse(Config const& config, Workers& workers);

    files::Store& store() { return *store_; }
    /// Gives jobs the store and the maker of pictures; before the backstage starts.
    void serve(Backstage& backstage);
    /// Before the loops stop: what the store does there ends.
    void leave(std::vector<std::unique_ptr<Loop>> const& loops);

private:
    std::unique_ptr<files::Store> store_;
    files::PictureMaker pictures_;
};

} // namespace haat::app
