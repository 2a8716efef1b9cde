// Forms: fields, files, limits; the same whatever the pieces.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include <base/clock.hpp>
#include <http/multipart.hpp>
#include <loop/loop.hpp>
#include <pg/test/run_loop.hpp>

namespace haat::http {
namespace {

using test::run;

std::string const two_parts =
    "--b\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nBlue \"pen\"\r\n"
    "--b\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a;b.png\"\r\n"
    "Content-Type: image/png\r\n\r\n\x89PNG\r\n--ax\r\n--b--\r\n";

class Recorder final : public FormSink {
public:
    std::string seen;
    void begin_field(std::string_view name) override { seen.append("[").append(name).append("]"); }
    void begin_file(std::string_view name, std::string_view file, std::string_view type) override {
        seen.append("[").append(name).append("|").append(file).append("|").append(type).append("]");
    }
    void data(std::string_view piece) override { seen += piece; }
    void end_part() override { seen += '.'; }
};

std::string parse(std::string_view body, std::size_t step, FormLimits limits = {}) {
    Recorder recorder;
    try {
        FormParser parser("b", limits, recorder);
        for (std::size_t at = 0; at < body.size(); at += step) parser.feed(body.substr(at, step));
        parser.finish();
    } catch (Refusal const& refusal) {
        return std::string(refusal.code());
    }
    return recorder.seen;
}

TEST(Multipart, PartsAreTheSameWhateverThePieces) {
    for (std::size_t step : {1ul, 2ul, 3ul, 10ul, 1'000ul})
        EXPECT_EQ(parse(two_parts, step),
                  "[title]Blue \"pen\".[photo|a;b.png|image/png]\x89PNG\r\n--ax.")
            << step;
}

TEST(Multipart, AnEmptyPartIsEmpty) {
    EXPECT_EQ(parse("--b\r\nContent-Disposition: form-data; name=x\r\n\r\n\r\n--b--", 1), "[x].");
}

TEST(Multipart, WhatCannotBeToldApartIsRefused) {
    EXPECT_EQ(parse("", 1), "MALFORMED_FORM");
    EXPECT_EQ(parse("--b\r\n", 1), "MALFORMED_FORM");
    EXPECT_EQ(parse("--bc\r\n\r\n", 1), "MALFORMED_FORM");
    EXPECT_EQ(parse("--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--", 9),
              "MALFORMED_FORM");
    EXPECT_EQ(parse("--b\r\nNonsense\r\n\r\nx\r\n--b--", 9), "MALFORMED_FORM");
    EXPECT_EQ(parse(two_parts.substr(0, two_parts.size() - 6), 5), "MALFORMED_FORM");
    EXPECT_EQ(parse("--b\r\n" + std::string(9'000, 'h'), 100), "MALFORMED_FORM");
}

TEST(Multipart, LimitsHaveTheirOwnCodes) {
    FormLimits limits;
    limits.field_bytes_max = 4;
    EXPECT_EQ(parse(two_parts, 7, limits), "FIELD_TOO_LARGE");
    limits = {};
    limits.file_bytes_max = 4;
    EXPECT_EQ(parse(two_parts, 7, limits), "FILE_TOO_LARGE");
    limits = {};
    limits.parts_max = 1;
    EXPECT_EQ(parse(two_parts, 7, limits), "TOO_MANY_PARTS");
    limits = {};
    limits.files_max = 0;
    EXPECT_EQ(parse(two_parts, 7, limits), "TOO_MANY_PARTS");
}

TEST(Multipart, TheBoundaryIsReadFromTheHeader) {
    EXPECT_EQ(boundary_of("multipart/form-data; boundary=abc"), "abc");
    EXPECT_EQ(boundary_of("Multipart/Form-Data; charset=x; boundary=\"a b\""), "a b");
    EXPECT_EQ(boundary_of("multipart/form-data"), "");
    EXPECT_EQ(boundary_of("multipart/mixed; boundary=abc"), "");
    EXPECT_EQ(boundary_of("multipart/form-data; boundary=" + std::string(71, 'x')), "");
}

/// Gives the body in pieces, as the engine would.
class Pieces final : public BodyStream {
public:
    Pieces(std::string_view body, std::size_t step) : rest_(body), step_(step) {}
    Task<std::string_view> next() override {
        std::string_view const piece = rest_.substr(0, step_);
        rest_.remove_prefix(piece.size());
        co_return piece;
    }

private:
    std::string_view rest_;
    std::size_t step_;
};

class UploadTest : public testing::Test {
protected:
    UploadTest() : folder_(std::filesystem::temp_directory_path() / to_string(new_uuid())) {
        std::filesystem::create_directory(folder_);
    }
    ~UploadTest() override { std::filesystem::remove_all(folder_); }
    std::size_t files() const {
        return static_cast<std::size_t>(
            std::distance(std::filesystem::directory_iterator(folder_), {}));
    }
    Task<Form> read(std::string_view body, FormLimits limits) {
        stream_ = std::make_unique<Pieces>(body, 9);
        request_.headers = headers_;
        request_.stream = stream_.get();
        return read_form(request_, workers_, folder_, limits);
    }
    std::filesystem::path folder_;
    Workers workers_{1};
    Header headers_[1] = {{"Content-Type", "multipart/form-data; boundary=b"}};
    Request request_;
    std::unique_ptr<Pieces> stream_;
    Loop loop_;
};

TEST_F(UploadTest, FilesLieOnDiskUntilTheyAreDropped) {
    {
        Form const form = run(loop_, read(two_parts, {}));
        ASSERT_EQ(form.files.size(), 1u);
        EXPECT_EQ(form.fields.at(0).value, "Blue \"pen\"");
        EXPECT_EQ(form.files[0].name(), "a;b.png");
        EXPECT_EQ(form.files[0].size(), 10u);
        std::ifstream file(form.files[0].path(), std::ios::binary);
        std::string const bytes{std::istreambuf_iterator<char>(file), {}};
        EXPECT_EQ(bytes, "\x89PNG\r\n--ax");
        EXPECT_EQ(files(), 1u);
    }
    EXPECT_EQ(files(), 0u);
}

TEST_F(UploadTest, ARefusedFormLeavesNothingBehind) {
    FormLimits limits;
    limits.file_bytes_max = 4;
    EXPECT_THROW(run(loop_, read(two_parts, limits)), Refusal);
    EXPECT_THROW(run(loop_, read(two_parts.substr(0, 170), {})), Refusal);
    EXPECT_EQ(files(), 0u);
}

} // namespace
} // namespace haat::http
