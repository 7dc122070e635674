package main

import (
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const results = `goos: linux
BenchmarkOther/routes=7-2         	      20	       1 ns/op
BenchmarkGrowth/routes=10-2         	      20	       671.8 ns/op	      24 B/op	       1 allocs/op
BenchmarkGrowth/routes=5000-2       	      20	       900 ns/op	      24 B/op	       1 allocs/op
BenchmarkGrowth/routes=5000-2       	      20	       700 ns/op	      24 B/op	       1 allocs/op
BenchmarkGrowth/routes=5000-2       	      20	       800 ns/op	      24 B/op	       1 allocs/op
BenchmarkGrowth/body=1024 	      20	  1500 ns/op	 600.00 MB/s	  12.34 MiB-held	  56 ms-load	      24 B/op	       2 allocs/op
BenchmarkGrowth/body=10240000-16 	      20	 15000000 ns/op	         0.5 MiB-held	  1560 ms-load	    0 B/op	  0 allocs/op
PASS
`

// TestRun draws results and writes their table into a page, and into the same again.
func TestRun(t *testing.T) {
	dir := t.TempDir()
	svg, page := filepath.Join(dir, "curves.svg"), filepath.Join(dir, "README.md")
	if err := os.WriteFile(page, []byte("before\n\n"+begins+"old"+ends+"\nafter\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	const want = "before\n\n" + begins + `| what grows | to | costs a request | allocations | holds | loads in |
|---|---|---|---|---|---|
| body | 1 k | 1.5 µs | 2 | 12.3 MiB | 56.0 ms |
|  | 10.2 M | 15.0 ms | 0 | 512 KiB | 1.6 s |
| routes | 10 | 672 ns | 1 |  |  |
|  | 5 k | 800 ns | 1 |  |  |
` + ends + "\nafter\n"
	for range 2 {
		if err := run(strings.NewReader(results), svg, page); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(page)
		if err != nil || string(text) != want {
			t.Fatalf("%v: got\n%s\nwant\n%s", err, text, want)
		}
	}
	picture, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	decoder := xml.NewDecoder(strings.NewReader(string(picture)))
	for {
		if _, err = decoder.Token(); err != nil {
			break
		}
	}
	if !errors.Is(err, io.EOF) || strings.Count(string(picture), "<polyline") != 2 || strings.Count(string(picture), "<circle") != 4 || strings.Contains(string(picture), "NaN") || strings.Contains(string(picture), "Inf") {
		t.Errorf("%v: the picture is\n%s", err, picture)
	}
}

// TestMistakes are told.
func TestMistakes(t *testing.T) {
	if err := run(strings.NewReader("PASS\n"), "", ""); err == nil {
		t.Error("no results draw something")
	}
	page := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(page, []byte("nothing\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(strings.NewReader(results), "", page); err == nil {
		t.Error("a page without a place takes a table")
	}
}
