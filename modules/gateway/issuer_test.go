package gateway

import (
	"testing"

	"github.com/caddyserver/caddy/v2/modules/filestorage"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/issuer"
)

// TestKeyStore keeps keys in Caddy's own storage.
func TestKeyStore(t *testing.T) {
	files, err := filestorage.FileStorage{Root: t.TempDir()}.CertMagicStorage()
	if err != nil {
		t.Fatal(err)
	}
	s := keyStore{files, "api_gateway/issuers/a.json"}
	if text, err := s.Load(t.Context()); text != nil || err != nil {
		t.Errorf("what was never kept is %q, %v", text, err)
	}
	if err := s.Save(t.Context(), []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if text, err := s.Load(t.Context()); string(text) != "{}" || err != nil {
		t.Errorf("it kept %q, %v", text, err)
	}
}

// TestIssuerKeys shows which configurations share the keys of an issuer.
func TestIssuerKeys(t *testing.T) {
	l := &Load{app: &App{logger: zap.NewNop()}}
	defer l.undo()
	config := issuer.Config{Issuer: "https://id.acme.example"}
	first, err := l.IssuerKeys(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	if same, err := l.IssuerKeys(config, nil); err != nil || same != first {
		t.Errorf("equal configurations do not share: %v", err)
	}
	config.JWKS = "https://id.acme.example/keys"
	if other, err := l.IssuerKeys(config, nil); err != nil || other == first {
		t.Errorf("keys of another address are taken for the same: %v", err)
	}
	for _, authorities := range []string{"", "no certificate", string(make([]byte, 1<<20))} {
		if _, err := l.IssuerKeys(config, []byte(authorities)); err == nil {
			t.Errorf("authorities of %d bytes without a certificate are taken", len(authorities))
		}
	}
	if _, err := l.IssuerKeys(issuer.Config{Issuer: "http://id.acme.example"}, nil); err == nil {
		t.Error("keys are fetched over http")
	}
}
