# Every target sets the machine up first: it needs Python 3.11 or newer, make, and the PyPI and npm package registries.
# With uv on PATH it is faster; without uv, python3 -m venv and pip do the same from the same hashes.

.DEFAULT_GOAL := help
.PHONY: help setup demo serve test check fix bench acceptance fuzz reference pins clean
SHELL := /bin/sh

VENV := .venv
BIN := $(VENV)/bin
# What the environment is made from. When one of these changes, the next target refreshes the environment.
SOURCES := pyproject.toml hatch_build.py frontend/package.json frontend/package-lock.json
RUNNABLE := $(VENV)/.runnable
READY := $(VENV)/.ready

MAIL ?=
MODEL ?=
ARGS ?=
JOBS ?= auto
MINUTES ?= 10

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## Make .venv with everything to run and to work

# To run needs no browser driver and no type checker: the first `make demo` fetches neither.
$(RUNNABLE): requirements.txt $(SOURCES)
	$(call install,requirements.txt)
	@touch $(RUNNABLE)

$(READY): requirements-dev.txt $(SOURCES)
	$(call install,requirements-dev.txt)
	@touch $(RUNNABLE) $(READY)

# Make the environment if there is none, and put into it what file $(1) pins and the product itself.
define install
@set -eu; \
if command -v uv >/dev/null 2>&1; then \
    echo "Setting up with uv ..."; \
    [ -x $(BIN)/python ] || uv venv --quiet --python "$${PYTHON:->=3.11}" $(VENV); \
    VIRTUAL_ENV="$(abspath $(VENV))" uv pip install --quiet --no-deps --require-hashes -r $(1); \
    VIRTUAL_ENV="$(abspath $(VENV))" uv pip install --quiet --no-deps --editable .; \
else \
    python=; \
    for name in $${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do \
        if "$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then python=$$name; break; fi; \
    done; \
    if [ -z "$$python" ]; then \
        echo "Signoff needs Python 3.11 or newer, and none was found on PATH. Install one, or name it: make setup PYTHON=/path/to/python3" >&2; exit 1; \
    fi; \
    if ! "$$python" -c 'import ensurepip, venv' 2>/dev/null; then \
        echo "$$python cannot make virtual environments. On Debian or Ubuntu: apt-get install python3-venv. Then run make again." >&2; exit 1; \
    fi; \
    echo "Setting up with $$("$$python" --version) and pip; this takes about a minute ..."; \
    [ -x $(BIN)/pip ] || "$$python" -m venv --clear $(VENV); \
    $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --require-hashes -r $(1); \
    $(BIN)/python -m pip install -qq --disable-pip-version-check --no-deps --editable .; \
fi; \
echo "Ready: $$($(BIN)/python --version) in $(VENV)"
endef

demo: $(RUNNABLE) ## Open the product with an agent at work (MAIL=folder, MODEL=provider:name)
	@$(BIN)/signoff demo $(if $(MAIL),--mail "$(MAIL)") $(if $(MODEL),--model "$(MODEL)") $(ARGS)

serve: $(RUNNABLE) ## Run the server on this machine's own database
	@$(BIN)/signoff serve $(ARGS)

test: setup ## Run every test, on as many processes as cores (ARGS="-k budget" for some, JOBS=0 for one process)
	@$(BIN)/pytest -n $(JOBS) --maxprocesses 8 --dist loadfile $(ARGS)

check: setup ## Everything a machine can judge without running the product
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright
	$(BIN)/pytest -q -p no:cacheprovider tests/contracts

fix: setup ## Let ruff repair what it can
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: setup ## Measure beside the peers; prints the table of docs/reference/benchmarks.md
	@$(BIN)/python -m benchmarks $(ARGS)

acceptance: setup ## The specifications' acceptance rows, as a scoreboard by system
	@$(BIN)/python -m tests.acceptance $(ARGS)

fuzz: setup ## Fuzz the API from its own OpenAPI document (MINUTES=10)
	@$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(ARGS)

reference: setup ## Write the reference pages that are read from the code
	@$(BIN)/python docs/generate.py
	@$(BIN)/python docs/api_reference.py

pins: ## Resolve again and write requirements*.txt (needs uv; first move exclude-newer in pyproject.toml)
	uv lock --upgrade
	uv export --quiet --format requirements-txt --no-emit-project --no-header --no-dev --output-file requirements.txt
	uv export --quiet --format requirements-txt --no-emit-project --no-header --all-groups --output-file requirements-dev.txt
	rm -f uv.lock

clean: ## Remove everything make made
	rm -rf $(VENV) .vendor .vendor.new .pytest_cache .ruff_cache .import_linter_cache dist
