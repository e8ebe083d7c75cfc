# The verbs of the project. Each installs what it needs, where it may, and says what is missing where it may not.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := build

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
HTTP_PORT ?= 8080
MQTT_PORT ?= 1883
DATA ?= data
FUZZTIME ?= 30s
GOFLAGS_VERSION := -ldflags '-X github.com/lineshaft/lineshaft/twin/release.Version=$(VERSION)'
TOOL := go tool -modfile=build/tools.mod
CONSOLE := frontend/dist/index.html

.PHONY: demo test lint build bench prove fuzz console desktop generate setup peers fmt clean help

help: ## list the verbs
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: $(CONSOLE) ## the whole plant in one process, on loopback; Ctrl-C drains
	@go build -o bin/lineshaft-demo ./build/demo
	@exec bin/lineshaft-demo --http-port $(HTTP_PORT) --mqtt-port $(MQTT_PORT) --data $(DATA)

build: $(CONSOLE) ## the programs, into bin/
	CGO_ENABLED=0 go build $(GOFLAGS_VERSION) -o bin/lineshaft ./backend
	CGO_ENABLED=0 go build $(GOFLAGS_VERSION) -o bin/lineshaft-gateway ./gateway
	CGO_ENABLED=0 go build $(GOFLAGS_VERSION) -o bin/lineshaft-sim ./simulator
	CGO_ENABLED=0 GOOS=linux GOARCH=arm64 go build $(GOFLAGS_VERSION) -o bin/lineshaft-gateway-arm64 ./gateway
	CGO_ENABLED=0 GOOS=linux GOARCH=arm go build $(GOFLAGS_VERSION) -o bin/lineshaft-gateway-arm ./gateway

console: $(CONSOLE) ## the console, into frontend/dist

CONSOLE_SOURCES := $(shell find frontend/src frontend/public frontend/index.html frontend/vite.config.ts frontend/package-lock.json -type f 2>/dev/null)

$(CONSOLE): $(CONSOLE_SOURCES) | frontend/node_modules/.ready
	cd frontend && npm run --silent build

frontend/node_modules/.ready: frontend/package-lock.json
	cd frontend && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

desktop: $(CONSOLE) ## the desktop shell, into bin/ (GTK 3 and WebKitGTK 4.1)
	@build/setup.sh desktop
	go build $(GOFLAGS_VERSION) -tags desktop,production,webkit2_41 -o bin/lineshaft-desktop ./app

test: $(CONSOLE) ## all tests, real parts included
	@build/setup.sh test
	@$(MAKE) --no-print-directory peers desktop
	cd frontend && npm test --silent
	go test -race -timeout 15m ./...

peers: build/e2e/peers/opcua/node_modules/.ready bin/peers/influxd

build/e2e/peers/opcua/node_modules/.ready: build/e2e/peers/opcua/package-lock.json
	cd build/e2e/peers/opcua && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

# A real InfluxDB for the tests of its historian; newer ones do not build from the module.
bin/peers/influxd:
	GOBIN=$(CURDIR)/bin/peers go install github.com/influxdata/influxdb/cmd/influxd@v1.8.10

lint: $(CONSOLE) ## golangci-lint, eslint, prettier, tsc; generated files in step with their source
	$(TOOL) golangci-lint run --config build/golangci.yml ./...
	cd frontend && npm run --silent lint
	$(MAKE) --no-print-directory generate
	git diff --exit-code -- frontend/src/api || (echo "frontend/src/api is out of date: run make generate and commit it" && exit 1)

generate: | frontend/node_modules/.ready ## the API description and the console's types of it
	go generate ./backend/api
	cd frontend && npm run --silent generate

fmt: | frontend/node_modules/.ready ## format everything
	$(TOOL) golangci-lint fmt --config build/golangci.yml
	cd frontend && npx prettier --write --log-level warn .

bench: ## the benchmarks, one table
	go run ./build/bench

fuzz: ## every fuzz target for FUZZTIME
	build/fuzz.sh $(FUZZTIME)

prove: $(CONSOLE) ## the long proofs: many kill points, long runs
	@build/setup.sh test
	@$(MAKE) --no-print-directory peers
	LINESHAFT_PROVE=1 go test -timeout 120m -count=1 ./...

setup: ## what the tests and the desktop shell need from the system
	@build/setup.sh test
	@build/setup.sh desktop
	git config core.hooksPath build/hooks

clean: ## remove what was built; data stays
	rm -rf bin frontend/dist/assets frontend/dist/index.html
