# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

.PHONY: test-vm
test-vm: ## boot images in virtual machines: systemd, sysvinit, initramfs, power cuts
	@tests/install-tools.sh $(MACHINE_TOOLS)
	VM=full $(GO) test ./tests/vm -count=1 -timeout=45m -v
