# `make` alone lists the targets.

PYTHON ?= python3
LAUNCHER := PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=localstack $(PYTHON) -m launcher

.DEFAULT_GOAL := help
.PHONY: help run stop test check simulate bench tools clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1	\2/p' $(MAKEFILE_LIST)

run: ## build and start everything, run one job from connect to result, stay up until Ctrl-C
	@$(LAUNCHER) run

stop: ## stop what `make run` started
	@$(LAUNCHER) stop

test: ## everything: formatting, lints, unit, contract and end-to-end tests, coverage
	@$(PYTHON) scripts/verify.py test

check: ## every check and test that needs no stack, with fewer simulator seeds
	@$(PYTHON) scripts/verify.py check

simulate: ## run the simulator on SEEDS fresh seeds (or from FIRST on, with CHANGES to its bad day); the last line counts the broken promises
	@cargo run --quiet --locked --package testkit --bin simulate -- $(or $(SEEDS),100) $(FIRST) $(CHANGES)

bench: ## the numbers that the design promises, as JSON lines; ONLY=start_up measures only that part
	@PYTHONDONTWRITEBYTECODE=1 $(PYTHON) scripts/bench.py $(ONLY)

tools: ## only install the tools into .tools/
	@$(LAUNCHER) tools

clean: ## remove everything that was built, installed or written here
	rm -rf target .tools .local .aws-sam
