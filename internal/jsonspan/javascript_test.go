package jsonspan_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// parser has JSON.parse read documents, one a line in base64, and writes what it read: strings in UTF-16, numbers by
// their bits, members by their names.
const parser = `
const decoder = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true});
const bits = new DataView(new ArrayBuffer(8));
function hex(s) {
	let out = '';
	for (let i = 0; i < s.length; i++) out += s.charCodeAt(i).toString(16).padStart(4, '0');
	return out;
}
function told(v) {
	if (v === null || typeof v === 'boolean') return String(v);
	if (typeof v === 'string') return '"' + hex(v) + '"';
	if (typeof v === 'number') {
		bits.setFloat64(0, v);
		return bits.getBigUint64(0).toString(16);
	}
	if (Array.isArray(v)) return '[' + v.map(told).join(',') + ']';
	return '{' + Object.keys(v).map(name => hex(name) + ':' + told(v[name])).sort().join(',') + '}';
}
const out = [];
for (const line of require('fs').readFileSync(0, 'latin1').trimEnd().split('\n')) {
	try {
		out.push(told(JSON.parse(decoder.decode(Buffer.from(line, 'base64')))));
	} catch (e) {
		out.push('refused: ' + e.message.replace(/\n/g, ' '));
	}
}
process.stdout.write(out.join('\n') + '\n');
`

// told writes what the spans of a document say as parser does.
func told(t *testing.T, raw []byte) string {
	t.Helper()
	switch raw[0] {
	case '"':
		return `"` + utf16hex(jsonspan.Text(raw)) + `"`
	case '[':
		var items []string
		for item := range jsonspan.Items(raw) {
			items = append(items, told(t, item))
		}
		return "[" + strings.Join(items, ",") + "]"
	case '{':
		var members []string
		for name, value := range jsonspan.Members(raw) {
			members = append(members, utf16hex(jsonspan.Text(name))+":"+told(t, value))
		}
		slices.Sort(members)
		return "{" + strings.Join(members, ",") + "}"
	case 't', 'f', 'n':
		return string(raw)
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		t.Errorf("%s: %v", raw, err)
	}
	return strconv.FormatUint(math.Float64bits(f), 16)
}

func utf16hex(s string) string {
	var b []byte
	for _, r := range s {
		if r >= 0x10000 {
			r -= 0x10000
			b = append(b, byte(0xD8|r>>18), byte(r>>10), byte(0xDC|r>>8&3), byte(r))
			continue
		}
		b = append(b, byte(r>>8), byte(r))
	}
	return hex.EncodeToString(b)
}

// mutants gives documents, and others that come of them by a small change or a few. Those that are accepted change again.
func mutants(t *testing.T, n int) [][]byte {
	docs := suite(t)
	var all [][]byte
	for _, name := range slices.Sorted(maps.Keys(docs)) {
		if len(docs[name]) < 2_000 {
			all = append(all, docs[name])
		}
	}
	for _, seed := range append(seeds, string(kilobyte()), `{"__proto__":{"a":1},"constructor":[],"9":0,"10":1,"-0":-0}`, `[9007199254740993,0.1e-300,1e308,123456789012345678901234567890]`) {
		all = append(all, []byte(seed))
	}
	r := rand.New(rand.NewPCG(7, 4))
	pieces := []string{"{", "}", "[", "]", ",", ":", `"`, `\`, `\u`, "0", "-", "1", "e", "E+", ".", "true", "null", " ", "\n", "\t", "\x00", "\ufeff", "é", "\xff",
		`\ud800`, `\udc00`, `\ud83d\ude00`, `"a":1,`, `"\u0061":`, "[]", "{}", "\u2028", "NaN", "/**/", "//", "'"}
	var good [][]byte
	for _, doc := range all {
		if jsonspan.Check(doc, jsonspan.Bounds{}) == nil {
			good = append(good, doc)
		}
	}
	for range n {
		doc := bytes.Clone(good[r.IntN(len(good))])
		for range 1 + r.IntN(2) {
			at := r.IntN(len(doc) + 1)
			to := min(len(doc), at+r.IntN(3))
			doc = slices.Concat(doc[:at], []byte(pieces[r.IntN(len(pieces))]), doc[to:])
		}
		all = append(all, doc)
		if jsonspan.Check(doc, jsonspan.Bounds{}) == nil {
			good = append(good, doc)
		}
	}
	return all
}

// What Check accepts, JavaScript reads, and as the spans say: whatever a service is written in, it gets no other values
// than those that were validated.
func TestJavaScript(t *testing.T) {
	if _, err := exec.LookPath("node"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("node is not installed")
		}
		t.Skip("node is not installed; .ci/needs installs it, and elsewhere https://nodejs.org does")
	}
	docs := mutants(t, 5_000)
	var in strings.Builder
	for _, doc := range docs {
		fmt.Fprintln(&in, base64.StdEncoding.EncodeToString(doc))
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	node := exec.CommandContext(ctx, "node", "-e", parser)
	node.Stdin = strings.NewReader(in.String())
	var stderr bytes.Buffer
	node.Stderr = &stderr
	out, err := node.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	theirs := strings.Split(strings.TrimSuffix(string(out), "\n"), "\n")
	if len(theirs) != len(docs) {
		t.Fatalf("%d answers to %d documents", len(theirs), len(docs))
	}
	accepted := 0
	for i, doc := range docs {
		if jsonspan.Check(doc, jsonspan.Bounds{}) != nil {
			continue
		}
		accepted++
		raw, _ := jsonspan.Get(doc)
		if ours := told(t, raw); ours != theirs[i] {
			t.Errorf("%q is accepted\n  ours %s\ntheirs %s", doc, ours, theirs[i])
		}
	}
	if accepted < 500 {
		t.Errorf("only %d of %d documents were accepted", accepted, len(docs))
	}
}
