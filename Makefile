# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# `make help` lists the targets. Nothing here needs a network, but for Go's
# module proxy, Debian, where tools are missing and it may install them, and
# oe-setup, which fetches bitbake and openembedded-core.

SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -ec
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
# Recipes start parallel jobs by themselves.
.NOTPARALLEL:

VERSION ?= 0.1.0
GO ?= go

# One build of one version gives the same bytes everywhere.
GOFLAGS_BUILD := -trimpath -buildvcs=false
LDFLAGS := -s -w -buildid= -X main.version=$(VERSION)
GO_BUILD := CGO_ENABLED=0 $(GO) build $(GOFLAGS_BUILD) -ldflags "$(LDFLAGS)"
# Nothing of its own is inlined: the runner is smaller, and a boot with nothing
# to do takes as long. In Go's runtime inlining pays: docs/performance.md.
RUNNER_BUILD := $(GO_BUILD) -gcflags=meta-migration/...=-l

# The oldest Go that must build everything: scarthgap's.
OLDEST_GO := go1.22.12

# GOARCH, or GOARCH/variant, of every device that the runner is built for.
ARCHITECTURES := amd64 386 arm/5 arm/6 arm/7 arm64 loong64 mips/softfloat mipsle/softfloat \
	mips64/softfloat mips64le/softfloat ppc64le riscv64 s390x

# Go remembers what passed, and does not see that a test builds a program: it
# would not be run again when only the program has changed.
TEST_FLAGS ?= -count=1
TEST_TIMEOUT ?= 14m
FUZZTIME ?= 10s

# What makes images and boots them.
MACHINE_TOOLS := qemu-system-x86_64 mke2fs mksquashfs mmdebstrap busybox dpkg-deb xz

# A line that begins with `target: ## text` is what help prints.
.PHONY: help
help: ## show this list
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | sort -u | \
		awk -F ':.*## ' '{ printf "  make %-14s %s\n", $$1, $$2 }'

.PHONY: build
build: ## build bin/mkmigrations and bin/migrate-runner
	@mkdir -p bin
	$(GO_BUILD) -o bin/mkmigrations ./tools/mkmigrations
	$(RUNNER_BUILD) -o bin/migrate-runner ./target/migrate-runner

.PHONY: demo
demo: ## take one device through install, upgrade, failure, repair and downgrade
	@tests/install-tools.sh ar rpmbuild busybox zstd xz
	@$(GO) run -buildvcs=false ./tests/demo

.PHONY: test
test: ## install what the tests need, and run all of them
	@tests/install-tools.sh
	@tests/updaters/tools.sh
	$(GO) test -json -timeout $(TEST_TIMEOUT) $(TEST_FLAGS) ./... 2>&1 | $(GO) run -buildvcs=false ./tests/summary

.PHONY: check
check: check-format check-vet check-lint check-shell check-oldest check-cross check-docs ## everything a reviewer would run: format, vet, linters, Go 1.22, all architectures

.PHONY: check-format
check-format:
	@wrong=$$(gofmt -l $$(find . -name '*.go' -not -path './.cache/*')); \
	if [ -n "$$wrong" ]; then echo "gofmt -w these:" $$wrong >&2; exit 1; fi
	@echo "ok  gofmt"

.PHONY: check-vet
check-vet:
	$(GO) vet ./...
	@echo "ok  go vet"

# The linters are taken where they are installed: no version of them is part
# of what a change must have. CI has one.
.PHONY: check-lint
check-lint:
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; echo "ok  golangci-lint"; \
	elif command -v staticcheck >/dev/null; then staticcheck ./...; echo "ok  staticcheck"; \
	else echo "--  neither golangci-lint nor staticcheck is installed"; fi

SHELL_FILES = .ci/run tests/install-tools.sh $(shell find . -name '*.sh' -not -path './.cache/*' -not -path './demo-out/*') \
	$(wildcard target/migrate-runner/dist/may-reboot target/migrate-runner/dist/*.init target/migrate-runner/dist/*.initramfs) \
	$(wildcard examples/updaters/*/Artifact* examples/updaters/*/*-args)

# Not faults: a sourced file that only a device has, an empty assignment, and a
# bracket expression behind a variable.
NOT_FAULTS := SC1090,SC1007,SC1087

# Migrations are run by sh -e.
MIGRATION_FILES = $(wildcard examples/*/*/*.migration)

.PHONY: check-shell
check-shell:
	@tests/install-tools.sh shellcheck
	@if command -v shellcheck >/dev/null; then shellcheck --exclude=$(NOT_FAULTS) $(sort $(SHELL_FILES)); \
	shellcheck --shell=sh --exclude=$(NOT_FAULTS),SC2164,SC2013 $(MIGRATION_FILES); echo "ok  shellcheck"; \
	else echo "--  shellcheck is not installed"; fi

.PHONY: check-oldest
check-oldest:
	GOTOOLCHAIN=$(OLDEST_GO) $(GO) build ./...
	GOTOOLCHAIN=$(OLDEST_GO) $(GO) vet ./...
	@echo "ok  $(OLDEST_GO)"

.PHONY: check-cross
check-cross: cross
	@echo "ok  the runner for every architecture"

.PHONY: cross
cross: ## build the runner for every architecture: bin/migrate-runner-ARCH, with their sizes
	@mkdir -p bin
	@for arch in $(ARCHITECTURES); do \
		goarch=$${arch%%/*} variant=$${arch#*/}; out=bin/migrate-runner-$${arch//\//-}; \
		case $$goarch in arm) export GOARM=$$variant;; mips|mipsle) export GOMIPS=$$variant;; \
		mips64|mips64le) export GOMIPS64=$$variant;; esac; \
		GOOS=linux GOARCH=$$goarch $(RUNNER_BUILD) -o $$out ./target/migrate-runner; \
		printf '%10d  %s\n' $$(stat -c %s $$out) $$out; \
	done

.PHONY: man
man: ## write the man pages and shell completions in docs/ anew
	$(GO) test ./tools/mkmigrations/internal/cli/gendocs -count=1 -args -update

.PHONY: check-docs
check-docs:
	$(GO) test ./tools/mkmigrations/internal/cli/gendocs -count=1
	@echo "ok  man pages and completions"

.PHONY: fuzz
fuzz: ## run each fuzz test for FUZZTIME (10s)
	@$(GO) list -f '{{.Dir}}' ./... | while read -r dir; do \
		{ sed -nE 's/^func (Fuzz[A-Za-z0-9_]+).*/\1/p' "$$dir"/*_test.go 2>/dev/null || :; } | while read -r name; do \
			echo "$$name in $${dir#$(CURDIR)/}"; \
			(cd "$$dir" && $(GO) test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) .); \
		done; \
	done

.PHONY: clean
clean: ## remove what make built
	rm -rf bin demo-out coverage.out

# Suites with targets of their own: the layer under bitbake, simulated devices, …
SUITES := $(wildcard tests/*/*.mk)
ifneq ($(SUITES),)
include $(SUITES)
endif
ifneq ($(filter tests/oe/oe.mk,$(SUITES)),)
check: check-go-mods
endif
