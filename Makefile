.DEFAULT_GOAL := help
.PHONY: help setup demo test test-az check check-infra fuzz mutants
MAKEFLAGS += --no-print-directory
unexport PYTHONDONTWRITEBYTECODE  # the tests start hundreds of processes; each would compile all it imports

BIN := .venv/bin

help:  ## list these targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/  make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 20

setup:  ## put everything needed into .venv and .work; instant when nothing changed
	@command -v python3 >/dev/null || { echo "setup: python3: expected 3.11, 3.12 or 3.13 on the PATH, found none" >&2; exit 1; }
	@python3 scripts/setup.py

demo: setup  ## a good push promoted, a bad one rolled back; ONCE=1 ends by itself, KEEP=1 leaves it running
	@$(BIN)/python -m scripts.demo $(if $(ONCE),--once) $(if $(KEEP),--keep)

test: setup  ## every test, and a sample of the long ones; ARGS="-k traffic" for some
	@$(BIN)/python -m pytest -n 6 --dist loadfile --no-loadscope-reorder $(or $(ARGS),tests/e2e tests)

test-az: setup  ## the real Azure CLI against the local cloud; installs it into .work/az, 750 MB
	@$(BIN)/python scripts/setup_az.py
	@$(BIN)/python -m pytest -m az tests/az $(ARGS)

check: setup  ## format, lint, types, imports, and check-infra
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --cache-dir .work/importlinter
	@$(BIN)/python -m scripts.check_infra

check-infra: setup  ## the Bicep, its roles and its settings, without Azure
	@$(BIN)/python -m scripts.check_infra

fuzz: setup  ## the long versions of the generated tests; ARGS="tests/rollouts" for some
	@WEIGHBRIDGE_FUZZ=1 $(BIN)/python -m pytest -n 2 --dist loadfile -o timeout=3600 $(ARGS)

mutants: setup  ## break the pure core on purpose and count what the tests miss; MINUTES=20, FILES=policies SAMPLE=1200
	@$(BIN)/python scripts/mutants.py --minutes $(or $(MINUTES),20) $(if $(SAMPLE),--sample $(SAMPLE)) $(FILES)
