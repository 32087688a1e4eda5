// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"archive/tar"
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand"
	"os/exec"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"
)

// quietControlTar is of a package that announces nothing.
func quietControlTar() []byte {
	return tarOf(regularEntry("./control", strings.Replace(goodControl, "Provides", "Suggests", 1)))
}

func hostileControl() []hostile {
	text := func(control string) func() []byte {
		return func() []byte { return debOf("", tarOf(regularEntry("./control", control)), tarOf()) }
	}
	entries := func(e ...tarEntry) func() []byte { return func() []byte { return debOf("", tarOf(e...), tarOf()) } }
	c := regularEntry("./control", goodControl)
	return []hostile{
		{name: "none", make: entries(regularEntry("./postinst", "x")), want: "no file named control"},
		{name: "two", make: entries(c, regularEntry("control", goodControl)), want: "two files named control"},
		{name: "a link", make: entries(link("./control", tar.TypeSymlink, "/etc/shadow")), want: "symbolic link"},
		{name: "a hard link", make: entries(link("./control", tar.TypeLink, "/etc/shadow")), want: "hard link"},
		{name: "a directory", make: entries(link("./control", tar.TypeDir, "")), want: "directory"},
		{name: "2 MiB", make: text(goodControl + strings.Repeat("X-A: b\n", 300_000)), want: "at most 1 MiB"},
		{name: "empty", make: text(""), want: `no field "package"`},
		{name: "NUL", make: text(goodControl + "X: a\x00b\n"), want: "NUL"},
		{name: "no version", make: text("Package: foo\nArchitecture: all\n"), want: `no field "version"`},
		{name: "name is a path", make: text("Package: ../foo\nVersion: 1\nArchitecture: all\n"), want: "cannot be in it"},
		{name: "name of two words", make: text("Package: foo bar\nVersion: 1\nArchitecture: all\n"), want: "cannot be in it"},
		{name: "name of 300 bytes", make: text("Package: " + strings.Repeat("a", 300) + "\nVersion: 1\nArchitecture: all\n"), want: "longer than 255"},
		{name: "recipe is a path", make: text(strings.Replace(goodControl, "OE: foo", "OE: ../foo", 1)), want: "cannot be in it"},
		{name: "two names", make: text(goodControl + "package: bar\n"), want: "there twice"},
		{name: "no colon", make: text(goodControl + "what is this\n"), want: "line 6 is no field"},
		{name: "provides on 250,000 lines", make: text("Provides:" + strings.Repeat("\n x,", 250_000) + "\nPackage: foo\nVersion: 1\nArchitecture: all\n"), want: "more than 65536 names"},
		{name: "begins folded", make: text(" x\n" + goodControl), want: "line 1 continues"},
		{name: "300,000 provides", make: text("Provides: " + strings.Repeat("a,", 300_000) + "\nPackage: foo\nVersion: 1\nArchitecture: all\n"), want: "more than 65536 names"},
	}
}

// packer packs a stream that is written to w.
type packer func(w io.Writer) (io.WriteCloser, error)

var packers = map[string]packer{
	".gz":  func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil },
	".xz":  newXzWriter,
	".zst": func(w io.Writer) (io.WriteCloser, error) { return zstd.NewWriter(w, zstd.WithZeroFrames(true)) },
}

// xzWriter packs by the xz tool: that in Go takes a minute for what this
// does in a second.
type xzWriter struct {
	bytes.Buffer
	tool string
	w    io.Writer
}

func newXzWriter(w io.Writer) (io.WriteCloser, error) {
	tool, err := exec.LookPath("xz")
	if err != nil {
		return xz.NewWriter(w)
	}
	return &xzWriter{tool: tool, w: w}, nil
}

func (x *xzWriter) Close() error {
	cmd := exec.Command(x.tool, "-1", "--threads=1", "--stdout")
	cmd.Stdin, cmd.Stdout = x, x.w
	return cmd.Run()
}

// bomb packs head and then n zeros, bombs does so several times.
func bomb(pack packer, head []byte, n int64) []byte { return bombs(pack, head, n, 1) }

func bombs(pack packer, head []byte, n int64, times int) []byte {
	var b bytes.Buffer
	w, err := pack(&b)
	check(err)
	for range times {
		_, err = w.Write(head)
		check(err)
		_, err = io.CopyN(w, zeroReader{}, n)
		check(err)
	}
	check(w.Close())
	return b.Bytes()
}

type zeroReader struct{}

func (zeroReader) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// hostileBombs unpack to much, or take long to unpack to little.
func hostileBombs() []hostile {
	quiet := quietControlTar()
	var cases []hostile
	for _, suffix := range []string{".gz", ".xz", ".zst"} {
		pack := packers[suffix]
		small := func(p []byte) []byte { return bomb(pack, p, 0) }
		cases = append(cases,
			hostile{name: "control" + suffix, make: func() []byte {
				return debOf(suffix, bomb(pack, controlTar(), 80<<20), small(tarOf()))
			}, want: "more than 1 MiB behind the end"},
			hostile{name: "control" + suffix + ", inside one file", make: func() []byte {
				return debOf(suffix, bomb(pack, announced("./x", 80<<20), 80<<20), small(tarOf()))
			}, want: "announces"},
			hostile{name: "data" + suffix, make: func() []byte {
				return debOf(suffix, small(controlTar()), bomb(pack, announced("./x", 60<<20), 80<<20))
			}, want: "more than 1 MiB behind the end"},
			hostile{name: "data" + suffix + ", many files", make: func() []byte {
				file := announced("./x", 8<<20)
				return debOf(suffix, small(controlTar()), bombs(pack, file, 8<<20, 12))
			}, want: "more than 64 MiB"},
			hostile{name: "data" + suffix + ", nothing announced", make: func() []byte {
				return debOf(suffix, small(quiet), bombs(pack, announced("./x", 8<<20), 8<<20, 12))
			}, want: "more than 64 MiB"},
			hostile{name: "data" + suffix + ", cut", make: func() []byte {
				b := small(tarOf(goodSnippet()))
				return debOf(suffix, small(controlTar()), b[:len(b)-1])
			}, want: ""},
			hostile{name: "data" + suffix + ", wrong checksum", make: func() []byte {
				b := small(tarOf(goodSnippet()))
				// The last bytes of gzip are a length, of xz index and footer.
				b[len(b)-map[string]int{".gz": 6, ".xz": 32, ".zst": 2}[suffix]] ^= 1
				return debOf(suffix, small(controlTar()), b)
			}, want: ""},
			hostile{name: "empty frames" + suffix, make: func() []byte {
				return debOf(suffix, small(controlTar()), bytes.Repeat(small(nil), (8<<20)/len(small(nil))))
			}, want: "packed bytes unpack to"},
		)
	}
	return append(cases, slowBombs()...)
}

// literals are bytes that every codec packs a little, at its highest cost.
func literals(n int) string {
	p := make([]byte, n)
	rnd := rand.New(rand.NewSource(1))
	for i := range p {
		p[i] = byte(rnd.Intn(226))
	}
	return string(p)
}

func slowBombs() []hostile {
	one := func(p []byte) []byte { return bomb(packers[".xz"], p, 0) }
	return []hostile{
		{name: "xz of literals", make: func() []byte {
			data := tarOf(regularEntry("./x", literals(8<<20)), link("./../x", tar.TypeReg, ""))
			return debOf(".xz", one(controlTar()), one(data))
		}, want: "upwards"},
		{name: "xz of too many literals", make: func() []byte {
			return debOf(".xz", one(controlTar()), make([]byte, 9<<20))
		}, want: "at most 8 MiB"},
		{name: "xz control of literals", make: func() []byte {
			return debOf(".xz", one(tarOf(regularEntry("./x", literals(7<<20)))), one(tarOf()))
		}, want: "no file named control"},
		{name: "zstd with a window of 64 MiB that is used", make: func() []byte {
			return debOf(".zst", zstdOf(controlTar()), zstdWindow(farAway(20<<20), 64<<20))
		}, want: "at most 8 MiB is kept"},
		{name: "zstd frame that states 4 EiB", make: func() []byte {
			frame := append([]byte("\x28\xb5\x2f\xfd\xe0"), 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0)
			return debOf(".zst", zstdOf(controlTar()), frame)
		}, want: "at most 8 MiB is kept"},
		{name: "rpm of bzip2", make: rpmBomb("bzip2", bzip2Zeros()), want: "begins with"},
		{name: "rpm of lzma", make: func() []byte {
			return rpmBomb("lzma", cpioBomb(func(w io.Writer) (io.WriteCloser, error) { return lzma.NewWriter(w) }))()
		}, want: "more than 32 MiB"},
		{name: "rpm of xz", make: func() []byte { return rpmBomb("xz", cpioBomb(packers[".xz"]))() }, want: "more than 64 MiB"},
		{name: "rpm of zstd", make: func() []byte { return rpmBomb("zstd", cpioBomb(packers[".zst"]))() }, want: "more than 64 MiB"},
		{name: "rpm of gzip", make: func() []byte { return rpmBomb("gzip", cpioBomb(packers[".gz"]))() }, want: "more than 64 MiB"},
		{name: "outer tar", make: func() []byte {
			return bombs(packers[".gz"], announced("data.tar", 8<<20), 8<<20, 12)
		}, want: "more than 64 MiB"},
		{name: "inside an outer tar", make: func() []byte {
			data := bombs(packers[".gz"], announced("x", 8<<20), 8<<20, 12)
			return gzipOf(tarOf(regularEntry("debian-binary", "2.0\n"), regularEntry("control.tar", string(controlTar())),
				regularEntry("data.tar.gz", string(data))))
		}, want: "more than 64 MiB"},
	}
}

// rpmBomb lists the twelve files of cpioBomb.
func rpmBomb(compressor string, payload []byte) func() []byte {
	o := rpmOf{tags: map[uint32]any{1125: compressor}, payload: payload}
	for i := range 12 {
		o.files = append(o.files, rpmOfFile{dir: "/", base: fmt.Sprintf("x%02d", i), mode: 0o100644})
	}
	return o.bytes
}

func cpioBomb(pack packer) []byte {
	var b bytes.Buffer
	w, err := pack(&b)
	check(err)
	for i := range 12 {
		_, err = fmt.Fprintf(w, "%s./x%02d\x00", cpioHeader(0o100644, 8<<20, 6), i)
		check(err)
		_, err = io.CopyN(w, zeroReader{}, 8<<20)
		check(err)
	}
	check(w.Close())
	return b.Bytes()
}

// farAway is a tar of n bytes, of which the last quarter MiB repeats the
// first. What is between is stored as it is by every codec.
func farAway(n int) []byte {
	rnd := rand.New(rand.NewSource(2))
	p := make([]byte, n)
	rnd.Read(p)
	copy(p[n-256<<10:], p[:256<<10])
	return tarOf(regularEntry("./x", string(p)))
}

// controlFar is a control archive that needs a window of over 1 MiB.
func controlFar() []byte {
	far := farAway(1500 << 10)
	return append(far[:len(far)-1024], controlTar()...)
}

func zstdWindow(p []byte, window int) []byte {
	var b bytes.Buffer
	w, err := zstd.NewWriter(&b, zstd.WithWindowSize(window), zstd.WithEncoderLevel(zstd.SpeedBestCompression),
		zstd.WithEncoderConcurrency(1), zstd.WithSingleSegment(false))
	check(err)
	// Flushing first keeps the writer from knowing the size.
	check(w.Flush())
	_, err = w.Write(p)
	check(err)
	check(w.Close())
	return b.Bytes()
}

// xzDict packs by xz with a dictionary and states another size for it.
func xzDict(p []byte, dict int, code byte) []byte {
	var b bytes.Buffer
	w, err := xz.WriterConfig{DictCap: dict}.NewWriter(&b)
	check(err)
	_, err = w.Write(p)
	check(err)
	check(w.Close())
	out := b.Bytes()
	size := (int(out[12]) + 1) * 4
	block := out[12 : 12+size]
	block[xzDictionary(block[:size-4])] = code
	binary.LittleEndian.PutUint32(block[size-4:], crc32.ChecksumIEEE(block[:size-4]))
	return out
}

// bzip2Zeros is "head -c 45899236 /dev/zero | bzip2": there is no packer in
// Go.
func bzip2Zeros() []byte {
	p, err := hex.DecodeString("425a68393141592653590e09e2df015f8e4000c0000008200030804d4642a025a90a80973141" +
		"59265359b1f7404b00000040004000200021184682ee48a70a1215bc90bea0")
	check(err)
	return p
}
