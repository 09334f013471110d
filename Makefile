# The project's commands. They need Python 3.11 or newer and make; all else goes into .venv, which
# is made anew when pyproject.toml changes.

PYTHON ?= python3
PORT ?= 8080
PYTEST_FLAGS ?=

VENV := .venv
RUN := $(VENV)/bin/python -m

.PHONY: help serve test lint bench differential record

help:
	@echo 'make serve  the standalone server (PORT=8080)'
	@echo 'make test   all tests (PYTEST_FLAGS="-n 2")'
	@echo 'make lint   formatting, lint rules and types'
	@echo 'make bench  side-by-side measurements'
	@echo 'make differential S2MOCK_REFERENCE=URL   comparison with a real server'
	@echo 'make record S2MOCK_REFERENCE=URL         recordings of a real server, which is fresh'

serve: $(VENV)/.package
	@exec $(RUN) s2mock --port $(PORT)

test: $(VENV)/.test
	@$(RUN) pytest $(PYTEST_FLAGS)

lint: $(VENV)/.lint
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy

bench: $(VENV)/.bench
	@$(RUN) benchmarks

# Compares with a real server: make differential S2MOCK_REFERENCE=http://127.0.0.1:8080
SEQUENCES ?= 20000
S2MOCK_REFERENCE_VERSION ?= s2-lite 0.43.4

differential: $(VENV)/.test
	@$(RUN) tests.differential "$(S2MOCK_REFERENCE)" --sequences $(SEQUENCES) \
	  --version "$(S2MOCK_REFERENCE_VERSION)"

# Replaces all recordings in s2mock/contract/corpus; nothing else writes there.
record: $(VENV)/.test
	@$(RUN) tests.recording "$(S2MOCK_REFERENCE)" --version "$(S2MOCK_REFERENCE_VERSION)"

$(VENV)/.package: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "s2mock needs Python 3.11 or newer: say which, as in make PYTHON=python3.11")'
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet --upgrade 'pip>=25.1'
	$(RUN) pip install --quiet --editable .
	@touch $@

# A dependency group of pyproject.toml, installed when a command first needs it. pip knows
# dependency groups from 25.1 on.
$(VENV)/.%: $(VENV)/.package
	$(RUN) pip install --quiet --group $*
	@touch $@
