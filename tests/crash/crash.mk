# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

.PHONY: sweep
sweep: ## kill the runner, and fail it, at every system call of every scenario
	SWEEP=full go test ./tests/crash -count=1 -timeout=0 -v

.PHONY: sweep-short
sweep-short: ## all crash sweeps, on disks and flash, too, in their short form
	@tests/install-tools.sh qemu-system-x86_64 mke2fs busybox xz
	go test ./tests/crash/... ./tests/fleet -count=1 -timeout=30m

.PHONY: block-sweep
block-sweep: ## cut the power in BLOCK_STATES (12000) states of recorded disks
	@tests/install-tools.sh qemu-system-x86_64 mke2fs busybox xz
	BLOCK_STATES=$${BLOCK_STATES:-12000} go test ./tests/crash/block -count=1 -timeout=0 -v

.PHONY: flash-sweep
flash-sweep: ## cut the power in FLASH_STATES (1000) states of JFFS2 and UBIFS
	@tests/install-tools.sh qemu-system-x86_64 busybox xz
	FLASH_STATES=$${FLASH_STATES:-1000} go test ./tests/crash/flash -count=1 -timeout=0 -v
