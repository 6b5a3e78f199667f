# One target a thing to do; `make` alone lists them.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
LOCKING := --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.run: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: .venv/.run requirements-dev.lock
	$(BIN)/python -m pip install --quiet --require-hashes --requirement requirements-dev.lock
	@touch $@

install: .venv/.run ## install what running needs, into .venv

dev: .venv/.dev ## install what tests and checks need as well

run: install ## start the adviser: everything configured, else the chat in this terminal
	@$(BIN)/kol-advisor

test: dev ## run the tests
	$(BIN)/python -m pytest

format: dev ## write the code in its one format
	$(BIN)/ruff format knowledge bot handlers tests benchmarks
	$(BIN)/ruff check --fix knowledge bot handlers tests benchmarks

lint: dev ## format, lint, types, import contracts, dependencies: checked, not changed
	$(BIN)/ruff format --check knowledge bot handlers tests benchmarks
	$(BIN)/ruff check knowledge bot handlers tests benchmarks
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/deptry .

knowledge: install ## check the knowledge: every fault at once, and the articles' coverage
	$(BIN)/kol-advisor check --coverage > /dev/null
	$(BIN)/kol-advisor check

check: lint knowledge test ## everything that must hold before a change lands

.venv-bench/.done: pyproject.toml | .venv/.dev
	$(PYTHON) -m venv --clear .venv-bench
	$(BIN)/uv pip install --quiet --python .venv-bench/bin/python --group bench
	@touch $@

bench-peers: .venv-bench/.done ## install the peers of `make bench`, into .venv-bench

bench: dev ## compare with peers, in ten minutes, printed as ratios; BENCH="--quick" for a look, BENCH=--help
	-@$(MAKE) --no-print-directory bench-peers
	$(BIN)/python -m benchmarks.core
	$(BIN)/python -m benchmarks $(BENCH)

lock: .venv/bin/python ## write the three requirements*.lock anew
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile $(LOCKING) --group build pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile $(LOCKING) --group build --group dev --constraint requirements.lock pyproject.toml \
	  --output-file requirements-dev.lock
	$(BIN)/uv pip compile $(LOCKING) --extra postgres --constraint requirements.lock pyproject.toml \
	  --output-file requirements-postgres.lock

chaos: dev ## kill servers 500 times on each database under load, and PostgreSQL too; KILLS=20 for a short look
	$(BIN)/python -m tests.chaos --kills $(or $(KILLS),500)

readme: dev ## write the README's conversation anew, from a real run
	$(BIN)/python -m tests.readme

simplified: dev ## write knowledge/simplified.yaml anew
	$(BIN)/python -m benchmarks.simplified

.PHONY: help install dev run test format lint knowledge check bench bench-peers chaos lock readme simplified
