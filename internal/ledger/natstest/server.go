// Package natstest runs real servers of NATS for tests, each a process of its own, so that it can be killed.
package natstest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Server is one.
type Server struct {
	// Address is where clients connect: nats://127.0.0.1:4222.
	Address string

	t       testing.TB
	name    string
	binary  string
	config  string
	monitor string
	log     bytes.Buffer
	run     *exec.Cmd
}

// patience is how long servers may take to be well, and to agree on who leads: 3 minutes, on a machine that does much else.
const patience = 3 * time.Minute

// built is the server's program.
var built struct {
	sync.Mutex
	folder string
}

// program builds the server of the version that go.mod names, for the first test that asks for it.
func program(t testing.TB) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if built.folder != "" {
		return filepath.Join(built.folder, "nats-server")
	}
	folder, err := os.MkdirTemp("", "natstest-")
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "nats-server")
	build := exec.Command("go", "build", "-trimpath", "-o", path, "github.com/nats-io/nats-server/v2")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		os.RemoveAll(folder) //nolint:errcheck // nothing is in it
		t.Fatalf("building nats-server: %v\n%s", err, out)
	}
	built.folder = folder
	return path
}

// Remove removes the program, if there is one. It is for the end of TestMain.
func Remove() { os.RemoveAll(built.folder) } //nolint:errcheck // it lies among what is temporary

// Start runs a server with JetStream, alone, until the test ends. more is added to its configuration.
func Start(t testing.TB, more string) *Server {
	t.Helper()
	s := one(t, "alone", "", more)
	s.Restart()
	return s
}

// Cluster runs servers that are one cluster, until the test ends.
func Cluster(t testing.TB, servers int) []*Server {
	t.Helper()
	return ClusterWith(t, servers, "")
}

// ClusterWith is Cluster, and more is added to each one's configuration.
func ClusterWith(t testing.TB, servers int, more string) []*Server {
	t.Helper()
	routes := make([]string, servers)
	for i := range routes {
		routes[i] = fmt.Sprintf("127.0.0.1:%d", port(t))
	}
	all := make([]*Server, servers)
	for i := range all {
		all[i] = one(t, fmt.Sprintf("n%d", i), fmt.Sprintf("cluster { name: test, listen: %q, routes: [\"nats://%s\"] }\n", routes[i],
			strings.Join(routes, `", "nats://`)), more)
		all[i].begin()
	}
	for _, s := range all {
		s.await()
	}
	return all
}

// Addresses are those of all servers.
func Addresses(all []*Server) []string {
	var addresses []string
	for _, s := range all {
		addresses = append(addresses, s.Address)
	}
	return addresses
}

// Leader gives the server of a cluster that leads a stream.
func Leader(all []*Server, stream string) *Server {
	all[0].t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, s := range all {
			if s.leads(client, stream) {
				return s
			}
		}
	}
	all[0].t.Fatalf("nobody leads %s within %v", stream, patience)
	return nil
}

// leads asks a server what it thinks.
func (s *Server) leads(client *http.Client, stream string) bool {
	res, err := client.Get(s.monitor + "/jsz?streams=true")
	if err != nil {
		return false
	}
	defer res.Body.Close() //nolint:errcheck // nothing more of it is read
	var answer struct {
		Accounts []struct {
			Streams []struct {
				Name    string `json:"name"`
				Cluster struct {
					Leader string `json:"leader"`
				} `json:"cluster"`
			} `json:"stream_detail"`
		} `json:"account_details"`
	}
	if json.NewDecoder(res.Body).Decode(&answer) != nil {
		return false
	}
	for _, a := range answer.Accounts {
		for _, one := range a.Streams {
			if one.Name == stream {
				return one.Cluster.Leader == s.name
			}
		}
	}
	return false
}

func one(t testing.TB, name, cluster, more string) *Server {
	t.Helper()
	path := program(t)
	folder := t.TempDir()
	address, monitor := fmt.Sprintf("127.0.0.1:%d", port(t)), fmt.Sprintf("127.0.0.1:%d", port(t))
	s := &Server{name: name, Address: "nats://" + address, t: t, binary: path, config: filepath.Join(folder, "nats.conf"), monitor: "http://" + monitor}
	text := fmt.Sprintf("server_name: %s\nlisten: %q\nhttp: %q\njetstream { store_dir: %q, max_file_store: 64GB }\n%s%s",
		name, address, monitor, filepath.Join(folder, "data"), cluster, more)
	if err := os.WriteFile(s.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Kill()
		if t.Failed() {
			t.Logf("%s:\n%s", name, s.log.Bytes())
		}
	})
	return s
}

func (s *Server) begin() {
	s.t.Helper()
	s.run = exec.Command(s.binary, "-c", s.config)
	s.run.Stdout, s.run.Stderr = &s.log, &s.log
	if err := s.run.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// await waits until the server says that it is well.
func (s *Server) await() {
	s.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		res, err := client.Get(s.monitor + "/healthz?js-enabled-only=true")
		if err == nil {
			res.Body.Close() //nolint:errcheck // nothing of it is read
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		if time.Now().After(end) {
			s.t.Fatalf("the server is not well within %v:\n%s", patience, s.log.Bytes())
		}
	}
}

// Restart runs the server again, with what it had stored.
func (s *Server) Restart() {
	s.t.Helper()
	s.begin()
	s.await()
}

// Kill kills the server: it has no time to say so to anybody.
func (s *Server) Kill() {
	if s.run == nil {
		return
	}
	s.run.Process.Kill() //nolint:errcheck // it may be gone
	s.run.Wait()         //nolint:errcheck // it was killed
	s.run = nil
}

// Freeze stops the process where it is: connections stay, and nobody answers.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.run.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

func port(t testing.TB) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // it only found a free port
	return l.Addr().(*net.TCPAddr).Port
}
