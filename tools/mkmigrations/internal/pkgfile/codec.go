// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The meta-migration authors

package pkgfile

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/mikelolasagasti/xz"
	"github.com/ulikunitz/xz/lzma"
)

// codec is how a stream is packed.
type codec int

const (
	plain codec = iota
	gzipped
	xzed
	zstded
	// In old distributions' packages, and as opkg-build's choice.
	bzipped
	lzmaed
	unread // known by no decoder here
)

// decoders are kept from package to package: a new one costs up to eighteen
// times what it costs to decode a control archive.
type decoders struct {
	in   *bufio.Reader
	gzip *gzip.Reader
	xz   *xz.Reader
	zstd *zstd.Decoder
	// nested decodes what lies inside an outer gzipped tar, whose own
	// decoders are busy meanwhile.
	nested *decoders
	// ahead is where small archives are unpacked to.
	ahead []byte
}

func (d *decoders) close() {
	if d.zstd != nil {
		d.zstd.Close()
	}
	if d.nested != nil {
		d.nested.close()
	}
	*d = decoders{}
}

func (d *decoders) inner() *decoders {
	if d.nested == nil {
		d.nested = &decoders{}
	}
	return d.nested
}

// stream is an unpacked stream that ends with an error where it passes its
// limit, or where too much packed data gives nothing.
type stream struct {
	in       io.Reader
	dec      io.Reader
	limit    int64
	consumed int64
	out      int64
	slack    int64  // packed bytes that may give nothing
	window   int64  // history that the decoder may keep
	narrowed bool   // the stream asked for more
	ahead    []byte // unpacked, and to be read again
}

// lookAhead reads into buf what Read then gives once more. It returns the
// whole stream, or nil where that is larger than buf.
func (s *stream) lookAhead(buf []byte) (whole []byte, err error) {
	n := 0
	for err == nil && n < len(buf) {
		var got int
		got, err = s.Read(buf[n:])
		n += got
	}
	s.ahead = buf[:n]
	switch err {
	case nil:
		return nil, nil
	case io.EOF:
		return s.ahead, nil
	}
	return nil, err
}

// unpack starts decoding r. The decoder keeps at most window bytes of
// history. The stream is valid until the next call.
func (d *decoders) unpack(c codec, r io.Reader, limit, window int64) (*stream, error) {
	s := &stream{in: r, limit: limit, window: window, slack: emptySlack}
	if c == lzmaed {
		// This decoder fills its window before it gives anything.
		s.slack += maxWindow
	}
	if d.in == nil {
		d.in = bufio.NewReaderSize(nil, 32<<10)
	}
	// Every decoder reads through the same buffer: narrow looks ahead in it,
	// and those that want single bytes would each allocate one.
	d.in.Reset(packed{s})
	narrowed, err := narrow(c, d.in, window)
	if err != nil {
		return nil, err
	}
	if narrowed != nil {
		s.narrowed = true
		s.dec, err = d.decoder(c, narrowed)
	} else {
		s.dec, err = d.decoder(c, d.in)
	}
	if err != nil {
		return nil, s.wrap(unexpected(err))
	}
	return s, nil
}

func (d *decoders) decoder(c codec, r io.Reader) (io.Reader, error) {
	switch c {
	case gzipped:
		if d.gzip == nil {
			d.gzip = new(gzip.Reader)
		}
		return d.gzip, d.gzip.Reset(r)
	case xzed:
		return d.xzReader(r)
	case zstded:
		return d.zstdReader(r)
	case bzipped:
		return bzip2.NewReader(r), nil
	case lzmaed:
		return lzma.ReaderConfig{DictCap: maxWindow}.NewReader(r)
	}
	return r, nil
}

func (d *decoders) xzReader(r io.Reader) (io.Reader, error) {
	if d.xz != nil {
		return d.xz, d.xz.Reset(r)
	}
	// The limit is maxWindow for all, but what is allocated is what a stream
	// states, and narrow has lowered that.
	x, err := xz.NewReader(r, maxWindow)
	if err != nil {
		return nil, err
	}
	d.xz = x
	return x, nil
}

func (d *decoders) zstdReader(r io.Reader) (io.Reader, error) {
	if d.zstd == nil {
		// One goroutine: packages are read side by side, not blocks.
		z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxMemory(maxWindow), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			return nil, err
		}
		d.zstd = z
	}
	return d.zstd, d.zstd.Reset(r)
}

// packed is the decoder's side of a stream: it counts what goes in.
type packed struct{ s *stream }

func (p packed) Read(b []byte) (int, error) {
	s := p.s
	// No codec makes data twice as large, so this much is empty frames.
	if s.consumed > s.slack+2*s.out {
		return 0, fmt.Errorf("%d packed bytes unpack to %d only", s.consumed, s.out)
	}
	n, err := s.in.Read(b)
	s.consumed += int64(n)
	return n, err
}

func (s *stream) Read(p []byte) (int, error) {
	if len(s.ahead) > 0 {
		n := copy(p, s.ahead)
		s.ahead = s.ahead[n:]
		return n, nil
	}
	n, err := s.dec.Read(p)
	s.out += int64(n)
	if s.out > s.limit {
		return 0, fmt.Errorf("unpacks to more than %s", sizeText(s.limit))
	}
	if err != nil && err != io.EOF {
		err = s.wrap(err)
	}
	return n, err
}

// wrap says what may be behind a decoder's error.
func (s *stream) wrap(err error) error {
	// The decoders do not tell a match that reaches too far back from damage.
	tooWide := errors.Is(err, xz.ErrMemlimit) || errors.Is(err, zstd.ErrWindowSizeExceeded) ||
		errors.Is(err, zstd.ErrDecoderSizeExceeded)
	if tooWide || s.narrowed {
		return fmt.Errorf("%w (corrupt, or %w: at most %s is kept)", err, errWindow, sizeText(s.window))
	}
	return err
}

var zeros [4096]byte

// finish reads to the end, so that the decoder checks the checksum, and
// refuses anything but some zeros: archives are padded with these.
func (s *stream) finish() error {
	var buf [4096]byte
	for total := 0; ; {
		n, err := s.Read(buf[:])
		if total += n; total > maxPadding {
			return fmt.Errorf("more than %s behind the end of the archive", sizeText(maxPadding))
		}
		if !bytes.Equal(buf[:n], zeros[:n]) {
			return errors.New("data behind the end of the archive")
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}
