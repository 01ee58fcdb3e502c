# Everything a contributor runs. Each target does its own set-up: Python 3.11 to 3.13 and make are enough.

VENV ?= .venv
PY := $(VENV)/bin/python
# set when the environment fits the lock file; otherwise it is made or brought up to date
READY := $(VENV)/.ready
PORT ?= 8000
PROVIDERS_PORT ?= 8025
TESTS ?=
# anything: tests in Chromium, too
BROWSER ?=
# two workers more than cores: the longest tests mostly wait for queues, browsers and clocks
WORKERS ?= $(shell n=$$(nproc 2>/dev/null || sysctl -n hw.ncpu 2>/dev/null || echo 2); echo $$((n + 2)))

.DEFAULT_GOAL := help
.PHONY: help sandbox test lint format types contract docs pictures bench services messages lock clean

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

sandbox: export PORT := $(PORT)
sandbox: export PROVIDERS_PORT := $(PROVIDERS_PORT)
sandbox: $(READY) ## a shop to try, on http://127.0.0.1:8000; no keys, servers or accounts needed
	exec $(PY) manage.py sandbox # so that a signal to make reaches the shop itself

test: $(READY) ## every test but those in a browser; BROWSER=1 adds them; TESTS="tests/carts -k idle" picks some
	$(PY) -m pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(if $(BROWSER),,-m "not browser") $(TESTS)

lint: $(READY) ## ruff, and the layers of the code
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/lint-imports

format: $(READY) ## let ruff put the code in order
	$(VENV)/bin/ruff check --fix .
	$(VENV)/bin/ruff format .

types: $(READY) ## mypy, strict
	$(VENV)/bin/mypy

docs: $(READY) ## the documentation, in docs/_build/html
	$(PY) -m sphinx -W --keep-going -b html docs docs/_build/html

pictures: $(READY) ## the pictures of docs/staff, taken anew from a sandbox in Chromium
	$(PY) manage.py pictures

bench: $(READY) ## messages per second and shop overhead; TLS to simulators on this machine
	$(PY) -m benchmarks

services: ## PostgreSQL and Redis on loopback, from the system's packages
	scripts/services.sh

messages: $(READY) ## collect the texts to translate and compile what is translated
	cd cart_recovery && $(abspath $(PY)) -m django makemessages --all --no-location --no-obsolete
	cd cart_recovery && $(abspath $(PY)) -m django compilemessages

lock: .venv-lock/bin/uv ## pin everything anew into requirements/dev.txt
	.venv-lock/bin/uv pip compile --universal --upgrade --python-version 3.11 \
	  --custom-compile-command "make lock" --no-emit-index-url --no-emit-find-links \
	  --extra redis --extra postgres --output-file requirements/dev.txt setup.cfg requirements/dev.in

clean: ## remove what the other targets made
	rm -rf $(VENV) .venv-lock build dist docs/_build var *.egg-info

.venv-lock/bin/uv:
	$$(scripts/find_python.sh) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet uv

$(READY): requirements/dev.txt setup.cfg pyproject.toml
	scripts/make_venv.sh $(VENV)
	touch $@
