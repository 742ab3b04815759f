# Everything happens in .venv, made on first use. PYTHON is any Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
CELERY ?= celery
# Two at a time: each has servers of its own, and much of the time they wait. One after another: make test PYTEST_ARGS=
PYTEST_ARGS ?= -n 2 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help demo test test-long test-celery bench lint types contracts docs check-package clean

help:  ## what there is to make
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit("rootcellar needs Python 3.11 or newer; name one: make PYTHON=python3.11 ...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -c 'import ensurepip' 2>/dev/null || sh tools/install-debian.sh python3-venv
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"

$(VENV)/.demo: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e .
	touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet -e ".[all]" --group test --group lint --group docs --group bench
	touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## run the main job: a real worker, real work, results in SQLite; no server needed
	$(BIN)/rootcellar demo

test: $(VENV)/.dev  ## install what is missing (servers too, where that is allowed) and run the tests
	sh tests/servers/install.sh
	$(BIN)/python -m pytest -m "not long" $(PYTEST_ARGS)

test-long: $(VENV)/.dev  ## the soak tests and big volumes
	sh tests/servers/install.sh
	$(BIN)/python -m pytest -m long --timeout 7200

test-celery: | $(BIN)/python  ## the tests with real workers, and of what Celery does, on another Celery: make test-celery CELERY="celery==5.5.*" VENV=.venv-5.5
	$(BIN)/python -m pip install --quiet -e ".[redis,postgres,mysql,mongodb,check]" --group test "$(CELERY)"
	sh tests/servers/install.sh
	$(BIN)/python -m pytest -m "not long" $(PYTEST_ARGS) tests/celery tests/claims

bench: $(VENV)/.dev  ## measure Celery's own backends and ours, in turn, in one run
	sh tests/servers/install.sh
	PYTHONPATH=tests $(BIN)/python -m benchmarks

lint: $(VENV)/.dev  ## ruff
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev  ## mypy, strict
	$(BIN)/mypy

contracts: $(VENV)/.dev  ## the layers: an import only points down
	$(BIN)/lint-imports

docs: $(VENV)/.dev  ## build the documentation; a warning is an error
	$(BIN)/sphinx-build -n -W --keep-going -q -b html docs docs/_build/html

check-package: $(VENV)/.dev  ## build the package and install it into an empty virtual environment
	rm -rf dist build/empty
	$(BIN)/python -m build --outdir dist
	$(PYTHON) -m venv build/empty
	build/empty/bin/python -m pip install --quiet dist/*.whl
	cd build && empty/bin/rootcellar --version && empty/bin/rootcellar demo
	cd build && empty/bin/python -c "from celery import Celery; print(Celery(backend='cellar+sqlite:///x.db').backend.as_uri())"
	rm -rf build/empty

clean:  ## remove what was made
	rm -rf .venv .venv-* build dist docs/_build .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
