// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import "fmt"

// What is read of one package is bounded by absolute sizes, so that memory
// stays below 64 MB and a small hostile file costs less than two seconds. A
// time limit would do the same but make the result depend on the machine.
const (
	// maxControlFile is for one control file. Those of distributions have a
	// few KiB.
	maxControlFile = 1 << 20
	// maxControl is for control.tar, packed and unpacked. It may also hold
	// scripts and checksums: a kernel source tree has 5 MiB of md5sums.
	maxControl = 8 << 20
	// aheadSize is for control archives that are unpacked as a whole.
	aheadSize = 64 << 10
	// maxScript is for one migration.
	maxScript = 1 << 20
	// maxSnippets and maxSnippetBytes are for the migrations of one package.
	maxSnippets     = 4096
	maxSnippetBytes = 16 << 20
	// payloadRatio is for packages that announce nothing and are opened all
	// the same (thorough). They may be large by right: what they unpack to
	// must be below payloadLimits or below this many times their packed size.
	// So a small bomb is stopped early, and the work for a large file is
	// bounded by what reading that file costs anyway.
	payloadRatio = 16
	// maxEntries is for one tar or cpio archive.
	maxEntries = 1 << 20
	// maxPadding is for zeros behind an archive. GNU tar fills up to its
	// blocking factor, 10 KiB unless told otherwise.
	maxPadding = 1 << 20
	// maxPath is Linux's PATH_MAX.
	maxPath = 4096
	// maxTarHeader is for what belongs to one tar entry besides its content:
	// long names and pax records.
	maxTarHeader = 256 << 10

	// maxWindow is for the history that a decoder must keep. The usual levels
	// (xz -6, zstd -19) need no more. A stream that asks for more is read all
	// the same where it does not use it, see window.go.
	maxWindow = 8 << 20
	// controlWindow is the first attempt for control.tar, which is smaller
	// nearly always. Every worker holds its decoders' windows.
	controlWindow = 1 << 20
	// emptySlack is how much packed data may unpack to nothing. Frames
	// without content cost time and never reach a limit of unpacked size.
	emptySlack = 1 << 20

	// maxTags and maxStore bound an rpm header, as rpm's own limits do.
	maxTags  = 65536
	maxStore = 64 << 20
	// maxProvides is for what a package provides, maxProvidesBytes for what an
	// rpm's header has of it.
	maxProvides      = 65536
	maxProvidesBytes = 4 << 20
	// maxRpmHeaders is for both headers of an rpm with migrations, and
	// maxRpmFiles for its file list: go-rpmutils keeps several copies.
	maxRpmHeaders = 2 << 20
	maxRpmFiles   = 16384

	// maxArMembers is for deb and ipk. Three are needed; a deb may carry
	// signatures too.
	maxArMembers = 16

	// MaxWorkers is the most that Scan uses, maxOpenPayloads how many of them
	// may read payloads at a time: these need maxWindow for each codec.
	MaxWorkers      = 4
	maxOpenPayloads = 2
)

// payloadLimits are for the payload of a package that announces migrations,
// by codec: packed and unpacked. The recipe class puts nothing but migrations
// in it, so 64 MiB is four times what it may hold. Where a codec is so slow
// that a payload made for it would take more than a second, the limit on what
// costs the time is lower: with LZMA that is the packed bytes, some 80 ns
// each, with bzip2 the unpacked ones, up to 200 ns.
var payloadLimits = map[codec]struct{ packed, unpacked int64 }{
	plain:   {64 << 20, 64 << 20},
	gzipped: {64 << 20, 64 << 20},
	zstded:  {64 << 20, 64 << 20},
	xzed:    {8 << 20, 64 << 20},
	lzmaed:  {8 << 20, 32 << 20},
	bzipped: {8 << 20, 8 << 20},
}

// payloadLimit is how many bytes a payload may unpack to. A packed size that
// is too large is an error.
func payloadLimit(c codec, announces bool, packed int64) (int64, error) {
	limits := payloadLimits[c]
	if !announces {
		return max(limits.unpacked, payloadRatio*packed), nil
	}
	if packed > limits.packed {
		return 0, fmt.Errorf("has %d bytes, at most %s are read of a package that announces migrations",
			packed, sizeText(limits.packed))
	}
	return limits.unpacked, nil
}
