package gateway

import (
	"path/filepath"
	"testing"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/limit"
)

// TestBuildBroken searches every catalogue that has mistakes for more of them: whatever is missing of it, that must
// end with diagnostics, and with nothing that could serve.
func TestBuildBroken(t *testing.T) {
	files, err := filepath.Glob("../catalogue/testdata/*/*.hcl")
	if err != nil || len(files) < 10 {
		t.Fatalf("only %d catalogues found: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			c, sources, diags := catalogue.Load([]string{file}, nil)
			g, _, _, more := Build(Config{
				Catalogue: c, Broken: diags.HasErrors(), Sources: sources, Counter: limit.NewMemory(0),
				Upstream:   func(*catalogue.Upstream) (Upstream, error) { return nil, nil },
				IssuerKeys: func(c issuer.Config, _ []byte) (identity.KeySource, error) { return issuer.New(c) },
			})
			if (diags.HasErrors() || more.HasErrors()) && g.table != nil {
				t.Error("a catalogue with mistakes could serve")
			}
		})
	}
}
