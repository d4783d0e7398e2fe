# `make` lists the targets. Everything but containers needs Go and nothing else.

SHELL := /bin/bash
.DEFAULT_GOAL := help

VERSION ?= $(shell git describe --tags --always --dirty 2>/dev/null)
TOOL    := go tool -modfile=tools/go.mod
# The version itself is a constant of internal/version; this is the commit that is shown behind
# it. Git is asked where that is used alone: it writes its index then, and go test would run what
# has looked at the folder again.
LDFLAGS  = -s -w -X github.com/gatehousehq/gatehouse/internal/version.commit=$(VERSION)
# One set of flags, so that whatever is built next finds the packages compiled.
BUILD    = CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/
# The race detector needs a C compiler.
RACE    := $(if $(shell command -v $(firstword $(shell go env CC)) 2>/dev/null),-race)
FUZZTIME ?= 20s
# The plugin server is a module of its own, which ./... does not enter.
MODULE  := plugins/pluginserver
# `docker compose`, or the older docker-compose where that is all there is.
COMPOSE  = VERSION=$(VERSION) $(shell docker compose version >/dev/null 2>&1 && echo docker compose || echo docker-compose)

# A port of make run's that has no variable of its own set.
moved    = $(shell expr $1 + $(or $(PORT_OFFSET),0))

.PHONY: help
help: ## list the targets, and the variables of `make run`
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo; echo "What moves make run, with its default (PROXY_PORT=9000 make run):"
	@awk '/^<!-- variables -->/ { on = 1 } /^<!-- end -->/ { on = 0 } on && /^[A-Z]/ { print "  " $$0 }' README.md

.PHONY: build
build: ## build bin/gatehouse and bin/bff, and bin/stack that runs them here
	$(BUILD) ./plugins/cmd/gatehouse ./bff/cmd/bff ./e2e/cmd/stack

.PHONY: run
run: build ## run everything on this machine, with requests to paste; Ctrl-C stops it
	@exec bin/stack run

.PHONY: token
token: ## print a token of the auth service, which make run and make up start: make token TENANT=acme USER=u1 [CLIENT=mobile] [PLAN=pro]
	@$(BUILD) ./e2e/cmd/stack
	@bin/stack token --tenant '$(or $(TENANT),acme)' --user '$(if $(filter command line,$(origin USER)),$(USER),u1)' --client '$(or $(CLIENT),web)' --plan '$(PLAN)'

.PHONY: smoke
smoke: ## send a trace through each route of what make run started, and name the hop that loses it
	@$(BUILD) ./plugins/cmd/gatehouse ./e2e/cmd/stack
	@GATEHOUSE_SMOKE_TOKEN_WEB_APP=$$(bin/stack token --client web) GATEHOUSE_SMOKE_TOKEN_MOBILE_APP=$$(bin/stack token --client mobile) \
	GATEHOUSE_SMOKE_KEY=dev-only-globex-2026-09 bin/gatehouse smoke --config $(or $(KONG_DECLARATIVE_CONFIG),kong.yaml) \
	  --gateway http://127.0.0.1:$(or $(PROXY_PORT),$(call moved,8000)) --receiver http://127.0.0.1:$(or $(OTLP_PORT),$(call moved,4318))

.PHONY: certs
certs: ## make or renew a development CA and leaves in .dev/certs, which git ignores; RENEW=1 renews all leaves
	@$(BUILD) ./e2e/cmd/stack
	@bin/stack certs $(if $(RENEW),--renew)

.PHONY: test
test: ## the tests that need no container, but for what takes long (LONG=1: all of them); says what was left out
	@$(if $(RACE),:,echo 'left out: the race detector, which needs a C compiler')
	@command -v redis-server >/dev/null || echo 'left out: the tests against a real Redis, which need redis-server on PATH (miniredis stands in)'
	@command -v promtool >/dev/null || echo 'left out: the tests of the Prometheus rules, which need promtool on PATH'
	@test -n "$$GATEHOUSE_PII_DATASET" || test -d ../shared/data/pii || echo 'left out: the scrubber on a labelled set, which GATEHOUSE_PII_DATASET names or ../shared/data/pii holds'
	@$(if $(LONG),:,echo 'left out: what takes long, and most rounds of what is tried at random; make test LONG=1 has them')
	go test $(RACE) $(if $(LONG),-timeout 30m,-short) ./... github.com/gatehousehq/gatehouse/$(MODULE)/...

.PHONY: e2e
e2e: ## the end-to-end suite: E2E_TARGET=docker (default), kong (from PATH) or dev; E2E_PLUGINS=onehop; E2E_SHORT=1 leaves out what takes long
	E2E_TARGET=$(or $(E2E_TARGET),docker) VERSION=$(VERSION) go test $(RACE) $(if $(E2E_SHORT),-short) -count=1 -v -timeout 20m ./e2e

.PHONY: up
up: ## build and start everything in containers, wait until healthy, print requests to paste
	$(COMPOSE) --profile people up --detach --build
	@id=$$($(COMPOSE) ps -q kong); \
	for _ in $$(seq 120); do \
	  state=$$(docker inspect -f '{{.State.Health.Status}}' $$id); \
	  [ "$$state" = healthy ] && break; sleep 1; \
	done; \
	[ "$$state" = healthy ] || { echo "Kong's container is $$state; see: $(COMPOSE) logs kong" >&2; exit 1; }
	@$(COMPOSE) run --rm --no-deps -e KONG_DECLARATIVE_CONFIG=/certs/base.yaml -e AUTH_CONTROL_URL=http://auth:9206 orders guide http://127.0.0.1:$(or $(PROXY_PORT),8000)
	@mkdir -p .dev && docker cp -q $$($(COMPOSE) ps -q kong):/certs/ca.pem .dev/up-ca.pem
	@echo; echo "TLS:        curl -i --cacert .dev/up-ca.pem https://localhost:$(or $(PROXY_TLS_PORT),8443)/web/v1/dashboard -H \"Authorization: Bearer \$$WEB\""
	@echo "Traces:     http://127.0.0.1:$(or $(JAEGER_PORT),16686)"
	@echo "Metrics:    http://127.0.0.1:$(or $(PROMETHEUS_PORT),9090)"
	@echo "Dashboards: http://127.0.0.1:$(or $(GRAFANA_PORT),3000)/dashboards"
	@echo "Logs:       $(COMPOSE) logs -f kong"
	@echo "Stop:       make down"

.PHONY: down
down: ## stop the containers and remove all that `make up` made but the images
	$(COMPOSE) --profile people --profile suite down --volumes --remove-orphans

.PHONY: bench
bench: ## measure against the peers and print the tables: make bench [SUITE=name]
	@cd bench && go run . $(SUITE)

.PHONY: bill
bill: ## what a month costs, small, medium and large: make bill [ARGS='-factor 0.5 -vcpu-hour 0.03']; -help lists prices
	@cd bench && go run ./capacity/bill $(ARGS)

.PHONY: eval
eval: ## how good the scrubber is, as tables, on a labelled set (GATEHOUSE_PII_DATASET), in gateway texts and on clean lines by format; MISSES=1 shows each miss
	@set -o pipefail; go test -count=1 -v -run '^(TestDataset|TestPlanted|TestDecoysStay|TestCleanLines)$$' ./plugins/piilogscrub/scrub -args $(if $(MISSES),-misses) | grep -v -E '^=== |^ *--- PASS'

.PHONY: dist
dist: ## build what a release is into dist/: archives for Linux and macOS, bills of materials, SHA256SUMS; SYSTEMS=linux/amd64 builds less
	go run -C tools ./dist $(if $(SYSTEMS),-systems $(SYSTEMS))

.PHONY: fuzz
fuzz: ## every fuzz test, FUZZTIME (20s) each
	@set -e; for module in . $(MODULE); do \
	  for package in $$(go -C $$module list ./...); do \
	    for name in $$(go -C $$module test -list '^Fuzz' $$package | grep '^Fuzz' || true); do \
	      echo "$$package $$name"; \
	      go -C $$module test -run '^$$' -fuzz "^$$name$$" -fuzztime $(FUZZTIME) $$package; \
	    done; \
	  done; \
	done

.PHONY: lint
lint: contracts ## linters, formatting, no contract that breaks its clients, the tests of the benchmarks, the manifests and the tools, and no generated file that `make generate` would change
	$(TOOL) golangci-lint run ./...
	$(TOOL) golangci-lint fmt --diff ./...
	cd $(MODULE) && go tool -modfile=$(CURDIR)/tools/go.mod golangci-lint run ./...
	cd bench && go tool -modfile=../tools/go.mod golangci-lint run ./... && go test ./...
	cd deploy/kubernetes/check && go tool -modfile=$(CURDIR)/tools/go.mod golangci-lint run ./... && go test ./...
	cd tools && go tool golangci-lint run ./... && go test ./dist && go test -count=1 . # go test does not see that what it reads outside has changed
	@before=$$(git status --porcelain); $(MAKE) -s generate; after=$$(git status --porcelain); \
	[ "$$before" = "$$after" ] || { echo "make generate changes files; commit what it writes:" >&2; git status --short >&2; exit 1; }

# The five minutes that the API server takes to build are why it is not in the gate.
.PHONY: kube-check
kube-check: ## what a real Kubernetes API server says of deploy/kubernetes; the first time it builds one, in minutes
	cd deploy/kubernetes/apiserver && nice go build -o $(CURDIR)/bin/kube-apiserver k8s.io/kubernetes/cmd/kube-apiserver
	cd deploy/kubernetes/apiserver && nice go build -o $(CURDIR)/bin/etcd go.etcd.io/etcd/server/v3
	cd deploy/kubernetes/check && KUBE_APISERVER=$(CURDIR)/bin/kube-apiserver ETCD=$(CURDIR)/bin/etcd \
	  go test -count=1 -v -run '^TestAPIServer$$' .

# What clients have, and what they will get. breaking.txt raises what oasdiff lets pass: a field
# or a header that is taken away, and fewer values of an enum, stop clients that were generated.
# A version is announced 180 days before its end.
CONTRACTS := bff/openapi
RELEASED  := bff/openapi/released
OASDIFF   := $$($(TOOL) -n oasdiff)
COMPARE   := --flatten-allof --allow-external-refs=false --deprecation-days-stable 180 --severity-levels bff/openapi/breaking.txt \
  --err-ignore $(RELEASED)/accepted.md --warn-ignore $(RELEASED)/accepted.md

.PHONY: contracts
contracts: ## fail if a contract breaks clients of the one that was released last
	@oasdiff=$(OASDIFF); status=0; for last in $(RELEASED)/*.yaml; do \
	  now=$(CONTRACTS)/$${last##*/}; \
	  said=$$($$oasdiff breaking --fail-on WARN $(COMPARE) $$last $$now 2>&1) || { status=1; echo "$$now, compared with what was released:"; echo "$$said"; }; \
	done; exit $$status

.PHONY: changelog
changelog: ## what is new in a contract since it was released, for those who call it: make changelog [CONTRACT=partner]
	@$(OASDIFF) changelog --format markdown $(COMPARE) $(RELEASED)/$(or $(CONTRACT),partner).yaml $(CONTRACTS)/$(or $(CONTRACT),partner).yaml

.PHONY: release-contracts
release-contracts: contracts ## a part of a release: keep the contracts that clients have from now on
	@version() { sed -n 's/^  version: *//p' $$1 | head -1; }; \
	changed=; for now in $(CONTRACTS)/*.yaml; do \
	  last=$(RELEASED)/$${now##*/}; \
	  cmp -s $$now $$last && continue; changed="$$changed $$now"; \
	  [ ! -f $$last ] || [ "$$(version $$now)" != "$$(version $$last)" ] || { echo "$$now: it has changed since $$(version $$now) was released; raise info.version" >&2; exit 1; }; \
	done; \
	for now in $$changed; do cp $$now $(RELEASED)/ && echo "$$now: released as $$(version $$now)"; done; \
	sed '/^- /d' $(RELEASED)/accepted.md >$(RELEASED)/accepted.tmp && mv $(RELEASED)/accepted.tmp $(RELEASED)/accepted.md

.PHONY: vulncheck
vulncheck: ## known vulnerabilities in what we call (asks vuln.go.dev)
	$(TOOL) govulncheck ./...
	cd $(MODULE) && go tool -modfile=$(CURDIR)/tools/go.mod govulncheck ./...

.PHONY: generate
generate: ## write everything that is generated: the OpenAPI servers and clients, the fields of plugins in their pages
	go generate ./...
