# Everything runs the same on a laptop and in CI: `.ci/run` calls `make check` and `make test`.

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/installed
FAST_TESTS := $(wildcard tests/architecture tests/schemas tests/k8s tests/image/test_compose.py)
# Two wait for their servers most of the time while the others compute; see tests/parallel.py.
PARALLEL := -p xdist --numprocesses 4
GO ?= go
SBOM ?= build/mingle.cdx.json
# Without inlining they are built in three quarters of the time, and are fast enough for the tests.
GO_FLAGS := -trimpath -gcflags=all=-l
# Without Go or a module proxy these are not built, and tests that need them are skipped with the
# reason.
TOOLS := $(if $(shell command -v $(GO)),.tools/kustomize)
# Neither is the browser where there is no apt-get or no mirror.
BROWSER := $(if $(shell command -v apt-get && command -v dpkg-deb),.tools/chromium/complete) \
	$(if $(shell command -v npm),.tools/axe/axe.min.js)
MONITORING := $(if $(TOOLS),.tools/promtool .tools/prometheus)

.DEFAULT_GOAL := help
.PHONY: help install check style types fast test proof demo loadtest up down status lock sbom tools screenshots

help: ## List the targets.
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(INSTALLED) ## Create .venv with the locked dependencies and the project.

$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("Mingle needs Python 3.11 or newer; set PYTHON" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	@# setuptools warns at every editable installation that it is one.
	PYTHONWARNINGS="ignore:Editable installation" \
		$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

check: style types fast ## Check style, types, architecture, schemas and manifests.

style: $(INSTALLED)
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: $(INSTALLED)
	$(BIN)/mypy

fast: $(INSTALLED) $(TOOLS)
	$(if $(FAST_TESTS),$(BIN)/pytest --quiet $(FAST_TESTS))

test: $(INSTALLED) $(TOOLS) $(BROWSER) ## Run all tests except the long proofs; ARGS="tests/servers -x" selects some.
	$(BIN)/pytest -m "not proof" $(or $(ARGS),$(PARALLEL))

proof: $(INSTALLED) $(TOOLS) $(BROWSER) $(MONITORING) ## Run the long proofs.
	$(BIN)/pytest -m proof $(ARGS)

tools: $(TOOLS) $(MONITORING) $(BROWSER) ## Build or fetch what checks manifests, alerts and pages (needs Go, apt-get, npm).

.tools/kustomize: tools/go.mod tools/go.sum
	-cd tools && $(GO) build $(GO_FLAGS) -o ../$@ sigs.k8s.io/kustomize/kustomize/v5

# Without service discovery in clouds, which the tests do not need. A build from nothing takes
# minutes; the tests that run meanwhile go first.
.tools/prom%: tools/go.mod tools/go.sum
	-cd tools && nice $(GO) build $(GO_FLAGS) -tags remove_all_sd -o ../$@ github.com/prometheus/prometheus/cmd/$(@F)

.tools/chromium/complete: tools/browser.sh
	-tools/browser.sh $(@D)

.tools/axe/axe.min.js: tools/axe.sh
	-tools/axe.sh $(@D)

screenshots: $(INSTALLED) $(BROWSER) ## Make the pictures of the explorer for the docs.
	$(BIN)/python -m tests.explorer.screenshots

demo: $(INSTALLED) ## Run Mingle in one process and show it at work; SERVE=1 keeps it running.
	$(BIN)/mingle demo $(if $(SERVE),--serve)

loadtest: $(INSTALLED) ## Measure what fan-out costs, on servers of its own; ARGS="soak --seconds 7200" selects a scenario.
	$(BIN)/mingle loadtest run $(or $(ARGS),authors-10k-followers zipf-75-followers --scale 0.2)

up: $(INSTALLED) ## Start Kafka and Cassandra on this machine (needs JDK 17 and Maven).
	$(BIN)/python -m servers up

down: $(INSTALLED) ## Stop Kafka and Cassandra; their data stays in .run.
	$(BIN)/python -m servers down

status: $(INSTALLED) ## Show whether Kafka and Cassandra answer, their addresses and logs.
	$(BIN)/python -m servers status

lock: ## Resolve the dependencies again and write both lock files.
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(PYTHON) -m venv "$$scratch" && "$$scratch/bin/python" -m pip install --quiet "uv>=0.8" && \
	compile() { "$$scratch/bin/uv" pip compile pyproject.toml --generate-hashes --universal \
		--python-version 3.11 --custom-compile-command "make lock" -q "$$@"; } && \
	compile --group dev -o requirements.lock && \
	compile --group build --constraint requirements.lock -o requirements-image.lock

sbom: $(INSTALLED) ## Write the image's bill of materials (CycloneDX) to build/.
	@mkdir -p $(dir $(SBOM))
	@# Its warning is of the dependency graph, which lock files do not have.
	PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements requirements-image.lock \
		--pyproject pyproject.toml --short-PURLs --output-reproducible --output-file $(SBOM)
