# Plenum: every command a developer or CI needs. `make help` lists them.
#
#   make run     build the server in release mode with the web app inside, and start it
#   make test    everything: lint-free compile, Rust tests on both databases, web tests, whole-product tests
#
# Settings of the server are environment variables (PLENUM_HTTP_PORT=7900 make run) or options (make run ARGS="--http-port 7900").

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
TARGET := $(abspath $(or $(CARGO_TARGET_DIR),target))
export CARGO_TARGET_DIR := $(TARGET)
# Tools that are installed for this checkout only (a newer Node.js, where the system's is too old).
export PATH := $(CURDIR)/target/tools/node_modules/.bin:$(PATH)

.PHONY: help run build web setup setup-test test test-rust test-web test-product lint fmt bench fuzz doc clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 22

run: build ## build everything in release mode and start the server
	$(TARGET)/release/plenum $(ARGS)

build: setup web ## leave target/release/plenum with the web app embedded
	$(CARGO) build --release --locked --bin plenum

setup:
	@scripts/setup build

setup-test:
	@scripts/setup test

web: setup ## build the web app into web/dist
	@scripts/web build

test: setup-test ## every test: Rust, web app, whole product
	@scripts/test all

test-rust: setup-test ## the Rust tests, with PostgreSQL and Redis beside them
	@scripts/test rust

test-web: setup ## the web app's types, lint and unit tests
	@scripts/test web

test-product: setup-test ## a real server, real browsers and real SDKs
	@scripts/test product

lint: setup ## formatting, clippy, docs, licences, web types and lint
	@scripts/lint

fmt: ## format the Rust code
	$(CARGO) fmt --all

bench: ## benchmarks of the engine and of the API (on PostgreSQL with PLENUM_TEST_POSTGRES_URL)
	$(CARGO) bench --workspace --locked

fuzz: ## run every fuzz target for a minute (needs cargo-fuzz and a nightly compiler)
	@scripts/fuzz

doc: ## API documentation of our own crates
	$(CARGO) doc --workspace --no-deps --locked --document-private-items

clean: ## remove everything that was built
	rm -rf target web/dist web/node_modules tests/*/node_modules
