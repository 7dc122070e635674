// Command load asks a gateway in ways that the load generator does not, and says what it costs and holds: with many
// connections that do nothing, under load that lasts, with many connections at once, and in each version of HTTP.
//
//	load idle [-n 10000] -- COMMAND…
//	load steady [-for 1h] [-rate 300] -admin ADDRESS -- COMMAND…
//	load connections [-requests 40000] -- COMMAND…
//	load versions [-requests 40000] -- COMMAND…
//
// It starts the command, which must serve https://127.0.0.1:28443/api/items/7, and ends it. The token of the load generator
// is read from $WORK/run/token. It needs Linux.
package main

import (
	"bufio"
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
		log.Fatal("load: say idle, steady, connections or versions")
	}
	flags := flag.NewFlagSet(os.Args[1], flag.ExitOnError)
	n := flags.Int("n", 10_000, "idle connections")
	during := flags.Duration("for", time.Hour, "how long the load lasts")
	rate := flags.Int("rate", 300, "requests per second")
	requests := flags.Int("requests", 40_000, "requests of each measurement")
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
	case "connections":
		err = m.connections(*requests)
	case "versions":
		err = m.versions(*requests)
	default:
		err = errors.New("say idle, steady, connections or versions")
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
			conn.Close() //nolint:errcheck // nothing more is wanted of it
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
		if err := conn.SetDeadline(time.Now().Add(time.Minute)); err != nil {
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
