# Everything that a developer or CI runs. Each target does its own set-up.
PYTHON ?= python3
PORT   ?= 8080
JOBS   ?= 2
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/installed

.PHONY: demo test test-pg15 lint check soak month faults failover bench lock format

demo: $(STAMP)  ## the whole town in a browser page; PORT= and FRESH=1
	@exec $(BIN)/kvitok demo --port $(PORT) $(if $(FRESH),--fresh)

test: $(STAMP)  ## the whole suite, on JOBS processors
	$(BIN)/pytest -n $(JOBS) --dist worksteal

test-pg15: $(STAMP)  ## the storage's tests on Debian's PostgreSQL 15
	programs=$$($(BIN)/python -m benchmarks.tools) && KVITOK_TEST_POSTGRES=$$programs $(BIN)/pytest tests/storage -n $(JOBS) --dist worksteal

lint: $(STAMP)  ## ruff, mypy --strict, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

soak: $(STAMP)  ## memory of serve over 100 000 messages
	$(BIN)/python -m benchmarks.soak

month: $(STAMP)  ## a simulated month of a town of 5 000 accounts, proved at its end
	$(BIN)/python -m benchmarks.month

faults: $(STAMP)  ## processes really killed, ROUNDS times
	$(BIN)/python -m tests.faults.run

failover: $(STAMP)  ## the database's primary killed under load, by Patroni from Debian's packages
	$(BIN)/python -m benchmarks.failover

bench: $(STAMP)  ## messages and turns per second beside peers; see docs/performance.md
	$(BIN)/python -m benchmarks.bench

lock:  ## pin what pyproject.toml asks for, with hashes and no addresses
	$(PYTHON) -m venv $(VENV)/lock && $(VENV)/lock/bin/pip install --quiet uv
	$(VENV)/lock/bin/uv pip compile pyproject.toml --extra embedded --group dev --universal \
	  --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 \
	  --upgrade --output-file requirements.lock

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(STAMP)
