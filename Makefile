# Everything that one does with this project. `make` alone lists it.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.ONESHELL:
# A cell is a dozen processes of Python: each would compile all of its modules anew.
unexport PYTHONDONTWRITEBYTECODE

# Any Python from 3.11 on that our dependencies have binaries for: the first that fits, or one that is a good deal quicker.
PYTHON ?= $(shell deploy/quickest_python.sh python3 python3.13 python3.12 python3.11 /usr/bin/python3)
VENV := .venv
RUN := $(VENV)/bin/python
READY := $(VENV)/.ready

# what one may set: make up REGIONS="us eu", make replay TRACE=… SCARCE=0.9 SPEED=100, make simulate SEEDS=10000
REGIONS ?=
comma := ,
NAMES = $(subst $(comma), ,$(REGIONS))
TRACE ?=
SCARCE ?=
SPEED ?=
SEEDS ?= 1000
IDENTITY ?=
TLS ?=
ARGS ?=

.PHONY: help
help: ## list what make can do
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: venv
venv: $(READY) ## make the virtual environment (what needs it does so on demand)

# Its Python is a link to the system's, which may be removed or renewed: then all is made anew, whatever is left there.
.PHONY: no-python
$(READY): requirements-dev.lock pyproject.toml $(shell [ -x $(RUN) ] || echo no-python)
	@if [ ! -x $(RUN) ]; then
		python="$(PYTHON)"
		if [ -z "$$python" ]; then
			echo "No Python 3.11, 3.12 or 3.13 was found that can make virtual environments." >&2
			echo "  Next: install one (on Debian: apt install python3-venv), or name it: make $(MAKECMDGOALS) PYTHON=/path/of/python3.12" >&2
			exit 1
		fi
		echo "making $(VENV) with $$python"
		if ! "$$python" -m venv --clear $(VENV); then
			rm -rf $(VENV)
			echo "  Next: this Python can't make virtual environments; on Debian: apt install python3-venv" >&2
			exit 1
		fi
	fi
	echo "installing the pinned dependencies"
	$(RUN) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	# What an editable install comes to, without a build: our packages are found where they are.
	$(RUN) -c 'import sys, sysconfig; open(sysconfig.get_path("purelib") + "/ocefs.pth", "w").write(sys.argv[1] + "\n")' "$(CURDIR)"
	touch $@

.PHONY: up
up: $(READY) ## start the cells and the router with demo data (REGIONS="us eu": only these; IDENTITY=off: nobody is asked who he is; TLS=1: nothing in plain text)
	@OCEFS_IDENTITY="$(or $(IDENTITY),$${OCEFS_IDENTITY:-})" OCEFS_TLS="$(or $(TLS),$${OCEFS_TLS:-})" $(RUN) -m cells up $(NAMES) $(ARGS)

.PHONY: certs
certs: $(READY) ## a local CA and certificates for cells and router; renews what ends within a week
	@$(RUN) -m cells certs

.PHONY: demo
demo: $(READY) ## play a day in a running cell, in about two minutes: a delivery, a rush, a short pick, a transfer, a count, a pickup (REGION=us)
	@$(RUN) -m cells demo $(REGION) $(ARGS)

# Whoever looks at what runs, or ends it, has no need of what is pinned now: nothing is installed under running cells for that, or waits for a network.
define CELLS_AS_INSTALLED
@if [ ! -e $(VENV) ]; then
	echo "nothing runs: there is no $(VENV)"
	exit
fi
if [ ! -x $(RUN) ]; then
	echo "the Python that $(VENV) was made with is gone, so nothing can be said of cells" >&2
	echo "  Next: make venv, then make $(MAKECMDGOALS) again" >&2
	exit 1
fi
$(RUN) -m cells
endef

.PHONY: down
down: ## end exactly what `make up` started
	$(CELLS_AS_INSTALLED) down $(NAMES)

.PHONY: status
status: ## cells, hosts, shards, update rates, write-behind lag, health of the stores
	$(CELLS_AS_INSTALLED) status $(NAMES)

.PHONY: logs
logs: ## the last lines of every log
	$(CELLS_AS_INSTALLED) logs $(NAMES)

.PHONY: test
test: $(if $(ARGS),test-some,test-all) ## lint, types, import rules, bill of materials, known vulnerabilities and all tests (ARGS="…": these tests alone)

.PHONY: test-some
test-some: $(READY)
	$(RUN) -m pytest $(ARGS)

# What starts real cells waits half of its time, and measures how soon something is found: all else goes at the same time, but only on
# what is left of the machine.
SPARE = nice -n 19
.PHONY: test-all test-cells test-stores test-api test-nouns test-rules test-plays
test-all: lint imports
	@echo "types, bills and all tests, seven runs at a time: each is told at its end, the first of the tests after some minutes"
	$(MAKE) --no-print-directory --jobs=7 --output-sync=target test-cells test-stores test-api test-nouns test-rules test-plays types sbom audit

test-cells: $(READY)
	$(RUN) -m pytest tests/system

test-stores: $(READY)
	$(RUN) -m pytest tests/integration

test-api: $(READY)
	$(SPARE) $(RUN) -m pytest tests/unit/serve/test_*.py

test-nouns: $(READY)
	$(SPARE) $(RUN) -m pytest tests/unit/serve --ignore-glob='tests/unit/serve/test_*.py'

test-rules: $(READY)
	$(SPARE) $(RUN) -m pytest tests/unit $(addprefix --ignore=,tests/unit/serve $(BESIDE_PLAYS))

# While a simulation goes on in processes of its own, this one has time for others.
BESIDE_PLAYS = tests/unit/anomalies tests/unit/perf
test-plays: $(READY)
	$(SPARE) $(RUN) -m pytest tests/misuse tests/simulation $(BESIDE_PLAYS)

.PHONY: checks
checks: $(READY) ## all of `make test` but the tests, two things at a time
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types imports sbom audit

.PHONY: lint
lint: $(READY) ## ruff: rules and format
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .

.PHONY: types
types: $(READY) ## mypy --strict
	$(RUN) -m mypy

.PHONY: imports
imports: $(READY) ## who may import whom
	$(VENV)/bin/lint-imports

.PHONY: sbom
sbom: $(READY) ## the bill of materials of what a cell runs with: build/sbom.cdx.json (CycloneDX)
	@$(RUN) .ci/sbom.py

.PHONY: audit
audit: $(READY) ## known vulnerabilities of what is pinned (OCEFS_REQUIRE_AUDIT=1: fails when they can't be looked up)
	@$(RUN) .ci/audit.py

.PHONY: format
format: $(READY) ## let ruff format and correct what it can
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

.PHONY: bench
bench: $(READY) ## our speed beside that of the usual ways to build it (needs wrk; TLS=1: the cells and the router with TLS)
	@OCEFS_TLS="$(or $(TLS),$${OCEFS_TLS:-})" $(RUN) -m perf.bench $(ARGS)

.PHONY: replay
replay: $(READY) ## send a real order trace through the router: TRACE=file [SCARCE=0.9] [SPEED=100]
	@if [ -z "$(TRACE)" ]; then echo "which trace? one of your own, e.g. make replay TRACE=your-orders.csv.gz; perf/replay/README.md has the format" >&2; exit 1; fi
	$(RUN) -m perf.replay --trace $(TRACE) $(if $(SCARCE),--scarce $(SCARCE)) $(if $(SPEED),--speed $(SPEED)) $(ARGS)

.PHONY: load
load: $(READY) ## customers, associates and warehouse staff of a Black Friday (WEB=1: with the web page)
	@$(RUN) -m perf.load $(ARGS)

.PHONY: chaos
chaos: $(READY) ## kill and pause parts of a real cell under load, then compare what was told with what is there
	@$(RUN) -m perf.chaos $(ARGS)

.PHONY: pages
pages: $(READY) ## write the documents anew that are made from the code: permissions, fields, limits, errors, processing, settings
	@trap 'rm -f docs/.page' EXIT # a page that can't be made leaves the old one as it was
	written() { $(RUN) -m $$2 > docs/.page; mv docs/.page "docs/$$1.md"; }
	for name in permissions fields limits; do written security/$$name "serve $$name"; done
	written errors "serve errors"
	written privacy/processing "serve processing"
	written settings cells.settings_page

.PHONY: pictures
pictures: $(READY) ## draw the states in docs/domain/ anew, from what the nouns do in the simulation
	@$(RUN) -m tests.simulation.pictures --write

.PHONY: simulate
simulate: $(READY) ## the seeded simulation, longer: SEEDS=10000
	@$(RUN) -m tests.simulation --seeds $(SEEDS) $(ARGS)

.PHONY: lock
lock: $(READY) ## renew requirements.lock and requirements-dev.lock from pyproject.toml
	@rm -rf .lock-tools && $(RUN) -m venv .lock-tools
	trap 'rm -rf .lock-tools' EXIT
	.lock-tools/bin/pip install --quiet --disable-pip-version-check uv
	compile=".lock-tools/bin/uv pip compile --quiet --universal --generate-hashes --no-header --no-annotate --upgrade"
	$$compile --python-version 3.11 pyproject.toml -o requirements.lock
	$$compile --python-version 3.11 --group dev pyproject.toml -o requirements-dev.lock

.PHONY: clean
clean: ## remove the environment and caches; data in .ocefs or OCEFS_HOME stays, and cells that run there are ended first
	@for home in "" $${OCEFS_HOME:+"$$OCEFS_HOME"}; do
		if [ -x $(RUN) ] && compgen -G "$${home:-.ocefs}/*/run/state.json" > /dev/null; then OCEFS_HOME="$$home" $(RUN) -m cells down; fi
	done
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis *.egg-info build
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
