// The settings of files and pictures: where they are kept and what is taken.
#include <app/settings_files.hpp>

#include <app/settings_forms.hpp>

namespace haat::app {

namespace {

#define AT(member) [](auto& config) -> auto& { return config.files.member; }

void add_store(std::vector<Setting>& all) {
    auto const add = [&](SettingNames names, auto where) {
        all.push_back(make_setting(names, where));
    };
    add({"files.directory", "HAAT_FILES_DIR UPLOAD_DIR",
         "Where the bytes of files are kept; without one, `files` in the data directory."},
        AT(directory));
    add({"s3.bucket", "HAAT_S3_BUCKET AWS_S3_BUCKET",
         "Files are kept in this bucket instead, and all nodes see the same."},
        AT(s3.bucket));
    add({"s3.endpoint", "HAAT_S3_ENDPOINT AWS_ENDPOINT_URL_S3",
         "https://host[:port] of anything that speaks S3; without one, Amazon's of the region."},
        AT(s3.endpoint));
    add({"s3.region", "AWS_REGION HAAT_S3_REGION", "Signatures are made for it."}, AT(s3.region));
    add({"s3.access_key_id", "AWS_ACCESS_KEY_ID", "Needed with a bucket."}, AT(s3.key.id));
    add({"s3.secret_access_key", "AWS_SECRET_ACCESS_KEY", "Needed with a bucket.", true},
        AT(s3.key.secret));
    add({"s3.path_style", "HAAT_S3_PATH_STYLE",
         "The bucket stands in the path, as MinIO and others want it, not in the host's name."},
        AT(s3.path_style));
}

void add_limits(std::vector<Setting>& all) {
    auto const add = [&](SettingNames names, auto where) {
        all.push_back(make_setting(names, where));
    };
    add({"files.image_bytes", "HAAT_IMAGE_BYTES", "The largest picture that is taken."},
        AT(image_bytes_max));
    add({"files.document_bytes", "HAAT_DOCUMENT_BYTES MAX_FILE_SIZE",
         "The largest other file that is taken."},
        AT(document_bytes_max));
    add({"files.batch", "HAAT_FILES_BATCH", "How many files one request may bring."},
        AT(batch_max));
    add({"files.link_lifetime", "HAAT_FILE_LINK_LIFETIME",
         "How long a link to a file, or for an upload, is good."},
        AT(link_lifetime));
    add({"pictures.memory", "HAAT_PICTURE_MEMORY",
         "Address space of the process that makes pictures; what needs more is refused."},
        AT(pictures.memory_bytes_max));
    add({"pictures.time", "HAAT_PICTURE_TIME",
         "How long one picture may take; what takes longer is refused."},
        AT(pictures.time_max));
}

#undef AT

} // namespace

void add_file_settings(std::vector<Setting>& all) {
    add_store(all);
    add_limits(all);
}

void check_files(FilesConfig const& config, std::vector<std::string>& problems) {
    files::S3Options const& s3 = config.s3;
    if (s3.bucket.empty()) return;
    if (s3.key.id.empty() || s3.key.secret.value.empty())
        problems.emplace_back("HAAT_S3_BUCKET needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY");
    bool const address = s3.endpoint.starts_with("https://") || s3.endpoint.starts_with("http://");
    if (!s3.endpoint.empty() && !address)
        problems.push_back(fmt::format("HAAT_S3_ENDPOINT must begin with https:// or http://, not "
                                       "\"{}\"",
                                       s3.endpoint));
    if (s3.region.empty()) problems.emplace_back("HAAT_S3_BUCKET needs AWS_REGION");
}

} // namespace haat::app
