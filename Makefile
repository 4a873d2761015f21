# Every target says what it does: make help
.DEFAULT_GOAL := help
SHELL := bash
GO ?= go
DATA ?=
N ?= 2000
SEED ?= 1
DISK ?=
T ?= 30s

.PHONY: help
help: ## print this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: build
build: web ## build the program with its page: bin/lmz
	$(GO) build -trimpath -o bin/lmz ./cmd/lmz

.PHONY: web
web: ## build the WASM module and the page into web/dist
	scripts/build-web.sh

.PHONY: npm
npm: web ## put the npm package of the browser client together in bin/npm
	node scripts/build-npm.mjs bin/npm

.PHONY: wasm-size
wasm-size: ## what a browser loads, and whether it is within web/size.json
	@$(GO) test -count=1 ./web -run SizeBudget -v | grep -vE '^(===|---|PASS)'; exit $${PIPESTATUS[0]}

.PHONY: run
run: build ## build everything and start lmz dev; DATA=dir chooses its data directory
	bin/lmz dev $(if $(DATA),--data $(DATA))

.PHONY: setup
setup: ## install what the tests need: tmux, Chromium, npm packages; nothing if all is there
	@scripts/setup.sh

.PHONY: test
test: ## set up, then run every test on real parts; what each part took comes at the end
	scripts/test.sh

.PHONY: lint
lint: ## check formatting, vet (native and js), staticcheck, unreachable code, and the rules of the house
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo "run gofmt on:"; gofmt -l $$(git ls-files '*.go'); exit 1; }
	$(GO) vet ./...
	GOOS=js GOARCH=wasm $(GO) vet -trimpath . ./internal/cbordoc ./internal/value ./internal/proto ./internal/jsonwire ./internal/session ./internal/link ./internal/turn ./client ./text ./wasmclient
	GOOS=js GOARCH=wasm $(GO) vet -trimpath -tags text ./wasmclient
	$(GO) tool -modfile=tools/go.mod staticcheck ./...
	@dead="$$($(GO) tool -modfile=tools/go.mod deadcode -test ./... | grep -v 'unreachable func: Example')"; test -z "$$dead" || { echo "$$dead"; exit 1; }
	$(GO) test -count=1 ./internal/deptest

.PHONY: fuzz
fuzz: ## fuzz the decoders, each for T (30s)
	scripts/fuzz.sh $(T)

.PHONY: bench
bench: ## run the benchmarks
	$(GO) test -run '^$$' -bench . -benchmem ./internal/... ./gateway ./text ./tui ./object ./auth ./examples/editor

.PHONY: bench-peers
bench-peers: ## compare calls, broadcasts and writes with a bare echo and NATS, in processes of their own
	cd bench && $(GO) run -mod=mod ./peers

.PHONY: soak
soak: ## the long versions of the crash and cut tests, and attacks of a minute each (an hour)
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 30m -v -skip Attack ./test/...
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 60m -v -run Attack ./test
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 10m -v -run 'NeverRead|RememberedClient|ManyConnects' ./gateway
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 60m -v -run 'ManyObjects|CutAnywhere|AfterAKill' ./object -object.n 10000
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 30m -run 'Simulated|EveryVersion|IndexSuggests' ./examples/editor -editor.n 5000
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 10m -run LateRefreshRace ./auth
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 10m -v -run Kill9 ./tui
	LMZ_SOAK=1 $(GO) test -count=1 -timeout 10m -v -run 'ATabThat|TextOutlives|LargeDocument' ./web

.PHONY: sim
sim: ## N random schedules of calls and faults from SEED on, DISK=1 on SQLite
	set -o pipefail; $(GO) test -count=1 -timeout 30m ./internal/sim -run RandomSchedules -v -sim.n $(N) -sim.seed $(SEED) -sim.shards $$(nproc) $(if $(DISK),-sim.disk) | grep -vE '^ *(===|--- PASS)'

.PHONY: sim-bugs
sim-bugs: ## build known bugs into the code and have the simulator find each
	set -o pipefail; $(GO) test -count=1 -timeout 30m ./internal/sim -run SeededBugs -v -sim.bugs . | grep -vE '^ *==='

.PHONY: clean
clean: ## remove what was built
	rm -rf bin web/dist/*
