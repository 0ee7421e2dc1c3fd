# Two commands matter: `make run` and `make test`. Both set up everything they need first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 9877
BUILT  := $(VENV)/.built
KERNEL := $(wildcard hacore/kernel/*.pyx hacore/kernel/*.pxd)
DEBUG  := build/debug-tree

.DEFAULT_GOAL := help
.PHONY: help setup run can-cluster cluster simulate test properties quality bench rules debug sanitize watchdog model lock clean

help: ## show what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(BUILT) ## virtual environment, dependencies, compiled kernels

$(BUILT): pyproject.toml setup.py constraints.txt tools/setup.sh $(KERNEL)
	@exec env PYTHON="$(PYTHON)" VENV="$(VENV)" sh tools/setup.sh
	@touch $@

# `exec`: signals sent to make reach the service itself.
run: $(BUILT) ## serve the built-in demo pool on http://127.0.0.1:9877 (PORT=…)
	@exec $(BIN)/xenha serve demo: --listen 127.0.0.1:$(PORT)

# Before anything is built: it may not be possible here.
can-cluster:
	@$(PYTHON) -m lab.cluster.needs

# `exec`: Ctrl-C reaches the cluster, which takes everything away.
cluster: can-cluster $(BUILT) ## three daemons in namespaces and their page, as root (DRILL=… breaks them)
	@exec $(BIN)/python -m lab.cluster $(if $(DRILL),drill $(DRILL),run --listen 127.0.0.1:$(PORT))

SEEDS ?= 0:100000
simulate: $(BUILT) ## simulate pools for hours, seed by seed (SEEDS=A:B)
	@exec $(BIN)/python -m hacore.testing.simulate --seeds $(SEEDS)

test: quality ## every check and every test, quick ones first
	@sh tools/system-packages.sh
	@$(BIN)/pytest -q -rs --ignore=tests/quality

# A run of `make test` draws the same examples as the last.
TESTS ?= tests
properties: $(BUILT) ## property tests with examples drawn anew (TESTS=tests/hacore; some minutes)
	@$(BIN)/pytest -q -m hypothesis --hypothesis-profile=random $(TESTS)

quality: $(BUILT) ## linters, types, rules of the house
	@$(BIN)/ruff check -q .
	@$(BIN)/ruff format -q --check .
	@PATH="$(CURDIR)/$(BIN):$$PATH" cython-lint hacore/kernel
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/pytest -q tests/quality

bench: $(BUILT) ## measure; prints a table and writes plots to var/bench
	@$(BIN)/python -m bench

rules: $(BUILT) ## print the alert rules for Prometheus
	@$(BIN)/xenha rules

# Beside the normal build, which stays as it is.
debug: $(BUILT) ## kernels with bounds checks and assertions, and their tests
	@rm -rf $(DEBUG)
	@XENHA_DEBUG=1 $(BIN)/python -W ignore setup.py -q build --build-base build/debug --build-lib $(DEBUG)
	@$(BIN)/pytest -q -o "pythonpath=$(DEBUG) ." tests/hacore tests/planner/tolerance

# More tests of kernels: as arguments.
sanitize: $(BUILT) ## kernels under address, undefined-behaviour and thread sanitizers, and their tests
	@VENV=$(VENV) sh tools/sanitize.sh tests/hacore/edge/pump
	@VENV=$(VENV) sh tools/sanitize-threads.sh

# Root; QEMU without KVM will do. What is missing is said.
watchdog: $(BUILT) ## real watchdog drivers in virtual machines: armed, disarmed, fired (a minute or two)
	@exec $(BIN)/python -m lab.watchdog

model: ## explore the models of the protocol whole (spin; some minutes)
	@$(PYTHON) model/check.py

model-deep: ## the same, and what takes long (docs/model.md has the figures)
	@$(PYTHON) model/check.py --deep

lock: $(BUILT) ## write constraints.txt anew from what is installed
	@$(BIN)/pip freeze --all --exclude-editable | grep -v '^pip==' > constraints.txt

clean: ## remove everything that was made
	@rm -rf $(VENV) build var *.egg-info hacore/kernel/*.c hacore/kernel/*.so
