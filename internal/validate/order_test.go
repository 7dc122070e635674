package validate

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// orderStages are strict JSON, a schema and the five rules that most APIs have; take has them validate an order of
// about 1 KB, which is valid.
func orderStages(t testing.TB) (text, doc []byte, take func()) {
	t.Helper()
	folder := filepath.Join("..", "schema", "testdata")
	s, _, diags := schema.Load(filepath.Join(folder, "order.schema.json"), folder, os.ReadFile)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	text, err := os.ReadFile(filepath.Join(folder, "order.schema.json"))
	if err != nil {
		t.Fatal(err)
	}
	if doc, err = os.ReadFile(filepath.Join(folder, "order.json")); err != nil {
		t.Fatal(err)
	}
	checks := New(Checks{Schema: s, Rules: []Rule{
		must(t, "positive total", `body.total.amount > 0`, "d", ""),
		must(t, "currency", `body.currency in ["EUR", "USD"]`, "d", ""),
		must(t, "tenant", `header["X-Tenant"] == "acme"`, "d", ""),
		must(t, "zip", `body.shipping.zip matches "^[A-Z0-9 ]+$"`, "d", ""),
		must(t, "quantities", `all(body.lines, .qty in 1..99)`, "d", ""),
	}})
	p := pipeline.New(NewContent(ContentConfig{Required: []string{"POST"}, Indexed: checks.Indexed()}), checks)
	header := http.Header{"Content-Type": {"application/json"}, "X-Tenant": {"acme"}}
	return text, doc, func() {
		x := &exchange.Exchange{Method: "POST", Header: header, Body: exchange.Body{Stream: io.NopCloser(bytes.NewReader(doc)), Length: int64(len(doc))}}
		if prob := p.Handle(x); prob != nil {
			t.Fatal(prob)
		}
	}
}

// BenchmarkOrder has all of validation look at a valid order, and by turns the library at the same one, decoded.
func BenchmarkOrder(b *testing.B) {
	text, doc, ours := orderStages(b)
	parsed, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		b.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("order:///", parsed); err != nil {
		b.Fatal(err)
	}
	library := c.MustCompile("order:///")
	theirs := func() {
		v, err := jsonschema.UnmarshalJSON(bytes.NewReader(doc))
		if err != nil {
			b.Fatal(err)
		}
		if err := library.Validate(v); err != nil {
			b.Fatal(err)
		}
	}
	b.Run("strict JSON, schema and rules", func(b *testing.B) {
		b.SetBytes(int64(len(doc)))
		b.ReportAllocs()
		for b.Loop() {
			ours()
		}
	})
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
