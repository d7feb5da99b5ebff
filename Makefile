# Everything here needs only python3 (3.10 or newer) and pip: each target makes the environment it needs, once.
#
#   make demo       real bots and a scripted chat with them, in the terminal; one is killed (FRAMEWORK=aiogram)
#   make test       everything a change must pass, on this Python
#   make test-all   the test suite on every Python found here, and with the oldest supported frameworks
#   make bench      the benchmarks, peers in the same run
#   make docs       the documentation, warnings are errors
#   make lint       ruff
#   make types      mypy and pyright
#   make format     let ruff write
#   make quick      pytest on the source tree only; ARGS="-k waits" and the like
#   make clean      remove environments and everything built

PYTHON    ?= python3
FRAMEWORK ?= aiogram
ARGS      ?=

BIN       := .venv/bin
DEV       := .venv/.made
DEMO      := .venvs/demo-$(FRAMEWORK)/.made
WHEEL     := .venvs/wheel/.made
BENCH     := .venvs/bench/.made
GRAMMY    := .venvs/grammy/.made
PYTEST    := -m pytest

export PIP_DISABLE_PIP_VERSION_CHECK := 1
MAKEFLAGS += --no-print-directory

.DEFAULT_GOAL := help
.PHONY: help demo test test-all wheel bench docs lint types verify-types format quick clean

help:
	@sed -n 's/^#   //p' Makefile

# $(call venv,DIR,INTERPRETER): a fresh environment whose pip knows dependency groups (25.1 and newer).
define venv
	rm -rf $(1)
	$(2) -m venv $(1)
	$(1)/bin/python -m pip install -qq --upgrade 'pip>=25.1'
endef

$(DEV): pyproject.toml
	$(call venv,.venv,$(PYTHON))
	$(BIN)/python -m pip install -qq --editable '.[aiogram,ptb,telebot]' --group dev
	@touch $@

$(DEMO): pyproject.toml
	$(call venv,$(@D),$(PYTHON))
	$(@D)/bin/python -m pip install -qq --editable '.[$(firstword $(subst -, ,$(FRAMEWORK)))]'
	@touch $@

$(WHEEL): pyproject.toml
	$(call venv,$(@D),$(PYTHON))
	$(@D)/bin/python -m pip install -qq '.[aiogram,ptb,telebot]' --group tests
	@touch $@

# The original has our name, so it gets a folder that only its own benchmark process puts on its path.
$(BENCH): pyproject.toml
	$(call venv,$(@D),$(PYTHON))
	$(@D)/bin/python -m pip install -qq --editable '.[aiogram,ptb,telebot]' --group bench
	$(@D)/bin/python -m pip install -qq --target $(@D)/original aiostep==0.3.7
	@touch $@

# The one peer that is not in Python. Without npm the benchmarks leave it out, and say so.
$(GRAMMY):
	@mkdir -p $(@D)
	@if command -v npm > /dev/null; then \
	    npm install --silent --no-audit --no-fund --no-package-lock --prefix $(@D) \
	        grammy@1.46.0 @grammyjs/conversations@2.1.1 && touch $@; \
	else echo "no npm: the benchmarks leave grammY out"; fi

demo: $(DEMO)
	@.venvs/demo-$(FRAMEWORK)/bin/python scripts/demo.py $(FRAMEWORK)

# The checks that print nothing worth reading share the cores, and so do the two pytest runs, whose lines are the last.
test: $(DEV) $(WHEEL)
	@$(MAKE) --jobs=2 $(if $(filter output-sync,$(.FEATURES)),--output-sync=target) lint types docs
	@$(MAKE) wheel
	@$(BIN)/python scripts/test_twice.py $(ARGS)

# The built wheel, installed with what it asks for and nothing of the source tree.
wheel: $(DEV) $(WHEEL)
	@rm -rf build/wheel && mkdir -p build
	@$(BIN)/python -m hatchling build -t wheel -d build/wheel > build/wheel.log 2>&1 || (cat build/wheel.log; exit 1)
	@.venvs/wheel/bin/python -m pip install -qq --force-reinstall --no-deps build/wheel/*.whl

test-all:
	@$(PYTHON) scripts/test_all.py $(ARGS)

bench: $(BENCH) $(GRAMMY)
	@AIOSTEP_ORIGINAL=$(CURDIR)/.venvs/bench/original .venvs/bench/bin/python benchmarks/run.py $(ARGS)

docs: $(DEV)
	@$(BIN)/python -m sphinx -E -n -W --keep-going -q -b html docs docs/_build/html
	@echo "docs: docs/_build/html/index.html"

lint: $(DEV)
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check

types: $(DEV)
	@$(BIN)/mypy src $(wildcard scripts/*.py examples/*.py examples/questions/*/*.py tests/typing/*.py)
	@$(BIN)/mypy --config-file examples/adapter_plugin/pyproject.toml examples/adapter_plugin/src
	@$(BIN)/pyright --pythonpath $(BIN)/python

# How much of the public interface has a type that every checker reads alike; run against the installed wheel.
verify-types: wheel
	@for package in $(notdir $(patsubst %/,%,$(dir $(wildcard src/*/__init__.py)))); do \
	    PATH="$(CURDIR)/.venvs/wheel/bin:$$PATH" $(BIN)/pyright --verifytypes $$package --ignoreexternal | tail -n 22; \
	done

format: $(DEV)
	@$(BIN)/ruff check --fix
	@$(BIN)/ruff format

quick: $(DEV)
	@$(BIN)/python $(PYTEST) $(ARGS)

clean:
	rm -rf .venv .venvs build dist docs/_build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
