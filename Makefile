# Everything happens in .venv and in this folder. `make` alone lists what there is.
.DEFAULT_GOAL := help
BIN := .venv/bin

.PHONY: help setup demo test check layout lint types imports current format generated bench pins

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile

setup: ## make .venv with everything that demo, tests and checks need (a second call costs nothing)
	@PYTHON="$(PYTHON)" .ci/setup

demo: setup ## the whole pipeline with a synthetic operator; DEMO="--customers 500" passes options on
	@$(BIN)/churnwatch demo $(DEMO)

# More workers than cores: most integration tests wait for a consumer group to form. Compiled files are kept, for many of
# them start processes.
test: setup ## all tests, side by side; TESTS="tests/unit -k inbox" runs some
	@PYTHONDONTWRITEBYTECODE= $(BIN)/pytest -n 6 --dist loadfile --no-loadscope-reorder $(TESTS)

check: layout lint types imports current ## format, lint, types, imports, generated files current; -k goes on after a fault

layout: setup
	$(BIN)/ruff format --check --quiet

lint: setup
	$(BIN)/ruff check --quiet

types: setup
	$(BIN)/mypy

imports: setup
	$(BIN)/lint-imports

current: setup
	$(BIN)/python -m pipeline.contract_documents --check
	$(BIN)/python -m pipeline.metrics_document --check
	$(BIN)/python -m pipeline.signals_document --check
	$(BIN)/python -m churnwatch.settings_document --check
	$(BIN)/python -m churnwatch.ingest.formats_document --check
	$(BIN)/python -m churnwatch.dashboards --check
	$(BIN)/python -m churnwatch.sizing_document --check

format: setup ## put the source in format and mend what ruff can mend
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

generated: setup ## renew the generated files
	$(BIN)/python -m pipeline.contract_documents --write
	$(BIN)/python -m pipeline.metrics_document --write
	$(BIN)/python -m pipeline.signals_document --write
	$(BIN)/python -m churnwatch.settings_document --write
	$(BIN)/python -m churnwatch.ingest.formats_document --write
	$(BIN)/python -m churnwatch.dashboards --write
	$(BIN)/python -m churnwatch.sizing_document --write

bench: setup ## performance, each figure beside its limit: every script of benchmarks/
	@for script in benchmarks/*.py; do echo "$$script"; $(BIN)/python -P "$$script" $(BENCH) || exit 1; done

pins: setup ## write the versions of this .venv into constraints.txt
	@head -1 constraints.txt > constraints.new
	@$(BIN)/pip freeze --exclude-editable >> constraints.new
	@mv constraints.new constraints.txt
