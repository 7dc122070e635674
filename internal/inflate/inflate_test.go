package inflate

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

func zipped(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	w.Close()
	return b.Bytes()
}

func framed(t testing.TB, text string) []byte {
	t.Helper()
	w, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return w.EncodeAll([]byte(text), nil)
}

func TestCoding(t *testing.T) {
	for _, c := range []struct {
		fields []string
		coding string
		ok     bool
	}{
		{nil, "", true},
		{[]string{"identity"}, "", true},
		{[]string{"gzip"}, "gzip", true},
		{[]string{" GZip\t"}, "gzip", true},
		{[]string{"x-gzip"}, "gzip", true},
		{[]string{"zstd"}, "zstd", false},
		{[]string{""}, "", false},
		{[]string{"deflate"}, "deflate", false},
		{[]string{"gzip, gzip"}, "", false},
		{[]string{"gzip", "gzip"}, "", false},
		{[]string{"identity, gzip"}, "", false},
		{[]string{"gzip;q=1"}, "", false},
	} {
		coding, ok := Coding(c.fields, []string{"gzip"})
		if ok != c.ok || ok && coding != c.coding {
			t.Errorf("%q: got %q, %v", c.fields, coding, ok)
		}
	}
}

func TestBody(t *testing.T) {
	words := strings.Repeat("the quick brown fox jumps over the lazy dog 0123456789; ", 4)
	bomb := strings.Repeat("a", 1<<20)
	whole, frame := zipped(t, words), framed(t, words)
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-5] ^= 1 // of the checksum
	for _, c := range []struct {
		name, coding string
		src          []byte
		limit        int64
		want         string
		err          error
	}{
		{"gzip", "gzip", whole, 1 << 20, words, nil},
		{"gzip at its bound", "gzip", whole, int64(len(words)), words, nil},
		{"gzip above its bound", "gzip", whole, int64(len(words)) - 1, "", ErrTooLarge},
		{"gzip of nothing", "gzip", zipped(t, ""), 1 << 20, "", nil},
		{"gzip cut short", "gzip", whole[:len(whole)-1], 1 << 20, "", ErrBroken},
		{"gzip cut in the middle", "gzip", whole[:len(whole)/2], 1 << 20, "", ErrBroken},
		{"gzip of two members", "gzip", append(bytes.Clone(whole), whole...), 1 << 20, "", ErrBroken},
		{"gzip with more", "gzip", append(bytes.Clone(whole), 0), 1 << 20, "", ErrBroken},
		{"gzip with another checksum", "gzip", flipped, 1 << 20, "", ErrBroken},
		{"gzip that is none", "gzip", []byte(words), 1 << 20, "", ErrBroken},
		{"gzip bomb", "gzip", zipped(t, bomb), 1 << 30, "", ErrTooLarge},
		{"gzip of gzip", "gzip", zipped(t, string(whole)), 1 << 20, string(whole), nil},
		{"zstd", "zstd", frame, 1 << 20, words, nil},
		{"zstd above its bound", "zstd", frame, int64(len(words)) - 1, "", ErrTooLarge},
		{"zstd cut short", "zstd", frame[:len(frame)-1], 1 << 20, "", ErrBroken},
		{"zstd with more", "zstd", append(bytes.Clone(frame), 1, 2, 3, 4), 1 << 20, "", ErrBroken},
		{"zstd that is none", "zstd", whole, 1 << 20, "", ErrBroken},
		{"zstd frame to be skipped", "zstd", []byte{0x50, 0x2a, 0x4d, 0x18, 0, 0, 0, 0}, 1 << 20, "", ErrBroken},
		{"zstd bomb", "zstd", framed(t, bomb), 1 << 30, "", ErrTooLarge},
		{"another", "br", whole, 1 << 20, "", errUnknown},
	} {
		for range 2 { // readers are used again
			got, err := Body(c.coding, c.src, c.limit)
			if string(got) != c.want || !errors.Is(err, c.err) {
				t.Errorf("%s: got %d bytes, %v", c.name, len(got), err)
			}
		}
	}
}

// FuzzBody holds what comes out against what the standard library reads, and against the bounds.
func FuzzBody(f *testing.F) {
	f.Add(zipped(f, "some text"), false)
	f.Add(framed(f, "some text"), true)
	f.Fuzz(func(t *testing.T, src []byte, asZstd bool) {
		coding := "gzip"
		if asZstd {
			coding = "zstd"
		}
		const limit = 1 << 16
		out, err := Body(coding, src, limit)
		if err != nil {
			return
		}
		if len(out) > limit || len(out) > MaxRatio*len(src) {
			t.Fatalf("%d bytes became %d", len(src), len(out))
		}
		if asZstd {
			return
		}
		z, err := gzip.NewReader(bytes.NewReader(src))
		if err != nil {
			t.Fatal(err)
		}
		if other, err := io.ReadAll(z); err != nil || !bytes.Equal(other, out) {
			t.Fatalf("another reader reads %q, %v, not %q", other, err, out)
		}
	})
}

func BenchmarkBody(b *testing.B) {
	src := zipped(b, strings.Repeat(`{"sku": "A-1234", "qty": 12, "text": "a longer text of the line"},`, 14))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Body("gzip", src, 1<<20); err != nil {
			b.Fatal(err)
		}
	}
}
