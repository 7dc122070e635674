package gateway

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// TestReserving looks, while a load is committed, at what admission takes off: what services are told in then, and what
// they were told in before, for a request may come to either.
func TestReserving(t *testing.T) {
	a := &App{}
	admits := func() (fields []string) {
		r := httptest.NewRequest(http.MethodGet, "https://gw.test/", nil)
		sent := []string{"X-Old", "X-New", "X-Other", "Authorization"}
		for _, name := range sent {
			r.Header.Set(name, "admin")
		}
		if p := a.Admission().Admit(&exchange.Exchange{}, r, netip.MustParseAddr("192.0.2.7")); p != nil {
			t.Fatal(p)
		}
		for _, name := range sent {
			if r.Header[name] != nil {
				fields = append(fields, name)
			}
		}
		return fields
	}
	expect := func(when string, want ...string) {
		t.Helper()
		got := admits()
		if len(got) != len(want) {
			t.Fatalf("%s: clients may send %v, want %v", when, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: clients may send %v, want %v", when, got, want)
			}
		}
	}
	first, second := 0, 0
	a.reserving(reserved{told: []string{"Authorization", "X-Old"}}, func() {
		first++
		expect("while the first is committed", "X-New", "X-Other", "Authorization")
	})
	expect("then", "X-New", "X-Other", "Authorization")
	a.reserving(reserved{told: []string{"X-New"}}, func() {
		second++
		expect("while the second is committed", "X-Other", "Authorization")
	})
	expect("at the end", "X-Old", "X-Other", "Authorization")
	if first != 1 || second != 1 {
		t.Error("a load was not committed once")
	}
}

// TestStorageNames tells storages apart, whose keys are not each other's.
func TestStorageNames(t *testing.T) {
	type folder struct{ Path string }
	type client struct{ secret string }
	one, other := &client{"a"}, &client{"a"}
	for _, test := range []struct {
		a, b any
		same bool
	}{
		{&folder{"a"}, &folder{"a"}, true},
		{&folder{"a"}, &folder{"b"}, false},
		{&folder{"a"}, &struct{ Path string }{"a"}, false},
		{one, one, true},
		{one, other, false}, // who knows
		{make(chan int), make(chan int), false},
	} {
		if got := storageName(test.a) == storageName(test.b); got != test.same {
			t.Errorf("%v and %v: %v, want %v", test.a, test.b, got, test.same)
		}
	}
}
