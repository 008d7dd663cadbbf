# One command each, the same on a laptop and in CI. `make` alone lists them. The first use sets everything up: a virtual
# environment in .venv and the tests' servers in .tools; nothing else on the machine is changed.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# Extra words for the command behind a target: make demo ARGS="--images photos --model detector.onnx"
ARGS ?=
# Test processes side by side: many tests wait for servers. On two cores three finish in 545 s.
WORKERS ?= 3

PYTHON_BIN := .venv/bin/python
RUNTIME := .venv/.runtime
DEV := .venv/.dev
TOOLS := .tools/.ready

# The environment's programs and the fetched servers come first for everything that a target starts.
export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/.tools:$(PATH)

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(DEV) $(TOOLS) ## Set up everything that the targets below need (each of them does its own share, too)

.PHONY: demo
demo: $(RUNTIME) ## Run the main job on real input against an embedded upstream; prints the result, writes demo-out/
	@tessera demo $(ARGS)

.PHONY: serve
serve: $(RUNTIME) ## Serve on port 8080; without further settings against the emulator, so no account is needed
	@tessera serve $(ARGS)

.PHONY: test
test: $(DEV) $(TOOLS) ## Run all tests
	@python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

.PHONY: coverage
coverage: $(DEV) $(TOOLS) ## Run all tests in one process and say which branches of app/ none of them takes
	@coverage erase
	@coverage run -m pytest $(ARGS)
	@coverage combine --quiet
	@coverage report

.PHONY: lint
lint: $(DEV) ## Check format, lint, strict types, import directions, sizes and house rules
	@status=0; \
	ruff format --check . || status=1; \
	ruff check . || status=1; \
	mypy || status=1; \
	python -m pytest --quiet -p no:randomly tests/test_imports.py tests/test_sizes.py tests/test_house.py || status=1; \
	exit $$status

.PHONY: format
format: $(DEV) ## Format the code and apply the linter's safe fixes
	@ruff check --fix .
	@ruff format .

.PHONY: bench
bench: $(DEV) $(TOOLS) ## Run the benchmarks one after another
	@for file in tests/bench/bench_*.py; do \
	    module=$${file%.py}; \
	    echo "== $$module"; \
	    python -m "$${module//\//.}" $(ARGS); \
	done
	@echo "== tessera bench moderation (short: without options it takes ten minutes)"
	@tessera bench moderation --images 2000 --prevalences 0.01,0.1,0.5

.PHONY: fuzz
fuzz: $(DEV) $(TOOLS) ## Bent requests, images, findings and answers, at least 100,000 (ARGS="--cases 5000 --seed 1 --only images")
	@python -m tests.fuzz $(ARGS)

.PHONY: soak
soak: $(DEV) $(TOOLS) ## Mixed load for half an hour, and what grows meanwhile (ARGS="--minutes 5" for less)
	@python -m tests.soak $(ARGS)

.PHONY: chaos
chaos: $(DEV) $(TOOLS) ## Break processes, Redis and the vendor under load; prints what was lost, wrong or paid twice
	@python -m tests.chaos $(ARGS)

.PHONY: clean
clean: ## Remove what was made here: .venv, .tools, demo-out, calibration-out, caches
	@rm -rf .venv .tools demo-out calibration-out build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage .coverage.*
	@find app tests -type d -name __pycache__ -prune -exec rm -rf {} +

# --- Set-up. A stamp is older than what it depends on when a requirement has changed: then that step runs again. A folder
# that was moved has the wrong paths in its environment's scripts: then all of it does.

ifneq ($(shell cat .venv/.place 2>/dev/null),$(CURDIR))
.PHONY: $(RUNTIME) $(DEV)
endif

$(RUNTIME): requirements.txt pyproject.toml deploy/setup/python.sh deploy/setup/debs.sh
	@bash deploy/setup/python.sh requirements.txt
	@touch $@

$(DEV): requirements-dev.txt requirements.txt pyproject.toml deploy/setup/python.sh deploy/setup/debs.sh
	@bash deploy/setup/python.sh requirements-dev.txt
	@touch $@ $(RUNTIME)

$(TOOLS): deploy/setup/tools.sh deploy/setup/debs.sh
	@bash deploy/setup/tools.sh
