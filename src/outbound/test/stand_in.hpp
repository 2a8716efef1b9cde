// A server in another language, started by a test, that says line by line what it has seen.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <test/harness/paths.hpp>
#include <test/harness/process.hpp>
#include <test/harness/wait.hpp>

namespace haat::outbound::test {

/// For localhost and 127.0.0.1, of its own making, in files that go with it.
class Certificate {
public:
    explicit Certificate(char const* names = "DNS:localhost,IP:127.0.0.1") {
        std::string pattern = std::filesystem::temp_directory_path() / "haat-outbound-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        EVP_PKEY* const key = EVP_EC_gen("P-256");
        X509* const certificate = X509_new();
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME* const name = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<unsigned char const*>("haat test"), -1, -1, 0);
        X509_set_issuer_name(certificate, name);
        X509_EXTENSION* const also =
            X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names);
        X509_add_ext(certificate, also, -1);
        X509_EXTENSION_free(also);
        X509_sign(certificate, key, EVP_sha256());
        FILE* file = std::fopen(certificate_file().c_str(), "w");
        PEM_write_X509(file, certificate);
        std::fclose(file);
        file = std::fopen(key_file().c_str(), "w");
        PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }
    ~Certificate() { std::filesystem::remove_all(folder_); }
    Certificate(Certificate const&) = delete;
    std::string certificate_file() const { return folder_ / "certificate.pem"; }
    std::string key_file() const { return folder_ / "key.pem"; }

private:
    std::filesystem::path folder_;
};

class StandIn {
public:
    /// `script` lies beside the tests.
    StandIn(std::string program, std::string const& script, std::vector<std::string> words)
        : process_(options(std::move(program), script, std::move(words))) {}

    /// The first line that begins so, without its beginning; empty when it never comes.
    std::string line(std::string const& begin) {
        std::string found;
        haat::test::soon([&] {
            for (std::string const& line : lines())
                if (line.starts_with(begin) && found.empty()) found = line.substr(begin.size());
            return !found.empty() || !process_.running();
        });
        if (found.empty()) throw std::runtime_error("the stand-in failed: " + process_.errors());
        return found;
    }
    std::uint16_t port() { return static_cast<std::uint16_t>(std::stoi(line("port "))); }
    /// The whole lines of JSON so far.
    std::vector<std::string> seen() const {
        std::vector<std::string> found;
        for (std::string const& line : lines())
            if (line.starts_with('{')) found.push_back(line);
        return found;
    }
    /// Waits until there are so many; the last of them.
    std::string seen(std::size_t count) const {
        haat::test::soon([&] { return seen().size() >= count; });
        auto const all = seen();
        return all.size() < count ? std::string("{}") : all[count - 1];
    }
    haat::test::Process& process() { return process_; }

private:
    static haat::test::ProcessOptions options(std::string program, std::string const& script,
                                              std::vector<std::string> words) {
        haat::test::ProcessOptions options;
        options.program = std::move(program);
        auto const folder = haat::test::source_directory() / "src/outbound/test";
        words.insert(words.begin(), (folder / script).string());
        options.words = std::move(words);
        return options;
    }
    std::vector<std::string> lines() const {
        std::vector<std::string> found;
        std::string const text = process_.output();
        for (std::size_t at = 0; at < text.size();) {
            auto const end = text.find('\n', at);
            if (end == text.npos) break;
            found.push_back(text.substr(at, end - at));
            at = end + 1;
        }
        return found;
    }
    haat::test::Process process_;
};

} // namespace haat::outbound::test
