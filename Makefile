# Everything runs in .venv, which the first target that needs it makes; a stamp says which lock file it holds.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
RECIPE ?= book
URL ?= http://127.0.0.1:8000
FUZZ_SECONDS ?= 600
MINUTES ?= 30
STORE := $(if $(filter s3://%,$(MLP_MODELS)),$(VENV)/.s3)
PEERS := benchmarks/training/requirements
HTTP_PEERS := benchmarks/http/requirements
HTTP_PEER_NAMES := $(patsubst $(HTTP_PEERS)/%.in,%,$(wildcard $(HTTP_PEERS)/*.in))
CLIENTS := tests/clients

.DEFAULT_GOAL := help
.PHONY: help run test lint format fuzz fuzz-short attacks train retrain learn reproduce accuracy mutation fuzz-api score-demo bench-training bench-score bench-swap bench-page bench-http bench-metrics bench-beside bench-abuse bench-overload faults soak profile-http .wrk image image-check image-lint audit sbom simulate-scaling docs lock lock-bench lock-bench-http lock-clients lock-image clean

help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

run: export MLP_FEEDBACK ?= sqlite:///data/corrections.sqlite
run: $(VENV)/.feedback $(STORE) ## serve the models in models/ on http://127.0.0.1:8000 (PORT=… for another port)
	@exec $(BIN)/gunicorn -c service/gunicorn.conf.py

# Three files at a time, as many of them wait for servers; in their order, which has those with the longest tests first.
test: $(VENV)/.dev $(VENV)-clients/.clients ## run all tests
	$(BIN)/pytest -n 3 --dist loadfile --no-loadscope-reorder

lint: $(VENV)/.dev ## check style, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.dev ## bring the code into its layout, and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

fuzz: $(VENV)-fuzz/.fuzz ## try a million of a machine's inputs on all parsers (ARGS="png --runs 1000", ARGS=--help)
	@$(VENV)-fuzz/bin/python -m fuzz $(ARGS)

fuzz-short: $(VENV)-fuzz/.fuzz ## the same in a minute or two
	@$(VENV)-fuzz/bin/python -m fuzz --runs 2000 $(ARGS)

attacks: $(VENV)/.dev ## measure what each known attack costs a running service (ARGS=--help lists options)
	@$(BIN)/python -m fuzz.attacks $(ARGS)

train: $(VENV)/.training $(STORE) ## train RECIPE=book and store the result as the next version
	$(BIN)/python -m training train $(RECIPE)

retrain: $(VENV)/.training $(STORE) ## train RECIPE beside the version that URL serves, to replace it when it has proved good
	$(BIN)/python -m training retrain $(RECIPE) $(if $(MODEL),--model $(MODEL)) --url $(URL) $(ARGS)

learn: RECIPE := learn
learn: $(VENV)/.training $(VENV)/.feedback $(STORE) ## learn from corrections, and let what has not fallen answer at URL (RECIPE=learn, ARGS=…)
	$(BIN)/python -m training retrain $(RECIPE) $(if $(MODEL),--model $(MODEL)) --with-feedback --url $(URL) --min-requests 0 $(ARGS)

reproduce: $(VENV)/.training ## train the book's network and print our figures beside the book's
	$(BIN)/python -m training reproduce

accuracy: $(VENV)/.dev ## measure what the service reads right, by kind of picture (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.accuracy $(ARGS)

mutation: $(VENV)-mutation/.mutmut ## count the small mistakes in mlp/ and the swap that tests notice (ARGS='swap --share 0.1', ARGS=--help)
	@$(VENV)-mutation/bin/python -m benchmarks.mutation $(ARGS)

score-demo: $(VENV)/.dev ## score MNIST's 70,000 pictures into scores/mnist, and ask the files what is in them
	$(BIN)/python -m training score digits production data/mnist --output scores/mnist
	@$(BIN)/python -m examples.score_mnist scores/mnist

fuzz-api: $(VENV)/.dev ## send the service what its OpenAPI document allows and what it forbids, for FUZZ_SECONDS=600
	FUZZ_SECONDS=$(FUZZ_SECONDS) FUZZ_SEED=$$(date +%s) $(BIN)/pytest -q -s tests/live/test_openapi.py

bench-training: $(VENV)/.dev $(VENV)-bench/.peers ## time training beside scikit-learn, PyTorch, JAX and the book's code (ARGS=--quick)
	@$(BIN)/python -m benchmarks.training --peers $(VENV)-bench/bin/python $(ARGS)

bench-swap: $(VENV)/.dev ## measure what swaps cost the requests beside them (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.swap $(ARGS)

bench-score: $(VENV)/.dev ## measure what a second process gives batch scoring (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.scoring $(ARGS)

bench-http: $(VENV)/.dev $(HTTP_PEER_NAMES:%=$(VENV)-bench-http-%/.peers) .wrk ## time the service beside what a user would pick instead, and beside its own limits (ARGS=--quick)
	@$(BIN)/python -m benchmarks.http --peers $(VENV)-bench-http $(ARGS)

bench-beside: $(VENV)/.dev ## measure what others notice of slow clients and of large batches (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.http.beside $(ARGS)

bench-abuse: $(VENV)/.dev ## measure what healthy clients notice of 200 bad ones (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.reliability.bad_clients $(ARGS)

bench-overload: $(VENV)/.dev ## measure what is answered of five times too much (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.reliability.overload $(ARGS)

faults: $(VENV)/.dev ## break the service in ten ways while it is asked, and say what its clients saw
	@$(BIN)/python -m benchmarks.reliability.faults $(ARGS)

soak: $(VENV)/.dev ## load, swaps and faults for MINUTES=30: what grows
	@$(BIN)/python -m benchmarks.reliability.soak --minutes $(MINUTES)

profile-http: $(VENV)/.dev .wrk ## say where each microsecond of a request goes (ARGS=--markdown)
	@$(BIN)/python -m benchmarks.http.profile $(ARGS)

bench-page: $(VENV)/.dev ## time the page from pen-up to label in Chromium (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.page $(ARGS)

.wrk:
	@command -v wrk > /dev/null || test $$(id -u) != 0 || { apt-get update -qq && apt-get install -qq -y wrk; } > /dev/null || true

bench-metrics: $(VENV)/.dev .wrk ## measure what counting for /metrics costs (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.metrics $(ARGS)

image: ## build the container image (PYTHON_IMAGE=…@sha256:…, REQUIREMENTS="s3 tracing", IMAGE=name)
	@deploy/image/build.sh

image-check: ## build the image and check what comes of it, without a container engine (needs root, Debian, buildah)
	@$(PYTHON) -m deploy.image.check

image-lint: $(VENV)-image/.hadolint ## check the Dockerfile with hadolint
	$(VENV)-image/bin/hadolint Dockerfile

audit: $(VENV)/.dev ## look the locked dependencies up in the newest advisories (DATABASE=folder for a copy, without a network)
ifdef DATABASE
	@$(BIN)/python -m deploy.audit $(DATABASE)
else
	@$(MAKE) --no-print-directory $(VENV)-audit/.audit
	@for lock in requirements/*.lock; do \
	  echo "$$lock" && $(VENV)-audit/bin/pip-audit --strict -s osv --require-hashes --disable-pip --progress-spinner off -r "$$lock" || exit 1; \
	done
endif

sbom: ## write the bill of materials of the service's requirements to sbom.cdx.json (REQUIREMENTS="s3 tracing")
	@rm -rf $(VENV)-sbom && $(PYTHON) -m venv $(VENV)-sbom
	@for name in $${REQUIREMENTS:-service}; do echo "-r ../requirements/$$name.lock"; done > $(VENV)-sbom/chosen.txt
	@$(VENV)-sbom/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes \
	  --report $(VENV)-sbom/installed.json -r $(VENV)-sbom/chosen.txt
	@$(VENV)-sbom/bin/python deploy/image/sbom.py $(VENV)-sbom/installed.json > sbom.cdx.json

simulate-scaling: $(VENV)/.dev ## print what many services would need and how they would behave (ARGS=--help lists options)
	@$(BIN)/python -m benchmarks.scaling $(ARGS)

docs: $(VENV)/.dev ## write the settings table, docs/commands.md and the answers of the README's commands anew
	$(BIN)/python -m tests.repository.settings_table
	$(BIN)/python -m tests.repository.commands_page
	$(BIN)/python -m tests.repository.console README.md

lock: ## resolve the dependencies anew, to requirements/*.lock
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	for extras in service service,s3 service,tracing service,feedback training fuzz dev mutation audit; do \
	  $(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	    --generate-hashes --no-header $$(printf -- '--extra %s ' $$(echo $$extras | tr , ' ')) pyproject.toml \
	    --output-file requirements/$${extras##*,}.lock || exit 1; \
	done

# pip fetches PyTorch, because it may know an index with CPU builds (PIP_EXTRA_INDEX_URL); uv takes the hash from that.
lock-bench: ## resolve the dependencies of bench-training anew, for this machine's Python and processor
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	$(VENV)-lock/bin/pip download --quiet --no-deps --dest $(VENV)-lock/wheels $$(grep ^torch $(PEERS).in)
	$(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	  --generate-hashes --no-header --find-links $(VENV)-lock/wheels $(PEERS).in --output-file $(PEERS).lock

lock-bench-http: ## resolve the dependencies of bench-http's peers anew
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	for name in $(HTTP_PEER_NAMES); do \
	  $(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	    --generate-hashes --no-header $(HTTP_PEERS)/$$name.in --output-file $(HTTP_PEERS)/$$name.lock || exit 1; \
	done

lock-clients: ## resolve the dependencies of the clients in tests/clients anew
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	for name in installer requirements; do \
	  $(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --fork-strategy fewest --python-version 3.11 \
	    --generate-hashes --no-header --override $(CLIENTS)/overrides.txt $(CLIENTS)/$$name.in \
	    --output-file $(CLIENTS)/$$name.lock || exit 1; \
	done

lock-image: ## resolve the Dockerfile's linter anew
	$(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet uv
	$(VENV)-lock/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-header \
	  deploy/image/hadolint.in --output-file deploy/image/hadolint.lock

clean: ## remove what these targets made, but not the models
	rm -rf $(VENV) $(VENV)-audit $(VENV)-bench $(VENV)-bench-http-* $(VENV)-clients $(VENV)-fuzz $(VENV)-image $(VENV)-lock $(VENV)-mutation $(VENV)-sbom bench-http.html sbom.cdx.json .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.%: requirements/%.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)-mutation/.mutmut: requirements/mutation.lock
	@test -x $(VENV)-mutation/bin/python || $(PYTHON) -m venv $(VENV)-mutation
	$(VENV)-mutation/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)-audit/.audit: requirements/audit.lock
	@test -x $(VENV)-audit/bin/python || $(PYTHON) -m venv $(VENV)-audit
	$(VENV)-audit/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)-fuzz/.fuzz: requirements/fuzz.lock
	@test -x $(VENV)-fuzz/bin/python || $(PYTHON) -m venv $(VENV)-fuzz
	$(VENV)-fuzz/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)-bench/.peers: $(PEERS).lock
	@test -x $(VENV)-bench/bin/python || $(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)-bench-http-%/.peers: $(HTTP_PEERS)/%.lock
	@test -x $(@D)/bin/python || $(PYTHON) -m venv $(@D)
	$(@D)/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)-image/.hadolint: deploy/image/hadolint.lock
	@test -x $(VENV)-image/bin/python || $(PYTHON) -m venv $(VENV)-image
	$(VENV)-image/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)-clients/.clients: $(CLIENTS)/requirements.lock $(CLIENTS)/installer.lock
	@test -x $(VENV)-clients/bin/python || $(PYTHON) -m venv $(VENV)-clients
	$(VENV)-clients/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $(CLIENTS)/installer.lock
	$(VENV)-clients/bin/uv pip install --quiet --python $(VENV)-clients/bin/python --no-deps --require-hashes -r $<
	@touch $@
