# What is needed besides Rust is installed into ignored folders (.tools, node_modules); nothing needs root.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test ci fmt lint unit doc interop-setup interop page lambda bench-lambda package aws deploy-test packaging observability image-parts bench fuzz deny advisories image up smoke test-dynamodb-local

TOOLS := $(CURDIR)/.tools
TESTS := tests/packaging
DEPLOY := tests/deploy
# A tool is where its version says, so that a new version is installed and an old one is not mistaken for it.
DENY := $(TOOLS)/cargo-deny-0.20.2
ACTIONLINT := $(TOOLS)/actionlint-1.7.12
PYTHON := $(TOOLS)/python
PROMETHEUS := $(TOOLS)/prometheus
CHROMIUM := $(TOOLS)/chromium
BROWSER := tests/page/node_modules
FUZZ := $(TOOLS)/cargo-fuzz-0.13.2

include deploy/ecs/Makefile

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1\t\2/p' $(MAKEFILE_LIST) | expand -t 22

demo: ## everything in one process: a simulated LaunchDarkly, an embedded DynamoDB, the relay
	cargo run --release --locked -- demo

test: ## everything that CI runs; what is missing on this machine is named and counted
	@rm -f target/skipped
	@for part in lint unit doc packaging interop page lambda aws deploy-test observability deny image-parts smoke; do $(MAKE) --no-print-directory $$part; done
	@touch target/skipped; echo "all parts passed, $$(wc -l < target/skipped) skipped"; cat target/skipped

ci: ## the same, as CI runs it
	.ci/run

fmt: ## format the code
	cargo fmt --all

lint: ## format and clippy, warnings denied: with everything, and as the image is built
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets --all-features -- -D warnings
	cargo clippy --locked --no-default-features -- -D warnings

unit: ## unit, property and end-to-end tests: needs Rust and nothing else
	cargo test --locked --workspace

doc: ## the code's documentation, warnings denied
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

interop-setup: ## install LaunchDarkly's SDKs for Python, Node and Go, and build the reader with that for Rust
	tests/interop/setup

interop: interop-setup ## LaunchDarkly's own SDKs read what the relay wrote
	cargo test --locked --workspace --features interop --test interop

lambda: ## the Lambdas of examples/lambda, each run against a table that the relay wrote
	examples/lambda/setup
	cargo test --locked --workspace --features interop --test lambda
	python3 -B tests/lambda/package.py

package: ## the Lambdas' archives, in target/lambda: ARCH=arm64 or amd64, this machine's unless you say otherwise; LANGUAGES="rust go"
	@ARCH='$(ARCH)' TARGET='$(TARGET)' examples/lambda/package $(LANGUAGES)

aws: ## keys that rotate at AWS, which moto imitates, and the relay as the task definition starts it
	$(TESTS)/with python3 "apt-get install python3-venv" $(MAKE) --no-print-directory $(PYTHON)
	@if [ -x $(PYTHON)/bin/moto_server ]; then cargo test --locked --workspace --features interop --test aws; fi

deploy-test: ## the templates for AWS, what make asks there, and the manifest for Kubernetes
	$(TESTS)/with python3 "apt-get install python3-venv" $(MAKE) --no-print-directory $(PYTHON)
	@if [ -x $(PYTHON)/bin/moto_server ]; then $(DEPLOY)/run $(PYTHON)/bin; fi

observability: ## Prometheus' rules and Grafana's dashboard, against a running relay that a real Prometheus scrapes
	$(TESTS)/with python3 "apt-get install python3-venv" $(MAKE) --no-print-directory $(PYTHON)
	$(TESTS)/with apt-get "a Debian system" $(MAKE) --no-print-directory $(PROMETHEUS)
	@if [ -x $(PROMETHEUS)/usr/bin/prometheus ] && [ -x $(PYTHON)/bin/python ]; then \
	    cargo build --locked; \
	    $(PYTHON)/bin/python tests/observability/files.py $(PROMETHEUS); \
	    $(PYTHON)/bin/python tests/observability/live.py $(PROMETHEUS); fi

page: ## the status page in a real browser
	$(TESTS)/with npm "apt-get install nodejs npm" $(MAKE) --no-print-directory $(BROWSER)
	@if ! command -v chromium >/dev/null; then $(TESTS)/with apt-get "a Debian system" $(MAKE) --no-print-directory $(CHROMIUM); fi
	@if [ -d $(BROWSER) ] && { [ -d $(CHROMIUM) ] || command -v chromium >/dev/null; }; then \
	    cargo test --locked --features interop --test page; fi

packaging: $(PYTHON) $(ACTIONLINT) ## Dockerfile, compose file, workflows, scripts and the crate to be published
	$(PYTHON)/bin/hadolint Dockerfile
	cargo package --quiet --locked --allow-dirty --no-verify --package launchdarkly-server-sdk-dynamodb
	$(PYTHON)/bin/shellcheck .ci/run $(TESTS)/skip $(TESTS)/with $(TESTS)/smoke $(TESTS)/debian $(TESTS)/dynamodb-local fuzz/run deploy/ecs/stack $(DEPLOY)/run examples/lambda/package examples/lambda/setup
	@if [ -x $(ACTIONLINT)/actionlint ]; then $(ACTIONLINT)/actionlint -shellcheck $(PYTHON)/bin/shellcheck; fi
	$(TESTS)/with go "apt-get install golang" go -C $(TESTS)/compose test -count=1 ./...

image-parts: ## the image without a container engine: the Dockerfile's own commands, and what they make in a chroot
	python3 $(TESTS)/image.py

bench: image-parts ## measure the figures of docs/performance.md and write them there: takes minutes, on an idle machine
	cargo bench --locked --bench figures

bench-lambda: ## measure the Lambdas' figures of docs/performance.md and write them there
	examples/lambda/setup
	cargo bench --locked --package lambda-flags --features interop --bench lambda

fuzz: ## look for inputs that break webhooks, the stream's events or auto-configuration: FUZZ_SECONDS for each of the three
	fuzz/run $(FUZZ)

deny: $(DENY) ## licences, banned crates and where crates come from
	cargo fetch --locked
	$(DENY)/bin/cargo-deny --locked --offline --all-features check --hide-inclusion-graph bans licenses sources

advisories: $(DENY) ## known vulnerabilities of the crates in use: fetches their database
	$(DENY)/bin/cargo-deny --locked --all-features check advisories

image: ## the container image
	docker build --target relay --tag ld-dynamodb-relay:local .

up: ## relay, simulated LaunchDarkly and DynamoDB Local in containers
	docker compose up --build

smoke: ## the same, brought up, looked at and taken down again
	$(TESTS)/smoke

test-dynamodb-local: interop-setup ## the table's tests and the interop suite on AWS's DynamoDB Local (asks you to accept its licence)
	$(TESTS)/dynamodb-local

$(PYTHON): $(TESTS)/requirements.txt
	python3 -m venv $@
	$@/bin/pip install --quiet --requirement $<
	touch $@

# Debian's package, taken apart: nothing is installed, so it needs no root. Its lists are fetched where there are none.
$(PROMETHEUS):
	$(TESTS)/debian $@ prometheus

$(ACTIONLINT):
	$(TESTS)/with go "apt-get install golang" env GOBIN=$@ go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12

$(DENY):
	cargo install cargo-deny --version 0.20.2 --locked --root $@ --target-dir target/tools

$(CHROMIUM):
	$(TESTS)/debian --with-needs $@ chromium fonts-liberation

$(BROWSER): tests/page/package-lock.json
	cd tests/page && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	touch $@
