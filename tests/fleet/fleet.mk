# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

FLEET_HISTORIES ?= 1000000

.PHONY: fleet
fleet: ## simulate FLEET_HISTORIES devices (1,000,000) through random histories
	FLEET_HISTORIES=$(FLEET_HISTORIES) go test ./tests/fleet -run TestFleet -count=1 -timeout=0 -v
