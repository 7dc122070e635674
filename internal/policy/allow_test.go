package policy

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// A policy asks a server only where the operator allows it by name, and never longer than a decision may take.
func TestAllowedBuiltins(t *testing.T) {
	asked := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			close(asked)
			<-r.Context().Done()
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}))
	defer server.Close()
	dir := t.TempDir()
	src := "package a\n\nallow if http.send({\"method\": \"GET\", \"url\": concat(\"\", [\"" + server.URL + "\", input.request.path])}).status_code == 204\n"
	if err := os.WriteFile(filepath.Join(dir, "a.rego"), []byte(src), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, diags := Load(t.Context(), []string{dir}, Options{}); !strings.Contains(diags.Error(), "http.send is not allowed") {
		t.Errorf("without a word of the operator's: %v", diags)
	}
	if _, diags := Load(t.Context(), []string{dir}, Options{Allow: []string{"rand.intn"}}); !strings.Contains(diags.Error(), "http.send is not allowed") {
		t.Errorf("with another allowed: %v", diags)
	}
	if _, diags := Load(t.Context(), []string{dir}, Options{Allow: []string{"http.sent"}}); !strings.Contains(diags.Error(), `Did you mean "http.send"?`) {
		t.Errorf("with a name misspelt: %v", diags)
	}
	s, diags := Load(t.Context(), []string{dir}, Options{Allow: []string{"http.send"}, Limit: 10 * time.Second})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	q, diags := s.Prepare("data.a", hcl.Range{})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if remembered, why := q.Remembers(); remembered || why != BypassImpure {
		t.Errorf("remembered: %v, %v", remembered, why)
	}
	if _, prob := q.Decide(&exchange.Exchange{Path: exchange.Path{Escaped: "/quick"}}); prob != nil {
		t.Error(prob)
	}
	limited := *s
	limited.limit = 50 * time.Millisecond
	q, _ = limited.Prepare("data.a", hcl.Range{})
	if _, prob := q.Decide(&exchange.Exchange{Path: exchange.Path{Escaped: "/slow"}}); prob == nil {
		t.Error("a server that does not answer lets a request pass")
	}
	select {
	case <-asked:
	default: // the machine was too slow to ask at all, which is a denial too
	}
}
