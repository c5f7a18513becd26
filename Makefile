# `make` lists the tasks.
SHELL := /bin/bash
NODE := scripts/node.sh
DATA_DIR ?= $(or $(XDG_DATA_HOME),$(HOME)/.local/share)/sori
LISTEN ?= 127.0.0.1:8000
export CARGO_TERM_COLOR ?= auto

.PHONY: help run test setup setup-test assets web build lint fmt openapi types bench e2e fuzz-api

help: ## List the tasks
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

run: setup assets web ## Install what is missing, build, and serve on http://127.0.0.1:8000
	cargo build --release --locked
	target/release/sori serve --data-dir "$(DATA_DIR)" --listen $(LISTEN)

test: setup-test assets web ## Run every check and test
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings
	SORI_REQUIRE_ASSETS=1 cargo test --workspace --locked --no-fail-fast
	cd web && ../$(NODE) npm run check && ../$(NODE) npm test && ../$(NODE) npm run size
	scripts/e2e.sh

setup:
	@scripts/setup.sh run

setup-test:
	@scripts/setup.sh test
	@scripts/provider.sh

assets: setup ## Fetch the voices, verified by checksum
	@SORI_NPM="$(CURDIR)/$(NODE) npm" python3 scripts/assets.py fetch

web: setup ## Build the web app
	@scripts/web.sh

build: web ## Build the release binary
	cargo build --release --locked

lint: ## Formatting and lints
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt: ## Format everything
	cargo fmt --all

openapi: ## Write the OpenAPI document and the web app's types from it
	cargo run --quiet -- openapi > crates/server/openapi.json.part
	mv crates/server/openapi.json.part crates/server/openapi.json
	cd web && ../$(NODE) npm run types

e2e: web ## Only the browser test
	scripts/e2e.sh

fuzz-api: build assets ## Send ten thousand cases over the OpenAPI document, as every role
	scripts/fuzz_api.py --cases 10000

bench: setup assets ## Measure, and print tables for docs/benchmarks.md
	bench/run.sh
