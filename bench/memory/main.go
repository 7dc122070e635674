// Command memory says what a gateway holds: with many connections that do nothing, or under load that lasts.
//
//	memory idle [-n 10000] -- COMMAND…
//	memory steady [-for 1h] [-rate 300] -admin ADDRESS -- COMMAND…
//
// It starts the command, which must serve https://127.0.0.1:28443/api/items/7, and ends it. The token of the load generator
// is read from $WORK/run/token. It needs Linux.
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	address = "127.0.0.1:28443"
	target  = "https://" + address + "/api/items/7"
)

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("memory: say idle or steady")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	n := flags.Int("n", 10_000, "idle connections")
	during := flags.Duration("for", time.Hour, "how long the load lasts")
	rate := flags.Int("rate", 300, "requests per second")
	admin := flags.String("admin", "", "where Caddy's admin endpoint is, which tells the heap")
	if err := flags.Parse(os.Args[2:]); err != nil {
		log.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(os.Getenv("WORK"), "run", "token"))
	if err != nil {
		log.Fatal(err)
	}
	m := &measured{token: string(token), admin: *admin, config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}}} //nolint:gosec // its certificate is its own
	end, err := m.start(flags.Args())
	if err != nil {
		log.Fatal(err)
	}
	switch os.Args[1] {
	case "idle":
		err = m.idle(*n)
	case "steady":
		err = m.steady(*during, *rate)
	default:
		err = errors.New("say idle or steady")
	}
	end()
	if err != nil {
		log.Fatal(err)
	}
}

type measured struct {
	token, admin string
	config       *tls.Config
	pid          int
}

// start runs the command until end, and waits until it answers.
func (m *measured) start(command []string) (end func(), err error) {
	if len(command) == 0 {
		return nil, errors.New("what is to be measured?")
	}
	c := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // whoever calls this says what to run; it ends with end
	c.Stderr = io.Discard
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return nil, err
	}
	m.pid = c.Process.Pid
	end = func() {
		c.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		c.Wait()                          //nolint:errcheck // it was ended
	}
	for range 200 {
		if conn, err := m.ask(nil); err == nil {
			conn.Close()
			return end, nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	end()
	return nil, errors.New("it does not answer with 200")
}

// ask asks on a connection, nil for a new one, which it gives back.
func (m *measured) ask(conn net.Conn) (net.Conn, error) {
	if conn == nil {
		var err error
		if conn, err = tls.DialWithDialer(&net.Dialer{Timeout: 10 * time.Second}, "tcp", address, m.config); err != nil {
			return nil, err
		}
	}
	err := func() error {
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(conn, "GET /api/items/7 HTTP/1.1\r\nHost: %s\r\nX-User: user42\r\nAuthorization: Bearer %s\r\n\r\n", address, m.token); err != nil {
			return err
		}
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			return err
		}
		defer res.Body.Close() //nolint:errcheck // it has been read
		if _, err := io.Copy(io.Discard, res.Body); err != nil {
			return err
		}
		if res.StatusCode != http.StatusOK {
			return fmt.Errorf("got %s", res.Status)
		}
		return nil
	}()
	if err != nil {
		conn.Close() //nolint:errcheck // nothing more is wanted of it
		return nil, err
	}
	return conn, nil
}

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
