# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

FUZZ_CPU ?= 3600
FUZZ_JOBS ?= 2
FUZZ_ONLY ?= .

.PHONY: fuzz-hours
fuzz-hours: ## fuzz each target until it has used FUZZ_CPU (3600) seconds in all runs
	@$(GO) run -buildvcs=false ./tests/fuzz -cpu $(FUZZ_CPU) -jobs $(FUZZ_JOBS) -only '$(value FUZZ_ONLY)'

.PHONY: fuzz-table
fuzz-table: ## show what fuzz-hours has reached so far
	@$(GO) run -buildvcs=false ./tests/fuzz -table
