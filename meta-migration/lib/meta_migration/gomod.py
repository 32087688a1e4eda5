# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
"""gomod:// sources on series whose bitbake has no fetcher for them.

mkmigrations-go-mods.inc lists the modules as gomod:// entries. Where bitbake
knows those (styhead and later) they are used as they are. On scarthgap each
becomes the https:// entry of the same file on the module proxy, and
unpack() puts the files where bitbake's own fetcher would."""

import os
import re
import shutil
import zipfile

import bb
import bb.fetch2

DIRECTORY = "go-modules"


def has_fetcher():
    return any(type(m).__name__ == "GoMod" for m in bb.fetch2.methods)


def escape(path):
    """A module's path in the proxy's protocol: capitals have a mark in front."""
    return re.sub("[A-Z]", lambda m: "!" + m.group(0).lower(), path)


def module(uri):
    """(path, version, file's ending, sha256sum) of a gomod:// entry."""
    _, host, path, _, _, parameters = bb.fetch2.decodeurl(uri)
    kind = "mod" if parameters.get("mod") == "1" else "zip"
    return (host + path).rstrip("/"), parameters["version"], kind, parameters["sha256sum"]


def download_name(path, version, kind):
    """The name in DL_DIR, the same that the gomod fetcher gives."""
    return "%s@%s.%s" % (path.replace("/", "."), version, kind)


def https(uri, proxy):
    path, version, kind, digest = module(uri)
    return ("https://%s/%s/@v/%s.%s;downloadfilename=%s;unpack=0;subdir=%s;sha256sum=%s"
            % (proxy, escape(path), escape(version), kind, download_name(path, version, kind), DIRECTORY, digest))


def uris(d):
    """MIGRATION_GO_MODS as entries of SRC_URI that this bitbake can fetch."""
    entries = (d.getVar("MIGRATION_GO_MODS") or "").split()
    if not has_fetcher():
        entries = [https(e, d.getVar("GO_MOD_PROXY") or "proxy.golang.org") for e in entries]
    return " ".join(entries)


def license(d):
    """The licence of a program with the modules in it, in the syntax of the
    series: SPDX expressions since blacksail, "&" before."""
    import oe.license
    names = ["Apache-2.0"] + (d.getVar("MIGRATION_GO_LICENSES") or "").split()
    names = sorted(set(names))
    if not hasattr(oe.license, "parse_legacy_license"):
        return " & ".join(names)
    return " AND ".join("LicenseRef-PD" if n == "PD" else n for n in names)


def unpack(d):
    """Lay out the module cache as the gomod fetcher does. Nothing to do
    where that one did it."""
    if has_fetcher():
        return
    source = os.path.join(d.getVar("UNPACKDIR") or d.getVar("WORKDIR"), DIRECTORY)
    for entry in (d.getVar("MIGRATION_GO_MODS") or "").split():
        path, version, kind, _ = module(entry)
        directory = os.path.join(d.getVar("GOMODCACHE"), "cache/download", escape(path), "@v")
        bb.utils.mkdirhier(directory)
        base = os.path.join(directory, escape(version))
        shutil.copyfile(os.path.join(source, download_name(path, version, kind)), base + "." + kind)
        if kind == "zip":
            write_mod(base, path, version)


def write_mod(base, path, version):
    """Write the go.mod of a module's zip beside it; a module without one is
    given the one line that Go assumes."""
    with zipfile.ZipFile(base + ".zip") as z, open(base + ".mod", "wb") as f:
        try:
            f.write(z.read("%s@%s/go.mod" % (path, version)))
        except KeyError:
            f.write(("module %s\n" % path).encode())
