package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"syscall"
	"time"
)

// gateway is a process that is measured.
type gateway struct {
	token string
	pid   int
	end   func()
}

// patience is how long a gateway may take to start, and to end.
const patience = 20 * time.Second

// start runs a command until end, and waits until it answers.
func start(command []string, token string) (*gateway, error) {
	c := exec.Command(command[0], command[1:]...) //nolint:gosec,noctx // whoever calls this says what to run; it ends with end
	c.Stderr = io.Discard
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		return nil, err
	}
	g := &gateway{token: token, pid: c.Process.Pid}
	ended := make(chan struct{})
	go func() {
		c.Wait() //nolint:errcheck // it is ended
		close(ended)
	}()
	g.end = func() {
		c.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended
		select {
		case <-ended:
		case <-time.After(patience):
			c.Process.Kill() //nolint:errcheck // as above
			<-ended
		}
	}
	one := g.client(get)
	defer one.close()
	var err error
	for began := time.Now(); time.Since(began) < patience; time.Sleep(100 * time.Millisecond) {
		if err = one.ask(); err == nil {
			return g, nil
		}
	}
	g.end()
	return nil, fmt.Errorf("it does not answer with 200: %w", err)
}

// config is how the gateways' certificate is looked at, and which of the versions of HTTP are spoken.
func config(protocols ...string) *tls.Config {
	return &tls.Config{InsecureSkipVerify: true, NextProtos: protocols} //nolint:gosec // its certificate is its own
}

// tick is the unit of a process's times on Linux.
const tick = 10 * time.Millisecond

// spent is the processor's time that the gateway has taken.
func (g *gateway) spent() (time.Duration, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", g.pid))
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

var reResident = regexp.MustCompile(`VmRSS:\s+(\d+) kB`)

// resident is the process's memory in MiB.
func (g *gateway) resident() (float64, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", g.pid))
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

// fetch gives what an admin endpoint has at a path.
func fetch(admin, path string) ([]byte, error) {
	req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://"+admin+path, nil)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // it has been read
	b, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: got %s", path, res.Status)
	}
	return b, err
}
