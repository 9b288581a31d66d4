# The two commands of a newcomer: `make run` and `make test`. `make help` lists the rest.
# PORT (8000) is the public port, PORTICO_HOME (.portico) the folder that holds all state.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help install install-dev run engines reset backup restore check docs test test-slow lock css screenshots

# The distribution's own Python comes first: it is built with profile-guided optimisation, others often aren't (15 % of CPU here).
PYTHON ?= $(shell for one in /usr/bin/python3.11 python3.11 python3; do \
  "$$one" -c 'import ensurepip, venv' 2>/dev/null && echo "$$one" && exit; done; \
  command -v python3.11 || command -v python3 || echo python3.11)
BIN := .venv/bin

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

install: ## Make .venv with the pinned runtime
	@$(PYTHON) local/bootstrap.py

install-dev: ## Make .venv with what the checks and tests want besides
	@$(PYTHON) local/bootstrap.py dev

run: install ## Start everything; Ctrl-C stops it
	@exec $(BIN)/python -m local run

engines: install ## Start PostgreSQL and Valkey alone
	@exec $(BIN)/python -m local engines

reset: install ## Delete the home with all its data, after asking
	@exec $(BIN)/python -m local reset

backup: install ## Write database, files and settings to BACKUP=file.tar.gz
	@exec $(BIN)/python -m local backup $(if $(BACKUP),"$(BACKUP)")

restore: install ## Fill an empty home from BACKUP=file.tar.gz
	@exec $(BIN)/python -m local restore $(if $(BACKUP),"$(BACKUP)")

check: install-dev ## Style, types, layers, templates, migrations, production settings
	@exec $(BIN)/python -m local check

docs: install-dev ## Write what of docs/ is made from the code: docs/permissions.md
	@exec $(BIN)/python -m local docs

test: check ## The checks, and everything a change can break
	@$(BIN)/python -m pytest -n 3 -m "not slow"

test-slow: install-dev ## Faults, full journeys, soak in small
	@$(BIN)/python -m pytest -m slow

lock: install-dev ## Pin the closure of requirements.in and requirements-dev.in
	@for name in requirements requirements-dev; do \
	  $(BIN)/uv pip compile --quiet --no-header --python-version 3.11 $$name.in --output-file $$name.txt || exit 1; done

css: ## Build static/css/portico.css from frontend/ (wants Node; the result is committed)
	@cd frontend && npm install --no-save --no-audit --no-fund --silent && npm run --silent vendor && npm run --silent css

screenshots: install-dev ## Keep pictures of the main pages in screenshots/ (wants Chromium)
	@PORTICO_SCREENSHOTS=screenshots $(BIN)/python -m pytest -q tests/browser/test_looks.py
