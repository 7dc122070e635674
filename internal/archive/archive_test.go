package archive

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/bundle/bundletest"
)

const small = 64 << 10 // bytes

// pack packs entries as they come.
func pack(t testing.TB, headers ...*tar.Header) []byte {
	t.Helper()
	var out bytes.Buffer
	packed := gzip.NewWriter(&out)
	files := tar.NewWriter(packed)
	for _, h := range headers {
		if err := files.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := files.Write(make([]byte, h.Size)); err != nil {
			t.Fatal(err)
		}
	}
	if err := files.Close(); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestRead(t *testing.T) {
	file := func(name string, size int64) *tar.Header {
		return &tar.Header{Name: name, Typeflag: tar.TypeReg, Size: size}
	}
	good := bundletest.Files{"a.rego": "package a\n\nallow if true\n", "data.json": "{}"}.Pack(t)
	many := make([]*tar.Header, maxFiles+1)
	for i := range many {
		many[i] = file(fmt.Sprint(i), 0)
	}
	var noTar bytes.Buffer
	packed := gzip.NewWriter(&noTar)
	if _, err := packed.Write(bytes.Repeat([]byte("x"), 2000)); err != nil {
		t.Fatal(err)
	}
	if err := packed.Close(); err != nil {
		t.Fatal(err)
	}
	wrong := bytes.Clone(good)
	wrong[len(wrong)-8] ^= 1
	for _, c := range []struct {
		name    string
		archive []byte
		size    int64
		want    string
	}{
		{"good", good, small, ""},
		{"a folder and a link beside it", pack(t, file("a", 1), &tar.Header{Name: "b/", Typeflag: tar.TypeDir}, &tar.Header{Name: "c", Linkname: "/etc/passwd", Typeflag: tar.TypeSymlink}), small, ""},
		{"nothing", nil, small, "it is not an archive"},
		{"text", []byte("package a"), small, "it is not an archive"},
		{"no tar", noTar.Bytes(), small, "it is damaged"},
		{"no files", pack(t), small, "it has no files"},
		{"cut off", good[:len(good)-9], small, "it is cut off"},
		{"a wrong checksum", wrong, small, "it is damaged: gzip: invalid checksum"},
		{"something after it", append(bytes.Clone(good), "x"...), small, "it is "},
		{"one large file", pack(t, file("a", 100<<10)), small, "unpacked it has more than 65536 bytes"},
		{"several that are large together", pack(t, file("a", 40<<10), file("b", 40<<10)), small, "unpacked it has more than 65536 bytes"},
		{"a file twice", pack(t, file("a", 1), file("/b/../a", 1)), small, "lies outside"},
		{"the same file twice", pack(t, file("a", 1), file("./a", 1)), small, "is there twice"},
		{"a file outside", pack(t, file("../a", 1)), small, "lies outside"},
		{"too many files", pack(t, many...), 1 << 30, "more than 10000 files"},
	} {
		_, err := Read(c.archive, c.size)
		if (c.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.want)
		}
	}
}

// What is no archive is refused, whatever it is, and nothing is read past the bounds.
func FuzzRead(f *testing.F) {
	good := bundletest.Files{"a.rego": "package a\n\nallow if true\n", "data.json": "{}"}.Pack(f)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte{0x1f, 0x8b})
	f.Fuzz(func(t *testing.T, archive []byte) {
		_, _ = Read(archive, small)
		_, _ = Read(archive, 0)
	})
}
