// Package inflate takes content codings (RFC 9110, section 8.4.1) off bodies. What comes out is bounded in size and by
// how much larger it is than what went in, so that a small body never takes a large memory.
package inflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"

	// Caddy compresses answers with it; the standard library has no zstd.
	"github.com/klauspost/compress/zstd"
)

// MaxRatio is how many times as large as itself a body may become.
const MaxRatio = 100

// maxWindow bounds what a zstd body has its reader keep, in bytes: RFC 9659, section 3.
const maxWindow = 8 << 20

// Codings are the names of the content codings that are known.
func Codings() []string { return []string{"gzip", "zstd"} }

// Errors of bodies.
var (
	ErrTooLarge = errors.New("the body is larger than allowed once its content coding is taken off")
	ErrBroken   = errors.New("the body is not what its content coding says")
	errUnknown  = errors.New("unknown content coding")
)

// Coding gives the content coding that a request's fields name: one, without parameters. It is "" for none, and ok is
// false for several and for one that is not among known.
func Coding(fields, known []string) (coding string, ok bool) {
	if len(fields) == 0 {
		return "", true
	}
	coding = strings.ToLower(strings.Trim(fields[0], " \t"))
	if coding == "x-gzip" { // RFC 9110, section 8.4.1.3
		coding = "gzip"
	}
	switch {
	case len(fields) > 1:
		return "", false
	case coding == "identity":
		return "", true
	}
	return coding, slices.Contains(known, coding)
}

// Body takes a coding off src. What comes out has at most limit bytes and MaxRatio times those of src.
func Body(coding string, src []byte, limit int64) ([]byte, error) {
	limit = min(limit, MaxRatio*int64(len(src)))
	switch coding {
	case "gzip":
		return gunzip(src, limit)
	case "zstd":
		return unzstd(src, limit)
	}
	return nil, errUnknown
}

var gzips = sync.Pool{New: func() any { return new(gzip.Reader) }}

// gunzip reads one member and nothing after it: of several, some readers take the first and some take all.
func gunzip(src []byte, limit int64) ([]byte, error) {
	z := gzips.Get().(*gzip.Reader)
	defer gzips.Put(z)
	rest := bytes.NewReader(src)
	if err := z.Reset(rest); err != nil {
		return nil, errors.Join(ErrBroken, err)
	}
	z.Multistream(false)
	out, err := read(z, limit)
	if err == nil && rest.Len() > 0 {
		err = errors.Join(ErrBroken, errors.New("something follows the first member"))
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

var zstds = sync.Pool{New: func() any {
	z, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow), zstd.WithDecoderLowmem(true))
	if err != nil { // no option above is ever wrong
		return err
	}
	return z
}}

func unzstd(src []byte, limit int64) ([]byte, error) {
	got := zstds.Get()
	z, ok := got.(*zstd.Decoder)
	if !ok {
		return nil, got.(error)
	}
	defer zstds.Put(z)
	if !bytes.HasPrefix(src, []byte{0x28, 0xb5, 0x2f, 0xfd}) { // else frames to be skipped, of which nothing comes out
		return nil, ErrBroken
	}
	if err := z.Reset(bytes.NewReader(src)); err != nil {
		return nil, errors.Join(ErrBroken, err)
	}
	defer z.Reset(nil) //nolint:errcheck // it lets go of the body
	return read(z, limit)
}

// firstRead bounds what is set aside before anything has come out, in bytes.
const firstRead = 64 << 10

func read(from io.Reader, limit int64) ([]byte, error) {
	out := make([]byte, 0, min(limit, firstRead)+1)
	for {
		n, err := from.Read(out[len(out):cap(out)])
		out = out[:len(out)+n]
		switch {
		case int64(len(out)) > limit:
			return nil, ErrTooLarge
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, errors.Join(ErrBroken, err)
		}
		if len(out) == cap(out) {
			out = slices.Grow(out, len(out))
		}
	}
}
