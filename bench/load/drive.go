package main

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// figures are what came of some load.
type figures struct {
	cpu      float64 // of the gateway for each request, in µs
	each     float64 // requests per second
	p50, p99 float64 // ms
	failed   float64
}

// asking is what one client has done within the time that counts.
type asking struct {
	took   []time.Duration
	failed int
	last   error
}

// note notes an answer.
func (a *asking) note(took time.Duration, err error) {
	if err != nil {
		a.failed, a.last = a.failed+1, err
		return
	}
	a.took = append(a.took, took)
}

// sum makes figures of all clients together. Where not one of their requests succeeded, it is an error.
func sum(all []asking, during, cpu time.Duration) (figures, error) {
	var took []time.Duration
	var f figures
	last := errors.New("nothing was asked for in that time")
	for _, a := range all {
		took, f.failed = append(took, a.took...), f.failed+float64(a.failed)
		if a.last != nil {
			last = a.last
		}
	}
	if len(took) == 0 {
		return f, last
	}
	if f.failed > 0 {
		fmt.Fprintf(os.Stderr, "%.0f failed, among them: %v\n", f.failed, last)
	}
	slices.Sort(took)
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	f.p50, f.p99 = ms(took[len(took)/2]), ms(took[len(took)*99/100])
	f.each = float64(len(took)) / during.Seconds()
	f.cpu = float64(cpu.Microseconds()) / (float64(len(took)) + f.failed)
	return f, nil
}

// pause is how long a client waits after a failure: one that is refused at once would ask more than all others.
const pause = 100 * time.Millisecond

// underWay is how many requests are under way at most. Each takes a connection of the caller's and one to the service, and with 10,000
// of both a process would need more files than most may open. Who has no turn waits for one.
const underWay = 2500

// flatOut has all clients ask, each again as soon as it is answered. What counts begins when they have done so for a while, and
// ends while they still do: how many requests are under way at both ends is the same.
func (g *gateway) flatOut(clients []func() error, during time.Duration) (figures, error) {
	var counts, over atomic.Bool
	turns := make(chan struct{}, underWay)
	all := make([]asking, len(clients))
	var done sync.WaitGroup
	for i, ask := range clients {
		done.Go(func() {
			for {
				turns <- struct{}{}
				if over.Load() {
					<-turns
					return
				}
				began := time.Now()
				err := ask()
				if counts.Load() {
					all[i].note(time.Since(began), err)
				}
				<-turns
				if err != nil {
					time.Sleep(pause)
				}
			}
		})
	}
	time.Sleep(max(during/5, time.Second))
	before, err := g.spent()
	began := time.Now()
	counts.Store(true)
	time.Sleep(during)
	counts.Store(false)
	took := time.Since(began)
	after, wrong := g.spent()
	over.Store(true)
	done.Wait()
	if err := errors.Join(err, wrong); err != nil {
		return figures{}, err
	}
	return sum(all, took, after-before)
}

// queued is how many requests of one client may be due while it waits for an answer.
const queued = 1000

// atRate has requests be due at a rate, of one client after the other, whatever the answers do. Their time counts from when they
// were due.
func (g *gateway) atRate(clients []func() error, rate float64, during time.Duration) (figures, error) {
	all, due := make([]asking, len(clients)), make([]chan time.Time, len(clients))
	var done sync.WaitGroup
	for i, ask := range clients {
		due[i] = make(chan time.Time, queued)
		done.Go(func() {
			for at := range due[i] {
				err := ask()
				all[i].note(time.Since(at), err)
			}
		})
	}
	before, err := g.spent()
	if err != nil {
		return figures{}, err
	}
	began, late := time.Now(), 0
	for k := range int(rate * during.Seconds()) {
		at := began.Add(time.Duration(float64(k) / rate * float64(time.Second)))
		time.Sleep(time.Until(at))
		select {
		case due[k%len(due)] <- at:
		default:
			late++ // it is told as one that failed
		}
	}
	for _, c := range due {
		close(c)
	}
	done.Wait()
	took := time.Since(began)
	after, err := g.spent()
	if err != nil {
		return figures{}, err
	}
	all[0].failed += late
	return sum(all, took, after-before)
}

// asks gives what clients do.
func asks(clients []*client) []func() error {
	all := make([]func() error, len(clients))
	for i, c := range clients {
		all[i] = c.ask
	}
	return all
}
