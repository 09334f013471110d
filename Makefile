# The project's commands. They need Python 3.11 or newer and make. All other tools are installed into
# .venv, which is created if it does not exist. An existing one is used and never removed; missing
# packages are installed into it.

PYTHON ?= python3
PORT ?= 8080
# For pytest, as in PYTEST_FLAGS="-n 0 -x tests/api"; these override the other flags.
PYTEST_FLAGS ?=

VENV ?= .venv
RUN := $(VENV)/bin/python -m
NEW_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11) and \
  "s2mock needs Python 3.11 or newer: name one, as in make PYTHON=python3.11")
UNUSABLE := $(VENV) is no usable environment of Python 3.11 or newer. Remove it, or name another \
  folder, as in make VENV=.venv-mine

# Without compiled files, each of the hundreds of processes that the tests start, and each start that
# is measured, would compile the package again.
unexport PYTHONDONTWRITEBYTECODE

PYTHON_EXAMPLES := $(sort $(dir $(wildcard conftest_examples/*/*.py)))
# For commands in the folder of an example.
EXAMPLE := $(abspath $(VENV))/bin/python -m
PYRIGHT := pyright --pythonpath $(abspath $(VENV))/bin/python

# On all cores. An idle worker takes tests from the others, since some tests take long.
PYTEST := $(RUN) pytest -n auto --dist worksteal
# PYTEST_FLAGS may select no test that is marked `long`: pytest exits with 5 then.
OR_NONE := || [ $$? = 5 ]

.PHONY: help environment serve test whole long check shuffled closed lint types lowest pages pythons \
  docs reference pictures page bench soak differential record upstream fault-table \
  fault-table-rust zoo kills simulation simulation-tests pace binary npm go rust rust-types

help:
	@echo 'make serve  the standalone server (PORT=8080)'
	@echo 'make test   all tests (PYTEST_FLAGS="-n 0 --exitfirst")'
	@echo 'make long   of these, the ones that install, build or compile'
	@echo 'make whole  all cases of the tests of which `make test` runs a sample'
	@echo 'make fault-table  what each SDK makes of each fault, whole'
	@echo 'make fault-table-rust  the same of the Rust SDK, which builds for minutes'
	@echo 'make binary  an executable that needs no Python, in dist/s2mock (PYTHON=/usr/bin/python3)'
	@echo 'make rust   the tests of the crate, whose SDK builds for minutes'
	@echo 'make rust-types  the types of the crate, from the description of the control API'
	@echo 'make npm    the npm package with that executable in it, in dist'
	@echo 'make go     the tests of the Go module with that executable and the race detector'
	@echo 'make check  all tests that are not slow, in less than a minute'
	@echo 'make shuffled  all tests that are not long, in random order'
	@echo 'make closed  the same with auth="required", and clients that send a token'
	@echo 'make lint   formatting, lint rules, types and words'
	@echo 'make types  types, checked by pyright'
	@echo 'make lowest  the tests with the lowest versions of all dependencies'
	@echo 'make pages  each page in an environment from its own install line, in build/pages'
	@echo 'make pythons  all tests on each version of Python that is installed (PYTHONS="3.12 3.13")'
	@echo 'make docs   the documentation, in build/docs'
	@echo 'make reference  the generated parts of docs/reference, anew'
	@echo 'make pictures  new pictures for the documentation'
	@echo 'make page   the page whole: all widths and schemes, 11,000 exchanges'
	@echo 'make bench  side-by-side measurements (S2MOCK_REFERENCE=URL S2MOCK_BEFORE=CHECKOUT)'
	@echo 'make zoo    campaigns against known bugs, and 1,000 attempts of each repaired twin'
	@echo 'make simulation  simulated worlds, whole, on Python 3.12 or newer (1,000 seeds and more)'
	@echo 'make pace   a virtual minute of overload by each SDK, and clock="auto" 200 times under load'
	@echo 'make kills  a server with --data is killed 200 times under load (KILLS=200)'
	@echo 'make soak   mixed load on the standalone server (SECONDS=600)'
	@echo 'make differential S2MOCK_REFERENCE=URL   comparison with a real server'
	@echo 'make upstream S2MOCK_REFERENCE=URL       the powers in front of a real server'
	@echo 'make record S2MOCK_REFERENCE=URL         new recordings of a real server, which must be empty'

serve: $(VENV)/.package
	@exec $(RUN) s2mock --port $(PORT)

# For machines like this one: the same system and processor, and its C library or a newer one. PYTHON
# must have a shared library.
binary:
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	@$(PYTHON) .ci/executable/build.py

# The npm package, with that executable in it, in dist. npm and node must be on the PATH.
npm: binary
	@cd clients/typescript && npm ci --no-audit --no-fund && npm pack --pack-destination ../../dist

# The Go module, with that executable and the race detector; `make test` runs a sample without it. go and
# gcc must be on the PATH.
go: $(VENV)/.test
	@command -v go >/dev/null || { echo 'go is not on the PATH' >&2; exit 1; }
	@S2MOCK_TEST_GO=1 $(RUN) pytest tests/clients/test_go.py $(PYTEST_FLAGS)

# A test builds the documentation, and the page is tested in the system's Chromium if there is one.
# Its screenshots are in build/screenshots.
test: $(VENV)/.test $(VENV)/.docs $(VENV)/.browser
	@$(PYTEST) $(PYTEST_FLAGS)

# The crate in clients/rust, and the example that uses it: `make test` only compares the sources. The
# build needs cargo. The SDK is compiled once, for `make fault-table-rust`, too.
rust: $(VENV)/.test
	@command -v cargo >/dev/null || { echo 'cargo, which builds the crate, is not on the PATH' >&2; exit 1; }
	@S2MOCK_TEST_RUST=1 $(PYTEST) tests/clients/test_rust.py tests/test_examples.py -k rust $(PYTEST_FLAGS)

rust-types: $(VENV)/.package
	@$(VENV)/bin/python .ci/rust_types.py

# All cases of the tests that are marked `whole`, and four times as many examples of Hypothesis.
whole: $(VENV)/.test
	@S2MOCK_TESTS_WHOLE=1 S2MOCK_TESTS_EXAMPLES=200 $(PYTEST) -m 'whole or hypothesis' $(PYTEST_FLAGS)

# The tests that take more than 5 seconds on any machine; each worker of `make test` begins with some.
long: $(VENV)/.test $(VENV)/.docs
	@$(PYTEST) -m long $(PYTEST_FLAGS) $(OR_NONE)

# What each SDK makes of each fault; `make test` runs a sample of these cells.
fault-table: $(VENV)/.test
	@S2MOCK_TEST_FAULT_TABLE=1 $(PYTEST) tests/sdk/test_fault_table.py $(PYTEST_FLAGS)

# The cells of the Rust SDK in the table of faults, which `make test` skips. The build needs cargo.
fault-table-rust: $(VENV)/.test
	@command -v cargo >/dev/null || { echo 'cargo, which builds the Rust SDK, is not on the PATH' >&2; \
	  exit 1; }
	@S2MOCK_TEST_RUST=1 $(PYTEST) tests/sdk/test_fault_table.py tests/sdk/test_rust_overload.py -k rust \
	  $(PYTEST_FLAGS)

# In less than a minute; `make test` runs these tests, too, with all cases of those that are marked
# `sample`, and with 50 examples of Hypothesis. Schemathesis takes seconds to import, and all its tests
# are slow.
QUICK := S2MOCK_TESTS_EXAMPLES=20
check: $(VENV)/.test
	@$(QUICK) $(PYTEST) -m 'not slow and not long' -p no:schemathesis \
	  --ignore=tests/openapi/test_schemathesis.py $(PYTEST_FLAGS)

# The seed of the order is printed: PYTEST_FLAGS=--random-order-seed=N repeats the order.
shuffled: $(VENV)/.test $(VENV)/.docs $(VENV)/.browser
	@$(PYTEST) -m 'not long' --random-order-bucket=global $(PYTEST_FLAGS)

# Accounts that refuse requests without a token, and clients that send the account's own.
# tests/own_token.py has the tests that cannot run in this way, with the reasons.
closed: $(VENV)/.test $(VENV)/.docs
	@S2MOCK_TESTS_AUTH=required $(PYTEST) -m 'not long' tests $(PYTEST_FLAGS)
	@$(PYTEST) s2mock/contract --s2mock-auth=required $(PYTEST_FLAGS)

# The examples are checked too, for which their own requirements must be installed.
lint: $(VENV)/.lint $(VENV)/.test
	@$(RUN) ruff format --check .
	@$(RUN) ruff check .
	@$(RUN) mypy
	@$(VENV)/bin/python .ci/words.py
	@# Each example by itself, as for its user: their modules have the same names.
	@for example in $(PYTHON_EXAMPLES); do (cd $$example && $(EXAMPLE) mypy --strict \
	  --cache-dir=$(CURDIR)/.mypy_cache/examples .) || exit 1; done

# As in an editor; pyright downloads itself when it is first run.
types: $(VENV)/.lint $(VENV)/.test
	@for example in $(PYTHON_EXAMPLES); do (cd $$example && $(EXAMPLE) $(PYRIGHT) .) || exit 1; done
	@$(RUN) $(PYRIGHT) --verifytypes s2mock --ignoreexternal

# With the lowest declared version of each dependency: first those of the package alone, then those
# of its tests too. The environment is created for each run, and used for nothing else.
LOWEST := .venv-lowest
# The tests of code that uses other libraries; the contract suite, before them, tests S2's rules.
ON_LIBRARIES := tests/server tests/sessions tests/sdk tests/upstream tests/wire tests/documents \
  tests/control tests/exports tests/plugin/test_fixture.py tests/test_mock.py
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
	@# The cache of another version would be of no use, nor would this one to another.
	@$(LOWEST)/bin/python -m mypy --cache-dir=$(LOWEST)/mypy
	@$(MAKE) --no-print-directory check VENV=$(LOWEST) QUICK=S2MOCK_TESTS_SAMPLE=all \
	  PYTEST_FLAGS="$(ON_LIBRARIES) $(PYTEST_FLAGS)"

# Each page of the documentation in a virtual environment that its own install line creates.
# `make test` runs them in one environment, which hides what a page's line does not install.
PAGES := build/pages
pages: $(VENV)/.test
	@$(RUN) tests.docs.environments $(PAGES)
	@S2MOCK_TESTS_PAGES=$(PAGES) $(PYTEST) tests/test_readme.py -k test_page $(PYTEST_FLAGS)

# On each installed version, in an environment of its own. The metadata of the package name the
# versions on which all tests have passed.
PYTHONS ?= 3.12 3.13 3.14

pythons:
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	@$(PYTHON) .ci/pythons.py $(PYTHONS)

# A warning is an error: a broken link, a page without a link to it.
docs: $(VENV)/.docs
	@$(RUN) sphinx -W --keep-going -q -b html docs build/docs
	@echo 'the documentation is in build/docs/index.html'

# What is generated from the code in docs/reference, which a test compares with it.
reference: $(VENV)/.test
	@$(RUN) docs.generate

# The pictures of the page in the documentation, of a race that is always the same.
pictures: $(VENV)/.test $(VENV)/.browser
	@$(RUN) tests.page.pictures

# The page in all widths and schemes and with 11,000 exchanges; `make test` has a sample. With
# S2MOCK_BEFORE=PATH, a checkout of an earlier state, its times as ratios to the page there.
page: $(VENV)/.test $(VENV)/.browser
	@S2MOCK_TESTS_PAGE=whole $(PYTEST) tests/page $(PYTEST_FLAGS)
	@if [ -n "$(S2MOCK_BEFORE)" ]; then $(RUN) tests.page.compare "$(S2MOCK_BEFORE)"; fi

# The environment names two peers: S2MOCK_REFERENCE=http://127.0.0.1:8080, an s2-lite in memory, and
# S2MOCK_BEFORE=PATH, a checkout of an earlier state of s2mock.
bench: $(VENV)/.bench
	@# Compiled, as pip installs it.
	@$(RUN) compileall -q s2mock
	@$(RUN) benchmarks

# Mixed valid and hostile load on the standalone server: its memory must not grow, and no valid
# request may wait long.
SECONDS ?= 600

soak: $(VENV)/.test
	@$(RUN) tests.soak --seconds $(SECONDS)

# Each bug of tests/zoo is found and shrunk to its stated minimum, its printed test runs as it is, and
# no attempt of its repaired twin fails. `make test` has a sample of it.
ZOO_RUNS ?= 1000

zoo: $(VENV)/.test
	@S2MOCK_TESTS_WHOLE=1 S2MOCK_TESTS_ZOO=$(ZOO_RUNS) $(PYTEST) tests/zoo --durations=30 $(PYTEST_FLAGS)

# Simulated worlds: 1,000 seeds of all clients, 2,000 of each repaired twin. simloom is for Python 3.12
# and newer, so they have an environment of their own. `make test` has a sample of it there, and on
# Python 3.11 it lists these tests as not run.
SIMULATION_PYTHONS ?= 3.13 3.12

simulation:
	@$(PYTHON) .ci/simulation.py $(SIMULATION_PYTHONS)

# The types, too: the environment of `make lint` may be without simloom.
simulation-tests: $(VENV)/.test
	@$(RUN) mypy --python-version 3.12 -p s2mock.simulation
	@S2MOCK_TESTS_SIMULATION=whole $(PYTEST) tests/simulation --durations=20 $(PYTEST_FLAGS)

# The pace of the hosted service, whole; `make test` has a sample of it.
pace: $(VENV)/.test
	@S2MOCK_TESTS_WHOLE=1 $(PYTEST) --durations=10 $(PYTEST_FLAGS) tests/pace \
	  tests/sdk/test_python_overload.py tests/sdk/test_go.py tests/sdk/test_typescript.py \
	  tests/sdk/test_rust_overload.py \
	  -k 'pace or overload or above_the_limits'

# SIGKILL at random moments under load: all that was acknowledged is there after the restart, and
# nothing else. `make test` has a sample of it.
KILLS ?= 200

kills: $(VENV)/.test
	@S2MOCK_TESTS_KILLS=$(KILLS) $(PYTEST) tests/data_directory/test_kills.py $(PYTEST_FLAGS)

# A comparison with a real server: make differential S2MOCK_REFERENCE=http://127.0.0.1:8080
SEQUENCES ?= 20000
S2MOCK_REFERENCE_VERSION ?= s2-lite 0.43.4

differential: $(VENV)/.test
	@$(RUN) tests.differential "$(S2MOCK_REFERENCE)" --sequences $(SEQUENCES) --processes 4 \
	  --version "$(S2MOCK_REFERENCE_VERSION)"

# The powers in front of a real server, which must be empty, and the official SDKs straight to it and
# through a mock: make upstream S2MOCK_REFERENCE=http://127.0.0.1:8080
# With S2MOCK_TEST_LITE=path/to/server, too, all recordings are replayed, straight and through a mock.
upstream: $(VENV)/.test
	@S2MOCK_TESTS_WHOLE=1 S2MOCK_TEST_UPSTREAM=1 $(PYTEST) tests/upstream/test_recordings.py \
	  tests/upstream/test_sessions.py tests/contract/test_verify.py $(PYTEST_FLAGS)
	@S2MOCK_REFERENCE="$(S2MOCK_REFERENCE)" $(RUN) pytest tests/upstream/test_reference.py $(PYTEST_FLAGS)

# Replaces all recordings in s2mock/contract/corpus; no other command writes them.
record: $(VENV)/.test
	@$(RUN) tests.recording "$(S2MOCK_REFERENCE)" --version "$(S2MOCK_REFERENCE_VERSION)"

# All of it at once, which takes less time than group by group.
environment:
	@$(PYTHON) -c '$(NEW_ENOUGH)'
	test -e $(VENV) || $(PYTHON) -m venv $(VENV)
	$(RUN) pip install --quiet 'pip>=25.1'
	$(RUN) pip install --quiet --editable '.[docs]' --group test --group lint --group browser
	@touch $(addprefix $(VENV)/.,package test lint browser docs)

$(VENV)/.package: pyproject.toml
	@test -e $(VENV) || $(PYTHON) -c '$(NEW_ENOUGH)'
	test -e $(VENV) || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -c '$(NEW_ENOUGH)' || { echo '$(UNUSABLE)' >&2; exit 1; }
	@# An environment that another tool created may be without pip.
	@$(RUN) pip --version >/dev/null 2>&1 || $(RUN) ensurepip
	$(RUN) pip install --quiet 'pip>=25.1'
	$(RUN) pip install --quiet --editable .
	@touch $@

# The extra `docs` of the package.
$(VENV)/.docs: $(VENV)/.package
	$(RUN) pip install --quiet --editable '.[docs]'
	@touch $@

# A dependency group of pyproject.toml, installed when a command first needs it. pip knows
# dependency groups from 25.1 on.
$(VENV)/.%: $(VENV)/.package
	$(RUN) pip install --quiet --group $*
	@touch $@
