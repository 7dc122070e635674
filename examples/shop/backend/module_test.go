package backend

import (
	"strings"
	"testing"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
)

func TestDirective(t *testing.T) {
	for _, test := range []struct{ name, input, err string }{
		{"alone", "shop_backend", ""},
		{"an argument", "shop_backend twice", "Testfile:1"},
		{"a block", "shop_backend {\n\tsize 3\n}", "takes no block"},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := parse(httpcaddyfile.Helper{Dispenser: caddyfile.NewTestDispenser(test.input)})
			if test.err == "" && err != nil || test.err != "" && (err == nil || !strings.Contains(err.Error(), test.err)) {
				t.Errorf("error %v, want %q", err, test.err)
			}
		})
	}
}

// A new configuration is provisioned before the old one is cleaned up; the orders must outlive the change, and
// end with the last configuration.
func TestOrdersOutliveAReload(t *testing.T) {
	provision := func() *Handler {
		h := new(Handler)
		if err := h.Provision(caddy.Context{}); err != nil {
			t.Fatal(err)
		}
		return h
	}
	cleanup := func(h *Handler) {
		if err := h.Cleanup(); err != nil {
			t.Fatal(err)
		}
	}
	before := provision()
	made := call(before.shop, "POST", "/api/orders", "acme", bobs).Header().Get("Location")
	after := provision()
	cleanup(before)
	if w := call(after.shop, "GET", made, "acme", ""); w.Code != 200 {
		t.Errorf("GET %s after a reload: %d, want 200", made, w.Code)
	}
	cleanup(after)
	last := provision()
	defer cleanup(last)
	if w := call(last.shop, "GET", made, "acme", ""); w.Code != 404 {
		t.Errorf("GET %s after a stop: %d, want 404", made, w.Code)
	}
}
