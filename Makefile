# Every task of this repository. `make` alone lists them.
# Needs python3 (3.11 or later), git, make and a package index; no Docker, no server, no root.
# PYTHON=… chooses the interpreter that .venv is made from; ARGS=… is passed on to pytest, demo, bench and load.

.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PYTHON ?=
ARGS ?=
TREES ?=

.PHONY: help
help: ## List the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-18s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(READY) ## Watch a service being generated, tested, started, called, stopped and audited
	@$(BIN)/python docs/demo.py $(ARGS)

.PHONY: test
test: $(READY) ## Run all tests, in parallel and in random order
	$(BIN)/pytest -n auto $(ARGS)

.PHONY: test-fast
test-fast: $(READY) ## Run the tests that install nothing (a minute at most)
	$(BIN)/pytest -n auto -m "not e2e" $(ARGS)

.PHONY: lint
lint: $(READY) ## Check style, types, layers and that generated pages are current; changes nothing
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python docs/generate.py --check

.PHONY: format
format: $(READY) ## Rewrite the code as `make lint` wants it
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: docs
docs: $(READY) ## Write the generated pages again: docs/rules, docs/components, docs/cli.md, copier.yml
	$(BIN)/python docs/generate.py

.PHONY: universe
universe: $(READY) ## Resolve what every component needs, together; ARGS=--upgrade moves every pin
	$(BIN)/python docs/universe.py $(ARGS)

.PHONY: pictures
pictures: $(READY) ## Record the terminal pictures of the README again
	$(BIN)/python docs/pictures.py

.PHONY: bench
bench: $(READY) ## Measure CPU time against ruff and copier; TREES=dir names a folder of checkouts
	$(BIN)/python tests/bench/bench.py $(if $(TREES),--trees "$(TREES)") $(ARGS)

.PHONY: load
load: $(READY) ## Load a generated service and a bare FastAPI app in turn (Linux, needs wrk); ARGS="--pairs 9" is shorter
	$(BIN)/python tests/bench/load.py $(ARGS)

.PHONY: soak
soak: $(READY) ## Draw twenty times as many updates as the tests do: nothing may be lost (an hour; SOAK=n for more)
	SOAK=$(or $(SOAK),20) $(BIN)/pytest -n auto tests/update/test_nothing_is_lost.py $(ARGS)

.PHONY: combinations
combinations: $(READY) ## Run `make lint test` in a service of each combination of options (half an hour)
	EVERY_COMBINATION=1 NO_SKIPS=1 $(BIN)/pytest -n auto tests/e2e/test_combinations.py $(ARGS)

.PHONY: peers
peers: $(READY) ## Run copier, cruft and twelvefac on the same updates and write the tables of docs/updates.md
	$(BIN)/python tests/bench/peers.py $(ARGS)

.PHONY: wheel
wheel: $(READY) ## Build the wheel into dist/
	@rm -f dist/twelvefac-*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

.PHONY: release-template
release-template: $(READY) ## Record the template as it is under the version in templates/VERSION
	$(BIN)/python -m twelvefac.scaffold.release copier-yml
	$(BIN)/python -m twelvefac.scaffold.release release
	$(BIN)/python tests/replays.py

.PHONY: clean
clean: ## Remove the environment, caches and built files
	rm -rf $(VENV) dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

# Made once, and again when the dependencies change. The packages go in last, so that a broken install is
# not taken for a finished one.
$(READY): pyproject.toml
	@set -e; \
	if ! [ -x $(BIN)/python ]; then \
	  for python in $(if $(PYTHON),"$(PYTHON)",python3 python3.13 python3.12 python3.11 python3.14); do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      found=$$python; break; \
	    fi; \
	  done; \
	  if [ -z "$${found:-}" ]; then \
	    echo "make: no usable Python: 3.11 or later with the venv module is needed$(if $(PYTHON), ($(PYTHON) is not))" >&2; \
	    echo "      on Debian and Ubuntu: apt install python3-venv; or name one: make PYTHON=/path/to/python3.12 …" >&2; \
	    exit 1; \
	  fi; \
	  echo "making $(VENV) with $$("$$found" --version)"; \
	  "$$found" -m venv $(VENV); \
	fi; \
	echo "installing twelvefac and its development tools into $(VENV) (once)"; \
	pip="$(BIN)/python -m pip install --quiet --disable-pip-version-check"; \
	$$pip --upgrade "pip>=25.1"; \
	$$pip --editable . --group dev; \
	$$pip --group programs || echo "some test programs have no build for this platform: their tests will be skipped"; \
	touch $@
