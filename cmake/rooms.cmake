# haat_room(name USES …): src/name/*.cpp as an OBJECT library, so that nothing in it is dropped.
# haat_module(name USES …): the same for src/modules/name; every module may use every room.
# The declared edges are written to build/…/edges.txt, which tools/tidy compares with the includes.

set_property(GLOBAL PROPERTY HAAT_OBJECTS "")
set_property(GLOBAL PROPERTY HAAT_EDGES "")

# The first of them makes the precompiled headers, the others use them too.
function(haat_precompile target)
    if(NOT HAAT_PCH)
        return()
    endif()
    if(target STREQUAL haat_base)
        target_precompile_headers(haat_base PRIVATE ${HAAT_PRECOMPILED})
    else()
        target_precompile_headers(${target} REUSE_FROM haat_base)
    endif()
endfunction()

function(haat_part kind name folder)
    cmake_parse_arguments(ARG "" "" "USES" ${ARGN})
    list(JOIN ARG_USES " " uses)
    set_property(GLOBAL APPEND PROPERTY HAAT_EDGES "${kind} ${name}: ${uses}")
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/*.cpp)
    file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/test/*.cpp)
    if(tests)
        list(REMOVE_ITEM sources ${tests})
        set_property(GLOBAL APPEND PROPERTY HAAT_TEST_SOURCES ${tests})
    endif()
    if(sources)
        add_library(haat_${name} OBJECT ${sources})
        haat_precompile(haat_${name})
        set_property(GLOBAL APPEND PROPERTY HAAT_OBJECTS haat_${name})
    endif()
endfunction()

function(haat_room name)
    haat_part(room ${name} ${name} ${ARGN})
endfunction()

function(haat_module name)
    haat_part(module ${name} modules/${name} ${ARGN})
endfunction()

# The whole program without its main(): what the tests and the fuzzers link as well.
function(haat_program)
    file(GLOB_RECURSE app CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/app/*.cpp)
    file(GLOB_RECURSE tests CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/app/test/*.cpp)
    if(tests)
        list(REMOVE_ITEM app ${tests})
        set_property(GLOBAL APPEND PROPERTY HAAT_TEST_SOURCES ${tests})
    endif()
    add_library(haat_app OBJECT ${app})
    haat_precompile(haat_app)

    # migrations/ and web/dist/ travel inside the binary.
    add_executable(embed ${CMAKE_SOURCE_DIR}/tools/embed.cpp)
    file(GLOB_RECURSE embedded CONFIGURE_DEPENDS
         ${CMAKE_SOURCE_DIR}/migrations/*.sql ${CMAKE_SOURCE_DIR}/web/dist/*)
    # Their list is a file too, so that one that was taken away is noticed.
    list(JOIN embedded "\n" embedded_list)
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/embedded.list CONTENT "${embedded_list}\n")
    add_custom_command(
        OUTPUT ${CMAKE_BINARY_DIR}/embedded.S
        COMMAND embed ${CMAKE_BINARY_DIR}/embedded.S ${CMAKE_SOURCE_DIR} migrations web/dist
        DEPENDS embed ${embedded} ${CMAKE_BINARY_DIR}/embedded.list VERBATIM)
    add_library(haat_embedded OBJECT ${CMAKE_BINARY_DIR}/embedded.S)

    get_property(objects GLOBAL PROPERTY HAAT_OBJECTS)
    set_property(GLOBAL PROPERTY HAAT_ALL ${objects} haat_app haat_embedded)
    add_executable(haat ${CMAKE_SOURCE_DIR}/src/main.cpp)
    target_link_libraries(haat ${objects} haat_app haat_embedded ${HAAT_LIBRARIES})

    get_property(edges GLOBAL PROPERTY HAAT_EDGES)
    list(JOIN edges "\n" text)
    file(GENERATE OUTPUT ${CMAKE_BINARY_DIR}/edges.txt CONTENT "${text}\n")
endfunction()

# The house's own lint: no Boost, so that it is there in seconds.
function(haat_tidy)
    file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/tools/tidy/*.cpp)
    add_executable(tidy EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/tools/tidy.cpp ${sources})
    target_include_directories(tidy PRIVATE ${CMAKE_SOURCE_DIR})
endfunction()

# One test binary: test/ and the test folders of rooms and modules.
function(haat_tests)
    get_property(sources GLOBAL PROPERTY HAAT_TEST_SOURCES)
    get_property(all GLOBAL PROPERTY HAAT_ALL)
    file(GLOB_RECURSE shared CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/test/*.cpp)
    add_executable(haat_tests EXCLUDE_FROM_ALL ${shared} ${sources})
    target_include_directories(haat_tests PRIVATE ${CMAKE_SOURCE_DIR})
    target_compile_definitions(haat_tests PRIVATE HAAT_TESTING=1)
    if(HAAT_PCH)
        target_precompile_headers(haat_tests PRIVATE ${HAAT_PRECOMPILED} <gmock/gmock.h>
                                  <gtest/gtest.h>)
    endif()
    set_source_files_properties(${CMAKE_SOURCE_DIR}/test/harness/paths.cpp PROPERTIES
        COMPILE_DEFINITIONS
        "HAAT_SOURCE_DIR=\"${CMAKE_SOURCE_DIR}\";HAAT_BINARY_DIR=\"${CMAKE_BINARY_DIR}\"")
    target_link_libraries(haat_tests ${all} ${HAAT_LIBRARIES} GTest::gtest GTest::gmock)
    add_dependencies(haat_tests tidy haat) # both are run by tests
endfunction()

# Every file of fuzz/ is one libFuzzer program, linked with all of haat: `fuzzers` builds them.
function(haat_fuzzers)
    if(NOT HAAT_FUZZ)
        return()
    endif()
    get_property(all GLOBAL PROPERTY HAAT_ALL)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/fuzz/*.cpp)
    add_custom_target(fuzzers)
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        add_executable(fuzz_${name} EXCLUDE_FROM_ALL ${source})
        target_include_directories(fuzz_${name} PRIVATE ${CMAKE_SOURCE_DIR})
        target_link_libraries(fuzz_${name} ${all} ${HAAT_LIBRARIES})
        target_link_options(fuzz_${name} PRIVATE -fsanitize=fuzzer)
        add_dependencies(fuzzers fuzz_${name})
    endforeach()
endfunction()

# Every bench/NAME_bench.cpp is one Google Benchmark program, which bench/run builds and runs.
function(haat_benches)
    get_property(all GLOBAL PROPERTY HAAT_ALL)
    file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/bench/*_bench.cpp)
    foreach(source ${sources})
        get_filename_component(name ${source} NAME_WE)
        add_executable(${name} EXCLUDE_FROM_ALL ${source})
        target_link_libraries(${name} ${all} ${HAAT_LIBRARIES} benchmark)
    endforeach()
    add_executable(pace EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/pace.cpp)
    # Beside pgbench, by hand: it makes its own cluster and takes a minute.
    add_executable(pg_reader EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/pg_reader.cpp)
    target_link_libraries(pg_reader ${all} ${HAAT_LIBRARIES})
    # Beside redis-benchmark: bench/redis builds and runs it.
    add_executable(kv_redis EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/kv_redis.cpp)
    target_link_libraries(kv_redis ${all} ${HAAT_LIBRARIES})
    # Beside other job queues, by hand as well.
    add_executable(jobs_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/jobs.cpp)
    target_link_libraries(jobs_bench ${all} ${HAAT_LIBRARIES})
    # Outbox to handler and to Kafka's mock cluster, likewise.
    add_executable(events_dispatch EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/events.cpp)
    target_link_libraries(events_dispatch ${all} ${HAAT_LIBRARIES})
    # A burst of events to many receivers, some of them dead, likewise.
    add_executable(webhooks_burst EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/webhooks_burst.cpp)
    target_include_directories(webhooks_burst PRIVATE ${CMAKE_SOURCE_DIR})
    target_link_libraries(webhooks_burst ${all} ${HAAT_LIBRARIES})
    # Pictures in smaller sizes, beside sharp: bench/pictures/run.
    add_executable(pictures_bench EXCLUDE_FROM_ALL ${CMAKE_SOURCE_DIR}/bench/pictures.cpp)
    target_link_libraries(pictures_bench ${all} ${HAAT_LIBRARIES})
endfunction()
