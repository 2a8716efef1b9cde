#include <app/commands/commands.hpp>

#include <cstdio>

#ifndef HAAT_VERSION
#error "CMakeLists.txt gives the version"
#endif

namespace haat::app {

int version(Invocation const& invocation) {
    if (invocation.json)
        std::printf("{\"version\":\"%s\",\"compiler\":\"%s\"}\n", HAAT_VERSION, __VERSION__);
    else
        std::printf("haat %s (%s)\n", HAAT_VERSION, __VERSION__);
    return 0;
}

} // namespace haat::app
