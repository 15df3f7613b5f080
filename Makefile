# The words that people and CI type. Everything is made inside this folder; `make clean` takes it away again.

VENV  ?= .venv
# One more than processors on a small machine: a third of the time a test waits for processes that it started.
JOBS  ?= 3
# A file stays with one worker; files go out in the order of their names, so that no long one is left for the end.
SPREAD = -n $(JOBS) --dist loadfile --no-loadscope-reorder
# CI installs exactly what requirements/ci.txt names, by hash; people get the ranges of pyproject.toml.
ifeq ($(CI),true)
LOCKED ?= 1
endif

# Settings of the caller that would install elsewhere, import something else, or have every process compile it all again.
unexport PYTHONHOME PYTHONPATH PYTHONPYCACHEPREFIX PYTHONDONTWRITEBYTECODE PIP_USER PIP_TARGET PIP_PREFIX PIP_ROOT PIP_REQUIRE_HASHES VIRTUAL_ENV

BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check --no-input --no-cache-dir --quiet
CODE := bot handlers playbooks
PY_FILES := $(CODE) clients examples tests benchmarks requirements

# The first Python that is new enough and can make virtual environments.
CANDIDATES := python3 python3.11 python3.12 python3.13 python3.14 python
FIND_PYTHON = for candidate in $(if $(PYTHON),$(PYTHON),$(CANDIDATES)); do \
	"$$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$candidate" && exit 0; done; \
	echo "make: no Python 3.11 or newer with the venv module was found. Install one (Debian: apt install" >&2; \
	echo "      python3 python3-venv) or name it: make PYTHON=/path/to/python3.12 ..." >&2; exit 1

.DEFAULT_GOAL := help
.PHONY: help demo test e2e lint bench docs lock clean

help:
	@echo "make demo    install into $(VENV) and show one alert becoming one proven rollback"
	@echo "make test    all tests but the heavy suite   (ARGS='-k words' narrows, JOBS=1 runs one at a time)"
	@echo "make e2e     the heavy suite with real third-party servers"
	@echo "make lint    style, types, import rules, and whether the locks are in step"
	@echo "make bench   the benchmarks; reports go to docs/benchmarks/"
	@echo "make docs    the documentation site, into site/"
	@echo "make lock    renew requirements/*.txt after a change of dependencies"
	@echo "make clean   remove $(VENV) and everything built"

demo: $(VENV)/.ready
	@$(BIN)/andon demo $(ARGS)

test: $(VENV)/.ready-test
	$(BIN)/python -m pytest -m "not e2e" $(SPREAD) $(ARGS)

# Its stories load a machine by themselves.
e2e: JOBS = 2
e2e: $(VENV)/.ready-e2e
	$(BIN)/python -m pytest -m e2e -rs $(SPREAD) $(ARGS)

lint: $(VENV)/.ready-test
	$(BIN)/ruff check $(wildcard $(PY_FILES))
	$(BIN)/ruff format --check $(wildcard $(PY_FILES))
	$(BIN)/mypy
	$(BIN)/mypy requirements/in_step.py
	$(BIN)/mypy clients/andon_observations.py examples/shadow_proxy/shadow_proxy.py
	$(BIN)/lint-imports
	$(BIN)/python requirements/in_step.py

bench: $(VENV)/.ready-test
	$(BIN)/python -m benchmarks $(ARGS)

docs: $(VENV)/.ready-docs
	$(BIN)/zensical build --clean

# Prefers what is pinned already; `make lock ARGS=--upgrade` takes the newest that fits. No address of an index gets in.
LOCK = $(BIN)/uv pip compile --quiet --no-cache --no-config --universal --python-version 3.11 --generate-hashes \
	--no-header --no-emit-index-url --no-emit-find-links $(ARGS)
lock: $(VENV)/.ready-lock
	$(LOCK) pyproject.toml --output-file requirements/runtime.txt
	$(LOCK) pyproject.toml --constraint requirements/runtime.txt --extra test --extra e2e \
		--output-file requirements/ci.txt
	$(BIN)/python requirements/in_step.py --list build-system | \
		$(LOCK) - --constraint requirements/ci.txt --output-file requirements/build.txt
	$(BIN)/python requirements/in_step.py

clean:
	rm -rf $(VENV) build dist site .cache .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find $(wildcard $(PY_FILES)) -name __pycache__ -type d -prune -exec rm -rf {} +

# Set-up. A stamp is older than what it depends on when something has to be installed again.

$(VENV)/.made:
	@python=$$($(FIND_PYTHON)) || exit 1; "$$python" -m venv $(VENV)
	@touch $@

$(VENV)/.ready: $(VENV)/.made pyproject.toml
	@echo "installing Andon into $(VENV) ..."
	@$(PIP) install --editable .
	@$(COMPILE)
	@touch $@

ifeq ($(LOCKED),1)
$(VENV)/.ready-test: $(VENV)/.made pyproject.toml requirements/ci.txt
	@echo "installing requirements/ci.txt by hash into $(VENV) ..."
	@$(PIP) install --require-hashes --requirement requirements/ci.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@$(PIP) check
	@$(COMPILE)
	@touch $@ $(VENV)/.ready

$(VENV)/.ready-e2e: $(VENV)/.ready-test
	@touch $@
else
$(VENV)/.ready-test: $(VENV)/.made pyproject.toml
	@echo "installing Andon and what its tests need into $(VENV) ..."
	@$(PIP) install --editable '.[test]'
	@$(COMPILE)
	@touch $@ $(VENV)/.ready

$(VENV)/.ready-e2e: $(VENV)/.ready-test
	@echo "installing what the heavy suite needs into $(VENV) ..."
	@$(PIP) install --editable '.[test,e2e]'
	@$(COMPILE)
	@touch $@
endif

$(VENV)/.ready-docs: $(VENV)/.made pyproject.toml
	@$(BIN)/python requirements/in_step.py --list docs | $(PIP) install --requirement /dev/stdin
	@touch $@

$(VENV)/.ready-lock: $(VENV)/.made pyproject.toml
	@$(BIN)/python requirements/in_step.py --list lock | $(PIP) install --requirement /dev/stdin
	@touch $@

# Bytecode is made now, not at the first start.
# Some packages ship templates that are no valid Python, so the exit code says nothing of them; of ours it does.
COMPILE = $(BIN)/python -m compileall -qq -j 0 $(VENV)/lib || true; \
	$(BIN)/python -m compileall -qq -j 0 $(wildcard $(CODE) tests)
