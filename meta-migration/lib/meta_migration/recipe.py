# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
"""What migration.bbclass does: finds a recipe's migrations, checks them,
writes their scripts and packages them."""

import os
import re
import shutil
import subprocess

import bb
import bb.fetch2

from . import header

FUNCTION = "migration_up:"
SNIPPETS = "migration-snippets"
DIRECTORY = "/usr/share/migration"

# Classes whose recipes put nothing on a device.
NOT_ON_TARGET = ("native", "nativesdk", "cross", "crosssdk", "cross-canadian")


def listed(d):
    """The names in MIGRATIONS."""
    return (d.getVar("MIGRATIONS") or "").split()


def functions(d):
    """The names of all migration_up:<name> that are set, listed or not."""
    return sorted(k[len(FUNCTION):] for k in d.keys()
                  if k.startswith(FUNCTION) and not re.search(":(append|prepend|remove)(:|$)", k))


def files(d):
    """The *.migration files of SRC_URI as [(name, path below UNPACKDIR)]."""
    found = []
    for uri in (d.getVar("SRC_URI") or "").split():
        kind, host, path, _, _, parameters = bb.fetch2.decodeurl(uri)
        path = host + path
        if kind != "file" or not path.endswith(".migration"):
            continue
        name = os.path.basename(path)[:-len(".migration")]
        if path.startswith("/"):
            path = os.path.basename(path)
        found.append((name, os.path.join(parameters.get("subdir", ""), path)))
    return found


def flags(d):
    """All flags of MIGRATION_* variables that mean a migration, as [(variable, name)].

    Flags that bitbake itself gives a meaning (doc, vardeps) are left out."""
    found = []
    for variable in sorted(k for k in d.keys() if k.startswith("MIGRATION_")):
        for flag in sorted(d.getVarFlags(variable) or {}):
            if flag not in header.BITBAKE_WORDS and not flag.startswith("_"):
                found.append((variable, flag))
    return found


def overrides(d):
    """Fields set by an override instead of a flag: MIGRATION_AFTER:<name>."""
    names = set(listed(d)) | set(functions(d))
    fields = {header.variable(f) for f in header.FIELDS}
    return sorted(k for k in d.keys() if k.startswith("MIGRATION_")
                  and k.partition(":")[0] in fields and k.partition(":")[2] in names)


def package_name(d):
    return "%s-migration" % d.getVar("PN")


def prepare(d):
    """Give the recipe its task and its package, when it has a migration.

    Runs when the recipe is parsed, behind all that the recipe inherits and
    sets, so the order of inherit lines and assignments does not matter. Only
    what no build could report is an error here."""
    if any(bb.data.inherits_class(c, d) for c in NOT_ON_TARGET):
        return
    names, functions_, files_ = listed(d), functions(d), files(d)
    if not (names or functions_ or files_):
        return
    pn = d.getVar("PN")
    if not is_task(d, "do_package"):
        bb.fatal("%s: a recipe without do_package cannot ship a migration, but it has %s; put it into "
                 "a recipe that makes packages" % (pn, " ".join(names + functions_ + [n for n, _ in files_])))
    # Only files need sources; externalsrc, too, keeps do_unpack for these.
    bb.build.addtask("do_migration", "do_package", "do_unpack" if files_ else None, d)
    depends = [FUNCTION + n for n in functions_] + ["%s[%s]" % f for f in flags(d)] + overrides(d)
    d.appendVarFlag("do_migration", "vardeps", " " + " ".join(depends))
    # bitbake sees the functions that a class calls, not those of another module
    # which they call, nor tables.
    d.appendVarFlag("do_migration", "file-checksums", "".join(
        " %s:True" % os.path.join(os.path.dirname(__file__), name) for name in ("header.py", "recipe.py")))
    d.appendVar("PACKAGE_PREPROCESS_FUNCS", " migration_package")
    add_package(d, package_name(d))


def is_task(d, task):
    return task in (d.getVar("__BBTASKS", False) or [])


def add_package(d, package):
    # In front, so that no FILES of another package takes the scripts.
    d.setVar("PACKAGES", package + " " + (d.getVar("PACKAGES") or ""))
    d.setVar("FILES:" + package, DIRECTORY)
    # A multilib variant's provides carry its prefix, as all of its names do.
    d.appendVar("RPROVIDES:" + package, " %s%s" % (d.getVar("MLPREFIX") or "", SNIPPETS))
    d.setVar("SUMMARY:" + package, "Migrations of %s, read when an image is built" % d.getVar("BPN"))
    # It is never installed: interpreters are looked for in the image, where
    # the script runs, and debian.bbclass shall not name it after a library.
    d.setVar("SKIP_FILEDEPS:" + package, "1")
    d.setVar("DEBIAN_NOAUTONAME:" + package, "1")


def write(d):
    """do_migration: check the recipe's migrations, all of them, and write
    their scripts to MIGRATION_WORKDIR. Faults are reported together."""
    faults = check_recipe_names(d) + check_strays(d)
    scripts = {}
    for name in listed(d):
        add(scripts, faults, name, "MIGRATIONS", lambda: from_function(d, name, faults))
    for name, path in files(d):
        add(scripts, faults, name, path, lambda: from_file(d, path, faults))
    if not faults:
        faults = [f for name in sorted(scripts) for f in check_syntax(d, name, *scripts[name])]
    if faults:
        bb.fatal("\n".join("%s: %s" % (d.getVar("PN"), f) for f in faults))
    for name in scripts:
        with open(os.path.join(d.getVar("MIGRATION_WORKDIR"), name), "wb") as f:
            f.write(scripts[name][1])


def add(scripts, faults, name, place, make):
    """Put one more script into {name: (place, data)}."""
    data = make()
    if name in scripts:
        faults.append('%s: second migration "%s", the first one is in %s; a name stands for one migration'
                      % (place, name, scripts[name][0]))
    elif data is not None:
        scripts[name] = (place, data)


def check_recipe_names(d):
    """Check what the IDs are made of."""
    bpn = d.getVar("BPN")
    faults = ['BPN = "%s": %s' % (bpn, header.check_recipe(bpn))] if header.check_recipe(bpn) else []
    named = [("MIGRATIONS", n) for n in listed(d)] + [(p, n) for n, p in files(d)]
    for place, name in named:
        fault = header.check_name(name) or (not faults and header.check_id("%s:%s" % (bpn, name)))
        if fault:
            faults.append("%s: %s" % (place, fault))
    return faults


def check_strays(d):
    """Find what was set for a migration that is not in MIGRATIONS, which is
    a typing error in one of the two."""
    names = listed(d)
    known = 'MIGRATIONS = "%s"' % " ".join(names)
    fields = {header.variable(f) for f in header.FIELDS}
    faults = []
    for name in functions(d):
        if name not in names:
            faults.append("%s%s(): not in %s; add it or correct the name" % (FUNCTION, name, known))
    for variable, flag in flags(d):
        value = d.getVarFlag(variable, flag)
        if variable not in fields:
            faults.append('%s[%s] = "%s": no field of a migration; the fields are %s'
                          % (variable, flag, value, ", ".join(sorted(fields))))
        elif flag not in names:
            faults.append('%s[%s] = "%s": "%s" is not in %s; add it or correct the name. The fields of a '
                          "*.migration file stand in the file" % (variable, flag, value, flag, known))
    for key in overrides(d):
        variable, _, name = key.partition(":")
        faults.append('%s = "%s": a field is a flag; write %s[%s]' % (key, d.getVar(key), variable, name))
    return faults


def from_function(d, name, faults):
    """The script of migration_up:<name>, as bytes, or None.

    Its text is fixed for ever, since a device knows a migration by the digest
    of it: `#!/bin/sh`, the header block where a field is set, the fields in
    their order with each run of white space made one blank, then the body as
    bitbake returns it, without empty lines at its end."""
    function = FUNCTION + name
    body = d.getVar(function)
    if body is None:
        faults.append("MIGRATIONS: %s() is missing; write it, or take %s out of MIGRATIONS" % (function, name))
        return None
    if not d.getVarFlag(function, "func"):
        faults.append('%s = "%s": not a function; write %s() { … }' % (function, body, function))
        return None
    if d.getVarFlag(function, "python"):
        faults.append("%s(): a migration is a shell function; ship one in another language as %s.migration"
                      % (function, name))
        return None
    if not body.strip():
        faults.append("%s(): has no body; write `:` if nothing shall be done" % function)
        return None
    fields = read_fields(d, name, faults)
    return ("#!/bin/sh\n" + header.format_header(fields) + body.rstrip() + "\n").encode()


def read_fields(d, name, faults):
    """The fields of a migration in function form as {field: value}."""
    fields = {}
    for field in header.FIELDS:
        variable = header.variable(field)
        value = d.getVarFlag(variable, name)
        if value is None:
            continue
        value = " ".join(value.split())
        fault = header.check_value(field, value)
        if fault:
            faults.append('%s[%s] = "%s": %s' % (variable, name, value, fault))
        fields[field] = value
    return fields


def from_file(d, path, faults):
    """The bytes of a *.migration file, or None where it is not as it must be."""
    full = os.path.join(d.getVar("UNPACKDIR") or d.getVar("WORKDIR"), path)
    try:
        with open(full, "rb") as f:
            data = f.read(header.MAX_SCRIPT + 1)
    except OSError as e:
        faults.append("%s: reading it where do_unpack puts it: %s" % (path, e))
        return None
    bad = header.check_script(data)
    faults.extend("%s%s: %s" % (path, ":%d" % line if line else "", text) for line, text in bad)
    return None if bad else data


def check_syntax(d, name, place, data):
    """Let the build host's shell read a shell script without running it."""
    if header.interpreter(data.decode("utf-8", "replace")) not in ("sh", "ash", "dash"):
        return []
    done = subprocess.run(["sh", "-n"], input=data, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode == 0:
        return []
    if place == "MIGRATIONS":
        place = "%s%s()" % (FUNCTION, name)
    text = done.stderr.decode("utf-8", "replace").strip()
    return ["%s: not a POSIX shell script: %s" % (place, text)]


def package(d):
    """Copy the scripts into the tree that do_package splits. Runs under
    fakeroot, so they belong to root."""
    directory = d.getVar("PKGD") + DIRECTORY
    if os.path.lexists(directory):
        bb.fatal("%s: do_install makes %s; that directory is migration.bbclass's" % (d.getVar("PN"), DIRECTORY))
    directory = os.path.join(directory, d.getVar("BPN"))
    bb.utils.mkdirhier(directory)
    for made in (os.path.dirname(directory), directory):
        os.chmod(made, 0o755)
    work = d.getVar("MIGRATION_WORKDIR")
    for name in sorted(os.listdir(work)):
        path = os.path.join(directory, name)
        shutil.copyfile(os.path.join(work, name), path)
        os.chmod(path, 0o644)
