// Signatures and encryption against the examples that were published with them.
#include <gtest/gtest.h>

#include <base/text_forms.hpp>
#include <outbound/crypto.hpp>
#include <outbound/push_crypto.hpp>
#include <outbound/sigv4.hpp>
#include <outbound/sms_twilio.hpp>
#include <outbound/test/world.hpp>

namespace haat::outbound::test {
namespace {

Timestamp at(std::string_view text) {
    Timestamp out;
    EXPECT_TRUE(parse(text, out)) << text;
    return out;
}

TEST(OutboundCrypto, HashesAndLetters) {
    EXPECT_EQ(hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")), // RFC 4231
              "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    EXPECT_EQ(hex(hmac_sha1("Jefe", "what do ya want for nothing?")), // RFC 2202
              "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79");
    EXPECT_EQ(md5_base64(""), "1B2M2Y8AsgTpgAmY7PhCfg==");
    EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
    EXPECT_EQ(base64_url("\xff\xfe\xfd\xfc"), "__79_A");
    std::string out;
    for (char const* const text : {"__79_A", "__79_A==", "//79/A==", "//79/A"}) {
        ASSERT_TRUE(from_base64(text, out)) << text;
        EXPECT_EQ(out, "\xff\xfe\xfd\xfc");
    }
    for (char const* const text : {"a", "a*bc", "ab=c", "Zm9vYmE=="})
        EXPECT_FALSE(from_base64(text, out) && out != "fooba") << text;
    EXPECT_TRUE(from_hex("00fF", out));
    EXPECT_EQ(out, std::string("\0\xff", 2));
    EXPECT_FALSE(from_hex("0", out));
    EXPECT_FALSE(from_hex("0g", out));
    EXPECT_TRUE(same_bytes("abc", "abc"));
    EXPECT_FALSE(same_bytes("abc", "abd"));
    EXPECT_FALSE(same_bytes("abc", "ab"));
    EXPECT_NE(random_bytes(16), random_bytes(16));
}

TEST(OutboundCrypto, MetasSignature) {
    std::string const body = R"({"object":"whatsapp_business_account","entry":[]})";
    std::string const good =
        "sha256=c236c758c9b2bd40b388a550eeca09eaca72384dd0aa5e7c31d19cddac5bba46";
    EXPECT_TRUE(signed_by_meta("app_secret", body, good));
    EXPECT_FALSE(signed_by_meta("app_secret", body + " ", good));
    EXPECT_FALSE(signed_by_meta("other", body, good));
    EXPECT_FALSE(signed_by_meta("", body, "sha256=" + hex(hmac_sha256("", body))));
    for (std::string const& bad : {std::string(), std::string("sha256="), good.substr(7),
                                   good.substr(0, 60), good + "00", "sha1=" + good.substr(7)})
        EXPECT_FALSE(signed_by_meta("app_secret", body, bad)) << bad;
}

TEST(OutboundCrypto, TwiliosSignature) { // the example of its documentation
    std::vector<Header> const fields = {{"CallSid", "CA1234567890ABCDE"},
                                        {"Caller", "+14158675309"},
                                        {"Digits", "1234"},
                                        {"From", "+14158675309"},
                                        {"To", "+18005551212"}};
    std::string const url = "https://mycompany.com/myapp.php?foo=1&bar=2";
    EXPECT_TRUE(signed_by_twilio("12345", url, fields, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    EXPECT_FALSE(signed_by_twilio("12346", url, fields, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    EXPECT_FALSE(signed_by_twilio("12345", url + "3", fields, "RSOYDt4T1cUTdK1PDd93/VVr8B8="));
    EXPECT_FALSE(signed_by_twilio("12345", url, fields, "nonsense"));
    EXPECT_FALSE(signed_by_twilio("12345", url, fields, ""));
}

// ---- AWS Signature Version 4: the published suite, and S3's documentation

AwsKey const suite_key{"AKIDEXAMPLE", {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"}, ""};
AwsScope const suite_scope{"us-east-1", "service"};

std::string suite_signature(Method method, std::string const& target,
                            std::vector<Header> headers = {}, std::string const& body = {}) {
    Request request;
    request.method = method;
    request.url = "https://example.amazonaws.com" + target;
    request.headers = std::move(headers);
    request.headers.push_back({"X-Amz-Date", "20150830T123600Z"});
    request.body = body;
    return signing_of(request, hex(sha256(body)), suite_key, suite_scope,
                      at("2015-08-30T12:36:00Z"))
        .signature;
}

TEST(OutboundSigV4, ThePublishedSuite) {
    Method const get = Method::get, post = Method::post;
    EXPECT_EQ(suite_signature(get, "/"),
              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    EXPECT_EQ(suite_signature(get, "/?Param2=value2&Param1=value1"),
              "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
    EXPECT_EQ(suite_signature(get, "/\u1234"),
              "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85");
    EXPECT_EQ(suite_signature(get, "/example/.."),
              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    EXPECT_EQ(suite_signature(get, "//"),
              "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
    EXPECT_EQ(suite_signature(post, "/"),
              "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
    EXPECT_EQ(suite_signature(post, "/?Param1=value1"),
              "28038455d6de14eafc1f9222cf5aa6f1a96197d7deb8263271d420d138af7f11");
    EXPECT_EQ(suite_signature(post, "/", {{"Content-Type", "application/x-www-form-urlencoded"}},
                              "Param1=value1"),
              "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a");
    EXPECT_EQ(
        suite_signature(get, "/", {{"My-Header1", " value1 "}, {"My-Header2", "\"a   b   c\""}}),
        "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736");
}

AwsKey const s3_key{"AKIAIOSFODNN7EXAMPLE", {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"}, ""};
AwsScope const s3_scope{"us-east-1", "s3"};

std::string authorization_of(Request const& request) {
    for (Header const& header : request.headers)
        if (header.name == "Authorization")
            return header.value.substr(header.value.find("Signature=") + 10);
    return {};
}

TEST(OutboundSigV4, TheExamplesOfS3) {
    Timestamp const time = at("2013-05-24T00:00:00Z");
    Request request;
    request.url = "https://examplebucket.s3.amazonaws.com/test.txt";
    request.headers = {{"Range", "bytes=0-9"}};
    sign(request, s3_key, s3_scope, time);
    EXPECT_EQ(authorization_of(request),
              "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");

    request = Request();
    request.method = Method::put;
    request.url = "https://examplebucket.s3.amazonaws.com/test%24file.text";
    request.headers = {{"Date", "Fri, 24 May 2013 00:00:00 GMT"},
                       {"x-amz-storage-class", "REDUCED_REDUNDANCY"}};
    request.body = "Welcome to Amazon S3.";
    sign(request, s3_key, s3_scope, time);
    EXPECT_EQ(authorization_of(request),
              "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");

    request = Request();
    request.url = "https://examplebucket.s3.amazonaws.com/?lifecycle";
    sign(request, s3_key, s3_scope, time);
    EXPECT_EQ(authorization_of(request),
              "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543");

    request.url = "https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J";
    request.headers.clear();
    sign(request, s3_key, s3_scope, time);
    EXPECT_EQ(authorization_of(request),
              "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7");
}

TEST(OutboundSigV4, AUrlThatIsGoodForAWhile) {
    Presigned what;
    what.url = "https://examplebucket.s3.amazonaws.com/test.txt";
    what.lifetime = 24h;
    EXPECT_EQ(presign(what, s3_key, s3_scope, at("2013-05-24T00:00:00Z")),
              "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
              "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
              "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
              "&X-Amz-Signature="
              "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
}

TEST(OutboundSigV4, EveryPartOfARequestIsSigned) {
    Timestamp const time = at("2020-01-01T00:00:00Z");
    std::set<std::string> signatures;
    auto const add = [&](Request request, AwsKey const& key, AwsScope const& scope) {
        sign(request, key, scope, time);
        signatures.insert(authorization_of(request));
    };
    Request base;
    base.url = "https://a.example/path";
    add(base, s3_key, s3_scope);
    add(base, {s3_key.id, {"other"}, ""}, s3_scope);
    add(base, {s3_key.id, s3_key.secret, "token"}, s3_scope);
    add(base, s3_key, {"eu-west-1", "s3"});
    add(base, s3_key, {"us-east-1", "ses"});
    for (char const* const url :
         {"https://b.example/path", "https://a.example:444/path", "https://a.example/path/",
          "https://a.example//path", "https://a.example/path?x", "https://a.example/path?x=1",
          "https://a.example/%2Fpath"}) {
        Request other = base;
        other.url = url;
        add(other, s3_key, s3_scope);
    }
    Request other = base;
    other.method = Method::remove;
    add(other, s3_key, s3_scope);
    other = base;
    other.body = "x";
    add(other, s3_key, s3_scope);
    other = base;
    other.headers = {{"X-A", "b"}};
    add(other, s3_key, s3_scope);
    EXPECT_EQ(signatures.size(), 15u);

    Request plain = base, port = base, upper = base;
    port.url = "https://a.example:443/path";
    sign(plain, s3_key, s3_scope, time);
    sign(port, s3_key, s3_scope, time);
    EXPECT_EQ(authorization_of(plain), authorization_of(port)) << "443 goes without saying";
}

// ---- web push

TEST(OutboundPush, TheExampleOfRfc8291) {
    VapidKeys const sender{"BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8"
                           "wEqKK6PBru3jl7A8",
                           {"yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"}};
    PushKeys const browser{"BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8p"
                           "ZGH6SRpkNtoIAiw4",
                           "BTBZMqHH6r4Tts7J_aSIgg"};
    std::string salt;
    ASSERT_TRUE(from_base64("DGv6ra1nlYgDCS1FRnbzlw", salt));
    auto const body =
        encrypt_push("When I grow up, I want to be a watermelon", browser, sender, salt);
    ASSERT_TRUE(body);
    EXPECT_EQ(base64_url(*body),
              "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLoc"
              "InmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLV"
              "WGNWQexSgSxsj_Qulcy4a-fN");
}

TEST(OutboundPush, KeysThatAreNone) {
    VapidKeys const keys = make_vapid_keys();
    EXPECT_TRUE(valid(keys));
    EXPECT_NE(make_vapid_keys().public_key, keys.public_key);
    EXPECT_FALSE(valid({keys.public_key, make_vapid_keys().private_key})) << "of two pairs";
    EXPECT_FALSE(valid({"", {""}}));
    EXPECT_FALSE(valid({keys.public_key, {""}}));
    EXPECT_FALSE(valid({"nonsense", keys.private_key}));

    std::string const auth = base64_url(std::string(16, 'a'));
    EXPECT_TRUE(encrypt_push("x", {keys.public_key, auth}));
    std::string point;
    ASSERT_TRUE(from_base64(keys.public_key, point));
    std::string off = point;
    off[40] = static_cast<char>(off[40] ^ 1); // a point beside the curve betrays keys
    for (PushKeys const& bad :
         {PushKeys{"", auth}, PushKeys{base64_url(off), auth},
          PushKeys{base64_url(std::string(65, '\0')), auth},
          PushKeys{base64_url(point.substr(0, 64)), auth}, PushKeys{keys.public_key, ""},
          PushKeys{keys.public_key, base64_url("short")}, PushKeys{"***", auth}})
        EXPECT_FALSE(encrypt_push("x", bad)) << bad.p256dh;
    EXPECT_TRUE(encrypt_push(std::string(push_bytes_max, 'x'), {keys.public_key, auth}));
    EXPECT_EQ(encrypt_push(std::string(push_bytes_max, 'x'), {keys.public_key, auth})->size(),
              4'096u);
    EXPECT_FALSE(encrypt_push(std::string(push_bytes_max + 1, 'x'), {keys.public_key, auth}));
}

} // namespace
} // namespace haat::outbound::test
