# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors
#
# Targets of the Yocto layer, for inclusion in the top-level Makefile. tests/oe/doc.go
# explains the variables.

OE_SERIES ?= scarthgap wrynose master
OE_FORMATS ?= deb rpm ipk
OE_TIMEOUT ?= 6h

.PHONY: oe
oe: oe-setup ## test the layer by real bitbake, all series and package formats (hours)
	OE_SERIES="$(OE_SERIES)" OE_FORMATS="$(OE_FORMATS)" $(GO) test -count=1 -v -timeout $(OE_TIMEOUT) ./tests/oe

.PHONY: oe-setup
oe-setup: ## get bitbake and openembedded-core for tests/oe
	tests/oe/setup.sh $(OE_SERIES)

.PHONY: oe-check-layer
oe-check-layer: oe-setup ## run yocto-check-layer on the layer
	OE_SERIES="$(OE_SERIES)" OE_CHECK_LAYER=1 $(GO) test -count=1 -v -timeout $(OE_TIMEOUT) -run TestCheckLayer ./tests/oe

.PHONY: update-go-mods
update-go-mods: ## write the recipe's list of Go modules and their licences anew
	meta-migration/scripts/update-go-mods.py

.PHONY: check-go-mods
check-go-mods:
	meta-migration/scripts/update-go-mods.py --check
