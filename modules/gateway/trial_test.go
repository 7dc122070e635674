package gateway

import (
	"testing"

	"github.com/caddyserver/caddy/v2"
)

// TestNobodyIsOnTrial shows that no configuration puts a test's word in the place of a credential, of the network or of
// the counters: that is for code alone to say.
func TestNobodyIsOnTrial(t *testing.T) {
	a := &App{}
	if err := caddy.StrictUnmarshalJSON([]byte(`{"trial": {}}`), a); err == nil {
		t.Error("a configuration may say so")
	}
	if a.trial != nil || a.trial.method() != nil || a.trial.signed() != nil {
		t.Error("a gateway that serves is on trial")
	}
}
