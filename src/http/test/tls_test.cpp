#include <gtest/gtest.h>

#include <filesystem>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

/// A certificate of its own making, in files that go with it.
class Certificate {
public:
    Certificate() {
        std::string pattern = std::filesystem::temp_directory_path() / "haat-tls-XXXXXX";
        folder_ = ::mkdtemp(pattern.data());
        EVP_PKEY* const key = EVP_EC_gen("P-256");
        X509* const certificate = X509_new();
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME* const name = X509_get_subject_name(certificate);
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                                   reinterpret_cast<unsigned char const*>("localhost"), -1, -1, 0);
        X509_set_issuer_name(certificate, name);
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
    std::string certificate_file() const { return folder_ / "certificate.pem"; }
    std::string key_file() const { return folder_ / "key.pem"; }

private:
    std::filesystem::path folder_;
};

class TlsClient {
public:
    explicit TlsClient(std::uint16_t port, int version_max = TLS1_3_VERSION)
        : raw_(port), context_(SSL_CTX_new(TLS_client_method())), tls_(nullptr) {
        SSL_CTX_set_max_proto_version(context_, version_max);
        SSL_CTX_set_options(context_, SSL_OP_IGNORE_UNEXPECTED_EOF);
        tls_ = SSL_new(context_);
        static constexpr unsigned char protocols[] = "\x02h2\x08http/1.1";
        SSL_set_alpn_protos(tls_, protocols, sizeof protocols - 1);
        timeval const deadline{10, 0};
        ::setsockopt(raw_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
        SSL_set_fd(tls_, raw_.descriptor());
        connected_ = SSL_connect(tls_) == 1;
    }
    ~TlsClient() {
        SSL_free(tls_);
        SSL_CTX_free(context_);
    }
    bool connected() const { return connected_; }
    void leave() { ::shutdown(raw_.descriptor(), SHUT_RDWR); }
    std::string protocol() const {
        unsigned char const* name = nullptr;
        unsigned size = 0;
        SSL_get0_alpn_selected(tls_, &name, &size);
        return {reinterpret_cast<char const*>(name), size};
    }
    void send(std::string_view bytes) {
        SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size()));
    }
    /// Until `size` bytes came or the end.
    std::string read(std::size_t size) {
        std::string out;
        char buffer[16 * 1024];
        while (out.size() < size) {
            int const count = SSL_read(tls_, buffer, sizeof buffer);
            if (count <= 0) break;
            out.append(buffer, static_cast<std::size_t>(count));
        }
        return out;
    }

private:
    RawClient raw_;
    SSL_CTX* context_;
    SSL* tls_;
    bool connected_ = false;
};

class Tls : public testing::Test {
protected:
    Certificate certificate_;
    ServerOptions options() {
        ServerOptions options;
        options.certificate_file = certificate_.certificate_file();
        options.private_key_file = certificate_.key_file();
        options.header_timeout = std::chrono::milliseconds(300);
        return options;
    }
};

TEST_F(Tls, serves_requests_bodies_and_pipelines) {
    TestServer server(options());
    TlsClient client(server.port());
    ASSERT_TRUE(client.connected());
    EXPECT_EQ(client.protocol(), "http/1.1");
    client.send("GET /who HTTP/1.1\r\nHost: a\r\n\r\nGET /a HTTP/1.1\r\nHost: a\r\n\r\n"
                "GET /big?5000000 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    std::string const all = client.read(100'000'000);
    EXPECT_NE(all.find("127.0.0.1 a true true"), std::string::npos);
    EXPECT_NE(all.find("GET /a "), std::string::npos);
    EXPECT_GT(all.size(), 5'000'000U);
    EXPECT_TRUE(all.ends_with(std::string(1000, 'x')));
}

TEST_F(Tls, uploads_are_read_whole_and_streamed) {
    TestServer server(options());
    for (std::string_view const path : {"/echo", "/stream"}) {
        TlsClient client(server.port());
        std::string const body = TestService::text(900'000);
        client.send(fmt::format("POST {} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
                                "Content-Length: {}\r\n\r\n",
                                path, body.size()));
        client.send(body);
        std::string const answer = client.read(10'000'000);
        EXPECT_TRUE(answer.ends_with(path == "/echo" ? body : "900000 bytes"));
    }
}

TEST_F(Tls, files_are_sent) {
    TestServer server(options(), 1);
    std::string const folder = std::filesystem::path(certificate_.key_file()).parent_path();
    std::string const bytes = TestService::text(2'000'000);
    FILE* const file = std::fopen((folder + "/large.bin").c_str(), "w");
    std::fwrite(bytes.data(), 1, bytes.size(), file);
    std::fclose(file);
    StaticFiles::Options where;
    where.directory = folder;
    StaticFiles files(where);
    server.service().files = &files;
    TlsClient client(server.port());
    client.send("GET /files/large.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    EXPECT_TRUE(client.read(10'000'000).ends_with(bytes));
}

TEST_F(Tls, old_versions_and_plain_text_are_refused) {
    TestServer server(options());
    EXPECT_TRUE(TlsClient(server.port(), TLS1_2_VERSION).connected());
    EXPECT_FALSE(TlsClient(server.port(), TLS1_1_VERSION).connected());
    RawClient plain = server.client();
    plain.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(plain.read_to_end().find("HTTP/1.1 200"), std::string::npos);
}

TEST_F(Tls, a_handshake_that_never_comes_is_not_waited_for) {
    TestServer server(options());
    RawClient silent = server.client();
    EXPECT_TRUE(silent.closed(std::chrono::milliseconds(3000)));
}

TEST_F(Tls, a_bad_certificate_is_named) {
    Loop loop;
    TestService service;
    Workers workers(1);
    ServerOptions wrong = options();
    wrong.address = "127.0.0.1";
    wrong.port = 0;
    wrong.certificate_file = "/nowhere/certificate.pem";
    Server server(wrong, {&loop}, {&service}, workers);
    try {
        server.listen();
        FAIL();
    } catch (std::system_error const& error) {
        EXPECT_NE(std::string(error.what()).find("/nowhere/certificate.pem"), std::string::npos);
    }
}

TEST_F(Tls, web_sockets_too) {
    TestServer server(options());
    TlsClient client(server.port());
    client.send("GET /socket HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
    std::string answer;
    while (answer.find("\r\n\r\n") == std::string::npos) {
        std::string const piece = client.read(1);
        if (piece.empty()) break;
        answer += piece;
    }
    EXPECT_NE(answer.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos) << answer;
    client.send(std::string("\x81\x82\0\0\0\0hi", 8)); // masked with zeroes
    EXPECT_EQ(client.read(4), "\x81\x02hi");
    client.leave();
    EXPECT_TRUE(eventually([&] { return server.server().counters().connections_open == 0; }));
}

} // namespace
} // namespace haat::http::test
