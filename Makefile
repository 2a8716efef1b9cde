# Everything haat is asked to do from a checkout. `make help` lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# A miss is compiled at once, not preprocessed first.
export CCACHE_DEPEND := 1
RELEASE := build/release
# What decides whether the pages must be built again.
PAGES := $(shell find web -path web/node_modules -prune -o -path web/dist -prune -o -type f -print \
           2>/dev/null)

.PHONY: help setup run build test asan-test soak check bench stats lint format clean web

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

setup: ## install the Debian packages that are missing
	@tools/setup

run: build ## set up, build and serve with demo data; Ctrl-C stops everything
	@HAAT_DEMO="$${HAAT_DEMO-1}" exec $(RELEASE)/haat serve

build: $(RELEASE)/build.ninja web ## build build/release/haat
	@ninja -C $(RELEASE) --quiet haat

test: $(RELEASE)/build.ninja web ## build and run every test; ends with "N passed, N failed"
	@ninja -C $(RELEASE) --quiet haat haat_tests
	@tools/test-peers
	@tools/run-tests $(RELEASE)/haat_tests

asan-test: build/asan/build.ninja web ## every test under AddressSanitizer and UBSan
	@ninja -C build/asan --quiet haat haat_tests
	@tools/test-peers
	@tools/run-tests build/asan/haat_tests

soak: $(RELEASE)/build.ninja web ## what takes long: a million requests with flat memory, two minutes of kill -9
	@ninja -C $(RELEASE) --quiet haat haat_tests
	@HAAT_SOAK=1 tools/run-tests $(RELEASE)/haat_tests --filter '*SoakTest*' --silence 3600

check: asan-test build/tsan/build.ninja build/fuzz/build.ninja ## sanitizers, and every fuzzer for a minute
	@ninja -C build/tsan --quiet haat_tests
	@tools/test-peers
	@tools/run-tests build/tsan/haat_tests --filter '*Concurrent*'
	@ninja -C build/fuzz --quiet fuzzers
	@tools/run-fuzzers build/fuzz 60

bench: build ## measure against the peers and write docs/benchmarks.md
	@bench/run

stats: build ## what an endpoint costs, in lines and compile seconds
	@tools/stats

lint: $(RELEASE)/build.ninja ## formatting, clang-tidy and the house's own rules
	@tools/lint

format: setup ## put every C++ file into the house format
	@git ls-files -co --exclude-standard '*.cpp' '*.hpp' | xargs -r clang-format-16 -i

clean: ## remove what was built (data in var/ stays)
	@rm -rf build web/dist

# Ninja runs CMake again by itself when a CMakeLists changes; presets it does not know.
build/%/build.ninja: CMakePresets.json | setup
	@cmake --preset $* --log-level=WARNING
	@touch $@

# The pages need npm; without it (no network) haat still builds and serves plain ones.
web: build/.web-built
build/.web-built: $(PAGES) | setup
	@tools/build-web
