// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import "bytes"

// Nearly every control archive is small and holds nothing but plain files and
// directories with short names. For these the allocations and checks of
// archive/tar cost as much as unpacking them. So they are walked in memory,
// and whatever is not just so is left to archive/tar, from the beginning:
// errors are always its or ours, never of this walk.

const tarBlock = 512

// plainControl returns the control file of a whole control archive. It
// declines what has long or odd names, pax records, links, numbers in another
// form than octal, two control files or none, a wrong checksum, or anything
// but zeros behind its end mark.
//
// For the header's fields see "ustar Interchange Format" in POSIX, pax(1).
func plainControl(data []byte) (text string, ok bool) {
	found := false
	for len(data) >= tarBlock {
		h := data[:tarBlock]
		if h[0] == 0 {
			return text, found && len(data) >= 2*tarBlock && allZero(data)
		}
		size, plain := plainHeader(h)
		padded := (size + tarBlock - 1) / tarBlock * tarBlock
		if !plain || padded > int64(len(data)-tarBlock) {
			return "", false
		}
		content := data[tarBlock : tarBlock+size]
		data = data[tarBlock+padded:]
		if name := bytes.TrimPrefix(tarField(h, 0, 100), []byte("./")); string(name) == "control" {
			if found || h[156] == '5' || size > maxControlFile {
				return "", false
			}
			text, found = string(content), true
		}
	}
	return "", false
}

// plainHeader checks a header and returns the size of the content.
func plainHeader(h []byte) (size int64, ok bool) {
	name := tarField(h, 0, 100)
	// Files and directories with a name, and nothing of what extends names or
	// adds times.
	if len(name) == 100 || h[156] != '0' && h[156] != '5' || !allZero(h[345:]) {
		return 0, false
	}
	// A slash at the end makes a directory of a file.
	if (name[len(name)-1] == '/') != (h[156] == '5') {
		return 0, false
	}
	if magic := string(h[257:265]); magic != "ustar\x0000" && magic != "ustar  \x00" {
		return 0, false
	}
	// mode, uid, gid, mtime, devmajor, devminor
	for _, f := range [...][2]int{{100, 8}, {108, 8}, {116, 8}, {136, 12}, {329, 8}, {337, 8}} {
		if _, ok := octal(h[f[0] : f[0]+f[1]]); !ok {
			return 0, false
		}
	}
	sum, ok := octal(h[148:156])
	size, plain := octal(h[124:136])
	return size, ok && plain && sum == tarSum(h) && (h[156] == '0' || size == 0)
}

// tarField is a text field up to its end, the first NUL.
func tarField(h []byte, at, n int) []byte {
	field, _, _ := bytes.Cut(h[at:at+n], zeros[:1])
	return field
}

// octal reads the digits in a field, with NULs and blanks behind them; none
// are 0.
func octal(field []byte) (n int64, ok bool) {
	i := 0
	for ; i < len(field) && '0' <= field[i] && field[i] <= '7'; i++ {
		n = n<<3 | int64(field[i]-'0')
	}
	for ; i < len(field) && (field[i] == 0 || field[i] == ' '); i++ {
	}
	return n, i == len(field)
}

// tarSum adds a header's bytes, those of the sum itself taken for blanks.
func tarSum(h []byte) int64 {
	sum := int64(8 * ' ')
	for _, c := range h[:148] {
		sum += int64(c)
	}
	for _, c := range h[156:] {
		sum += int64(c)
	}
	return sum
}

func allZero(p []byte) bool {
	for len(p) > len(zeros) {
		if !bytes.Equal(p[:len(zeros)], zeros[:]) {
			return false
		}
		p = p[len(zeros):]
	}
	return bytes.Equal(p, zeros[:len(p)])
}
