package casetest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/internal/ledger"
)

// credential is a way to identify oneself that knows one caller.
type credential struct{ identity.Method }

func (credential) Present(x *exchange.Exchange) bool { return x.Header.Get("X-Key") != "" }
func (credential) Authenticate(*exchange.Exchange) (*exchange.Consumer, *identity.Refusal) {
	return &exchange.Consumer{ID: "real"}, nil
}

// TestOutside shows that the rig says nothing where no case asks: there, credentials are what they are, nothing is
// counted and nothing answered.
func TestOutside(t *testing.T) {
	var rig Rig
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://orders", nil)
	if err != nil {
		t.Fatal(err)
	}
	if res, err := rig.RoundTrip(r); !errors.Is(err, errOutside) {
		t.Errorf("got %v, %v", res, err)
		res.Body.Close() //nolint:errcheck // it is a test's
	}
	if _, err := rig.Take(t.Context(), time.Now(), nil, nil); !errors.Is(err, errOutside) {
		t.Errorf("got %v", err)
	}
	if _, err := rig.Append(t.Context(), &ledger.Event{}); !errors.Is(err, errOutside) {
		t.Errorf("got %v", err)
	}
	if rig.Signed(t.Context()) {
		t.Error("a call is taken for signed")
	}
	m := rig.Method(&catalogue.Identity{Name: "partners"}, credential{})
	for _, x := range []*exchange.Exchange{{}, {Context: t.Context()}} {
		if m.Present(x) {
			t.Error("somebody is there")
		}
		x.Header = http.Header{"X-Key": {"k"}}
		if c, _ := m.Authenticate(x); !m.Present(x) || c.ID != "real" {
			t.Errorf("got %v", c)
		}
	}
}
