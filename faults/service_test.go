package faults

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
)

// serviceVariable says to this program that it is the service behind the gateway, and where it listens.
const serviceVariable = "WICKETGATE_FAULTS_SERVICE"

// serve is the service: it tells where it listens, and answers until its standard input ends.
func serve() {
	l, err := net.Listen("tcp", os.Getenv(serviceVariable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var count atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("GET /count", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, count.Load()) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) //nolint:errcheck // a caller who is gone
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodPost {
			count.Add(1)
			w.WriteHeader(http.StatusCreated)
		}
		fmt.Fprintf(w, `{"id":%q}`, r.URL.Path)
	})
	fmt.Println(l.Addr())
	go http.Serve(l, mux)         //nolint:errcheck // until the end
	io.Copy(io.Discard, os.Stdin) //nolint:errcheck // the end is all that is waited for
}

// service is a service of a group, a process of its own.
type service struct {
	g       *group
	address string
	run     *exec.Cmd
	in      io.WriteCloser
}

func (g *group) service() *service {
	g.Helper()
	s := &service{g: g, address: "127.0.0.1:0"}
	s.start()
	g.Cleanup(s.kill)
	return s
}

// start runs it, where it was before.
func (s *service) start() {
	s.g.Helper()
	run := exec.Command(os.Args[0], "-test.run=^$")
	run.Env = append(os.Environ(), serviceVariable+"="+s.address)
	run.Stderr = os.Stderr
	in, err := run.StdinPipe()
	if err != nil {
		s.g.Fatal(err)
	}
	out, err := run.StdoutPipe()
	if err != nil {
		s.g.Fatal(err)
	}
	if err := run.Start(); err != nil {
		s.g.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.g.Fatalf("the service does not listen: %v", err)
	}
	s.run, s.in, s.address = run, in, strings.TrimSpace(line)
}

func (s *service) signal(sig syscall.Signal) {
	s.g.Helper()
	if err := s.run.Process.Signal(sig); err != nil {
		s.g.Fatal(err)
	}
}

// kill ends it without a word.
func (s *service) kill() {
	s.run.Process.Kill() //nolint:errcheck // it may be gone
	s.run.Wait()         //nolint:errcheck // it was killed
	s.in.Close()         //nolint:errcheck // nobody reads it
}

// count is how many POSTs it has carried out.
func (s *service) count() int {
	s.g.Helper()
	n := 0
	if a := ask(http.DefaultClient, http.MethodGet, "http://"+s.address+"/count", ""); a.status == http.StatusOK {
		fmt.Sscan(a.body, &n) //nolint:errcheck // then it is 0, and does not add up
	}
	return n
}
