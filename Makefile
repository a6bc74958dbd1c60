# What a person runs here. `make setup` installs what the bot needs to run; the others call what they need.

VENV := .venv
BIN := $(VENV)/bin
PAGE := bot/emulator/page
# The first Python that is new enough and really runs (a version manager's shim may be there without its Python).
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14; do \
	$$p -c 'import sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# Arguments for pytest and the others: make test ARGS="tests/webex -k retry", make chaos ARGS="--database postgresql"
ARGS ?=
# --no-deps: the lock is complete, and it overrides the SDK's old pin of PyJWT, which pip would refuse to do.
# --no-build-isolation: otherwise pip would build with the newest tools instead of the locked ones.
PIP_INSTALL := $(BIN)/python -m pip install --disable-pip-version-check --no-deps --no-build-isolation
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-emit-find-links --no-header

.PHONY: setup dev demo test bench load chaos lint lock picture

setup: $(VENV)/.installed

dev: $(VENV)/.dev $(VENV)/.page

$(VENV)/.installed: requirements-build.lock requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || test -x $(BIN)/python || { echo "Python 3.11 or newer is needed; install it, or say make PYTHON=/path/to/it"; exit 1; }
	@echo "Installing the bot into $(VENV) (150 MB; up to a minute)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP_INSTALL) --quiet --require-hashes -r requirements-build.lock
	$(PIP_INSTALL) --require-hashes -r requirements.lock
	$(PIP_INSTALL) --quiet --editable .
	@touch $@

# What tests, linters and benchmarks need, in the same .venv.
$(VENV)/.dev: requirements-dev.lock | $(VENV)/.installed
	@echo "Installing the development tools into $(VENV) (500 MB more; one to two minutes)"
	$(PIP_INSTALL) --require-hashes -r requirements-dev.lock
	@touch $@

# The page's card renderer. Without it the page still shows every message's text.
$(VENV)/.page: $(PAGE)/package-lock.json | $(VENV)/.installed
	@if ! command -v npm >/dev/null; then \
		echo "npm is not here, so the demo's page will show texts instead of cards."; \
	elif echo "Fetching the page's card renderer (15 MB)" && \
			npm ci --ignore-scripts --no-audit --no-fund --loglevel=error --prefix $(PAGE); then \
		touch $@; \
	else \
		echo "npm could not fetch the card renderer, so the demo's page will show texts instead of cards."; \
	fi

demo: setup $(VENV)/.page
	@$(BIN)/reportbot demo

# Bytecode is kept, whatever the environment says: tests start a hundred processes, and each would compile the bot.
test: export PYTHONDONTWRITEBYTECODE :=
test: dev
	$(BIN)/python -m pytest -n 2 --dist worksteal --database both $(ARGS)

bench: dev
	$(BIN)/python -m tests.bench

load: dev
	$(BIN)/python -m tests.load $(ARGS)

chaos: dev
	$(BIN)/python -m tests.chaos $(ARGS)

lint: dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python .ci/audit.py

# The locks from pyproject.toml; versions stay as they are unless they must change: delete the locks to renew all.
lock: $(VENV)/.dev
	$(COMPILE) -o requirements.lock pyproject.toml
	$(COMPILE) --extra traces -c requirements.lock -o requirements-traces.lock pyproject.toml
	$(COMPILE) --group build -o requirements-build.lock
	$(COMPILE) --group dev --extra traces -c requirements.lock -c requirements-build.lock -o requirements-dev.lock pyproject.toml

# The README's picture, from the demo; needs Chromium.
picture: dev
	$(BIN)/python docs/make_picture.py
