package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go/http3"
)

// atOnce is how many clients ask at once where their number is not what is looked at.
const atOnce = 64

// connections asks on more and more connections of HTTP/1.1, all of which have a request under way.
func (m *measured) connections(requests int) error {
	for _, n := range []int{64, 640, 2500} {
		conns := make([]net.Conn, n)
		var open sync.WaitGroup
		var failed atomic.Int64
		for i := range atOnce { // with handshakes one after the other it would take minutes
			open.Go(func() {
				for j := i; j < n; j += atOnce {
					var err error
					if conns[j], err = m.ask(nil); err != nil {
						failed.Add(1)
					}
				}
			})
		}
		open.Wait()
		if f := failed.Load(); f > 0 {
			return fmt.Errorf("%d of %d connections failed", f, n)
		}
		cost, err := m.cost(n, max(requests, 2*n), func(i int) error {
			_, err := m.ask(conns[i])
			return err
		})
		for _, c := range conns {
			c.Close() //nolint:errcheck // nothing more is wanted of it
		}
		if err != nil {
			return err
		}
		fmt.Printf("%d connections: %.0f µs of CPU per request\n", n, cost)
	}
	return nil
}

// versions asks in each version of HTTP, atOnce times at once: on as many connections of HTTP/1.1, and on one of the others.
func (m *measured) versions(requests int) error {
	one, two := m.config.Clone(), m.config.Clone()
	two.NextProtos = []string{"h2"}
	three := m.config.Clone()
	three.NextProtos = nil
	quic := &http3.Transport{TLSClientConfig: three}
	defer quic.Close() //nolint:errcheck // nothing more is wanted of it
	for _, version := range []struct {
		name string
		by   http.RoundTripper
	}{
		{"HTTP/1.1", &http.Transport{TLSClientConfig: one, MaxIdleConnsPerHost: atOnce}},
		{"HTTP/2", &http.Transport{TLSClientConfig: two, ForceAttemptHTTP2: true}},
		{"HTTP/3", quic},
	} {
		ask := func(int) error {
			req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, target, nil)
			if err != nil {
				return err
			}
			req.Header["X-User"], req.Header["Authorization"] = []string{"user42"}, []string{"Bearer " + m.token}
			res, err := version.by.RoundTrip(req)
			if err != nil {
				return err
			}
			defer res.Body.Close() //nolint:errcheck // it has been read
			if res.StatusCode != http.StatusOK {
				return fmt.Errorf("%s: got %s", version.name, res.Status)
			}
			_, err = io.Copy(io.Discard, res.Body)
			return err
		}
		if _, err := m.cost(atOnce, requests/10, ask); err != nil { // it is warm then
			return err
		}
		cost, err := m.cost(atOnce, requests, ask)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %.0f µs of CPU per request\n", version.name, cost)
	}
	return nil
}

// cost has clients ask a number of times in all, and gives the processor's time that the gateway took for each, in µs.
func (m *measured) cost(clients, requests int, ask func(client int) error) (float64, error) {
	before, err := m.spent()
	if err != nil {
		return 0, err
	}
	var left, failed atomic.Int64
	left.Store(int64(requests))
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			for left.Add(-1) >= 0 {
				if ask(i) != nil {
					failed.Add(1)
				}
			}
		})
	}
	all.Wait()
	if n := failed.Load(); n > 0 {
		return 0, fmt.Errorf("%d of %d requests failed", n, requests)
	}
	after, err := m.spent()
	return float64((after - before).Microseconds()) / float64(requests), err
}

// tick is the unit of a process's times on Linux.
const tick = 10 * time.Millisecond

// spent is the processor's time that the gateway has taken.
func (m *measured) spent() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", m.pid))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:]) // the name before may have blanks
	if len(fields) < 13 {
		return 0, errors.New("the process's times cannot be read")
	}
	var sum time.Duration
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(string(field), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += time.Duration(n) * tick
	}
	return sum, nil
}
