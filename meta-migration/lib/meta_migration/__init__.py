# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
"""Python behind the classes of meta-migration.

layer.conf makes it known to bitbake (addpylib), so the classes call
meta_migration.recipe.write(d) and bitbake puts that function, and those of the
same module that it calls, into the tasks' signatures.
"""

BBIMPORTS = ["header", "recipe", "image", "gomod"]
