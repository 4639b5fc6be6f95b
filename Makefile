# make demo    a report from a simulated shop, in reports/demo
# make test    the whole test suite
# make lint    style and types
# make battery worlds with a known truth, many seeds: rates and intervals in reports/battery.md (hours; see SEEDS)
# make bench   how fast, against the script anybody would write, in reports/benchmarks.md (MODE=--long adds a million)
# make reliability  kills, full disks, stops, bombs and hostile input on real runs: counts in reports/reliability.md
# make golden  write the golden files anew (then read the difference before committing it)
# make lock    resolve the dependencies anew into the two lock files
#
# PYTHON picks the interpreter: make test PYTHON=python3.12

ifndef PYTHON
PYTHON := $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
endif
WORKERS ?= auto
SEEDS ?= 100

PIP := .venv/bin/python -m pip --disable-pip-version-check
PYTEST := .venv/bin/python -m pytest -n $(WORKERS) --dist loadfile

.PHONY: demo test lint battery bench reliability golden lock tools java postgres
.DELETE_ON_ERROR:

demo: .venv/ready
	.venv/bin/personas demo

test: .venv/ready-for-tests tools
	$(PYTEST)

lint: .venv/ready-for-tests
	.venv/bin/ruff check .
	.venv/bin/mypy

battery: .venv/ready-for-tests
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.battery --seeds $(SEEDS)
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.battery_claims --seeds 500
	PERSONAS_EXAMPLES=10000 $(PYTEST) tests/sources/test_round_trip.py

bench: .venv/ready-for-tests
	.venv/bin/python -m benchmarks $(MODE)

reliability: .venv/ready-for-tests
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.reliability

golden: .venv/ready-for-tests
	PERSONAS_GOLDEN=write $(PYTEST)
	@echo "Read what changed before you commit it: git diff -- tests/golden reports/gallery"

# A stamp stands for "installed from this lock": a second call does nothing until a lock or pyproject.toml changes.
.venv/ready: requirements.lock pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --require-hashes --requirement requirements.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

# The lock of the tests holds the other one at the same versions, so it makes both stamps good.
.venv/ready-for-tests: requirements-test.lock requirements.lock pyproject.toml | .venv/bin/python
	$(PIP) install --quiet --require-hashes --requirement requirements-test.lock
	$(PIP) install --quiet --no-deps --no-build-isolation --editable .
	@touch .venv/ready $@

.venv/bin/python:
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer was found. Install one, or say where: make PYTHON=/path/to/python3"; exit 2; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; \
		echo "$(PYTHON) cannot make a virtual environment. On Debian: apt-get install python3-venv"; exit 2; }

# The browser tests need Debian's chromium and fonts for the scripts of six languages, those of Spark need Java 17 or
# newer, those of databases a PostgreSQL server. Only root may install them here.
tools: java postgres
	@if command -v chromium >/dev/null && { ! command -v dpkg >/dev/null || dpkg -s fonts-noto-core >/dev/null 2>&1; }; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing chromium and fonts-noto-core for the browser tests."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive \
			apt-get install -qq -y --no-install-recommends chromium fonts-noto-core >/dev/null; \
	elif command -v chromium >/dev/null; then \
		echo "fonts-noto-core is missing: pages may show boxes for letters. To mend: apt-get install fonts-noto-core"; \
	else \
		echo "The tests marked 'browser' will be skipped: chromium is missing and only root may install it."; \
		echo "To run them: apt-get install chromium fonts-noto-core"; \
	fi

java:
	@if command -v java >/dev/null; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing a Java runtime for the tests of Spark."; \
		apt-get update -qq && for p in openjdk-17-jre-headless openjdk-21-jre-headless default-jre-headless; do \
			DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $$p >/dev/null 2>&1 && break; \
		done; command -v java >/dev/null; \
	else \
		echo "The tests of Spark will be skipped: Java is missing and only root may install it."; \
		echo "To run them: apt-get install openjdk-17-jre-headless"; \
	fi

postgres:
	@if command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then \
		:; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing PostgreSQL for the tests of databases."; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends postgresql >/dev/null; \
	else \
		echo "The tests of PostgreSQL will be skipped: its programs are missing and only root may install them."; \
		echo "To run them: apt-get install postgresql"; \
	fi

LOCK := .venv-lock/bin/uv pip compile --universal --python-version 3.11 --fork-strategy fewest --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet pyproject.toml

lock:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/pip install --quiet uv
	$(LOCK) --group build --extra test --upgrade --output-file requirements-test.lock
	$(LOCK) --group build --constraint requirements-test.lock --output-file requirements.lock
	rm -rf .venv-lock
