package schema

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// orderOf gives a schema as a shop would have one for its orders, and a valid order of about 1 KB.
func orderOf(t testing.TB) (schema string, doc []byte) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "order.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = os.ReadFile(filepath.Join("testdata", "order.json")); err != nil {
		t.Fatal(err)
	}
	return string(text), doc
}

// BenchmarkOrder holds a valid order against its schema: as it is spelt, after it was found to be strict JSON, and as
// the library does, decoded. The last one does both by turns, so that the ratio is of one run.
func BenchmarkOrder(b *testing.B) {
	text, doc := orderOf(b)
	schema := load(b, text)
	parsed, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	library, _, err := resolve(scheme+":///order.json", parsed, remotes("none"))
	if err != nil {
		b.Fatal(err)
	}
	validate := func() {
		if failures := schema.Validate(doc); failures != nil {
			b.Fatal(failures)
		}
	}
	ours := func() {
		index, err := jsonspan.Parse(doc, jsonspan.Bounds{})
		if err != nil {
			b.Fatal(err)
		}
		if failures := schema.ValidateParsed(doc, index); failures != nil {
			b.Fatal(failures)
		}
		index.Release()
	}
	theirs := func() {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			b.Fatal(err)
		}
		if err := library.Validate(v); err != nil {
			b.Fatal(err)
		}
	}
	for _, c := range []struct {
		name string
		run  func()
	}{{"schema", validate}, {"strict JSON and schema", ours}, {"decoding and library", theirs}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(int64(len(doc)))
			b.ReportAllocs()
			for b.Loop() {
				c.run()
			}
		})
	}
	b.Run("by turns", func(b *testing.B) {
		var spent [2][]time.Duration
		for b.Loop() {
			for k, run := range []func(){ours, theirs} {
				start := time.Now()
				run()
				spent[k] = append(spent[k], time.Since(start))
			}
		}
		for k := range spent {
			slices.Sort(spent[k])
		}
		// Medians, since whatever else the machine does falls on a few of the turns.
		half := len(spent[0]) / 2
		b.ReportMetric(float64(spent[0][half]), "ns/median")
		b.ReportMetric(float64(spent[1][half])/float64(spent[0][half]), "times-faster")
	})
}
