// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package ledger

import (
	"strconv"
	"strings"

	"meta-migration/internal/bundle"
)

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

func readNumber(v string, to *int64) bool {
	digits := strings.TrimPrefix(v, "-")
	n, ok := bundle.Number(digits)
	*to = int64(n)
	if digits != v {
		*to = -*to
	}
	return ok
}

func readInt(v string, to *int) bool {
	var n int64
	ok := readNumber(v, &n)
	*to = int(n)
	return ok && n == int64(int32(n))
}

func readUint(v string, to *uint64) bool {
	n, ok := bundle.Number(v)
	*to = n
	return ok
}

func flag(b bool) string {
	if b {
		return "1"
	}
	return ""
}

func readFlag(v string, to *bool) bool {
	*to = v == "1"
	return *to
}

func readDigest(v string, to *bundle.Digest) bool {
	*to = bundle.Digest(v)
	return bundle.CheckDigest(v) == nil
}

func writeRefs(refs []uint64) string {
	texts := make([]string, len(refs))
	for i, r := range refs {
		texts[i] = strconv.FormatUint(r, 10)
	}
	return strings.Join(texts, ",")
}

func readRefs(v string, to *[]uint64) bool {
	for _, text := range strings.Split(v, ",") {
		var r uint64
		if !readUint(text, &r) {
			return false
		}
		*to = append(*to, r)
	}
	return true
}

func writeItems(items []Item) string {
	var b strings.Builder
	for i := range items {
		if i > 0 {
			b.WriteByte(';')
		}
		flags := ""
		if items[i].OneWay {
			flags = "w"
		}
		b.WriteString(string(items[i].ID) + "|" + items[i].Since + "|" + flags + "|" + items[i].Digest.Hex() + "|")
		for j, old := range items[i].Supersedes {
			if j > 0 {
				b.WriteByte(',')
			}
			b.WriteString(string(old))
		}
	}
	return b.String()
}

func readItems(v string, to *[]Item) bool {
	for _, text := range strings.Split(v, ";") {
		item, ok := readItem(strings.Split(text, "|"))
		if !ok {
			return false
		}
		*to = append(*to, item)
	}
	return true
}

func readItem(parts []string) (item Item, ok bool) {
	if len(parts) != 5 || bundle.CheckID(parts[0]) != nil || parts[1] != "" && bundle.CheckRelease(parts[1]) != nil {
		return item, false
	}
	item = Item{ID: bundle.ID(parts[0]), Since: parts[1], OneWay: strings.Contains(parts[2], "w")}
	if parts[3] != "" && !readDigest("sha256:"+parts[3], &item.Digest) {
		return item, false
	}
	if parts[4] == "" {
		return item, true
	}
	for _, old := range strings.Split(parts[4], ",") {
		if bundle.CheckID(old) != nil {
			return item, false
		}
		item.Supersedes = append(item.Supersedes, bundle.ID(old))
	}
	return item, true
}

const upperHex = "0123456789ABCDEF"

func plain(c byte) bool { return c > ' ' && c < 0x7f && c != '%' }

func escape(s string) string {
	i := 0
	for i < len(s) && plain(s[i]) {
		i++
	}
	if i == len(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if plain(s[i]) {
			b.WriteByte(s[i])
		} else {
			b.WriteByte('%')
			b.WriteByte(upperHex[s[i]>>4])
			b.WriteByte(upperHex[s[i]&15])
		}
	}
	return b.String()
}

func unescape(s string) (string, bool) {
	if strings.IndexByte(s, '%') < 0 {
		return s, true
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '%' {
			b.WriteByte(s[i])
			continue
		}
		if i+2 >= len(s) {
			return "", false
		}
		hi, lo := strings.IndexByte(upperHex, s[i+1]), strings.IndexByte(upperHex, s[i+2])
		if hi < 0 || lo < 0 {
			return "", false
		}
		b.WriteByte(byte(hi<<4 | lo))
		i += 2
	}
	return b.String(), true
}
