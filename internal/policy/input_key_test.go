package policy

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// generator makes exchanges and sets of paths that often have something in common.
type generator struct{ *rand.Rand }

func (g generator) one(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) some(of ...string) []string {
	var chosen []string
	for _, s := range of {
		if g.IntN(2) == 0 {
			chosen = append(chosen, s)
		}
	}
	return chosen
}

func (g generator) value(depth int) any {
	switch n := g.IntN(9); {
	case n == 0:
		return nil
	case n == 1:
		return g.IntN(2) == 0
	case n == 2:
		return json.Number(g.one("1", "1.0", "-7", "12345678901234567890", "1e3"))
	case n == 3:
		return []float64{1, 1.5, -7}[g.IntN(3)]
	case n <= 5 || depth == 0:
		return g.one("", "a", "b", "\x00", "aa")
	case n == 6:
		list := []any{}
		for range g.IntN(3) {
			list = append(list, g.value(depth-1))
		}
		return list
	}
	object := map[string]any{}
	for range g.IntN(4) {
		object[g.one("a", "b", "sub", "")] = g.value(depth - 1)
	}
	return object
}

func (g generator) exchange() *exchange.Exchange {
	x := &exchange.Exchange{
		ID: g.one("", "1", "2"), Method: g.one("GET", "PUT"), Scheme: "https", Host: g.one("a", "b"), Port: g.one("", ":1"), Proto: g.one("HTTP/1.1", "HTTP/2.0"),
		Query: exchange.Query{Raw: g.one("", "a=1", "a=1&a=2", "a=2&b=1", "b=1&a=2", "a=1&=x")}, Header: http.Header{},
		Peer: "192.0.2.1:7", API: g.one("a", "b"), Version: g.one("", "v1"), Route: g.one("GET /a", "GET /{b}"),
		Body: exchange.Body{Read: true, Length: int64(g.IntN(2))},
	}
	x.Path = exchange.Path{Escaped: "/", Segments: g.some("a", "b")}
	if len(x.Path.Segments) > 0 {
		x.Path.Escaped = "/" + strings.Join(x.Path.Segments, "/")
	}
	for _, name := range g.some("A", "B-C", "Cookie", "X-Long-Name") {
		x.Header[name] = g.some("1", "2", "1,2", "")
	}
	for _, name := range g.some("a", "b", "id") {
		x.Parameters = append(x.Parameters, exchange.Parameter{Name: name, Value: g.one("1", "2")})
	}
	g.Shuffle(len(x.Parameters), func(i, j int) { x.Parameters[i], x.Parameters[j] = x.Parameters[j], x.Parameters[i] })
	if g.IntN(3) > 0 {
		x.Client = netip.MustParseAddr(g.one("192.0.2.1", "192.0.2.2", "2001:db8::1"))
	}
	switch g.IntN(4) {
	case 0:
		x.TLS = theCertificate.state
	case 1:
		x.TLS = anotherCertificate.state
	}
	if g.IntN(4) > 0 {
		x.Consumer = &exchange.Consumer{ID: g.one("a", "b"), Name: g.one("", "a"), Method: "jwt", Plan: g.one("", "a"), Scopes: g.some("a", "b"), Groups: g.some("a", "aa")}
		if g.IntN(3) > 0 {
			x.Consumer.Claims = map[string]any{}
			for _, name := range g.some("a", "b", "sub", "tenant") {
				x.Consumer.Claims[name] = g.value(2)
			}
		}
	}
	return x
}

var anotherCertificate = newCertificate("eve", 4712)

// paths chooses places that there are, names below them, and names that nothing has.
func (g generator) paths() *paths {
	p := &paths{}
	for range g.IntN(5) {
		var names []string
		for m := &inputDocument; ; {
			if g.IntN(12) == 0 {
				break
			}
			if m.members == nil {
				for range g.IntN(3) {
					names = append(names, g.one("a", "b", "b-c", "B-C", "sub", "tenant", "id", ":path", "cookie", ""))
				}
				break
			}
			m = &m.members[g.IntN(len(m.members))]
			names = append(names, m.name)
		}
		p.add(names...)
	}
	g.hollow(p)
	return p
}

// hollow makes of some places those where only the kind of value matters.
func (g generator) hollow(p *paths) {
	if p.whole && g.IntN(3) == 0 {
		p.whole = false
	}
	for _, name := range p.names() {
		g.hollow(p.members[name])
	}
}

// TestKeys holds keys and built documents of generated requests against the document cut down by hand: what is built is
// the restriction to the paths, and two keys are equal just where these are, as they are written.
func TestKeys(t *testing.T) {
	whole := newDocument(&paths{whole: true})
	equal, keyed := 0, 0
	for seed := range uint64(5_000) {
		g := generator{rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // a test may be predictable
		p := g.paths()
		d := newDocument(p)
		a := g.exchange()
		b := generator{rand.New(rand.NewPCG(seed, 2))}.exchange() //nolint:gosec // as above
		if g.IntN(2) == 0 {                                       // the same but for a little
			again := generator{rand.New(rand.NewPCG(seed, 1))} //nolint:gosec // as above
			again.paths()
			b = again.exchange()
			other := generator{rand.New(rand.NewPCG(seed, 3))}.exchange() //nolint:gosec // as above
			b.Query.Raw, b.Consumer, b.Header = other.Query.Raw, other.Consumer, other.Header
		}
		now := time.Unix(1790000000, int64(g.IntN(2)))
		var written [2]string
		var keys [2][]byte
		var ok [2]bool
		for i, x := range []*exchange.Exchange{a, b} {
			all, err := whole.build(x, now)
			if err != nil {
				t.Fatal(err)
			}
			want := restrict(all, p)
			got, err := d.build(x, now)
			if err != nil || got.Compare(want) != 0 {
				t.Fatalf("seed %d, %s: got\n%v, %v\nwant\n%v", seed, p, got, err, want)
			}
			written[i] = want.String()
			keys[i], ok[i] = d.key(x, now, []byte("before"))
			if string(keys[i][:6]) != "before" {
				t.Fatalf("seed %d: the key does not come after what was there", seed)
			}
		}
		if body := d.body != exchange.None; ok[0] == body || ok[1] == body {
			t.Fatalf("seed %d, %s: keys %v, the body is read: %v", seed, p, ok, body)
		}
		if !ok[0] {
			continue
		}
		keyed++
		same := string(keys[0]) == string(keys[1])
		if same {
			equal++
		}
		certificates := certificate(a) != certificate(b) // told apart as wholes
		if same && written[0] != written[1] || !same && written[0] == written[1] && !certificates {
			t.Fatalf("seed %d, %s: the same key: %v\n%s\n%s", seed, p, same, written[0], written[1])
		}
	}
	if keyed < 2_000 || equal < keyed/20 || equal > keyed*19/20 {
		t.Errorf("of %d pairs of keys, %d are equal: that tries too little", keyed, equal)
	}
}

// Of two links with the same address, input tells as little as the key does.
func TestKeysOfZones(t *testing.T) {
	p := &paths{}
	p.add("attributes", "destination", "address")
	d := newDocument(p)
	var built [2]string
	var keys [2][]byte
	for i, zone := range []string{"eth0", "eth1"} {
		to := net.TCPAddr{IP: net.ParseIP("fe80::1"), Port: 443, Zone: zone}
		x := &exchange.Exchange{Context: context.WithValue(context.Background(), http.LocalAddrContextKey, &to)}
		value, err := d.build(x, time.Time{})
		if err != nil {
			t.Fatal(err)
		}
		built[i] = value.String()
		keys[i], _ = d.key(x, time.Time{}, nil)
	}
	if (built[0] == built[1]) != (string(keys[0]) == string(keys[1])) {
		t.Errorf("built %s, with keys %q", built, keys)
	}
}

func TestKeysOfTimes(t *testing.T) {
	d := newDocument(pathsOf("time"))
	x := fullExchange()
	key := func(at time.Time) string {
		b, ok := d.key(x, at, nil)
		if !ok {
			t.Fatal("no key")
		}
		return string(b)
	}
	if key(x.Time) == key(x.Time.Add(1)) || key(x.Time) != key(x.Time.UTC()) {
		t.Error("times are told apart by something else than the nanosecond")
	}
	for _, place := range []string{"time", "attributes.request.time.seconds"} {
		if q := (files{"a.rego": "package a\n\nallow if input." + place + " > 1\n"}).prepare(t, "data.a"); !q.Reach().clock {
			t.Errorf("input.%s is not taken for the time", place)
		}
	}
}

func TestWhatHasNoKey(t *testing.T) {
	for name, c := range map[string]struct {
		reached string
		change  func(*exchange.Exchange)
	}{
		"the body":                  {"request.body.total", func(*exchange.Exchange) {}},
		"the body to Envoy":         {"attributes.request.http", func(*exchange.Exchange) {}},
		"a claim of its own type":   {"consumer.claims", func(x *exchange.Exchange) { x.Consumer.Claims["a"] = breaking{} }},
		"one further inside":        {"consumer.claims.a", func(x *exchange.Exchange) { x.Consumer.Claims["a"] = []any{map[string]any{"b": 1}} }},
		"too much to be worth it":   {"consumer.claims", func(x *exchange.Exchange) { x.Consumer.Claims["a"] = strings.Repeat("a", maxKey) }},
		"a header of the same kind": {"request.headers.a", func(x *exchange.Exchange) { x.Header["A"] = []string{strings.Repeat("a", maxKey)} }},
	} {
		x := fullExchange()
		c.change(x)
		if _, ok := newDocument(pathsOf(c.reached)).key(x, x.Time, nil); ok {
			t.Errorf("%s: a key", name)
		}
	}
}

// FuzzKeys has texts move between neighbouring values: none of them can take another's place.
func FuzzKeys(f *testing.F) {
	f.Add("a", "b", "a", "b")
	f.Add("as\x01b", "", "a", "s\x01b")
	f.Add("", "a\x00", "\x00a", "")
	f.Fuzz(func(t *testing.T, a1, a2, b1, b2 string) {
		of := func(one, two string) *exchange.Exchange {
			return &exchange.Exchange{
				Method: one, Host: two, Header: http.Header{"A": {one, two}, "B": {two}},
				Parameters: []exchange.Parameter{{Name: "a", Value: one}, {Name: "b", Value: two}},
				Consumer:   &exchange.Consumer{ID: one, Name: two, Scopes: []string{one + two}, Groups: []string{two, one}, Claims: map[string]any{one: two, "x" + two: []any{one}}},
			}
		}
		a, b := of(a1, a2), of(b1, b2)
		for _, reached := range []string{"request.headers", "request.headers.a", "api.parameters", "consumer", "consumer.claims", "attributes.request.http.headers"} {
			d := newDocument(pathsOf(reached, "request.method", "request.host"))
			va, err1 := d.build(a, a.Time)
			vb, err2 := d.build(b, b.Time)
			ka, ok1 := d.key(a, a.Time, nil)
			kb, ok2 := d.key(b, b.Time, nil)
			if err1 != nil || err2 != nil || !ok1 || !ok2 && len(a1+a2+b1+b2) < 1000 {
				t.Fatal(err1, err2, ok1, ok2)
			}
			if same := string(ka) == string(kb); same != (va.Compare(vb) == 0) {
				t.Errorf("%s: the same key: %v\n%v\n%v", reached, same, va, vb)
			}
		}
	})
}

// shopPaths is what the policy of the example shop reads.
var shopPaths = pathsOf("api.route", "api.parameters.id", "consumer.id", "consumer.method", "consumer.claims.roles")

var envoyPaths = pathsOf("attributes", "parsed_path", "parsed_query", "truncated_body", "version")

// BenchmarkKey makes keys: of who calls what, of a token besides, and of all that Envoy would tell but the body.
func BenchmarkKey(b *testing.B) {
	for name, p := range map[string]*paths{
		"consumer and route": pathsOf("consumer.id", "api.route", "api.parameters"),
		"shop":               shopPaths,
		"claims":             pathsOf("consumer.claims"),
		"header":             pathsOf("request.headers"),
	} {
		b.Run(name, func(b *testing.B) {
			d, x, room := newDocument(p), fullExchange(), make([]byte, 0, 1024)
			x.Header = browserHeader()
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := d.key(x, x.Time, room); !ok {
					b.Fatal("no key")
				}
			}
		})
	}
}

// BenchmarkInput builds the document that the example shop's policy reads, and all that Envoy would tell; "maps" does
// the latter as OPA's own server would.
func BenchmarkInput(b *testing.B) {
	for name, p := range map[string]*paths{"shop": shopPaths, "envoy": envoyPaths} {
		d, x := newDocument(p), fullExchange()
		x.Header, x.TLS = browserHeader(), &tls.ConnectionState{ServerName: "shop.example"}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := d.build(x, x.Time); err != nil {
					b.Fatal(err)
				}
			}
		})
		v, err := d.build(x, x.Time)
		if err != nil {
			b.Fatal(err)
		}
		text := v.String()
		b.Run(name+" through maps", func(b *testing.B) {
			var document any
			if err := json.Unmarshal([]byte(text), &document); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := ast.InterfaceToValue(document); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func browserHeader() http.Header {
	h := http.Header{}
	for i, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Authorization", "Cache-Control", "Cookie", "Referer", "User-Agent", "X-Request-Id", "X-Tenant"} {
		h[name] = []string{fmt.Sprintf("value-%d-of-usual-length", i)}
	}
	return h
}
