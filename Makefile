.DEFAULT_GOAL := help
SHELL := /bin/sh
PORT ?= 8000
VENV := .venv
PYTHON := $(VENV)/bin/python
RUN = $(PYTHON)
INSTALL = $(VENV)/bin/pip install -q --no-compile -c constraints.txt
# Python compiles a module when it is first imported, and most are not

.PHONY: help setup run test clients coverage check embedded deployed whole neural apart alerts browser bench bench-live faults production

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
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target check embedded deployed whole neural apart

clients: $(VENV)/.dev  ## fetch the clients, pinned, that live conversation is tried with
	@sh .ci/clients $(VENV)/clients

coverage: $(VENV)/.dev clients  ## the tests once more, counting the lines that they reach: that takes two thirds longer
	@sh .ci/packages test
	$(VENV)/bin/coverage erase
	@$(MAKE) --no-print-directory --jobs=4 --output-sync=target embedded deployed whole neural apart RUN="$(VENV)/bin/coverage run"
	$(VENV)/bin/coverage combine -q
	$(VENV)/bin/coverage report

# what one shape is enough for is run once; what needs models, or starts services of its own, beside the others
ONCE = briefs events live_agents live_beta observability sockets stopping transcription understood webhooks
MODELS = tests/e2e/test_cloning.py tests/e2e/test_upstreams.py tests/neural
APART = tests/config tests/voice/audio tests/voice/engines tests/voice/text
embedded: TESTS = --shape=embedded --ignore=tests/browser --ignore=tests/e2e/test_faults.py --ignore=tests/jobs/test_schedule.py $(ONCE:%=--ignore=tests/e2e/test_%.py) $(MODELS:%=--ignore=%) $(APART:%=--ignore=%)
deployed: TESTS = --shape=deployed --ignore=tests/browser --ignore=tests/e2e
whole: TESTS = --shape=deployed tests/e2e --ignore=tests/e2e/test_faults.py
neural: TESTS = --shape=embedded $(MODELS)
apart: TESTS = --shape=embedded $(APART)
embedded deployed whole neural apart:
	$(RUN) -m pytest -p no:cacheprovider $(TESTS)

browser: $(VENV)/.dev  ## talk with the page in Chromium, and leave pictures of it and what it said in build/browser
	@sh .ci/packages browser
	$(INSTALL) -e '.[browser]'
	$(PYTHON) -m pytest -p no:cacheprovider tests/browser

alerts: $(VENV)/.dev  ## try the alert rules, and ask a running service by a real Prometheus all that dashboard and alerts ask
	@sh .ci/packages alerts
	$(PYTHON) -m pytest -p no:cacheprovider tests/config/test_alerts.py
	$(PYTHON) -m pytest -p no:cacheprovider --shape=deployed tests/e2e/test_observability.py

faults: $(VENV)/.dev  ## kill, stop and cut each part while somebody listens; then all once while thousands of items are made, and count what is left
	@sh .ci/packages test
	$(PYTHON) -m pytest -p no:cacheprovider --shape=embedded tests/e2e/test_faults.py
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
