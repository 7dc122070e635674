// Package redistest runs real Redis servers for tests: one, several with a sentinel, a cluster; and stops, kills and starts
// them again. They are Valkey's where WICKETGATE_REDIS says valkey-server.
package redistest

import (
	"cmp"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Need gives the path of redis-server, or skips the test where it is not installed. In CI it must be.
func Need(t testing.TB) string {
	t.Helper()
	program := cmp.Or(os.Getenv("WICKETGATE_REDIS"), "redis-server")
	path, err := exec.LookPath(program)
	if err == nil {
		return path
	}
	if os.Getenv("CI") != "" || program != "redis-server" {
		t.Fatal(program + " is not installed")
	}
	t.Skip("redis-server is not installed; .ci/needs installs it, and elsewhere https://redis.io does")
	return ""
}

// Server is a server of a test, which keeps nothing on disk.
type Server struct {
	// Address is where it listens, on loopback.
	Address string

	t        testing.TB
	port     int
	args     []string
	folder   string
	password string
	cmd      *exec.Cmd
}

// Start runs a server, with arguments as redis-server takes them, until the test ends.
func Start(t testing.TB, args ...string) *Server {
	t.Helper()
	return guarded(t, "", args...)
}

// guarded is Start for a server that asks for a password, as args say; "" for none.
func guarded(t testing.TB, password string, args ...string) *Server {
	t.Helper()
	s := &Server{t: t, port: port(t), args: args, folder: t.TempDir(), password: password}
	s.Address = net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port))
	s.Restart()
	t.Cleanup(s.Kill)
	return s
}

// port is a port that is free, and so is the one 10000 above it, at which servers of a cluster talk to each other.
func port(t testing.TB) int {
	t.Helper()
	for range 100 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		n := l.Addr().(*net.TCPAddr).Port
		l.Close() //nolint:errcheck // it was only asked for a port
		if n > 55535 {
			continue
		}
		if bus, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(n+10000)); err == nil {
			bus.Close() //nolint:errcheck // it was only asked for a port
			return n
		}
	}
	t.Fatal("no port is free")
	return 0
}

// Restart runs the server again, which has forgotten everything.
func (s *Server) Restart() {
	s.t.Helper()
	args := append([]string{
		"--port", strconv.Itoa(s.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", s.folder, "--daemonize", "no",
	}, s.args...)
	s.run(Need(s.t), args...)
	s.Within(30*time.Second, "it answers", func() bool { return strings.Contains(s.ask("PING\r\n"), "\r\n") })
}

func (s *Server) run(program string, args ...string) {
	s.t.Helper()
	out, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close() //nolint:errcheck // it is the server's
	s.cmd = exec.Command(program, args...)
	s.cmd.Stdout, s.cmd.Stderr = out, out // a file, so that no goroutine of the test's copies it
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

func (s *Server) log() string { return filepath.Join(s.folder, "redis.log") }

// ask sends a line on a connection of its own and gives what comes back at once; "" for nothing.
func (s *Server) ask(line string) string {
	conn, err := net.DialTimeout("tcp", s.listens(), time.Second)
	if err != nil {
		return ""
	}
	defer conn.Close() //nolint:errcheck // it is a test's
	if conn.SetDeadline(time.Now().Add(time.Second)) != nil {
		return ""
	}
	if _, err := conn.Write([]byte(line)); err != nil {
		return ""
	}
	b := make([]byte, 4096)
	n, _ := conn.Read(b) //nolint:errcheck // nothing read is an answer too
	return string(b[:n])
}

func (s *Server) listens() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Freeze stops the process where it is: connections stay, and nobody answers.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets it go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

// Kill ends the process without a word to anybody.
func (s *Server) Kill() {
	s.cmd.Process.Kill() //nolint:errcheck // it may have ended
	s.cmd.Wait()         //nolint:errcheck // it was killed
}

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// CLI asks the server with redis-cli, and gives its answer.
func (s *Server) CLI(args ...string) string {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, "redis-cli", append([]string{"-h", "127.0.0.1", "-p", strconv.Itoa(s.port)}, args...)...)
	if s.password != "" {
		cmd.Env = append(os.Environ(), "REDISCLI_AUTH="+s.password)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		s.t.Fatalf("redis-cli %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return strings.TrimSpace(string(out))
}

// Within waits until something is so.
func (s *Server) Within(most time.Duration, what string, so func() bool) {
	s.t.Helper()
	for end := time.Now().Add(most); !so(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			said, _ := os.ReadFile(s.log())
			s.t.Fatalf("not within %s: %s; redis-server said\n%s", most, what, said)
		}
	}
}
