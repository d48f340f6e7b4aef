# `make demo` and `make test` need only python3 >= 3.11 and pip.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: demo test browser test-litellm test-peers check fmt prove bench setup constraints clean stranger

$(VENV)/.demo: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -U 'pip>=25.1'
	$(PIP) install -q -c constraints.txt -e '.[openai]'
	touch $@

$(VENV)/.dev: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install -q -U 'pip>=25.1'
	$(PIP) install -q -c constraints.txt -e '.[all]' --group dev
	touch $@ $(VENV)/.demo

demo: $(VENV)/.demo  ## the refunds shop, turn by turn, over loopback HTTP
	$(BIN)/handrail demo

setup: $(VENV)/.dev

test: $(VENV)/.dev  ## every test but the long proofs
	$(BIN)/python -m pytest -n 2 --dist loadgroup -q -m 'not slow and not alone and not browser'
	$(BIN)/python -m pytest -q -m 'alone and not slow'

browser: $(VENV)/.dev  ## the inbox in a real browser; installs chromium where there is none
	$(PIP) install -q -c constraints.txt --group browser
	command -v chromium || { apt-get -qq update && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y chromium; }
	$(BIN)/python -m pytest -q -m browser tests/browser

check: $(VENV)/.dev  ## format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q tests/typing
	$(BIN)/lint-imports

fmt: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

prove: $(VENV)/.dev  ## long proofs: chaos, fuzz, soak, simulation, mutation
	$(PIP) install -q -c constraints.txt --group prove
	$(BIN)/python -m pytest -q -m slow
	$(BIN)/python -m tests.prove.mutation

stranger:  ## what CI runs: a fresh clone, then the core wheel alone
	bash .ci/run

bench: $(VENV)/.dev  ## every benchmark, with its peers; writes docs/benchmarks.md (BENCH=--quick tries it)
	$(PIP) install -q -c constraints.txt --group bench
	$(BIN)/python -m benchmarks.bench $(BENCH)

constraints:  ## re-resolve everything and pin it, without addresses
	$(PYTHON) -m venv .venv-constraints
	.venv-constraints/bin/python -m pip install -q -U 'pip>=25.1'
	.venv-constraints/bin/python -m pip install -q -e '.[all]' --group dev --group peers --group browser --group consumers
	(echo "# Versions that are tested together. Regenerate with \`make constraints\`."; \
	 .venv-constraints/bin/python -m pip freeze --exclude-editable | grep '==' | grep -v '@') > constraints.txt
	rm -rf .venv-constraints

test-peers: $(VENV)/.dev  ## other packages' own tests, plain and with a guard that lets everything pass
	$(PIP) install -q -c constraints.txt --group peers
	PYTHONPATH=tests $(BIN)/python -m peers

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis

LITELLM := .venv-litellm

$(LITELLM)/.ready: pyproject.toml
	test -x $(LITELLM)/bin/python || $(PYTHON) -m venv $(LITELLM)
	$(LITELLM)/bin/python -m pip --disable-pip-version-check install -q -e '.[litellm]' pytest
	touch $@

test-litellm: $(LITELLM)/.ready  ## LiteLLM pins an openai of its own, so it is tested apart
	$(LITELLM)/bin/python -m pytest -q -p no:cacheprovider -o addopts=--import-mode=importlib -W default tests/contract/test_adapters_litellm.py
