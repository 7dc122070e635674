package idempotency

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// by is a request of a consumer's, or of whoever is at an address.
func by(t *testing.T, who, key string) *exchange.Exchange {
	t.Helper()
	x := request(t, key, "body")
	if a, err := netip.ParseAddr(who); err == nil {
		x.Client = a
	} else {
		x.Consumer = &exchange.Consumer{ID: who, Method: "api_key"}
	}
	if prob := (&Taking{API: "orders", Route: "POST /orders"}).Handle(x); prob != nil {
		t.Fatal(prob)
	}
	return x
}

// A caller has a quarter of the room for keys. One who has used it up is told when there is some again, gets the answers to
// the keys it has, and keeps nobody else from having any; so it is after a restart.
func TestShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{room: 40}
		k := keeper(m)
		answer := func(x *exchange.Exchange, body string) {
			t.Helper()
			f := first(t, k, x, day)
			says(t, x, 201, body)
			f.Answered(x)
			f.Close()
		}
		for i := range 10 {
			answer(by(t, "acme", strconv.Itoa(i)), "{}")
			time.Sleep(time.Minute)
		}
		for _, restarted := range []bool{false, true} {
			if restarted {
				k = keeper(m)
			}
			x := by(t, "acme", "more")
			f, _, prob := k.Begin(t.Context(), x, day)
			if f != nil || prob == nil || prob.StatusCode() != 429 || !strings.HasSuffix(prob.TypeURI(), "#too-many-idempotency-keys") || x.Once.Result != OverShare {
				t.Fatalf("restarted %t: %v, %v", restarted, f, prob)
			}
			if after, _ := strconv.Atoi(prob.Header.Get("Retry-After")); after < 23*3600 || after > 26*3600 {
				t.Errorf("restarted %t: Retry-After is %d", restarted, after)
			}
			if _, again, prob := k.Begin(t.Context(), by(t, "acme", "3"), day); again == nil || again.Status != 201 {
				t.Errorf("restarted %t: a key that was used: %v", restarted, prob)
			}
			if got := refusal(t, k, by(t, "globex", "more"), day); got != "" {
				t.Errorf("restarted %t: another is refused: %s", restarted, got)
			}
		}
		time.Sleep(26 * time.Hour) // the time is known to a sixteenth
		for i := range 10 {
			answer(by(t, "acme", "new"+strconv.Itoa(i)), "{}")
		}
		if got := refusal(t, k, by(t, "acme", "more"), day); got != "too-many-idempotency-keys" {
			t.Errorf("got %q", got)
		}
	})
}

// So it is with bytes: an answer for which a caller has no room is passed on and not kept. What is let go of makes room.
func TestShareOfBytes(t *testing.T) {
	m := &memory{room: 400} // KiB
	k := keeper(m)
	kept := 0
	for i := range 12 {
		x := by(t, "acme", strconv.Itoa(i))
		f := first(t, k, x, day)
		says(t, x, 201, strings.Repeat("a", 9<<10))
		if f.Answered(x) {
			kept++
		} else if x.Once.Result != NotKept {
			t.Errorf("%d: %s", i, x.Once.Result)
		}
	}
	if kept != 10 { // of 100 KiB
		t.Errorf("%d answers are kept", kept)
	}
	if got := refusal(t, k, by(t, "acme", "11"), day); got != "idempotency-answer-not-kept" {
		t.Errorf("got %q", got)
	}
	for i := range 200 { // none of which leaves anything
		f := first(t, k, by(t, "globex", strconv.Itoa(i)), day)
		f.end(Released, nil)
	}
	if s := k.shareOf(whose(by(t, "globex", "x"))); s.all != (use{}) || len(s.parts) > 0 {
		t.Errorf("%+v is left", s.all)
	}
}

// Whoever is at an address is one caller, of IPv6 all of a subscriber's; and callers differ as their keys do.
func TestWhose(t *testing.T) {
	same := [][2]string{{"192.0.2.1", "::ffff:192.0.2.1"}, {"2001:db8::1", "2001:db8::ffff:1"}}
	for _, pair := range same {
		if whose(by(t, pair[0], "k")) != whose(by(t, pair[1], "k")) {
			t.Errorf("%v are two", pair)
		}
	}
	all := map[string]string{}
	ada, eve := by(t, "acme", "k"), by(t, "acme", "k")
	ada.Consumer.Claims, eve.Consumer.Claims = map[string]any{"iss": "i", "sub": "ada"}, map[string]any{"iss": "i", "sub": "eve"}
	if whose(ada) != whose(eve) {
		t.Error("two users of a consumer have two shares")
	}
	for _, who := range []string{"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8:0:1::1", "acme", "globex"} {
		x := by(t, who, "k")
		if other, ok := all[whose(x)]; ok {
			t.Errorf("%s and %s are one", who, other)
		}
		all[whose(x)] = who
		if !strings.HasPrefix(x.Once.Name, whose(x)+".") || x.Once.Of != whose(x) {
			t.Errorf("%s has the key %s", who, x.Once.Name)
		}
	}
}

// Callers that come and go are not all remembered.
func TestManyShares(t *testing.T) {
	k := keeper(&memory{})
	for i := range maxShares + 100 {
		k.shareOf(fmt.Sprint(i))
	}
	if len(k.shares) != maxShares {
		t.Errorf("%d are remembered", len(k.shares))
	}
}
