# SPDX-License-Identifier: MIT
# SPDX-FileCopyrightText: The meta-migration authors
"""What migration-image.bbclass does: lists what an image has installed, lets
mkmigrations build the bundle, puts it into the rootfs and its manifest beside
the image."""

import glob
import os
import re
import shutil
import subprocess

import bb

STATE = "/var/lib/migration"

# Where a rootfs has units, the first one wins least.
UNITS = ("usr/lib/systemd/system", "lib/systemd/system", "etc/systemd/system")

# Of oe-core's initscripts.
HOOK = "/etc/init.d/read-only-rootfs-hook.sh"


def enabled(d):
    return d.getVar("MIGRATION_IMAGE") == "1"


def wanted(d):
    """The default of MIGRATION_IMAGE: not in an initramfs, nor where one program
    is the image, unless the image recipe itself inherits the class."""
    inherited_by_all = "migration-image" in (d.getVar("IMAGE_CLASSES") or "").split()
    return "0" if inherited_by_all and (is_initramfs(d) or bb.data.inherits_class("baremetal-image", d)) else "1"


def is_initramfs(d):
    types = (d.getVar("IMAGE_FSTYPES") or "").split()
    if d.getVar("PN") == d.getVar("INITRAMFS_IMAGE"):
        return True
    return bool(types) and all(t.startswith("cpio") for t in types)


def if_enabled(d, text):
    """text behind a blank, for :append, where the image gets a bundle."""
    return " " + text if enabled(d) else ""


def previous(d):
    return (d.getVar("MIGRATION_PREVIOUS") or "").split()


def checksums(d):
    """The previous manifests as file-checksums, so that a new one rebuilds."""
    if not enabled(d):
        return ""
    return " ".join("%s:%s" % (p, os.path.exists(p)) for p in previous(d))


def check(d):
    """Check the variables that no build is needed for. Runs when do_rootfs
    begins to use them, not when the recipe is parsed: an image that nobody
    builds must not stop others."""
    check_release(d)
    if d.getVar("BUILD_IMAGES_FROM_FEEDS") == "1":
        fatal(d, "BUILD_IMAGES_FROM_FEEDS", "1", "the packages come from feeds of another build, so no migration of theirs "
              'can be found here; set MIGRATION_IMAGE = "0" for such an image')
    for path in previous(d):
        if not os.path.isabs(path):
            fatal(d, "MIGRATION_PREVIOUS", path, "not an absolute path; write ${THISDIR}/… in a recipe, ${LAYERDIR}/… "
                  "with := in layer.conf")
        if not os.path.isfile(path):
            fatal(d, "MIGRATION_PREVIOUS", path, "no such file; name the manifests that the builds of earlier "
                  "releases put beside their images")
        if os.path.realpath(path).startswith(os.path.realpath(d.getVar("DEPLOY_DIR")) + "/"):
            bb.warn("%s: MIGRATION_PREVIOUS: %s is replaced by each build; keep a copy of a release's manifest "
                    "in a layer" % (d.getVar("PN"), path))


def fatal(d, variable, value, text):
    bb.fatal('%s: %s = "%s": %s' % (d.getVar("PN"), variable, value, text))


def check_release(d):
    """A release is ordered and names one state of the product; a git hash
    does neither."""
    release = d.getVar("MIGRATION_RELEASE") or ""
    if not release:
        fatal(d, "MIGRATION_RELEASE", release, "an image needs a release; set it or DISTRO_VERSION")
    if has_hash(release, d.getVar("METADATA_REVISION") or ""):
        fatal(d, "MIGRATION_RELEASE", release, "holds a git hash, which has no order, and changes with every "
              "commit; set MIGRATION_RELEASE to the image's version alone")


def has_hash(release, revision):
    """Look for a git hash: METADATA_REVISION's begin, what `git describe` writes
    (g and hexadecimal digits), or a word of hexadecimal digits that is neither
    a number nor a plain word."""
    if re.fullmatch("[0-9a-f]{40}", revision) and revision[:7] in release:
        return True
    for word in re.split("[^0-9A-Za-z]+", release):
        if re.fullmatch("g(it)?[0-9a-f]{7,64}", word):
            return True
        if re.fullmatch("[0-9a-f]{7,64}", word) and re.search("[0-9]", word) and re.search("[a-f]", word):
            return True
    return False


def list_file(d, when):
    return os.path.join(d.getVar("MIGRATION_IMAGE_WORKDIR"), "installed-" + when)


def write_installed(d, when):
    """Write what is installed now as `name arch version` lines."""
    from oe.rootfs import image_list_installed_packages
    bb.utils.mkdirhier(d.getVar("MIGRATION_IMAGE_WORKDIR"))
    packages = image_list_installed_packages(d)
    with open(list_file(d, when), "w") as f:
        for name in sorted(packages):
            f.write("%s %s %s\n" % (name, packages[name]["arch"], packages[name]["ver"]))


def command(d, output):
    """The command line of mkmigrations."""
    line = ["mkmigrations", "build", "--packages", d.expand("${WORKDIR}/oe-rootfs-repo"),
            "--installed", list_file(d, "before"), "--installed", list_file(d, "after"),
            "--release", d.getVar("MIGRATION_RELEASE"), "--output", output]
    for option, value in (("--min-from", d.getVar("MIGRATION_MIN_FROM")),
                          ("--on-downgrade", d.getVar("MIGRATION_ON_DOWNGRADE")),
                          ("--keep", d.getVar("MIGRATION_KEEP")),
                          ("--on-corrupt", d.getVar("MIGRATION_ON_CORRUPT")),
                          ("--failure-state", d.getVar("MIGRATION_FAILURE_STATE")),
                          ("--timeout", d.getVar("MIGRATION_TIMEOUT")),
                          ("--attempts", d.getVar("MIGRATION_ATTEMPTS"))):
        if value:
            line += [option, value]
    for option, values in (("--previous", previous(d)),
                           ("--drop", (d.getVar("MIGRATION_DROP") or "").split()),
                           ("--fresh-unless", (d.getVar("MIGRATION_FRESH_UNLESS") or "").split())):
        for value in values:
            line += [option, value]
    if d.getVar("MIGRATION_LINT") == "1":
        line += ["--rootfs", d.getVar("IMAGE_ROOTFS")]
    return line


def bundle(d):
    """Build the bundle, install it, deploy its manifest, look where the
    device will keep its state, and whether it can tell that it is new."""
    check(d)
    write_installed(d, "after")
    output = os.path.join(d.getVar("MIGRATION_IMAGE_WORKDIR"), "bundle")
    bb.utils.remove(output, recurse=True)
    run(d, command(d, output))
    install(output, d.getVar("IMAGE_ROOTFS"))
    deploy(d, os.path.join(output, "etc/migration.d/manifest"))
    place = volatile(d.getVar("IMAGE_ROOTFS"), is_read_only(d))
    if place:
        bb.warn("%s: %s makes /var/lib volatile, so the device would forget at each boot which migrations it has "
                "applied and run them all again; mount persistent storage on %s (README of meta-migration, "
                "\"Persistent state\")" % (d.getVar("PN"), place, STATE))
    for path in never_fresh(d.getVar("IMAGE_ROOTFS"), (d.getVar("MIGRATION_FRESH_UNLESS") or "").split()):
        bb.warn('%s: MIGRATION_FRESH_UNLESS: the image itself holds %s, so a new device would count as a used one%s; '
                "name a path that is made when the device is first used" %
                (d.getVar("PN"), path, ", and be refused" if d.getVar("MIGRATION_MIN_FROM") else ""))


def never_fresh(rootfs, paths):
    """Those of MIGRATION_FRESH_UNLESS that are in the image, and that no mount
    of its fstab or units covers."""
    found = []
    for path in paths:
        above = [path]
        while above[-1] not in ("/", ""):
            above.append(os.path.dirname(above[-1]))
        mounted = mounts(rootfs, above)
        if os.path.lexists(rootfs + path) and not any(place in mounted for place in above[:-1]):
            found.append(path)
    return found


def run(d, line):
    """Run mkmigrations. Its messages become bitbake's."""
    environment = dict(os.environ, PATH=d.getVar("PATH"),
                       SOURCE_DATE_EPOCH=d.getVar("REPRODUCIBLE_TIMESTAMP_ROOTFS") or "0")
    bb.note(" ".join(line))
    done = subprocess.run(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          universal_newlines=True)
    warning = "mkmigrations: warning: "
    messages = done.stderr.rstrip().split("\n")
    if done.returncode:
        bb.fatal("%s: the bundle could not be built\n%s" % (d.getVar("PN"), "\n".join(messages)))
    for message in messages:
        if message.startswith(warning):
            bb.warn("%s: %s" % (d.getVar("PN"), message))
        elif message:
            bb.note(message)


def install(source, rootfs):
    """Copy the bundle's tree into the rootfs.

    mkmigrations is a Go program, which makes its system calls without the C
    library: pseudo does not see them, and what it wrote into the rootfs would
    belong to the build user. So it writes elsewhere, and this process, which
    pseudo does see, copies: what it makes belongs to root."""
    for path, directories, files in os.walk(source):
        directories.sort()
        target = os.path.normpath(os.path.join(rootfs, os.path.relpath(path, source)))
        if not os.path.isdir(target):
            os.mkdir(target)
            os.chmod(target, 0o755)
        for name in sorted(files):
            shutil.copyfile(os.path.join(path, name), os.path.join(target, name))
            mode = os.stat(os.path.join(path, name)).st_mode & 0o777
            os.chmod(os.path.join(target, name), mode)


def deploy(d, manifest):
    """Put the manifest beside the image, by a name of its release and by a
    name that always means the last build."""
    name = d.getVar("MIGRATION_MANIFEST_NAME")
    link = d.getVar("MIGRATION_MANIFEST_LINK")
    directory = d.getVar("IMGDEPLOYDIR")
    shutil.copyfile(manifest, os.path.join(directory, name))
    if link and link != name:
        path = os.path.join(directory, link)
        if os.path.lexists(path):
            os.remove(path)
        os.symlink(name, path)


def volatile(rootfs, read_only):
    """What makes /var/lib volatile on the device, or None: a tmpfs, a unit of
    volatile-binds, or the init script for a read-only root.

    Unit and script are in writable images, too: they do something only where
    /var/lib is not writable. read_only says whether the root is known not to be."""
    places = (STATE, "/var/lib", "/var")
    mounted, hook = mounts(rootfs, places), has_hook(rootfs)
    read_only = read_only or "ro" in mounted.get("/", ("", "", ()))[2]
    unit = copybind(rootfs, read_only)
    for place in places:
        source, kind, options = mounted.get(place, ("", "", ()))
        if kind in ("tmpfs", "ramfs"):
            return source
        if source and not (place == STATE and hides(source, options, unit, hook)):
            return None
    return unit or (HOOK if read_only and hook else None)


def hides(source, options, unit, hook):
    """Whether what the image mounts over /var/lib would hide a mount of the
    state by a line of fstab: the script comes behind all of fstab that is not
    noauto, and systemd starts the unit and the mount in any order, unless the
    line says which."""
    if source != "/etc/fstab":
        return False
    if unit:
        name = os.path.basename(unit)
        return not any("x-systemd.%s=%s" % (word, name) in options for word in ("after", "requires"))
    return hook and "noauto" not in options


def mounts(rootfs, places):
    """What the rootfs mounts: {place: (from which file, type, options)}, by all
    lines of fstab and by units for places. A unit goes before a line of fstab."""
    found = {}
    for line in read(os.path.join(rootfs, "etc/fstab")).split("\n"):
        words = line.split()
        if len(words) > 2 and not line.startswith("#"):
            found.setdefault(words[1], ("/etc/fstab", words[2], words[3].split(",") if len(words) > 3 else ()))
    for place in places:
        for directory in UNITS:
            path = os.path.join(rootfs, directory, unit_name(place) + ".mount")
            if os.path.lexists(path):
                kind = re.search(r"^Type=(\S+)", read(path), re.MULTILINE)
                found[place] = ("/" + os.path.relpath(path, rootfs), kind.group(1) if kind else "", ())
    return found


def unit_name(place):
    """`systemd-escape --path`, for the paths that there are here."""
    return re.sub(r"[^0-9A-Za-z:_./]", lambda m: "".join("\\x%02x" % c for c in m.group().encode()),
                  place.strip("/")).replace("/", "-")


def copybind(rootfs, read_only):
    """The unit that mounts a volatile copy over /var/lib, or None."""
    for directory in UNITS:
        for path in sorted(glob.glob(os.path.join(rootfs, directory, "*.service"))):
            text = read(path)
            bind = re.search(r"^ExecStart=.*mount-copybind\s+\S+\s+(/var(?:/lib)?)\s*$", text, re.MULTILINE)
            if bind and (read_only or "ConditionPathIsReadWrite=!" + bind.group(1) not in text.split("\n")):
                return "/" + os.path.relpath(path, rootfs)
    return None


def has_hook(rootfs):
    """Whether the init script for a read-only root is run; systemd does not."""
    if any(os.path.lexists(os.path.join(rootfs, d, "systemd/systemd")) for d in ("usr/lib", "lib")):
        return False
    if re.search("^ROOTFS_READ_ONLY=no", read(os.path.join(rootfs, "etc/default/rcS")), re.MULTILINE):
        return False
    return bool(glob.glob(os.path.join(rootfs, "etc/rcS.d/S*" + os.path.basename(HOOK))))


def is_read_only(d):
    """Whether the image's root is known to be mounted read-only."""
    if "read-only-rootfs" in (d.getVar("IMAGE_FEATURES") or "").split():
        return True
    return any(re.match("squashfs|erofs|cramfs|romfs", t) for t in (d.getVar("IMAGE_FSTYPES") or "").split())


def read(path):
    """The text of a file of the rootfs, "" where there is none. A link is not
    followed: it would leave the rootfs."""
    if os.path.islink(path) or not os.path.isfile(path):
        return ""
    with open(path, errors="replace") as f:
        return f.read()
