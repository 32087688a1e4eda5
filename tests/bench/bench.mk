# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

BENCH ?= .
BENCH_COUNT ?= 6
# A directory for feeds and disks: some 4 GB.
SCRATCH ?=
BENCH_TOOLS := ar dpkg-deb rpmbuild zstd xz busybox strace mke2fs cpio

.PHONY: bench
bench: ## measure both programs beside what users have today, into docs/performance.md
	@tests/install-tools.sh $(BENCH_TOOLS) mksquashfs
	$(GO) run -buildvcs=false ./tests/bench $(if $(SCRATCH),-scratch $(SCRATCH)) -write docs/performance.md

.PHONY: bench-quick
bench-quick: ## compare ratios with their limits, in under two minutes
	@tests/install-tools.sh $(BENCH_TOOLS)
	$(GO) run -buildvcs=false ./tests/bench $(if $(SCRATCH),-scratch $(SCRATCH)) -quick

.PHONY: bench-go
bench-go: ## Go benchmarks that match BENCH (.), BENCH_COUNT (6) times, for benchstat
	@$(GO) test -run '^$$' -bench '$(BENCH)' -benchmem -count $(BENCH_COUNT) -timeout 0 \
		./internal/bundle ./target/migrate-runner/... ./tools/mkmigrations/internal/order ./tools/mkmigrations/internal/pkgfile

.PHONY: size-table
size-table: ## print what each package takes of the runner, by architecture
	@$(GO) run -buildvcs=false ./tests/bench -size

.PHONY: pgo
pgo: ## measure where mkmigrations spends its time, for the compiler: tools/mkmigrations/default.pgo
	@tests/install-tools.sh $(BENCH_TOOLS)
	@dir=/tmp/mkmigrations-pgo && mkdir $$dir && trap 'rm -rf '$$dir EXIT && \
	CGO_ENABLED=0 $(GO) test -trimpath -run '^$$' -bench 'Scan/(deb|ipk|rpm)$$' -benchtime 5s -cpuprofile "$$dir/cpu" -o "$$dir/test" ./tools/mkmigrations/internal/pkgfile && \
	$(GO) tool pprof -proto -output tools/mkmigrations/default.pgo "$$dir/test" "$$dir/cpu"
