// AWS Signature Version 4: headers for a request, or a URL that is good for a while.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include <base/words.hpp>
#include <outbound/client.hpp>

namespace haat::outbound {

struct AwsKey {
    std::string id;
    Secret<0, 255> secret;
    std::string session_token = {}; // of temporary keys
};

struct AwsScope {
    std::string region;
    std::string service;
    /// S3 takes a path as it stands; the others want it normalized and encoded once more.
    bool s3() const { return service == "s3"; }
};

/// What stands for a body whose hash is not known, over TLS.
inline constexpr std::string_view unsigned_payload = "UNSIGNED-PAYLOAD";

/// Adds X-Amz-Date, X-Amz-Content-Sha256 (S3), X-Amz-Security-Token and Authorization. The URL's
/// path and query are percent-encoded already. `payload_hash`: hex, or unsigned_payload; empty:
/// of request.body. Do it last: every header that is there is signed.
void sign(Request& request, AwsKey const& key, AwsScope const& scope, Timestamp at,
          std::string payload_hash = {});

struct Presigned {
    Method method = Method::get;
    std::string url;
    std::chrono::seconds lifetime{900};
    std::vector<Header> headers = {}; // that whoever uses the URL must send as well
};
std::string presign(Presigned const& what, AwsKey const& key, AwsScope const& scope, Timestamp at);

/// The steps between, for tests and for finding out why a signature is refused.
struct Signing {
    std::string canonical_request;
    std::string string_to_sign;
    std::string signed_headers;
    std::string signature;
};
Signing signing_of(Request const& request, std::string const& payload_hash, AwsKey const& key,
                   AwsScope const& scope, Timestamp at);

} // namespace haat::outbound
