# Every target works on a bare Debian 12 machine: what is missing is installed by ./setup first.
.DEFAULT_GOAL := help
.PHONY: help demo demo-cluster demo-crash build test test-full bench format tidy generate cluster-up cluster-down clean

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo:  ## the first agent, from nothing, on this machine alone; FLAGS="--base-url URL --model NAME" for a real provider
	@tools/build sympozium && tools/demo $(FLAGS)

demo-cluster:  ## the same on a stock Kubernetes control plane, with our node
	@tools/build sympozium && tools/demo cluster $(FLAGS)

demo-crash:  ## a run of ten steps while a random process dies every second, and what that cost
	@tools/build sympozium && tools/demo-crash $(FLAGS)

build:  ## build programs and tests (preset dev)
	@tools/build

test: build  ## the fast tests: unit, contract against our own server, tidy
	@tools/test 'fast|contract'

test-full:  ## everything CI runs: format, tidy, all suites, sanitizers, the real Kubernetes
	@tools/test-full

bench:  ## measure the shipped programs beside their peers, ten minutes; a table and build/bench.json
	@tools/bench

format:  ## format all sources in place
	@./setup && git ls-files '*.h' '*.cpp' | xargs clang-format-19 -i

tidy:  ## layering, banned calls, READMEs, generated files, every honoured field tested
	@tools/build sympozium-generate fields_test && tools/test tidy

generate:  ## write generated/ anew from the field tables
	@tools/generate

cluster-up:  ## a real Kubernetes control plane on loopback (built once, about ten minutes)
	@test/cluster/up

cluster-down:  ## end it
	@test/cluster/down

clean:  ## remove build results
	@rm -rf build
