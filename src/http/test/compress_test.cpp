#include <gtest/gtest.h>

#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <http/compress.hpp>
#include <http/test/test_server.hpp>

namespace haat::http::test {
namespace {

std::string decode(std::string_view coding, std::string const& bytes, std::size_t size) {
    std::string out(size + 1, '\0');
    std::size_t count = out.size();
    if (coding == "gzip") {
        z_stream stream{};
        inflateInit2(&stream, 15 + 16);
        stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
        stream.avail_in = static_cast<uInt>(bytes.size());
        stream.next_out = reinterpret_cast<Bytef*>(out.data());
        stream.avail_out = static_cast<uInt>(out.size());
        bool const good = inflate(&stream, Z_FINISH) == Z_STREAM_END;
        count = good ? stream.total_out : 0;
        inflateEnd(&stream);
    } else if (coding == "br") {
        if (BrotliDecoderDecompress(
                bytes.size(), reinterpret_cast<std::uint8_t const*>(bytes.data()), &count,
                reinterpret_cast<std::uint8_t*>(out.data())) != BROTLI_DECODER_RESULT_SUCCESS)
            count = 0;
    } else if (coding == "zstd") {
        count = ZSTD_decompress(out.data(), out.size(), bytes.data(), bytes.size());
        if (ZSTD_isError(count)) count = 0;
    } else
        return bytes;
    out.resize(count);
    return out;
}

TEST(Compression, every_coding_comes_back_the_same_small_and_large) {
    TestServer server;
    for (std::string_view const coding : {"gzip", "br", "zstd"})
        for (std::size_t const size : {1024U, 20'000U, 500'000U}) {
            RawResponse const response = server.get(fmt::format("/text?{}", size),
                                                    fmt::format("Accept-Encoding: {}\r\n", coding));
            EXPECT_EQ(response.header("Content-Encoding"), coding);
            EXPECT_EQ(response.header("Vary"), "Accept-Encoding");
            EXPECT_LT(response.body.size(), size / 2);
            EXPECT_TRUE(decode(coding, response.body, size) == TestService::text(size));
        }
}

TEST(Compression, the_client_chooses) {
    struct Case {
        char const* accept;
        Coding coding;
    };
    for (Case const& c : std::initializer_list<Case>{{"", Coding::identity},
                                                     {"gzip", Coding::gzip},
                                                     {"GZIP", Coding::gzip},
                                                     {"x-gzip", Coding::gzip},
                                                     {"gzip, deflate, br", Coding::brotli},
                                                     {"gzip, deflate, br, zstd", Coding::zstd},
                                                     {"gzip;q=1.0, br;q=0.5", Coding::gzip},
                                                     {"gzip;q=0.3, br;q=0.35", Coding::brotli},
                                                     {"gzip ; q=0.3 , zstd ; q=0.2", Coding::gzip},
                                                     {"br;q=0, gzip", Coding::gzip},
                                                     {"*", Coding::zstd},
                                                     {"*;q=0", Coding::identity},
                                                     {"zstd;q=0, *", Coding::brotli},
                                                     {"identity, gzip;q=0.5", Coding::identity},
                                                     {"identity;q=0.1, gzip;q=0.5", Coding::gzip},
                                                     {"gzip;q=nonsense", Coding::identity},
                                                     {"deflate", Coding::identity},
                                                     {",,;q=,gzip", Coding::gzip}})
        EXPECT_EQ(choose_coding(c.accept), c.coding) << c.accept;
}

TEST(Compression, only_where_it_helps_and_is_allowed) {
    TestServer server;
    char const any[] = "Accept-Encoding: gzip\r\n";
    EXPECT_EQ(server.get("/text?1023", any).header("Content-Encoding"), "");
    EXPECT_EQ(server.get("/text?1024", any).header("Content-Encoding"), "gzip");
    RawResponse const plain = server.get("/text?5000");
    EXPECT_EQ(plain.header("Content-Encoding"), "");
    EXPECT_EQ(plain.header("Vary"), "Accept-Encoding") << "caches must keep the forms apart";
    RawResponse const ours = server.get("/coded", any);
    EXPECT_EQ(ours.header("Content-Encoding"), "x-ours");
    EXPECT_EQ(ours.body, TestService::text(4096));
    EXPECT_FALSE(worth_compressing("image/png"));
    EXPECT_FALSE(worth_compressing("text/event-stream"));
    EXPECT_TRUE(worth_compressing("application/problem+json; charset=utf-8"));
}

TEST(Compression, a_strong_tag_becomes_weak) {
    TestServer server;
    EXPECT_EQ(server.get("/tagged").header("ETag"), "\"strong\"");
    EXPECT_EQ(server.get("/tagged", "Accept-Encoding: br\r\n").header("ETag"), "W/\"strong\"");
}

TEST(Compression, a_shared_body_is_compressed_once) {
    TestServer server({}, 1);
    auto const first = server.get("/shared", "Accept-Encoding: zstd\r\n");
    std::string* const form = &server.service().shared->zstd;
    char const* const made = form->data();
    auto const second = server.get("/shared", "Accept-Encoding: zstd\r\n");
    EXPECT_EQ(form->data(), made);
    EXPECT_EQ(first.body, *form);
    EXPECT_EQ(second.body, *form);
    EXPECT_EQ(decode("zstd", *form, 4096), TestService::text(4096));
    EXPECT_EQ(server.get("/shared").body, TestService::text(4096));
}

} // namespace
} // namespace haat::http::test
