# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

.PHONY: sweep
sweep: ## kill the runner, and fail it, at every system call of every scenario
	SWEEP=full go test ./tests/crash -count=1 -timeout=0 -v
