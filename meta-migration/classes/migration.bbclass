# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
#
# inherit migration: the recipe ships migrations
#
# A migration is a one-shot step that changes the data on a device once, at
# the first boot of an image that holds it, before the services that use the
# data. migration-image.bbclass collects an image's migrations into its bundle
# and migrate-runner runs them on the device.
#
#
# Smallest recipe, file form: each *.migration file of SRC_URI is a migration
# and the file's name is its name. Here demo:split-users.
#
#   SRC_URI += "file://split-users.migration"
#   inherit migration
#
# The file is a script with any #! interpreter. What it depends on stands in an
# optional header:
#
#   #!/bin/sh
#   ### BEGIN MIGRATION INFO
#   # Description: Move the daemons from root to their own users
#   # After: base-passwd:static-groups
#   # Paths: /etc/passwd /etc/group /etc/shadow
#   ### END MIGRATION INFO
#   . "$MIGRATION_LIB"
#   ensure_user webd --home /var/lib/webd
#
#
# Smallest recipe, function form: MIGRATIONS lists the names, migration_up:<name>
# is the script, MIGRATION_<FIELD>[<name>] sets a field of the header.
#
#   inherit migration
#   MIGRATIONS = "static-groups"
#   MIGRATION_AFTER[static-groups] = "base-files:layout"
#   MIGRATION_PATHS[static-groups] = "/etc/group"
#   migration_up:static-groups() {
#       . "$MIGRATION_LIB"
#       ensure_group render 989
#   }
#
# A recipe may use both forms. A name is [a-z0-9][a-z0-9.-]*, but no word that
# bitbake gives a meaning ("remove", "append", "doc", "type", …). Together with
# the recipe's BPN it is the migration's ID, `demo:split-users`, for all time: a
# released migration is neither renamed nor changed (see Supersedes, Revises).
#
#
# Variables
#
#   MIGRATIONS
#       Names of the migrations in function form. File-form ones are not listed.
#
#   migration_up:<name>()
#       The script. bitbake expands ${VARIABLES} that it knows and leaves
#       others to the shell, as in all shell functions. The body is all that
#       runs: other functions of the recipe cannot be called from it.
#
#   MIGRATION_DESCRIPTION, _SINCE, _AFTER, _BEFORE, _REQUIRES, _PACKAGES,
#   _PATHS, _TIMEOUT, _ATTEMPTS, _ON_FAILURE, _ONE_WAY, _REVISES, _FRESH,
#   _SUPERSEDES
#       With the flag [<name>]: the field of that name in the header, `-` in a
#       field being `_` here. The layer's README explains the fields.
#
#   MIGRATION_WORKDIR
#       Where do_migration writes the scripts. Not to be set.
#
#
# The text of the function form
#
# The device knows a released migration by the digest of its script, so this
# text never changes with the class:
#
#   1. `#!/bin/sh` and a newline
#   2. if a field is set: `### BEGIN MIGRATION INFO` and a newline; for each set
#      field, in the order of the list above, `# `, its name as in the file form
#      (On-Failure), `: `, its value with each run of white space made one blank
#      and none at the ends, and a newline; `### END MIGRATION INFO` and a newline
#   3. the body as bitbake returns it: the lines between the braces, indented as
#      they are written, variables expanded, trailing white space of each line
#      gone; white space at the end of the body cut off, and a newline
#
#
# What it adds to a recipe
#
#   do_migration, before do_package: checks the migrations and writes the
#       scripts. It fails with all faults of the recipe, each with variable or
#       file and line, the rule and the cure. It depends on the functions, flags
#       and files, so that a changed flag does not compile the recipe again.
#   ${PN}-migration: the package with /usr/share/migration/${BPN}/<name>. It
#       provides "migration-snippets", is put into the feed and never installed
#       on a device. The image's build reads it from there.
#
# Where nothing is added: recipes without a migration (so INHERIT works too),
# native, nativesdk and cross variants. A multilib variant packages the same;
# the image's build takes the one that is installed.
#
# Contexts of the functions: the anonymous function runs when the recipe is parsed;
# do_migration is a task of its own, as the build user; migration_package runs
# in do_package, under fakeroot, on the tree that is split into packages.

MIGRATIONS ?= ""
MIGRATIONS[doc] = "Names of the recipe's migrations in function form; migration_up:<name> is the script of each."

MIGRATION_DESCRIPTION[doc] = "With a migration's name as flag: one line about it, shown to people."
MIGRATION_SINCE[doc] = "With a migration's name as flag: the release that first ships it. Normally not written."
MIGRATION_AFTER[doc] = "With a migration's name as flag: IDs or recipes that run earlier, if they are in the image."
MIGRATION_BEFORE[doc] = "With a migration's name as flag: IDs or recipes that run later, if they are in the image."
MIGRATION_REQUIRES[doc] = "With a migration's name as flag: IDs that must have been applied, and be in the image."
MIGRATION_PACKAGES[doc] = "With a migration's name as flag: it is in the image if one of these packages is (any package of the recipe)."
MIGRATION_PATHS[doc] = "With a migration's name as flag: absolute paths that it changes, saved before and put back on failure."
MIGRATION_ON_FAILURE[doc] = "With a migration's name as flag: stop (default) or continue with those that do not require it."
MIGRATION_ONE_WAY[doc] = "With a migration's name as flag: yes if an older image must not use the data afterwards (no)."
MIGRATION_REVISES[doc] = "With a migration's name as flag: digests of its earlier released texts that this one replaces."
MIGRATION_FRESH[doc] = "With a migration's name as flag: run, or skip (default), on a device that was never used before."
MIGRATION_SUPERSEDES[doc] = "With a migration's name as flag: IDs of earlier migrations that it replaces."
# MIGRATION_TIMEOUT and MIGRATION_ATTEMPTS have a second meaning in
# migration-image.bbclass, without a flag.
MIGRATION_TIMEOUT[doc] = "With a migration's name as flag: seconds for one attempt. In an image: the default for those that do not say."
MIGRATION_ATTEMPTS[doc] = "With a migration's name as flag: how often an image may try it. In an image: the default for those that do not say."

MIGRATION_WORKDIR = "${WORKDIR}/migration-scripts"
MIGRATION_WORKDIR[doc] = "Where do_migration writes a recipe's migration scripts."

python () {
    meta_migration.recipe.prepare(d)
}

python do_migration() {
    meta_migration.recipe.write(d)
}
do_migration[doc] = "Checks the recipe's migrations and writes their scripts."
do_migration[cleandirs] = "${MIGRATION_WORKDIR}"

python migration_package() {
    meta_migration.recipe.package(d)
}
