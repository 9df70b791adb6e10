# Two commands matter: `make run` and `make test`. Both need Debian 12's python3, python3-venv and make, and nothing else:
# the first of them makes .venv from the pinned, hashed requirements; a stamp keeps that from being done twice.

PYTHON ?= python3
REFERENCE ?= ../shared/reference
UPGRADE ?=
CHOICE ?=
SEED ?= 1

# A thousand faults of carriers have a target of their own; they, and the API's description, ask nothing new of the ledger.
NOT_FAULTS := --ignore-glob=tests/services/test_fault_*
NOT_OF_THE_LEDGER := $(NOT_FAULTS) --ignore=tests/web/test_contract.py
BIN := .venv/bin
PIP := PIP_DISABLE_PIP_VERSION_CHECK=1 $(BIN)/pip install --quiet
INSTALL_SELF := $(PIP) --no-deps --no-build-isolation --editable .

# The hashes are those of every published file of a version: one lock for Python 3.11 to 3.13 on any machine.
COMPILE := pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE) \
	--no-header --no-annotate --no-emit-index-url pyproject.toml
BUILD_REQUIRES := import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['build-system']['requires'], sep='\n')

.DEFAULT_GOAL := help
.PHONY: help run test faults test-postgres chaos chaos-mutants clients mutations fuzz check bench bench-choice conformance record lock

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

run: .venv/.for-running ## serve the gateway with its lab of simulated carriers and demo data; GATEWAY_PORT=8080 sets the port
	@exec $(BIN)/gateway demo --serve

test: .venv/.for-developing ## run the tests
	@$(BIN)/pytest -n 2 --dist loadfile tests --ignore=tests/conformance --ignore=tests/bench $(NOT_FAULTS)

faults: .venv/.for-developing ## run the fault matrix: each wire step of each carrier with each fault, and pairs of them
	@$(BIN)/pytest -n 2 --dist worksteal tests/services/test_fault_*.py

test-postgres: .venv/.for-developing ## run the integration tests on PostgreSQL; TEST_DATABASE_URL=... names a server, else one is started from a wheel
	@$(BIN)/pytest -n 2 --dist loadfile --postgres $(or $(ON),tests/store tests/services tests/web tests/fleet tests/clients) $(NOT_OF_THE_LEDGER)

check: .venv/.for-developing ## lint, format, types, and the floors between packages
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

chaos: .venv/.for-developing ## book N returns among faults, kill KILLS times, hold the carriers' books against the ledger; DB=sqlite|postgres SEED=1
	@$(BIN)/python -m tests.chaos -n $(or $(N),200) --kills $(or $(KILLS),10) --db $(or $(DB),sqlite) --seed $(SEED)

chaos-mutants: .venv/.for-developing ## plant each bug of PATCHES=tests/chaos/mutants in a copy, where the chaos must find it; in MINUTES=60 at most
	@$(BIN)/python -m tests.chaos.mutating --patches $(or $(PATCHES),tests/chaos/mutants) --minutes $(or $(MINUTES),60) $(ONLY)

clients: .venv/.for-developing ## ask each of KEYS bookings from CLIENTS clients at once, under one key: one pickup and one answer; DB=sqlite|postgres
	@$(BIN)/python -m tests.clients --keys $(or $(KEYS),1000) --clients $(or $(CLIENTS),64) --db $(or $(DB),sqlite)

mutations: .venv/.for-developing ## spoil N good replies of each carrier by the dice of SEED: none may break a reader or be a false yes
	@$(BIN)/python -m tests.mutations $(or $(N),10000) $(SEED)

fuzz: .venv/.for-developing ## have Schemathesis ask a running API what its contract allows, and what not; EXAMPLES=40 SEED=1
	@$(BIN)/python -m tests.fuzz --examples $(or $(EXAMPLES),40) --seed $(SEED) -- --no-color

bench: .venv/.for-developing ## measure; prints figures with their floors, fails nothing on time
	@$(BIN)/python -m tests.bench

bench-choice: .venv/.for-developing ## play the choice against other rules and an oracle, for forty minutes of one core; CHOICE="--quick" in seconds
	@$(BIN)/python -m tests.bench_choice $(CHOICE)

conformance: .venv/.for-developing ## hold the carriers against their documentation; REFERENCE=folder says where that is
	@test -d "$(REFERENCE)" || { echo "conformance: no reference at $(REFERENCE); REFERENCE=folder names another place" >&2; exit 1; }
	@REFERENCE="$(abspath $(REFERENCE))" $(BIN)/pytest tests/conformance

record: .venv/.for-developing ## record the cassettes anew, from the lab
	@$(BIN)/python -m tests.record

lock: ## pin the requirements anew after a change in pyproject.toml; UPGRADE=--upgrade takes newer versions
	@scratch=$$(mktemp -d) && trap 'rm -rf "$$scratch"' EXIT && \
	$(PYTHON) -m venv "$$scratch" && "$$scratch/bin/pip" install --quiet --disable-pip-version-check uv && \
	$(PYTHON) -c "$(BUILD_REQUIRES)" >"$$scratch/build.txt" && \
	"$$scratch/bin/uv" $(COMPILE) --extra dev "$$scratch/build.txt" --output-file requirements-dev.txt && \
	"$$scratch/bin/uv" $(COMPILE) --constraint requirements-dev.txt "$$scratch/build.txt" --output-file requirements.txt

.venv/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	{ echo "Python 3.11 or newer is needed; $(PYTHON) is $$($(PYTHON) --version 2>&1)" >&2; exit 1; }
	@$(PYTHON) -m venv .venv || \
	{ rm -rf .venv; echo "No virtual environment could be made. On Debian: apt install python3-venv" >&2; exit 1; }
	@touch $@

.venv/.for-running: requirements.txt pyproject.toml | .venv/.made
	@echo "Installing what running needs into .venv"
	@$(PIP) --require-hashes --requirement requirements.txt
	@$(INSTALL_SELF)
	@touch $@

.venv/.for-developing: requirements-dev.txt pyproject.toml | .venv/.made
	@echo "Installing what developing needs into .venv"
	@$(PIP) --require-hashes --requirement requirements-dev.txt
	@$(INSTALL_SELF)
	@touch $@ .venv/.for-running
