package admit

import (
	"net/url"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestPath(t *testing.T) {
	for escaped, want := range map[string][]string{
		"":                   nil,
		"/":                  nil,
		"/orders":            {"orders"},
		"/orders/":           {"orders"},
		"/orders/7":          {"orders", "7"},
		"/a:b/(c)/d=e,f@g":   {"a:b", "(c)", "d=e,f@g"},
		"/%6frders":          {"orders"},
		"/caf%C3%A9":         {"café"},
		"/café":              {"café"},
		"/a%20b/%20c":        {"a b", " c"},
		"/50%25":             {"50%"},
		"/50%25/%25x":        {"50%", "%x"},
		"/..a/b../.c/...d":   {"..a", "b..", ".c", "...d"},
		"/api../foo":         {"api..", "foo"}, // a whole segment, which "/api" is no prefix of
		"/a%22%3C%5B%7B%7Cb": {`a"<[{|b`},
		"/a[b]":              {"a[b]"},
	} {
		got, p := Path(escaped, nil)
		if p != nil || !slices.Equal(got.Segments, want) {
			t.Errorf("Path(%q) = %q, %v, want %q", escaped, got.Segments, p, want)
		}
	}
	for _, escaped := range []string{
		"orders", "*", "?", // no path at all
		"//", "//admin", "/a//b", "/a//", "///", // empty segments
		"/.", "/..", "/./a", "/../a", "/a/..", "/a/../b", "/a/.", "/a/./", // dot segments
		"/%2e", "/%2E%2e/a", "/.%2e/a", "/a/%2e/b", "/.../a", "/..%20/a", "/%20", "/. .", // in other spellings
		"/%c0%ae%c0%ae/a", "/%c0%af", "/%e0%80%ae", "/%ff%fe", "/\xff", "/%ed%a0%80", // no UTF-8: overlong, bytes, surrogates
		"/a%2fb", "/a%2Fb", "/%2f", "/a%5cb", "/a%5Cb", `/a\b`, `/..\a`, // slashes and backslashes
		"/a;b", "/a;b=c/d", "/..;/a", "/.;/a", "/;", "/a%3bb", "/..%3b/a", "/...;/", // parameters
		"/%00", "/a%0ab", "/a%0d%0ab", "/a%7f", "/a\x00", "/a\tb", "/a%c2%85", // control characters
		"/%252e%252e/a", "/a%252fb", "/%2561", "/%25%36%31", "/%2500", // encoded twice
		"/%", "/%2", "/%zz", "/a%2g", "/a%", "/%%", // not encoded at all
		"/a b", "/a#b", "/a?b", // bytes a path cannot have
	} {
		if got, p := Path(escaped, nil); p == nil || p.Type != problem.AmbiguousPath {
			t.Errorf("Path(%q) = %q, %v, want 400 ambiguous-path", escaped, got.Escaped, p)
		}
	}
}

// What is admitted has one reading: its canonical form is its own canonical form, decodes to the same segments, is
// written to the wire as it is, and cleaning changes nothing.
func FuzzPath(f *testing.F) {
	for _, s := range []string{"/", "/a/b/", "/caf%C3%A9/%25x", "/%252e", "/a;b", "/a%2fb", "/..", "/a b", "/%ff", "/(a)!*'", "/[::1]", "/%25%32%35"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, escaped string) {
		first, p := Path(escaped, nil)
		if p != nil {
			return
		}
		second, p := Path(first.Escaped, make([]string, 0, 4))
		if p != nil || second.Escaped != first.Escaped || !slices.Equal(second.Segments, first.Segments) {
			t.Fatalf("Path(%q) = %q, which is read as %q, %v", escaped, first.Escaped, second.Escaped, p)
		}
		decoded := "/" + strings.Join(first.Segments, "/")
		if path.Clean(decoded) != decoded {
			t.Errorf("%q cleans to %q", decoded, path.Clean(decoded))
		}
		if u := (&url.URL{Path: decoded, RawPath: first.Escaped}); u.EscapedPath() != first.Escaped {
			t.Errorf("%q is sent as %q", first.Escaped, u.EscapedPath())
		}
		u, err := url.ParseRequestURI(first.Escaped)
		if err != nil || u.Path != decoded {
			t.Errorf("%q is parsed as %v, %v", first.Escaped, u, err)
		}
	})
}

func FuzzQuery(f *testing.F) {
	for _, s := range []string{"a=1&b=2", "a=%zz", "a;b", "caf%C3%A9", "%c3&%a9", "a=%0a", "==", "a=+"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		if checkQuery(raw, DefaultMaxParameters) != nil {
			return
		}
		values, err := url.ParseQuery(raw)
		if err != nil {
			t.Fatalf("%q is admitted and does not parse: %v", raw, err)
		}
		for name, list := range values {
			for _, v := range append(list, name) {
				if strings.ToValidUTF8(v, "") != v || strings.ContainsAny(v, "\r\n\x00") {
					t.Errorf("%q is admitted with %q", raw, v)
				}
			}
		}
	})
}

func BenchmarkPath(b *testing.B) {
	for _, escaped := range []string{"/api/v1/orders/7", "/api/v1/caf%C3%A9/7"} {
		b.Run(escaped, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, p := Path(escaped, nil); p != nil {
					b.Fatal(p)
				}
			}
		})
	}
}
