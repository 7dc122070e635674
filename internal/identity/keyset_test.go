package identity

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestKeyFile(t *testing.T) {
	hash := strings.Repeat("0123456789abcdef", 4)
	line := func(id, rest string) string { return id + " sha256:" + hash + " " + rest }
	file := "# partners\n\n   \t\r\n" +
		line("aaaaaaaaaaaa", "consumer=acme") + "\r\n" +
		"\t" + line("bbbbbbbbbbbb", `name="a # \"b\" \\ c" consumer="two words"  scopes=a:b,c groups=g expires=2027-01-01T00:00:00+01:00 version=2026-11-01 plan=gold`)
	set, diags := ParseKeys("partners.keys", []byte(file))
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	a, b := set.Lookup("aaaaaaaaaaaa"), set.Lookup("bbbbbbbbbbbb")
	if set.Len() != 2 || a == nil || a.Consumer != "acme" || a.Name != "acme" || !a.Expires.IsZero() || hex.EncodeToString(a.Hash[:]) != hash {
		t.Errorf("%+v", a)
	}
	if b == nil || b.Name != `a # "b" \ c` || b.Consumer != "two words" || !slices.Equal(b.Scopes, []string{"a:b", "c"}) ||
		!slices.Equal(b.Groups, []string{"g"}) || b.Version != "2026-11-01" || b.Plan != "gold" || !b.Expires.Equal(time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)) {
		t.Errorf("%+v", b)
	}
	if set, diags := ParseKeys("empty", nil); diags.HasErrors() || set.Len() != 0 {
		t.Error("an empty file is a set without keys")
	}
}

func TestMistakesInAKeyFile(t *testing.T) {
	hash := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	printed, _ := newKey(t, Key{Consumer: "acme"})
	good := "aaaaaaaaaaaa " + hash + " consumer=acme"
	for _, test := range []struct {
		name string
		file string
		want []string // line:column summary
	}{
		{"a short id", "aaa " + hash + " consumer=a", []string{"1:1 Invalid key id"}},
		{"an id with a dash", "\n  aaaaaa-aaaaa " + hash + " consumer=a", []string{"2:3 Invalid key id"}},
		{"a duplicate", good + "\n" + good, []string{"2:1 Duplicate key id"}},
		{"the key itself", printed, []string{"1:1 A key in plain text"}},
		{"no hash", "aaaaaaaaaaaa consumer=a", []string{"1:14 Invalid hash", "1:1 Missing consumer"}},
		{"a hash of another length", "aaaaaaaaaaaa sha256:00 consumer=a", []string{"1:14 Invalid hash"}},
		{"a hash in upper case", "aaaaaaaaaaaa " + strings.ToUpper(hash) + " consumer=a", []string{"1:14 Invalid hash"}},
		{"only an id", "aaaaaaaaaaaa", []string{"1:13 Invalid hash", "1:1 Missing consumer"}},
		{"no consumer", "aaaaaaaaaaaa " + hash + " version=v1", []string{"1:1 Missing consumer"}},
		{"an empty consumer", "aaaaaaaaaaaa " + hash + " consumer=", []string{"1:86 Invalid field", "1:1 Missing consumer"}},
		{"a consumer with a control character", "aaaaaaaaaaaa " + hash + " consumer=\"a\x01\"", []string{"1:86 Invalid consumer"}},
		{"a consumer of other letters", "aaaaaaaaaaaa " + hash + " consumer=ä", []string{"1:86 Invalid consumer"}},
		{"a misspelt field", good + " expire=2027-01-01T00:00:00Z", []string{"1:100 Unknown field"}},
		{"a field twice", good + " consumer=acme", []string{"1:100 Duplicate field"}},
		{"a date without time", good + " expires=2027-01-01", []string{"1:100 Invalid expires"}},
		{"an open quote", good + ` name="Acme`, []string{"1:100 Invalid field"}},
		{"an unknown escape", good + ` name="Ac\me"`, []string{"1:100 Invalid field"}},
		{"something behind a quote", good + ` name="Acme"x`, []string{"1:100 Invalid field"}},
		{"a comment behind", good + " # note", []string{"1:100 Invalid field", "1:102 Invalid field"}},
		{"an empty scope", good + " scopes=a,,b", []string{"1:100 Invalid scopes"}},
		{"a scope twice", good + " scopes=a,a", []string{"1:100 Invalid scopes"}},
		{"not UTF-8", "aaaaaaaaaaaa " + hash + " name=\xff", []string{"1:1 Not UTF-8"}},
		{"a line of 5,000 bytes", "# ok\n" + good + strings.Repeat(" ", 5000), []string{"2:1 Line too long"}},
		{"columns are characters", good + " name=\"ü\" x", []string{"1:109 Invalid field"}},
		{"every mistake at once", "x\n" + good + "\ny z\n", []string{"1:1 Invalid key id", "1:2 Invalid hash", "1:1 Missing consumer", "3:1 Invalid key id", "3:3 Invalid hash", "3:1 Missing consumer"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set, diags := ParseKeys("partners.keys", []byte(test.file))
			if set != nil {
				t.Error("a set was made of a mistake")
			}
			var got []string
			for _, d := range diags {
				if d.Subject == nil || d.Subject.Filename != "partners.keys" || d.Detail == "" {
					t.Fatalf("%+v", d)
				}
				got = append(got, fmt.Sprintf("%d:%d %s", d.Subject.Start.Line, d.Subject.Start.Column, d.Summary))
				if strings.Contains(d.Error(), printed[16:59]) {
					t.Error("the diagnostic shows the secret")
				}
			}
			if !slices.Equal(got, test.want) {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
	if _, diags := ParseKeys("f", []byte(strings.Repeat("x\n", 1000))); len(diags) > maxMistakes+3 {
		t.Errorf("%d mistakes are told", len(diags))
	}
}

// manyKeys is a key file with n keys.
func manyKeys(n int) []byte {
	var file bytes.Buffer
	for i := range n {
		fmt.Fprintf(&file, "%012d %s%064x consumer=consumer-%d scopes=orders:read,orders:write\n", i, hashPrefix, i, i)
	}
	return file.Bytes()
}

// TestManyKeys has as many as there may be, and then one more. How a million do is for BenchmarkGrowth to say.
func TestManyKeys(t *testing.T) {
	const most = 10_000
	file := manyKeys(most)
	set, diags := parseKeys("f", file, most)
	if diags.HasErrors() || set.Len() != most {
		t.Fatal(diags)
	}
	file = append(file, "zzzzzzzzzzzz "+hashPrefix+strings.Repeat("0", 64)+" consumer=a\n"...)
	if _, diags := parseKeys("f", file, most); len(diags) != 1 || diags[0].Summary != "Too many keys" {
		t.Error(diags)
	}
	if _, diags := ParseKeys("f", make([]byte, MaxKeyFile+1)); len(diags) != 1 || diags[0].Summary != "Key file too large" {
		t.Error(diags)
	}
}

// Whatever a file says, reading it does not panic; and what it was read as is written and read as the same again.
func FuzzParseKeys(f *testing.F) {
	f.Add("# c\n\naaaaaaaaaaaa sha256:" + strings.Repeat("0", 64) + " consumer=a name=\"b \\\" c\" scopes=a,b expires=2027-01-01T00:00:00Z\r\n")
	f.Add("aaaaaaaaaaaa consumer=\xff")
	f.Fuzz(func(t *testing.T, file string) {
		set, diags := ParseKeys("f", []byte(file))
		if (set == nil) != diags.HasErrors() {
			t.Fatal("a set with mistakes, or none without")
		}
		if set == nil {
			return
		}
		for _, k := range set.keys {
			again, diags := ParseKeys("f", []byte(k.Line()))
			if diags.HasErrors() {
				t.Fatalf("%s: %v", k.Line(), diags)
			}
			if got := again.Lookup(k.ID); got == nil || got.Line() != k.Line() {
				t.Fatalf("%s was read as %+v", k.Line(), got)
			}
		}
	})
}
