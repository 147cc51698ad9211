# Terukur. `make demo` runs everything on a simulated regency; `make test` proves it. Neither needs anything but Python 3.11+.
SHELL := /bin/bash
.DEFAULT_GOAL := help
# Which Python: make PYTHON=python3.13 or a path; by default the first of 3.11 to 3.14 that runs.
PYTHON ?=
BIN := .venv/bin

.PHONY: help demo test lint lock spark fuzz bench dev clean FORCE
help: ## what can be done here
	@grep -hE '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## /  make \1\t/' | expand -t 16

# .ci/install looks for itself whether there is anything to do.
.venv/.installed: FORCE
	@PYTHON="$(PYTHON)" bash .ci/install
FORCE:

demo: .venv/.installed ## a simulated regency: exports, the whole job, pages; smaller: make demo PROFILE=tiny
	@$(BIN)/terukur demo --profile $(or $(PROFILE),demo)

# COVER=90: also how much of pipeline/ the tests run, and a failure below that; takes a third longer.
test: .venv/.installed ## all tests; those that need Chromium say so when there is none
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder $(if $(COVER),--cov --cov-report=term --cov-fail-under=$(COVER))

lint: .venv/.installed ## style, types, which room may know which, and that what is imported is declared
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache
	@$(BIN)/deptry .
	@$(BIN)/deptry . --exclude '\.venv' --extend-exclude '^(build|dist|data)/' --ignore DEP002,DEP004 \
	  $(addprefix --known-first-party ,pipeline tests benchmarks $(basename $(notdir $(wildcard tests/*.py tests/samples/*.py))))

# One set of versions for every Python and system, so that the same figures are computed everywhere. Extras stay in the names and
# every file has its hash: pip before 24 refuses a lock without either. Versions stay as they are unless a requirement or UPGRADE asks.
lock: ## write the lock files anew from pyproject.toml; newer versions: make lock UPGRADE=--upgrade
	@PYTHON="$(PYTHON)" bash .ci/lock $(UPGRADE)

spark: .venv/.installed ## the second engine, Sail, on top: 65 MB more
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-build-isolation -r requirements-spark.lock

bench: .venv/.installed ## what is measured here: reading, regencies united (REGENCIES=9), how tables grow (WORKSPACE=data); long
	@nice $(BIN)/python -m benchmarks.reading
	@nice $(BIN)/python -m benchmarks.province --regencies $(or $(REGENCIES),9)
	@nice $(BIN)/python -m benchmarks.growth $(or $(WORKSPACE),data) --copies $(or $(COPIES),1 4 11)
	@nice $(BIN)/python -m benchmarks.incremental $(or $(WORKSPACE),data) --profile $(or $(PROFILE),demo)
	@! $(BIN)/python -c 'import pysail' 2>/dev/null || nice $(BIN)/python -m benchmarks.second_engine $(or $(WORKSPACE),data)

fuzz: .venv/.installed ## a minute of random bytes for each part of the reader; needs atheris and says so
	@$(BIN)/python -m tests.fuzz --seconds $(or $(EACH),60)

dev: .venv/.installed ## Dagster on http://127.0.0.1:3000, with its schedule and its buttons
	@$(BIN)/terukur ui --operate

clean: ## remove the environment and caches; data/ is left alone
	@rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis build dist *.egg-info
