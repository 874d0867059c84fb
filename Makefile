.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?= 8000
VENV := .venv
PYTHON := $(VENV)/bin/python
RUN = $(PYTHON)
# without compiling: Python compiles a module when it is first imported, and most are not
INSTALL = $(VENV)/bin/pip install -q --no-compile -c constraints.txt

LANES = embedded deployed system-embedded system-deployed neural
# bytecode is kept: a run starts hundreds of Python processes
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help setup run test clients coverage check alerts browser bench bench-live faults production $(LANES)

help:  ## say what there is
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/'

setup: $(VENV)/.run  ## install what running needs
	@sh .ci/packages run

run: setup  ## serve on http://127.0.0.1:8000, everything in one process
	@$(PYTHON) manage.py migrate --no-input -v0
	@$(PYTHON) manage.py welcome --port $(PORT)
	@exec $(PYTHON) manage.py serve --port $(PORT)

check: $(VENV)/.dev  ## linters, types, dead code, import contracts, migrations, deployment settings
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	ENV_FILE= $(VENV)/bin/mypy config voice jobs accounts tests benchmarks manage.py
	$(VENV)/bin/vulture
	$(VENV)/bin/lint-imports
	sh .ci/settings

test: $(VENV)/.dev clients  ## check, then every test in both shapes, on real servers
	@sh .ci/packages test
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target check $(LANES)

clients: $(VENV)/.dev  ## fetch the clients, pinned, that live conversation is tried with
	@sh .ci/clients $(VENV)/clients

coverage: $(VENV)/.dev clients  ## the tests once more, counting the lines that they reach: that takes two thirds longer
	@sh .ci/packages test
	$(VENV)/bin/coverage erase
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target $(LANES) RUN="$(VENV)/bin/coverage run"
	$(VENV)/bin/coverage combine -q
	$(VENV)/bin/coverage report

# lanes that run beside each other; which shape a test runs in is said by the marker in its file (tests/shapes.py)
UNIT = --ignore=tests/e2e --ignore=tests/neural --ignore=tests/browser
embedded: TESTS = --shape=embedded $(UNIT)
deployed: TESTS = --shape=deployed $(UNIT)
system-embedded: TESTS = --shape=embedded tests/e2e
system-deployed: TESTS = --shape=deployed tests/e2e
neural: TESTS = --shape=embedded tests/neural
$(LANES):
	$(RUN) -m pytest -p no:cacheprovider $(TESTS)

browser: $(VENV)/.dev  ## talk with the page in Chromium, and leave pictures of it and what it said in build/browser
	@sh .ci/packages browser
	$(INSTALL) -e '.[browser]'
	$(PYTHON) -m pytest -p no:cacheprovider -m browser tests/browser

alerts: $(VENV)/.dev  ## try the alert rules, and ask a running service by a real Prometheus all that dashboard and alerts ask
	@sh .ci/packages alerts
	$(PYTHON) -m pytest -p no:cacheprovider tests/config/test_alerts.py
	$(PYTHON) -m pytest -p no:cacheprovider --shape=deployed tests/e2e/test_observability.py

faults: $(VENV)/.dev  ## kill, stop and cut each part while somebody listens; then all once while thousands of items are made, and count what is left
	@sh .ci/packages test
	$(PYTHON) -m pytest -p no:cacheprovider -m faults tests/e2e
	$(PYTHON) -m tests.faults

production: $(VENV)/.dev  ## start what deploy/ describes, restart, upgrade and back it up under load, restore it elsewhere
	@sh .ci/packages production
	$(PYTHON) -m tests.production

bench: $(VENV)/.dev  ## measure latency and queue overhead on this machine
	@sh .ci/packages test
	$(PYTHON) -m benchmarks

bench-live: $(VENV)/.dev  ## measure live sessions: a turn, and hundreds of them
	@sh .ci/packages test
	$(PYTHON) -m benchmarks live

$(VENV)/bin/pip:
	@sh .ci/venv $(VENV)

$(VENV)/.run: $(VENV)/bin/pip pyproject.toml constraints.txt
	$(INSTALL) -e '.[espeak]'
	@touch $@

$(VENV)/.dev: $(VENV)/bin/pip pyproject.toml constraints.txt
	$(INSTALL) -e '.[espeak,gpu,dev]'
	@touch $@ $(VENV)/.run
