// Any bytes as a form, in pieces of any size: no crash, and the pieces' sizes change nothing.
#include <cstdlib>

#include <http/multipart.hpp>

namespace {

using namespace haat;

class Recorder final : public http::FormSink {
public:
    std::string seen;
    void begin_field(std::string_view name) override { seen.append("F").append(name).append("="); }
    void begin_file(std::string_view name, std::string_view file, std::string_view type) override {
        seen.append("B").append(name).append(";").append(file).append(";").append(type).append("=");
    }
    void data(std::string_view piece) override { seen += piece; }
    void end_part() override { seen += "."; }
};

std::string parse(std::string_view body, std::size_t step) {
    Recorder recorder;
    http::FormLimits limits;
    limits.field_bytes_max = 1'000;
    limits.file_bytes_max = 2'000;
    try {
        http::FormParser parser("xyz", limits, recorder);
        for (std::size_t at = 0; at < body.size(); at += step) parser.feed(body.substr(at, step));
        parser.finish();
    } catch (Refusal const& refusal) {
        return std::string(refusal.code());
    }
    return recorder.seen;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(unsigned char const* data, std::size_t size) {
    std::string_view const body(reinterpret_cast<char const*>(data), size);
    std::string const whole = parse(body, size + 1);
    if (parse(body, 1) != whole || parse(body, 7) != whole) std::abort();
    return 0;
}
