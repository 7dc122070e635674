package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// atOnce is how many clients ask at once where their number is not what is looked at.
const atOnce = 64

var bodiesColumns = []column{
	{"requests/s", "%.0f", true}, {"µs of CPU per request", "%.0f", true},
	{"p50 ms at the rate", "%.2f", true}, {"p99 ms at the rate", "%.2f", true}, {"failed", "%.0f", false},
}

// bodies sends orders as callers of the first version have them, and looks whether each comes back as it was.
func bodies(g *gateway, o options) ([]row, error) {
	clients, err := g.open(atOnce, post)
	if err != nil {
		return nil, err
	}
	defer shut(clients)
	flat, err := g.flatOut(asks(clients), o.during)
	if err != nil {
		return nil, err
	}
	at, err := g.atRate(asks(clients), o.rate, o.during)
	what := fmt.Sprintf("POST of %d bytes", len(sent))
	return []row{{what: what, values: []float64{flat.each, flat.cpu, at.p50, at.p99, flat.failed + at.failed}}}, err
}

var connectionsColumns = []column{
	{"requests/s", "%.0f", true}, {"µs of CPU", "%.0f", true}, {"p99 ms", "%.0f", true}, {"failed", "%.0f", false},
	{"µs of CPU at the rate", "%.0f", true}, {"p99 ms", "%.1f", true}, {"failed", "%.0f", false}, {"MiB", "%.0f", true},
}

// connections has more and more connections: first all of them ask again and again, of which underWay are served at once, and then
// one after the other, each some times, at a rate. A connection is open and has been answered once before anything counts.
func connections(g *gateway, o options) (rows []row, err error) {
	for _, n := range []int{64, 640, 2500, 10_000} {
		r, err := crowd(g, n, o)
		if err != nil {
			return rows, fmt.Errorf("%d connections: %w", n, err)
		}
		rows = append(rows, r)
	}
	return rows, nil
}

func crowd(g *gateway, n int, o options) (row, error) {
	clients, err := g.open(n, get)
	if err != nil {
		return row{}, err
	}
	defer shut(clients)
	whole := time.Duration(n) * time.Millisecond // some seconds more where one request takes some
	flat, err := g.flatOut(asks(clients), max(o.during, whole))
	if err != nil {
		return row{}, err
	}
	held, err := g.resident()
	if err != nil {
		return row{}, err
	}
	if err := warm(clients); err != nil { // those that broke, too
		return row{}, err
	}
	twice := time.Duration(2 * float64(n) / o.rate * float64(time.Second)) // each of them asks
	at, err := g.atRate(asks(clients), o.rate, max(o.during, twice))
	return row{what: fmt.Sprint(n), values: []float64{flat.each, flat.cpu, flat.p99, flat.failed, at.cpu, at.p99, at.failed, held}}, err
}

// versions asks in each version of HTTP, atOnce times at once: on as many connections of HTTP/1.1, and on one of the others.
func versions(g *gateway, o options) (rows []row, err error) {
	quic := &http3.Transport{TLSClientConfig: config()}
	defer quic.Close() //nolint:errcheck // nothing more is wanted of it
	one, two := &http.Transport{TLSClientConfig: config("http/1.1"), MaxIdleConnsPerHost: atOnce}, &http.Transport{TLSClientConfig: config("h2"), ForceAttemptHTTP2: true}
	defer one.CloseIdleConnections()
	defer two.CloseIdleConnections()
	for _, version := range []struct {
		name string
		by   http.RoundTripper
	}{{"HTTP/1.1", one}, {"HTTP/2", two}, {"HTTP/3", quic}} {
		clients := make([]func() error, atOnce)
		for i := range clients {
			clients[i] = func() error { return g.roundTrip(version.by) }
		}
		f, err := g.flatOut(clients, o.during)
		if err != nil {
			return rows, fmt.Errorf("%s: %w", version.name, err)
		}
		rows = append(rows, row{what: version.name, values: []float64{f.each, f.cpu, f.p99, f.failed}})
	}
	return rows, nil
}

var versionsColumns = []column{{"requests/s", "%.0f", true}, {"µs of CPU per request", "%.0f", true}, {"p99 ms", "%.1f", true}, {"failed", "%.0f", false}}

func (g *gateway) roundTrip(by http.RoundTripper) error {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "https://"+address+"/api/items/7?p=1", nil)
	if err != nil {
		return err
	}
	req.Header["X-User"], req.Header["Authorization"] = []string{"user42"}, []string{"Bearer " + g.token}
	res, err := by.RoundTrip(req)
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it has been read
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("got %s", res.Status)
	}
	_, err = io.Copy(io.Discard, res.Body)
	return err
}
