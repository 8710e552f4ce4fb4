# Every target works on a bare Debian 12 machine: what is missing is installed by ./setup first.
.DEFAULT_GOAL := help
.PHONY: help build test test-full test-asan test-tsan demo demo-cluster bench format tidy generate cluster-up cluster-down clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build:  ## build programs and tests (preset dev)
	@tools/build

test: build  ## the fast tests: unit, contract against our own server, tidy
	@tools/test fast

test-full:  ## everything CI runs: format, tidy, all suites, sanitizers, the real Kubernetes
	@tools/test-full

format:  ## format all sources in place
	@./setup && git ls-files '*.h' '*.cpp' | xargs clang-format-19 -i

tidy: build  ## layering, banned calls, generated files, folder READMEs
	@tools/test tidy

generate: ## write generated/ anew from the field tables
	@tools/build sympozium-generate && build/dev/bin/sympozium-generate generated

cluster-up:  ## a real Kubernetes control plane on loopback (built once, about ten minutes)
	@test/cluster/up

cluster-down:  ## end it
	@test/cluster/down

clean:  ## remove build results
	@rm -rf build
