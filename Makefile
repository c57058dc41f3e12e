# Everything works on a fresh clone with Python 3.11 or later and make: each target makes what it needs.
# make up | test | test-browser | test-slow | lint | bench | screenshots | reset | lock

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/installed
WORKERS ?= 2

.PHONY: setup up test test-browser test-slow lint bench reset lock screenshots

setup: $(INSTALLED)

$(INSTALLED): requirements.txt requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit("LedgerOps needs Python 3.11 or later, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.txt --requirement requirements-dev.txt
	@touch $@

up: setup
	@exec $(BIN)/python manage.py up $(ARGS)

test: setup
	$(BIN)/python -m pytest -n $(WORKERS) -m "not slow and not browser" $(ARGS)

test-browser: setup
	$(BIN)/python -m pytest -n $(WORKERS) --dist=loadgroup -m browser $(ARGS)

test-slow: setup
	$(BIN)/python -m pytest -m slow $(ARGS)

# The deployment check reads settings as production would have them; no database is asked.
lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djhtml --check templates
	$(BIN)/lint-imports
	$(BIN)/mypy .
	$(BIN)/python -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	@LEDGEROPS_PROFILE=production LEDGEROPS_ALLOWED_HOSTS=ledger.example.com \
		LEDGEROPS_SECRET_KEY="$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
		$(BIN)/python manage.py check --deploy --fail-level WARNING

bench: setup
	$(BIN)/python manage.py bench all --table docs/benchmarks.md $(ARGS)

screenshots: setup
	$(BIN)/python -m pytest tests/browser/take_screenshots.py $(ARGS)

reset: setup
	@$(BIN)/python -m ledgerops.embedded.reset

lock: setup
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --output-file requirements.txt pyproject.toml
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraints requirements.txt --group dev --output-file requirements-dev.txt
	$(BIN)/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --constraints requirements.txt --group bench --output-file requirements-bench.txt
