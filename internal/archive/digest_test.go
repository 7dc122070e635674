package archive

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/util"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// opaDigest is the hash that OPA's own signatures have of a document.
func opaDigest(t testing.TB, doc []byte) []byte {
	t.Helper()
	hasher, err := bundle.NewSignatureHasher(bundle.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	var value any
	if err := util.Unmarshal(doc, &value); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	sum, err := hasher.HashFile(value)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func sameDigest(t testing.TB, doc []byte) {
	t.Helper()
	if got, want := digest(sha256.New(), doc), opaDigest(t, doc); !bytes.Equal(got, want) {
		t.Errorf("%q: %x, and OPA says %x", doc, got, want)
	}
}

// Documents have the hash that OPA gives them, however they are spelt.
func TestDigest(t *testing.T) {
	for _, doc := range []string{
		`null`, ` true `, `0`, `-0`, `1e5`, `1.50`, `100000000000000000000000.0000001`, `""`, `"a"`, `"\u0061\n\/\u2028"`, "\"\u2028\u2029\u00e9\x7f\"",
		`"<a href=\"x\">&"`, `"\ud83d\ude00"`, `[]`, `[ ]`, `{}`, `[[],{},[1,[2,{}]],"x"]`, `[1 , 2,3]`,
		`{"b":1,"a":2}`, `{"a":{"z":[{"y":1,"x":[{},{"q":0}]}],"b":[]},"":[],"A":{}}`, `{"\u0062":1,"a\u0062":2,"a":3,"ab\u0000":4}`,
		`{"b":{"d":1,"c":{"f":[{"h":1,"g":2}],"e":3}},"a":[{"j":[],"i":{}}]}`, "{\n\t\"b\" : [ 1 , {} ] ,\r\n \"a\" : \"x\" }",
		`["` + strings.Repeat("long ", 10000) + `", "` + strings.Repeat(`\u0041`, 10000) + `"]`,
	} {
		if err := Check([]byte(doc)); err != nil {
			t.Fatalf("%.100s: %v", doc, err)
		}
		sameDigest(t, []byte(doc))
	}
}

// Generated documents have the hash that OPA gives them.
func TestDigestOfGenerated(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 2))
	for range 2000 {
		sameDigest(t, randomJSON(r, nil, 5))
	}
}

// randomJSON appends a document, spelt in one of the ways it may be.
func randomJSON(r *rand.Rand, to []byte, depth int) []byte {
	space := func() { to = append(to, []string{"", "", " ", "\n\t"}[r.IntN(4)]...) }
	text := func() []byte {
		var b []byte
		b = append(b, '"')
		for range r.IntN(4) {
			b = append(b, []string{"a", "b", `\u0061`, `\"`, `\\`, "\u2028", "é", `\u00e9`, "<", `\n`, "\x7f", `\ud83d\ude00`}[r.IntN(12)]...)
		}
		return append(b, '"')
	}
	space()
	kind := r.IntN(6)
	if depth == 0 {
		kind = r.IntN(4)
	}
	switch kind {
	case 0:
		to = append(to, []string{"true", "false", "null"}[r.IntN(3)]...)
	case 1:
		to = append(to, []string{"0", "-1", "1.50", "1e3", "12345678901234567890", "-0.0"}[r.IntN(6)]...)
	case 2, 3:
		to = append(to, text()...)
	case 4:
		to = append(to, '[')
		for i := range r.IntN(5) {
			if i > 0 {
				to = append(to, ',')
			}
			to = randomJSON(r, to, depth-1)
		}
		space()
		to = append(to, ']')
	default:
		to = append(to, '{')
		seen := map[string]bool{}
		for range r.IntN(6) {
			name := text()
			if seen[jsonspan.Text(name)] {
				continue
			}
			if len(seen) > 0 {
				to = append(to, ',')
			}
			seen[jsonspan.Text(name)] = true
			space()
			to = append(to, name...)
			space()
			to = append(to, ':')
			to = randomJSON(r, to, depth-1)
		}
		space()
		to = append(to, '}')
	}
	space()
	return to
}

func FuzzDigest(f *testing.F) {
	f.Add([]byte(`{"b":[1,{"d":"\u0061","c":null}],"a":-1.5e3}`))
	f.Add([]byte("[\"\u2028\", {}, [[]]]"))
	f.Fuzz(func(t *testing.T, doc []byte) {
		if Check(doc) != nil {
			t.Skip()
		}
		sameDigest(t, doc)
	})
}

// BenchmarkDigest hashes 5 MB, beside OPA.
func BenchmarkDigest(b *testing.B) {
	data := make(map[string]any)
	for i := range 50_000 {
		data[fmt.Sprintf("user-%d", i)] = map[string]any{"roles": []string{"clerk", fmt.Sprintf("role-%d", i%97)}, "limit": i * 7, "active": true}
	}
	doc, err := json.Marshal(data)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("spans", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			digest(sha256.New(), doc)
		}
	})
	b.Run("OPA", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			opaDigest(b, doc)
		}
	})
}
