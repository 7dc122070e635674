package pattern

import (
	"regexp"
	"strings"
	"testing"
)

// same demands that a pattern says of a text what package regexp does.
func same(t *testing.T, expression, text string) {
	t.Helper()
	want, err := regexp.Compile(expression)
	if err != nil {
		if _, mine := Compile(expression); mine == nil || mine.Error() != err.Error() {
			t.Fatalf("%q: got %v, want %v", expression, mine, err)
		}
		return
	}
	p, err := Compile(expression)
	if err != nil || p.String() != expression {
		t.Fatalf("%q: %v", expression, err)
	}
	if yes := want.MatchString(text); p.MatchString(text) != yes || p.Match([]byte(text)) != yes {
		t.Fatalf("%q and %q: want %v", expression, text, yes)
	}
}

var expressions = []string{
	``, `a`, `^`, `$`, `^$`, `$^`, `^a`, `a$`, `^a$`, `^a*$`, `a*`, `a+b`, `^(a|ab)(c|bcd)$`, `(?i)^k`, `(?i)straße`, `.`, `^.$`, `(?s)^.$`, `[^a]`, `^[^a]$`,
	`^[A-Z]{2}-[0-9]{6}$`, `^[A-Z]{2}-`, `[0-9]{3}$`, `^\d+(\.\d{1,2})?$`, `\bab\b`, `(?m)^a$`, `\Aa\z`, `a|^b|c$`, `(^a|b)c`, `(a$|b)`, `x(^|a)`, `(a|$)b`,
	`^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`, `^[^@]+@[^@]+\.[a-z]+$`, `(a?){20}b`, `(a|b)*a(a|b){6}$`, `é`, `^[a-é]+$`, `\pL`, `^\PL$`, `[[:^alpha:]]`,
	`(?:)`, `()`, `a{0}`, `\Q.+\E`, `\x{10FFFF}`, `[\x00-\x{10FFFF}]`, `^(?:a(?:$|b))`, `$a`, `a^`, `(?U)a+?b`,
}

var texts = []string{
	"", "a", "b", "ab", "abc", "ac", "abcd", "aab", "ba", "K", "k", "\u212A", "STRASSE", "straße", "\n", "a\nb", "b\na\n", "AB-123456", "AB-1234567", "xAB-123456", "AB-12345", "12.34", "12.345", "123",
	"0198c1d4-7a53-7b9e-a3f1-0d9f1c2b3a4d", "ada@example.org", "ada@example", strings.Repeat("a", 30) + "b", "aaaaaaab", "é", "aé", "éa", "\xff", "a\xff", ".+", "x", "xa", "\U0010FFFF", "\x00", "bc", "c", "ca",
}

func TestAsPackageRegexp(t *testing.T) {
	for _, e := range expressions {
		for _, text := range texts {
			same(t, e, text)
		}
	}
}

// What people write for codes and numbers has a table; what looks at words or lines, or is large, has none.
func TestTables(t *testing.T) {
	for expression, has := range map[string]bool{
		`^[A-Z]{2}-[0-9]{6}$`: true, `^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$`: true, `^[^@]+@[^@]+\.[a-z]+$`: true,
		`^[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}$`: true, `[0-9]`: true,
		`\ba`: false, `(?m)^a`: false, `^a{200}$`: false, `(a|b)*a(a|b){9}$`: false,
	} {
		p, err := Compile(expression)
		if err != nil || (p.table != nil) != has {
			t.Errorf("%s: %v, %v", expression, p.table != nil, err)
		}
		if has && (len(p.table.ends) > maxStates || len(p.table.next) != len(p.table.ends)*p.table.width) {
			t.Errorf("%s: %d states, %d entries of %d classes", expression, len(p.table.ends), len(p.table.next), p.table.width)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for i, e := range expressions {
		f.Add(e, texts[i%len(texts)])
	}
	f.Fuzz(func(t *testing.T, expression, text string) {
		if len(expression) > 100 || len(text) > 1000 {
			return
		}
		same(t, expression, text)
	})
}

func BenchmarkMatch(b *testing.B) {
	const expression, text = `^[A-Z]{2}-[0-9]{6}$`, "AB-123456"
	p, err := Compile(expression)
	if err != nil {
		b.Fatal(err)
	}
	whole := regexp.MustCompile(expression)
	b.Run("table", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !p.MatchString(text) {
				b.Fatal("no match")
			}
		}
	})
	b.Run("regexp", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if !whole.MatchString(text) {
				b.Fatal("no match")
			}
		}
	})
}
