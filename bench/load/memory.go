package main

import (
	"errors"
	"fmt"
	"regexp"
	"sync"
	"time"
)

var idleColumns = []column{{"MiB at first", "%.0f", true}, {"MiB with them", "%.0f", true}}

// settle is how long what was left behind may take to be collected, or not.
const settle = 5 * time.Second

// idle opens connections, asks once on each, and lets them be.
func idle(g *gateway, o options) ([]row, error) {
	before, err := g.resident()
	if err != nil {
		return nil, err
	}
	clients, err := g.open(o.n, get)
	if err != nil {
		return nil, err
	}
	defer shut(clients)
	time.Sleep(settle)
	after, err := g.resident()
	return []row{{what: fmt.Sprintf("%d idle connections", o.n), values: []float64{before, after}}}, err
}

const workers = 16

// steady asks at a rate and tells each minute what the process holds after garbage was collected.
func steady(g *gateway, o options) ([]row, error) {
	if o.admin == "" {
		return nil, errors.New("say where the admin endpoint is")
	}
	due := make(chan struct{}, int(o.rate))
	var all sync.WaitGroup
	var mu sync.Mutex
	asked, failed := 0, 0
	for range workers {
		c := g.client(get)
		all.Go(func() {
			defer c.close()
			for range due {
				err := c.ask()
				mu.Lock()
				if asked++; err != nil {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	tick, minute, end := time.NewTicker(time.Duration(float64(time.Second)/o.rate)), time.NewTicker(time.Minute), time.After(o.during)
	defer tick.Stop()
	defer minute.Stop()
	began := time.Now()
	for {
		select {
		case <-tick.C:
			due <- struct{}{}
			continue
		case <-minute.C:
		case <-end:
			close(due)
			all.Wait()
			fmt.Printf("%d requests, %d failed\n", asked, failed)
			return nil, nil
		}
		heap, objects, err := heap(o.admin)
		if err != nil {
			return nil, err
		}
		rss, err := g.resident()
		if err != nil {
			return nil, err
		}
		fmt.Printf("%4.0f min: heap %.2f MiB, %.0f objects, resident %.0f MiB\n", time.Since(began).Minutes(), heap, objects, rss)
	}
}

var (
	reHeap    = regexp.MustCompile(`# HeapAlloc = (\d+)`)
	reObjects = regexp.MustCompile(`# HeapObjects = (\d+)`)
)

// heap is what is in use right after a collection, in MiB and objects.
func heap(admin string) (heap, objects float64, err error) {
	text, err := fetch(admin, "/debug/pprof/heap?gc=1&debug=1")
	if err != nil {
		return 0, 0, err
	}
	if heap, err = number(reHeap, text, 1<<20); err != nil {
		return 0, 0, err
	}
	objects, err = number(reObjects, text, 1)
	return heap, objects, err
}
