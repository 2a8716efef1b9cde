// pictures_bench FILE [rounds]: makes all sizes of one JPEG again and again, as the job does, in
// the process that makes pictures; prints the milliseconds of each. bench/pictures/run puts sharp
// beside it.
#include <chrono>
#include <cstdio>
#include <fstream>
#include <iterator>

#include <boost/asio/io_context.hpp>

#include <files/pictures.hpp>
#include <loop/loop.hpp>

namespace {

using namespace haat;
using Steady = std::chrono::steady_clock;

Task<void> measure(Loop& loop, files::PictureMaker& maker, std::string const& original,
                   int rounds) {
    files::Media const& jpeg = *files::media_of("image/jpeg");
    for (int i = 0; i < rounds; ++i) {
        auto const begin = Steady::now();
        std::vector<files::Picture> const pictures = co_await maker.make(original, jpeg);
        std::chrono::duration<double, std::milli> const took = Steady::now() - begin;
        if (i == 0)
            for (files::Picture const& one : pictures)
                std::fprintf(stderr, "%s %dx%d %zu bytes\n", one.media->type.data(), one.width,
                             one.height, one.bytes.size());
        std::printf("%.1f\n", took.count());
    }
    loop.stop();
}

} // namespace

int main(int count, char** words) {
    if (files::is_picture_child(count, words)) return files::picture_child(words);
    if (count < 2) {
        std::fprintf(stderr, "pictures_bench FILE [rounds]\n");
        return 2;
    }
    std::ifstream in(words[1], std::ios::binary);
    std::string const original((std::istreambuf_iterator<char>(in)), {});
    int const rounds = count > 2 ? std::atoi(words[2]) : 10;
    Loop loop;
    files::PictureMaker maker{files::PictureOptions{}};
    loop.post([&] { detach(measure(loop, maker, original, rounds)); });
    loop.run();
    return 0;
}
