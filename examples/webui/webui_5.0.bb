# SPDX-License-Identifier: Apache-2.0
# SPDX-FileCopyrightText: The meta-migration authors

# No migration yet: the class adds nothing to such a recipe.
require webui.inc
