// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

// Package oe tests the layer meta-migration with real bitbake on real
// openembedded-core: parsing, packaging, QA and whole images with the real
// package managers, without a network and without a toolchain.
//
// setup.sh gets the checkouts, at the commits in the file pins. Where they are
// not there the tests skip and say so. Tools of the host stand for the native
// recipes that a real build would compile (layer/recipes-standin); what passes
// has passed with the host's dpkg, apt, dnf, rpm and pseudo, with an opkg-build
// and an opkg-make-index of this test's own, and with the host's Go.
//
// On Debian the host needs, beside git, Go and Python: apt-utils busybox-static
// bzip2 chrpath cpio createrepo-c diffstat dnf dpkg-dev file g++ gawk gcc
// locales lz4 make patch pseudo rpcsvc-proto rpm unzip wget xz-utils zstd, the
// locale en_US.UTF-8, and opkg (which Debian has not got) for ipk images.
//
// Environment:
//
//	OE_CACHE    where the checkouts and builds are; see setup.sh
//	OE_SERIES   the series to test (default: the first of wrynose, scarthgap,
//	            master that is there: the short part of a test run)
//	OE_FORMATS  of deb rpm ipk, the package formats to test (default: deb)
//	OE_USER     who runs bitbake where the tests run as root, which bitbake
//	            refuses (default: builder if there is one, else nobody)
//	OE_KEEP     not empty: builds that are there are used again
//
// How long it takes, on two cores without other work: the first image of a
// series, with both programs compiled, about a minute; each further bitbake run
// some 8 seconds. `make oe` has about 100 runs a series; yocto-check-layer, which
// parses all of oe-core, comes on top by `make oe-check-layer`.
//
// Known limits of the stand-ins: images of .ipk packages are skipped where
// there is no opkg, and what reads debug data of programs for other processors
// is not run: for these migrate-runner is parsed, and compiled by `make cross`.
// scarthgap's tar keeps times of access and change, so its images are compared
// file by file; later series' are the same byte for byte.
package oe
