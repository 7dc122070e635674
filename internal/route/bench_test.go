package route

import (
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Finding a version and a route, by each way to name one, on an API that has all five but for the first case. The
// exchange, which a server makes for each request, is not counted; all that is put into it is.
func BenchmarkNegotiation(b *testing.B) {
	defer runtime.KeepAlive(heap())
	full := table(b, orders())
	path := table(b, only(func(v *Versioning) { v.Path = true }))
	for _, c := range []struct {
		name  string
		table *Table
		line  string
		field string
	}{
		{"path only", path, "GET /api/v2/orders/7", ""},
		{"path", full, "GET /api/v2/orders/7", ""},
		{"host", full, "GET /api/orders/7", "Host: v2.gw.test"},
		{"header", full, "GET /api/orders/7", "Acme-Version: v2"},
		{"media type", full, "GET /api/orders/7", "Accept: " + vnd2 + ", application/json;q=0.5"},
		{"content type", full, "PUT /api/orders/7", "Content-Type: " + vnd2},
		{"query", full, "GET /api/orders/7?a=b&api-version=v2", ""},
		{"query in the middle", full, "GET /api/orders/7?a=b&api-version=v2&c=d", ""},
		{"default", full, "GET /api/orders/7", ""},
		{"deprecated", full, "GET /api/v1/orders/7", ""},
	} {
		b.Run(c.name, func(b *testing.B) {
			sent := ask(b, c.line, c.field)
			name, value, _ := strings.Cut(c.field, ": ")
			values := []string{value}
			x := new(exchange.Exchange)
			b.ReportAllocs()
			for b.Loop() {
				if name != "" && name != "Host" { // Match takes the version off
					sent.Header[name] = values
				}
				*x = exchange.Exchange{Method: sent.Method, Host: sent.Host, Path: sent.Path, Query: sent.Query, Time: sent.Time, Header: sent.Header}
				if m, p := c.table.Match(x); p != nil || m.Route == nil {
					b.Fatal(p)
				}
			}
		})
	}
}

// heap is as much memory as a server has in use: without it the garbage collector runs all the time, and that is what
// would be measured.
func heap() []byte { return make([]byte, 64<<20) }

// BenchmarkGrowth finds a route among ever more of them.
func BenchmarkGrowth(b *testing.B) {
	defer runtime.KeepAlive(heap())
	for _, n := range []int{10, 50, 200, 1000, 5000} {
		b.Run("routes="+strconv.Itoa(n), func(b *testing.B) {
			a := only(func(v *Versioning) { v.Path = true })
			a.Routes = nil
			for i := range n {
				a.Routes = append(a.Routes, Route{Pattern: fmt.Sprintf("GET /r%d/{id}/items/{item}", i)})
			}
			tab := table(b, a)
			sent := ask(b, fmt.Sprintf("GET /api/v2/r%d/7/items/8", n/2))
			x := new(exchange.Exchange)
			b.ReportAllocs()
			for b.Loop() {
				*x = exchange.Exchange{Method: sent.Method, Host: sent.Host, Path: sent.Path, Time: sent.Time, Header: sent.Header}
				if m, p := tab.Match(x); p != nil || m.Route == nil {
					b.Fatal(p)
				}
			}
		})
	}
}

// A catalogue of 200 routes in 5 versions.
func BenchmarkNew(b *testing.B) {
	a := orders()
	a.Versions = append(a.Versions, Version{Name: "v5", Released: day("2027-01-01")})
	a.Routes = nil
	for i := range 200 {
		a.Routes = append(a.Routes, Route{Pattern: fmt.Sprintf("GET /r%d/{id}", i)})
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New([]API{a}); err != nil {
			b.Fatal(err)
		}
	}
}
