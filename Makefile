# gridpatrol: `make demo` shows the main job, `make test` runs the tests. Both set themselves up.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.PHONY: help setup demo test test-servers test-slow campaign-delivery lint bench accuracy lock clean

help:  ## this text
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

setup: $(STAMP)  ## make .venv with pinned, hash-checked packages

$(STAMP): requirements/dev.txt pyproject.toml
	@echo "setting up $(VENV) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "gridpatrol needs Python 3.11 or newer: make PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-deps --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

demo: setup  ## cameras, edge, broker and consumer on this machine; SECONDS=120 stops by itself
	@$(BIN)/gridpatrol demo $(if $(SECONDS),--seconds $(SECONDS))

# Most tests wait for brokers, cameras and clocks: four at a time, a file always in one process, in the
# order of tests/conftest.py: the longest waits first.
test: setup test-servers  ## every test but the slow campaigns
	$(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder

test-servers:  # real servers where apt may install them; the embedded ones otherwise
	@sh tests/servers/install.sh

test-slow: setup test-servers  ## the long campaigns
	$(BIN)/python -m pytest -m slow -s

campaign-delivery: setup test-servers  ## kills, power cuts, bad disks and brokers; CAMPAIGN="--kills 500" for less
	@$(BIN)/python -m tests.campaign $(CAMPAIGN)

lint: setup  ## style, types, import contract
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

bench: setup  ## cameras per core against the ways others do it; under 10 minutes
	$(BIN)/python -m bench.looks

accuracy: setup  ## docs/accuracy.md anew; ACCURACY="--data DIR --models-dir DIR" for what does not ship
	$(BIN)/python examples/scenarios/build.py --core
	$(BIN)/gridpatrol eval --all $(ACCURACY)

lock: setup  ## renew requirements/*.txt (needs uv)
	cd requirements && sh lock.sh

clean:  ## remove what make made
	rm -rf $(VENV) demo-out
