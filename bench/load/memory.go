package main

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"sync"
	"time"
)

// idle opens connections, asks once on each, and lets them be.
func (m *measured) idle(n int) error {
	before, err := m.resident()
	if err != nil {
		return err
	}
	conns := make([]net.Conn, n)
	defer func() {
		for _, c := range conns {
			if c != nil {
				c.Close() //nolint:errcheck // nothing more is wanted of it
			}
		}
	}()
	for i := range conns {
		if conns[i], err = m.ask(nil); err != nil {
			return fmt.Errorf("connection %d: %w", i, err)
		}
	}
	time.Sleep(5 * time.Second) // what they left behind is collected meanwhile, or not
	after, err := m.resident()
	if err != nil {
		return err
	}
	fmt.Printf("%.0f MiB at first, %.0f MiB with %d idle connections\n", before, after, n)
	return nil
}

var reResident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the process's memory in MiB.
func (m *measured) resident() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", m.pid))
	if err != nil {
		return 0, err
	}
	return number(reResident, status, 1<<10)
}

func number(re *regexp.Regexp, in []byte, unit float64) (float64, error) {
	found := re.FindSubmatch(in)
	if found == nil {
		return 0, fmt.Errorf("nothing matches %s", re)
	}
	n, err := strconv.ParseFloat(string(found[1]), 64)
	return n / unit, err
}

const workers = 16

// steady asks at a rate and tells each minute what the process holds after garbage was collected.
func (m *measured) steady(during time.Duration, rate int) error {
	due := make(chan struct{}, rate)
	var all sync.WaitGroup
	var mu sync.Mutex
	asked, failed := 0, 0
	for range workers {
		all.Go(func() {
			var conn net.Conn
			for range due {
				c, err := m.ask(conn)
				conn = c
				mu.Lock()
				if asked++; err != nil {
					failed++
				}
				mu.Unlock()
			}
		})
	}
	tick, minute, end := time.NewTicker(time.Second/time.Duration(rate)), time.NewTicker(time.Minute), time.After(during)
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
			return nil
		}
		heap, objects, err := m.heap()
		if err != nil {
			return err
		}
		rss, err := m.resident()
		if err != nil {
			return err
		}
		fmt.Printf("%4.0f min: heap %.2f MiB, %.0f objects, resident %.0f MiB\n", time.Since(began).Minutes(), heap, objects, rss)
	}
}

var (
	reHeap    = regexp.MustCompile(`# HeapAlloc = (\d+)`)
	reObjects = regexp.MustCompile(`# HeapObjects = (\d+)`)
)

// heap is what is in use right after a collection, in MiB and objects.
func (m *measured) heap() (heap, objects float64, err error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+m.admin+"/debug/pprof/heap?gc=1&debug=1", nil)
	if err != nil {
		return 0, 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close() //nolint:errcheck // it has been read
	var text bytes.Buffer
	if _, err := text.ReadFrom(res.Body); err != nil {
		return 0, 0, err
	}
	if heap, err = number(reHeap, text.Bytes(), 1<<20); err != nil {
		return 0, 0, err
	}
	objects, err = number(reObjects, text.Bytes(), 1)
	return heap, objects, err
}
