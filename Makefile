# The project's commands. They need Python 3.11 or newer and make; all else goes into .venv, which is
# made if it is not there. One that is there is used as it is, whoever made it, and never removed;
# what it lacks is installed into it.

PYTHON ?= python3
PORT ?= 8080
# For pytest, as in PYTEST_FLAGS="-n 0 -x tests/api"; what is said here counts.
PYTEST_FLAGS ?=

VENV ?= .venv
RUN := $(VENV)/bin/python -m
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11) and \
  "s2mock needs Python 3.11 or newer: say which, as in make PYTHON=python3.11")
UNUSABLE := $(VENV) is no environment of Python 3.11 or newer that could be used. Remove it, or \
  say where another may be made, as in make VENV=.venv-mine

# Without compiled files each of the hundreds of processes that the tests start, and each start that
# is measured, would compile the package anew.
unexport PYTHONDONTWRITEBYTECODE

PYTHON_EXAMPLES := $(sort $(dir $(wildcard conftest_examples/*/*.py)))
# In the folder of an example.
EXAMPLE := $(abspath $(VENV))/bin/python -m
PYRIGHT := pyright --pythonpath $(abspath $(VENV))/bin/python

# All cores. Who is done early takes from the others, for some tests take long.
PYTEST := $(RUN) pytest -n auto --dist worksteal
# PYTEST_FLAGS may select no test that is marked `long`, or no other: pytest exits with 5 then.
OR_NONE := || [ $$? = 5 ]

.PHONY: help serve test long check shuffled closed lint types lowest pages pythons docs pictures bench \
  soak differential record

help:
	@echo 'make serve  the standalone server (PORT=8080)'
	@echo 'make test   all tests (PYTEST_FLAGS="-n 0 --exitfirst")'
	@echo 'make long   of these, the ones that install, build or compile'
	@echo 'make check  a first answer: all tests that are not slow'
	@echo 'make shuffled  all tests that are not long, in random order'
	@echo 'make closed  the same with auth="required", and clients that bring a token'
	@echo 'make lint   formatting, lint rules and types'
	@echo 'make types  types as pyright sees them'
	@echo 'make lowest  the tests with the lowest versions of all dependencies'
	@echo 'make pages  each page in an environment of its own install line, in build/pages'
	@echo 'make pythons  all tests on each version of Python that is found (PYTHONS="3.12 3.13")'
	@echo 'make docs   the documentation, in build/docs'
	@echo 'make pictures  the pictures in the documentation, taken anew'
	@echo 'make bench  side-by-side measurements (S2MOCK_REFERENCE=URL S2MOCK_BEFORE=CHECKOUT)'
	@echo 'make soak   mixed load on the standalone server (SECONDS=600)'
	@echo 'make differential S2MOCK_REFERENCE=URL   comparison with a real server'
	@echo 'make record S2MOCK_REFERENCE=URL         recordings of a real server, which is fresh'

serve: $(VENV)/.package
	@exec $(RUN) s2mock --port $(PORT)

# The documentation is built by a test, too, and the page is looked at in the system's Chromium,
# where there is one. Their screenshots are in build/screenshots.
test: $(VENV)/.test $(VENV)/.docs $(VENV)/.browser
	@$(MAKE) --no-print-directory long
	@$(PYTEST) -m 'not long' $(PYTEST_FLAGS) $(OR_NONE)

# The tests that take more than 5 seconds on any machine; `make test` begins with them.
long: $(VENV)/.test $(VENV)/.docs
	@$(PYTEST) -m long $(PYTEST_FLAGS) $(OR_NONE)

# A first answer in 45 seconds; `make test` runs these tests, too. Schemathesis takes seconds
# to load, and all its tests are slow.
check: $(VENV)/.test
	@$(PYTEST) -m 'not slow and not long' -p no:schemathesis --ignore=tests/openapi/test_schemathesis.py \
	  $(PYTEST_FLAGS)

# The order's seed is printed: PYTEST_FLAGS=--random-order-seed=N has the same order again.
shuffled: $(VENV)/.test $(VENV)/.docs $(VENV)/.browser
	@$(PYTEST) -m 'not long' --random-order-bucket=global $(PYTEST_FLAGS)

# Accounts that let in nobody without a token, and clients that bring the account's own. What cannot
# be run so, and why, is said in tests/own_token.py.
closed: $(VENV)/.test $(VENV)/.docs
	@S2MOCK_TESTS_AUTH=required $(PYTEST) -m 'not long' tests $(PYTEST_FLAGS)
	@$(PYTEST) s2mock/contract --s2mock-auth=required $(PYTEST_FLAGS)

# The examples are checked too, for which their own requirements have to be there.
lint: $(VENV)/.lint $(VENV)/.test
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@# Each example by itself, as its user has it: their modules have the same names.
	@for example in $(PYTHON_EXAMPLES); do (cd $$example && $(EXAMPLE) mypy --strict \
	  --cache-dir=$(CURDIR)/.mypy_cache/examples .) || exit 1; done

# As an editor sees them; pyright fetches itself when it is first run.
types: $(VENV)/.lint $(VENV)/.test
	@for example in $(PYTHON_EXAMPLES); do (cd $$example && $(EXAMPLE) $(PYRIGHT) .) || exit 1; done
	@$(RUN) $(PYRIGHT) --verifytypes s2mock --ignoreexternal

# With the lowest version that is declared of each dependency, first of the package alone, then of
# what its tests need as well. The environment is made anew each time, and nobody else's.
LOWEST := .venv-lowest
# The tests of what stands on other libraries; the contract suite, before them, has S2's rules.
ON_LIBRARIES := tests/server tests/sessions tests/sdk tests/wire tests/documents tests/control \
  tests/plugin/test_fixture.py tests/test_mock.py
lowest:
	rm -rf $(LOWEST)
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	$(PYTHON) -m venv $(LOWEST)
	$(LOWEST)/bin/python -m pip install --quiet 'pip>=25.1'
	$(PYTHON) .ci/lowest.py >$(LOWEST)/package.txt
	$(LOWEST)/bin/python -m pip install --quiet -c $(LOWEST)/package.txt --editable .
	@$(LOWEST)/bin/python -m pytest -q -W error -c /dev/null --rootdir s2mock/contract \
	  -p no:cacheprovider s2mock/contract
	$(PYTHON) .ci/lowest.py test lint >$(LOWEST)/groups.txt
	$(LOWEST)/bin/python -m pip install --quiet -c $(LOWEST)/groups.txt --editable . \
	  --group test --group lint
	@touch $(LOWEST)/.package $(LOWEST)/.test $(LOWEST)/.lint
	@$(LOWEST)/bin/python -m mypy
	@$(MAKE) --no-print-directory check VENV=$(LOWEST) \
	  PYTEST_FLAGS="$(ON_LIBRARIES) $(PYTEST_FLAGS)"

# Each page of the documentation in a virtual environment that its own install line has made.
# `make test` runs them in one environment, which hides what a page's line does not install.
PAGES := build/pages
pages: $(VENV)/.test
	@$(RUN) tests.docs.environments $(PAGES)
	@S2MOCK_TESTS_PAGES=$(PAGES) $(PYTEST) tests/test_readme.py -k test_page $(PYTEST_FLAGS)

# On each version that is found here, in an environment of its own. The metadata are to name those on which
# it has passed.
PYTHONS ?= 3.12 3.13 3.14

pythons:
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	@$(PYTHON) .ci/pythons.py $(PYTHONS)

# A warning fails it: a link that leads nowhere, a page that nobody gets to.
docs: $(VENV)/.docs
	@$(RUN) sphinx -W --keep-going -q -b html docs build/docs
	@echo 'the documentation is in build/docs/index.html'

# Those of the page in the documentation, of a race that is always the same.
pictures: $(VENV)/.test $(VENV)/.browser
	@$(RUN) tests.page.pictures

# Peers that run elsewhere are named by the environment: S2MOCK_REFERENCE=http://127.0.0.1:8080, an
# s2-lite in memory, and S2MOCK_BEFORE=PATH, a checkout of an earlier state of s2mock.
bench: $(VENV)/.bench
	@# As pip leaves it where it is installed.
	@$(RUN) compileall -q s2mock
	@$(RUN) benchmarks

# Mixed valid and hostile load on the standalone server; nothing may grow, and nobody may wait long.
SECONDS ?= 600

soak: $(VENV)/.test
	@$(RUN) tests.soak --seconds $(SECONDS)

# Compares with a real server: make differential S2MOCK_REFERENCE=http://127.0.0.1:8080
SEQUENCES ?= 20000
S2MOCK_REFERENCE_VERSION ?= s2-lite 0.43.4

differential: $(VENV)/.test
	@$(RUN) tests.differential "$(S2MOCK_REFERENCE)" --sequences $(SEQUENCES) --processes 4 \
	  --version "$(S2MOCK_REFERENCE_VERSION)"

# Replaces all recordings in s2mock/contract/corpus; nothing else writes there.
record: $(VENV)/.test
	@$(RUN) tests.recording "$(S2MOCK_REFERENCE)" --version "$(S2MOCK_REFERENCE_VERSION)"

$(VENV)/.package: pyproject.toml
	@test -e $(VENV) || $(PYTHON) -c '$(NEW_ENOUGH)'
	test -e $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -c '$(NEW_ENOUGH)' || { echo '$(UNUSABLE)' >&2; exit 1; }
	@# An environment that was made by another tool may be without pip.
	@$(RUN) pip --version >/dev/null 2>&1 || $(RUN) ensurepip
	$(RUN) pip install --quiet 'pip>=25.1'
	$(RUN) pip install --quiet --editable .
	@touch $@

# The extra of that name.
$(VENV)/.docs: $(VENV)/.package
	$(RUN) pip install --quiet --editable '.[docs]'
	@touch $@

# A dependency group of pyproject.toml, installed when a command first needs it. pip knows
# dependency groups from 25.1 on.
$(VENV)/.%: $(VENV)/.package
	$(RUN) pip install --quiet --group $*
	@touch $@
