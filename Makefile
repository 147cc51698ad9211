# Terukur. `make demo` runs everything on a simulated regency; `make test` proves it. Neither needs anything but Python 3.11+.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= $(firstword $(foreach p,python3.11 python3.12 python3.13 python3,$(shell command -v $(p) 2>/dev/null)))
BIN := .venv/bin

.PHONY: help demo test lint fuzz dev clean
help: ## what can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

# Everything comes from the lock with its hash, the build backend included; uv is only a faster way to the same set.
.venv/.installed: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" && "$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Terukur needs Python 3.11 or newer; found: $(PYTHON). Set PYTHON=/path/to/python3.11"; exit 2; }
	@test -x $(BIN)/python || "$(PYTHON)" -m venv .venv \
	  || { echo "Python cannot make virtual environments here; on Debian and Ubuntu: apt install python3-venv"; exit 2; }
	@{ uv --version >/dev/null 2>&1 && uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock 2>/dev/null; } \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: .venv/.installed ## a simulated regency: exports, the whole job, pages
	@$(BIN)/terukur demo

test: .venv/.installed ## all tests; those that need Chromium say so when there is none
	@$(BIN)/python -m pytest -n 2 --dist loadfile

lint: .venv/.installed ## style and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

fuzz: .venv/.installed ## a minute of random bytes for each part of the reader; needs atheris and says so
	@$(BIN)/python -m tests.fuzz --seconds $(or $(EACH),60)

dev: .venv/.installed ## Dagster on http://127.0.0.1:3000, with its schedule and its buttons
	@$(BIN)/terukur ui --operate

clean: ## remove the environment and caches; data/ is left alone
	@rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist *.egg-info
