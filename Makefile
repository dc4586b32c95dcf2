# Two commands for a newcomer: `make demo` and `make test`. `make help` lists the rest.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
UV := $(BIN)/uv pip
STAMPS := .venv/stamps
PAGES := src/aigaq/web/static/manifest.json
UI_SOURCES := $(shell find ui/src ui/build.mjs ui/verifier.mjs ui/package-lock.json ui/tsconfig.json -type f 2>/dev/null)

.PHONY: help demo test bench check format lock messages screenshots clean
help:            ## this list
	@grep -hE '^[a-z]+: .*##|^[a-z]+:  +##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(BIN)/uv: requirements/uv.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Aigaq needs Python 3.11 or newer; set PYTHON=/path/to/python3.11" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip --disable-pip-version-check install --quiet --require-hashes -r requirements/uv.txt
	@touch $@

$(STAMPS)/runtime: $(BIN)/uv requirements/runtime.txt pyproject.toml packages/verify/pyproject.toml
	$(UV) install --quiet --require-hashes -r requirements/runtime.txt
	$(UV) install --quiet --no-deps --no-build-isolation -e packages/verify -e .
	@mkdir -p $(STAMPS) && touch $@

$(STAMPS)/dev: $(STAMPS)/runtime requirements/dev.txt
	$(UV) install --quiet --require-hashes -r requirements/dev.txt
	@touch $@

$(PAGES): $(STAMPS)/runtime $(UI_SOURCES) tools/build_ui.py
	$(BIN)/python tools/build_ui.py build
	@touch $@

demo: $(STAMPS)/runtime $(PAGES)   ## a small election on this machine, recorded, sealed, watchable
	@$(BIN)/aigaq demo

test: $(STAMPS)/dev $(PAGES)       ## every test, with its real peers
	@$(BIN)/python tools/peers.py
	@$(MAKE) --no-print-directory check
	$(BIN)/python tools/build_ui.py test
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(STAMPS)/dev                   ## lint, types, import contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python tools/build_ui.py check

bench: $(STAMPS)/dev $(PAGES)      ## measurements beside their peers; writes nothing
	@$(BIN)/python tools/peers.py
	$(BIN)/python -m benchmarks

format: $(STAMPS)/dev                  ## let ruff format everything
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: $(BIN)/uv                        ## renew the hash-locked requirements
	$(UV) compile -q requirements/uv.in --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock' -o requirements/uv.txt
	$(UV) compile -q pyproject.toml --group build --no-emit-package aigaq-verify --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock' -o requirements/runtime.txt
	$(UV) compile -q pyproject.toml --group build --group dev -c requirements/runtime.txt --no-emit-package aigaq-verify --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock' -o requirements/dev.txt
	$(UV) compile -q --group node --universal --generate-hashes --python-version 3.11 --custom-compile-command 'make lock' -o requirements/node.txt

messages: $(STAMPS)/dev                ## collect the texts to translate into each room's kk.po and ru.po
	$(BIN)/python tools/messages.py

screenshots: $(STAMPS)/dev $(PAGES) ## renew the README's picture from the running demo
	$(BIN)/python tools/screenshots.py

clean:                                 ## forget the environment and the built pages
	rm -rf .venv src/aigaq/web/static ui/node_modules
