// An S3 server from npm (test/peers), started by a test; see s3.js there.
#pragma once

#include <filesystem>

#include <files/s3_store.hpp>
#include <outbound/test/stand_in.hpp>
#include <test/harness/house.hpp>
#include <test/harness/paths.hpp>

namespace haat::files::test {

inline std::filesystem::path peers() { return haat::test::source_directory() / "test/peers"; }
inline bool s3_is_there() { return std::filesystem::exists(peers() / "node_modules/s3rver"); }

class S3Server {
public:
    S3Server()
        : directory_(haat::test::temporary_directory("s3")),
          server_("/usr/bin/node", (peers() / "s3.js").string(), {directory_.string()}),
          port_(server_.port()) {}

    S3Options options(bool path_style = true) const {
        S3Options options;
        options.endpoint = std::string(path_style ? "http://127.0.0.1:" : "http://s3.localhost:") +
                           std::to_string(port_);
        options.bucket = "haat-test";
        options.key.id = "S3RVER";
        options.key.secret.value = "S3RVER";
        options.path_style = path_style;
        return options;
    }
    /// Every name is this machine: haat-test.s3.localhost is the bucket's host.
    static outbound::Options client() {
        outbound::Options options;
        options.lookup = [](std::string const&) {
            outbound::Address here;
            outbound::parse("127.0.0.1", here);
            return std::vector<outbound::Address>{here};
        };
        return options;
    }
    haat::test::Process& process() { return server_.process(); }

    /// Uploads in parts that the server holds, neither ended nor taken back.
    int uploads() const { return count(false); }
    /// The parts of them that are there as a whole.
    int parts() const { return count(true); }

private:
    int count(bool parts) const {
        int found = 0;
        std::error_code error;
        std::filesystem::path const uploads = directory_ / "haat-test/._S3rver_uploads";
        for (auto const& entry : std::filesystem::recursive_directory_iterator(uploads, error)) {
            bool const part = entry.path().extension() == ".md5"; // written behind each of them
            found += parts ? part : entry.path().filename() == "key";
        }
        return found;
    }

    std::filesystem::path directory_;
    outbound::test::StandIn server_;
    std::uint16_t port_;
};

} // namespace haat::files::test
