# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
"""The migration header, as far as a recipe's build checks it.

internal/bundle is the specification and mkmigrations has the last word when
the image is built. This is the same check in the recipe's own build, without
a Go toolchain: what is refused here is refused there, and the other way
round (tests/oe compares both over one table).

Nothing here reads the datastore. A check returns None, or the rule that is
broken followed by the cure.
"""

import re

# In the order in which they are written.
FIELDS = ("Description", "Since", "After", "Before", "Requires", "Packages",
          "Paths", "Timeout", "Attempts", "On-Failure", "One-Way", "Revises",
          "Fresh", "Supersedes")

BEGIN = "### BEGIN MIGRATION INFO"
END = "### END MIGRATION INFO"

MAX_SCRIPT = 1 << 20
MAX_ID = 128
MAX_ID_ESCAPED = 235

# Override operators and flags that bitbake gives a meaning where the name
# would stand: migration_up:<name>, MIGRATION_AFTER[<name>].
BITBAKE_WORDS = frozenset("""
    append prepend remove
    cleandirs defaultval depends deptask dirs doc export exports fakeroot
    file-checksums filename func lineno lockfiles mcdepends network nodeprrecs
    noexec nostamp number-threads postfuncs prefuncs progress python rdepends
    rdeptask recideptask recrdeptask stamp-extra-info task type umask unexport
    unique vardeps vardepsexclude vardepvalue vardepvalueexclude varrefs
    sstate-inputdirs sstate-outputdirs sstate-plaindirs sstate-interceptfuncs
    sstate-lockfile
    """.split())


def variable(field):
    """The variable whose flag sets the field: On-Failure is MIGRATION_ON_FAILURE."""
    return "MIGRATION_" + field.upper().replace("-", "_")


def check_recipe(recipe):
    if not re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", recipe, re.ASCII):
        return 'bad recipe name: "%s"; use [a-z0-9] first, then [a-z0-9.+-]' % recipe


def check_name(name):
    if not re.fullmatch(r"[a-z0-9][a-z0-9.-]*", name, re.ASCII):
        return 'bad migration name: "%s"; use [a-z0-9] first, then [a-z0-9.-]' % name
    if name in BITBAKE_WORDS:
        return 'migration name is a bitbake keyword or flag: "%s"; choose another name' % name


def check_id(text):
    recipe, colon, name = text.partition(":")
    if not colon:
        return 'no migration ID: "%s"; write <recipe>:<name>' % text
    fault = check_recipe(recipe) or check_name(name)
    if fault:
        return fault
    if len(text) > MAX_ID:
        return 'migration ID too long: "%s"; shorten the name to %d bytes in all' % (text, MAX_ID)
    if len(text) + 3 * (text.count("-") + text.count("+")) > MAX_ID_ESCAPED:
        return ('migration ID too long when escaped for a unit name: "%s"; each "-" and "+" '
                "takes 4 bytes there, %d are allowed" % (text, MAX_ID_ESCAPED))


def check_reference(text):
    return check_id(text) if ":" in text else check_recipe(text)


def check_package(text):
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.+_-]*", text, re.ASCII):
        return 'bad package name: "%s"; use [A-Za-z0-9] first, then [A-Za-z0-9.+_-]' % text


def check_path(text):
    parts = text[1:].split("/")
    if (len(text) < 2 or text[0] != "/" or len(text.encode()) > 4095
            or any(p in ("", ".", "..") or len(p.encode()) > 255 for p in parts)
            or re.search(r"[\x00-\x20\x7f]", text)):
        return ('bad path: "%s"; write an absolute path without //, ., .., blanks or a '
                "slash at the end" % text)


def check_digest(text):
    if not re.fullmatch(r"sha256:[0-9a-f]{64}", text, re.ASCII):
        return ('bad digest: "%s"; write sha256: and the 64 lower-case hexadecimal digits '
                "that sha256sum prints" % text)


def check_release(text):
    if (not re.fullmatch(r"[A-Za-z0-9.~^+_-]{1,128}", text, re.ASCII)
            or not re.search(r"[A-Za-z0-9]", text, re.ASCII)):
        return 'bad release: "%s"; use letters, digits and . - ~ ^ + _, at most 128 in all' % text


def check_description(text):
    if re.search("[\x00-\x1f\x7f-\x9f\ufffd]", text):
        return "Description has a control character; write one line of UTF-8 text"


def check_list(text, check):
    items = re.split(r"[ \t]+", text)
    for i, item in enumerate(items):
        fault = check(item)
        if not fault and item in items[:i]:
            fault = '"%s" is named twice; name it once' % item
        if fault:
            return fault


def check_words(text, *words):
    if text not in words:
        return 'bad value "%s"; write %s' % (text, " or ".join(words))


def check_count(text, most):
    if not re.fullmatch(r"[1-9][0-9]{0,8}", text, re.ASCII) or int(text) > most:
        return 'bad number "%s"; write a number from 1 to %d' % (text, most)


def check_value(field, value):
    """Check the value of a known field, without blanks at its ends."""
    if not value:
        return "no value; give it one or remove it"
    if field in ("After", "Before"):
        return check_list(value, check_reference)
    if field in ("Requires", "Supersedes"):
        return check_list(value, check_id)
    return {
        "Description": check_description,
        "Since": check_release,
        "Packages": lambda v: check_list(v, check_package),
        "Paths": lambda v: check_list(v, check_path),
        "Timeout": lambda v: check_count(v, 604800),
        "Attempts": lambda v: check_count(v, 1000),
        "On-Failure": lambda v: check_words(v, "stop", "continue"),
        "One-Way": lambda v: check_words(v, "yes", "no"),
        "Revises": lambda v: check_list(v, check_digest),
        "Fresh": lambda v: check_words(v, "skip", "run"),
    }[field](value)


def unknown(name):
    """Say which field was meant, or which there are."""
    def fold(s):
        return re.sub("[-_]", "", s).lower()
    for field in FIELDS:
        if fold(field) == fold(name):
            return 'unknown field "%s"; write %s' % (name, field)
    return 'unknown field "%s"; the fields are %s' % (name, ", ".join(FIELDS))


def format_header(fields):
    """The header block of {field: value}, or "" where no field is set."""
    lines = ["# %s: %s\n" % (f, fields[f]) for f in FIELDS if f in fields]
    return BEGIN + "\n" + "".join(lines) + END + "\n" if lines else ""


def check_interpreter(line):
    """Check the first line of a script."""
    if not line.startswith("#!"):
        return ("a migration is a script: its first line must begin with #!; begin it with "
                "#!/bin/sh, call a program from a script")
    if re.search(r"[\x00-\x08\x0a-\x1f\x7f]", line):
        return "control character in the #! line; end lines with \\n alone"
    path = re.split(r"[ \t]", line[2:].strip(" \t"), maxsplit=1)[0]
    if check_path(path):
        return 'the #! line must name an absolute path: "%s"; write #!/bin/sh' % line


def interpreter(script):
    """The name of a script's interpreter: sh, ash, python3."""
    words = script.split("\n", 1)[0][2:].strip(" \t").split(None, 1)
    name = words[0].rsplit("/", 1)[-1] if words else ""
    return words[1] if name == "env" and len(words) > 1 else name


def check_script(data):
    """Check a script's bytes. Returns the faults as [(line, text)], line 0 for all of it."""
    if len(data) > MAX_SCRIPT:
        return [(0, "larger than 1 MiB; ship data in the package, not in the migration")]
    lines = data.decode("utf-8", "replace").split("\n")
    if lines[-1] == "":
        lines.pop()
    fault = check_interpreter(lines[0] if lines else "")
    faults = [(1, fault)] if fault else []
    return faults + check_header(lines)


def check_header(lines):
    """Check the header block among a script's lines."""
    faults, seen, begun, ended, code = [], set(), 0, False, 0
    for n, line in enumerate(lines, 1):
        text = line.rstrip(" \t\r")
        inside = begun and not ended
        mark = text in (BEGIN, END)
        comment = text.lstrip(" \t").startswith("#")
        if (mark or inside) and line.endswith("\r"):
            faults.append((n, "carriage return in the migration header; end lines with \\n alone"))
        elif inside and not mark:
            fault = check_line(text, seen)
            ended = letters(text) == letters(END)
            if fault:
                faults.append((n, fault))
        if text == BEGIN:
            if begun:
                faults.append((n, "second migration header; write one header"))
            elif code:
                faults.append((n, "migration header behind the first command; move it up, behind the #! line"))
            begun, ended = n, False
        elif text == END:
            if not inside:
                faults.append((n, "end of a migration header that was not begun; begin the header with " + BEGIN))
            ended = True
        elif comment and not inside and not code and letters(text) == letters(BEGIN):
            faults.append((n, 'misspelt mark of a migration header: "%s"; write %s' % (text, BEGIN)))
        elif not comment and text and n > 1 and not code:
            code = n
    if begun and not ended:
        # What follows the first command is code, not a field.
        faults = [f for f in faults if not code or f[0] < code]
        faults.append((begun, "migration header without an end; end it with " + END))
    return sorted(faults, key=lambda f: f[0])


def letters(line):
    """The letters of a line alone, to know a mark that is not quite one."""
    return re.sub("[^a-z]", "", re.sub("[A-Z]", lambda m: m.group(0).lower(), line))


def check_line(text, seen):
    """Check one line between the two marks."""
    if letters(text) == letters(END):
        return 'misspelt mark of a migration header: "%s"; write %s' % (text, END)
    match = re.fullmatch(r"#[ \t]+([^:]*):(.*)", text, re.DOTALL)
    if not match:
        return ('no field of a migration header: "%s"; write `# Field: value`, one line for each '
                "field; end the header with %s" % (text, END))
    field, value = match.group(1), match.group(2).strip(" \t")
    if field not in FIELDS:
        return unknown(field)
    if field in seen:
        return "second %s; write it once, all values in one line" % field
    seen.add(field)
    fault = check_value(field, value)
    return fault and "%s: %s" % (field, fault)
