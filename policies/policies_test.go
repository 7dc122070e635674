// Package policies holds the Rego library (package wicketgate.*) and the example shop's policy. Its tests run those
// written in Rego beside each policy.
package policies

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/tester"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/policy"
)

// TestRego runs every rule test_* and wants every line of every policy used by one.
func TestRego(t *testing.T) {
	modules, store, err := tester.LoadWithParserOptions([]string{"."}, func(path string, info fs.FileInfo, _ int) bool {
		return !info.IsDir() && !policy.Loads(info.Name()) && filepath.Ext(path) != ".rego"
	}, ast.ParserOptions{RegoVersion: ast.RegoV1, ProcessAnnotation: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	txn := storage.NewTransactionOrDie(ctx, store)
	defer store.Abort(ctx, txn)
	coverage := cover.New()
	results, err := tester.NewRunner().
		SetStore(store).
		SetDefaultRegoVersion(ast.RegoV1).
		SetModules(modules).
		SetCoverageQueryTracer(coverage).
		RaiseBuiltinErrors(true).
		SetTimeout(time.Minute). // the race detector is slow, and the machine may be
		RunTests(ctx, txn)
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for result := range results {
		ran++
		if !result.Pass() {
			t.Error(result)
		}
	}
	if ran == 0 {
		t.Error("no tests found")
	}
	for name, file := range coverage.Report(modules).Files {
		if strings.HasSuffix(name, "_test.rego") {
			continue
		}
		for _, lines := range file.NotCovered {
			t.Errorf("%s:%d to %d: no test comes here", name, lines.Start.Row, lines.End.Row)
		}
	}
}

func TestRegoIsFormatted(t *testing.T) {
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".rego" {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		formatted, err := policy.Format(src)
		if err != nil {
			return err
		}
		if !bytes.Equal(formatted, src) {
			t.Errorf("%s is not formatted; it should be\n%s", path, formatted)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestShop asks the shop's policy as the gateway does.
func TestShop(t *testing.T) {
	snapshot, diags := policy.Load(context.Background(), []string{"."}, policy.Options{Limit: 10 * time.Second})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	query, diags := snapshot.Prepare("data.shop.orders", hcl.Range{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if needs := query.Needs(); needs.Body != exchange.None || needs.Query || len(needs.Header) != 0 {
		t.Errorf("the policy is about callers and routes, but needs %+v", needs)
	}
	partner := &exchange.Consumer{ID: "acme", Method: "api_key"}
	for _, c := range []struct {
		route, id string
		consumer  *exchange.Consumer
		detail    string // of the problem; "" for none
		allow     bool
	}{
		{"GET /orders/{id}", "acme-1001", partner, "", true},
		{"GET /orders/{id}", "globex-1001", partner, "this order belongs to someone else", false},
		{"DELETE /orders/{id}", "acme-1001", partner, "your role does not let you delete orders", false},
		{"DELETE /orders/{id}", "acme-1001", &exchange.Consumer{ID: "ada", Method: "jwt", Claims: map[string]any{"sub": "ada", "role": "manager"}}, "", true},
		{"POST /orders", "", &exchange.Consumer{ID: "ada", Method: "jwt", Claims: map[string]any{"sub": "ada", "role": "clerk"}}, "your role does not let you create orders", false},
		{"PUT /orders/{id}", "acme-1001", &exchange.Consumer{ID: "lin", Method: "jwt", Claims: map[string]any{"sub": "lin", "role": "supervisor"}}, "", true},
		{"GET /orders", "", nil, "", false},
	} {
		x := &exchange.Exchange{API: "orders", Route: c.route, Parameters: []exchange.Parameter{{Name: "id", Value: c.id}}, Consumer: c.consumer}
		p := query.Handle(x)
		switch {
		case c.allow != (p == nil) || c.allow != x.Decision.Allow:
			t.Errorf("%s %s: got %v, want allow %v", c.route, c.id, p, c.allow)
		case p != nil && (p.StatusCode() != 403 || p.Detail != c.detail || len(x.Decision.Reasons) != 1 || p.Cause != nil):
			t.Errorf("%s %s: got %v because of %v, want %q", c.route, c.id, p, x.Decision.Reasons, c.detail)
		}
	}
}
