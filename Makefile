# Thin on purpose: what a target does stands in scripts/.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint types imports docs docs-check vendor vendor-check format bench image clean

run: .make/server
	$(BIN)/chatproto-server serve --demo --data demo-data --listen 127.0.0.1:8008

test: .make/dev
	$(BIN)/pytest

lint: .make/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: .make/dev
	$(BIN)/mypy
	$(BIN)/pyright

imports: .make/dev
	$(BIN)/lint-imports

docs: .make/dev
	$(BIN)/python -m scripts.reference

docs-check: .make/dev
	$(BIN)/python -m scripts.reference --check

vendor: .make/dev
	$(BIN)/python -m scripts.vendor

vendor-check: .make/dev
	$(BIN)/python -m scripts.vendor --check

format: .make/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: .make/dev
	$(BIN)/python -m tests.benchmarks

image:
	$(PYTHON) -m scripts.build_image

clean:
	rm -rf $(VENV) .make demo-data

.make/dev: tests/conformance/node/package-lock.json

.make/%: pyproject.toml constraints.txt scripts/setup-venv.sh
	sh scripts/setup-venv.sh $(PYTHON) $(VENV) $*
	mkdir -p .make && touch $@
