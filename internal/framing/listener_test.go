package framing

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/leaktest"
)

// patience is how long an answer may take on a slow machine.
const patience = 30 * time.Second

// server is net/http's behind Listen, with TLS or without.
type server struct {
	*httptest.Server
	t       *testing.T
	roots   *x509.CertPool // nil without TLS
	refused chan Reason
	served  chan string   // requests' paths, once the handler has them
	failed  chan error    // of reading a body
	hold    chan struct{} // lets /held go on
	file    string
}

func serve(t *testing.T, secure bool) *server {
	t.Helper()
	ended := leaktest.Note(t)
	s := &server{t: t, refused: make(chan Reason, 100), served: make(chan string, 1000), failed: make(chan error, 100), hold: make(chan struct{}), file: filepath.Join(t.TempDir(), "file")}
	if err := os.WriteFile(s.file, []byte(strings.Repeat("x", 1<<20)), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(s.handle))
	s.Config.Protocols = &http.Protocols{}
	s.Config.Protocols.SetHTTP1(true)
	s.Config.Protocols.SetHTTP2(true)
	s.Config.Protocols.SetUnencryptedHTTP2(true)
	note := func(why Reason, _ net.Addr) { s.refused <- why }
	if secure {
		issuer := httptest.NewUnstartedServer(nil) // for its certificate
		issuer.StartTLS()
		config := issuer.TLS.Clone()
		s.roots = x509.NewCertPool()
		s.roots.AddCert(issuer.Certificate())
		issuer.Close()
		config.NextProtos = []string{"h2", "http/1.1"}
		s.Listener = tls.NewListener(s.Listener, config)
	}
	s.Listener = Listen(s.Listener, func() time.Duration { return patience }, note)
	s.Start()
	t.Cleanup(func() {
		s.Close()
		ended()
	})
	return s
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	s.served <- r.URL.Path
	if (r.TLS != nil) != (s.roots != nil) {
		s.t.Errorf("r.TLS is %v", r.TLS)
	}
	switch r.URL.Path {
	case "/held":
		select {
		case <-s.hold:
		case <-r.Context().Done():
			s.t.Error("what comes behind a request ends it")
		}
	case "/file":
		f, err := os.Open(s.file)
		if err != nil {
			s.t.Error(err)
			return
		}
		defer f.Close() //nolint:errcheck // it is read
		http.ServeContent(w, r, "", time.Time{}, f)
		return
	case "/echo": // another protocol, which gives back what it gets; the caller knows that it begins before net/http does
		h := w.Header()
		h["Connection"], h["Upgrade"], h["X-Echo"] = []string{"Upgrade"}, []string{"websocket"}, []string{"yes"}
		w.WriteHeader(http.StatusSwitchingProtocols)
		c, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			s.t.Error(err)
			return
		}
		defer c.Close() //nolint:errcheck // the client tells
		io.Copy(c, rw)  //nolint:errcheck // the client tells
		return
	}
	n, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		s.failed <- err
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	fmt.Fprintf(w, "%s %d", r.Proto, n) //nolint:errcheck // the client tells
}

// dial opens a connection that speaks HTTP/1.1.
func (s *server) dial() net.Conn {
	s.t.Helper()
	address := s.Server.Listener.Addr().String()
	c, err := net.Dial("tcp", address)
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { c.Close() })       //nolint:errcheck // it may be closed
	c.SetDeadline(time.Now().Add(patience)) //nolint:errcheck // it has just been opened
	if s.roots != nil {
		return tls.Client(c, &tls.Config{RootCAs: s.roots, ServerName: "example.com", NextProtos: []string{"http/1.1"}})
	}
	return c
}

// answers reads all that comes: statuses, and how the connection ends.
func (s *server) answers(r *bufio.Reader) (all []string) {
	s.t.Helper()
	for {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			return append(all, err.Error())
		}
		body, err := io.ReadAll(res.Body)
		if err != nil {
			s.t.Error(err)
		}
		all = append(all, fmt.Sprint(res.StatusCode, " ", res.Header.Get("Content-Type")))
		if res.StatusCode == http.StatusBadRequest && res.Header.Get("Content-Type") != "" {
			if h := res.Header; !strings.Contains(string(body), `"detail":"`) || !res.Close || h.Get("Date") == "" || h.Get("Cache-Control") != "no-store" {
				s.t.Errorf("answered %v %s", h, body)
			}
		}
	}
}

// both runs a test with TLS and without.
func both(t *testing.T, test func(t *testing.T, s *server)) {
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) { test(t, serve(t, secure)) })
	}
}

const ambiguous = "POST /smuggled HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n"

// TestRefused has good requests and an ambiguous one on a connection, and much more behind. The good ones are served, and the
// caller gets to know why the connection ends.
func TestRefused(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		c := s.dial()
		good := "POST /good HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
		go io.WriteString(c, good+good+ambiguous+strings.Repeat("GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n", 3000)) //nolint:errcheck // the server may have closed
		got := s.answers(bufio.NewReader(c))
		if want := "[200 text/plain; charset=utf-8 200 text/plain; charset=utf-8 400 application/problem+json EOF]"; fmt.Sprint(got) != want && fmt.Sprint(got) != strings.Replace(want, "EOF", io.ErrUnexpectedEOF.Error(), 1) {
			t.Errorf("answered %v, want %s", got, want)
		}
		if why := <-s.refused; why != lengthAndCoding {
			t.Errorf("refused for %v", why)
		}
		for range 2 {
			if path := <-s.served; path != "/good" {
				t.Errorf("served %s", path)
			}
		}
		if len(s.served) > 0 {
			t.Errorf("served %s", <-s.served)
		}
	})
}

// TestRefusedFirst has each message that is refused come first on a connection, and byte by byte.
func TestRefusedFirst(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		for _, m := range messages {
			if m.refused == "" || m.sent == preface {
				continue
			}
			inBody := m.refused == "chunk" || strings.Contains(m.sent, "\r\n0\r\n") && strings.Contains(m.name, "trailer") || strings.HasSuffix(m.name, "the end")
			for _, sent := range [][]string{{m.sent}, strings.Split(m.sent, "")} {
				c := s.dial()
				go func() {
					for _, part := range sent {
						io.WriteString(c, part) //nolint:errcheck // the server may have closed
					}
				}()
				got := s.answers(bufio.NewReader(c))
				last := got[max(0, len(got)-2)]
				if want := "400 application/problem+json"; last != want && !(inBody && last == "400 ") {
					t.Errorf("%s: answered %q", m.name, got)
				}
				if why := <-s.refused; why.String() != m.refused && len(sent) == 1 {
					t.Errorf("%s: refused for %v", m.name, why)
				}
				for len(s.served) > 0 {
					if path := <-s.served; path == "/smuggled" {
						t.Errorf("%s: served", m.name)
					}
				}
				for len(s.failed) > 0 {
					<-s.failed
				}
				c.Close() //nolint:errcheck // nothing more is wanted of it
			}
		}
	})
}

// TestRefusedMeanwhile has an ambiguous request come while the one before it is served.
func TestRefusedMeanwhile(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		c := s.dial()
		if _, err := io.WriteString(c, "GET /held HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-s.served
		if _, err := io.WriteString(c, "GET /smuggled HTTP/1.1\nHost: a\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		close(s.hold)
		if got := fmt.Sprint(s.answers(bufio.NewReader(c))); got != "[200 text/plain; charset=utf-8 400 application/problem+json EOF]" && !strings.Contains(got, "400 application/problem+json unexpected EOF") {
			t.Errorf("answered %s", got)
		}
		if why := <-s.refused; why != bareLF {
			t.Errorf("refused for %v", why)
		}
	})
}

// TestRefusedBody has a body go wrong once the handler reads it.
func TestRefusedBody(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		c := s.dial()
		if _, err := io.WriteString(c, "POST /good HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"); err != nil {
			t.Fatal(err)
		}
		<-s.served
		if _, err := io.WriteString(c, "1;a=\"\r\nx\r\n0\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if got := s.answers(bufio.NewReader(c)); len(got) != 2 || got[0] != "400 " {
			t.Errorf("answered %v", got)
		}
		if err := <-s.failed; errors.Is(err, io.EOF) {
			t.Errorf("the body ended with %v", err)
		}
	})
}

const upgrade = "GET /echo HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

// TestUpgraded has what is no HTTP any longer pass, from the first byte on.
func TestUpgraded(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		for _, sent := range []string{"\nGET / HTTP/1.1\n\n", "\x81\x85\x00\x00\x00\x00hello", ambiguous} {
			for range 20 {
				c := s.dial()
				if _, err := io.WriteString(c, "GET /good HTTP/1.1\r\nHost: a\r\n\r\n"+upgrade); err != nil {
					t.Fatal(err)
				}
				r := bufio.NewReader(c)
				for _, want := range []int{200, 101} {
					res, err := http.ReadResponse(r, nil)
					if err != nil || res.StatusCode != want {
						t.Fatal(res, err)
					}
					if want == 200 {
						io.Copy(io.Discard, res.Body) //nolint:errcheck // the next answer tells
					}
				}
				for range 3 {
					if _, err := io.WriteString(c, sent); err != nil {
						t.Fatal(err)
					}
					got := make([]byte, len(sent))
					if _, err := io.ReadFull(r, got); err != nil || string(got) != sent {
						t.Fatalf("%q came back as %q, %v", sent, got, err)
					}
				}
				c.Close() //nolint:errcheck // nothing more is wanted of it
			}
		}
		if len(s.refused) > 0 {
			t.Errorf("refused for %v", <-s.refused)
		}
	})
}

// TestUpgradedEarly has what is no HTTP come before it was agreed on.
func TestUpgradedEarly(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		c := s.dial()
		if _, err := io.WriteString(c, upgrade+ambiguous); err != nil {
			t.Fatal(err)
		}
		all, err := io.ReadAll(c)
		if _, rest, _ := strings.Cut(string(all), "\r\n\r\n"); strings.Trim(rest, "\x00\n") != "" && !strings.HasPrefix(ambiguous, strings.TrimRight(rest, "\x00\n")) || strings.Contains(string(all), " 400 ") {
			t.Errorf("came back: %q, %v", all, err)
		}
		if why := <-s.refused; why != lengthAndCoding {
			t.Errorf("refused for %v", why)
		}
	})
}

// TestHTTP2 is let through, over TLS and without; so are files.
func TestHTTP2(t *testing.T) {
	both(t, func(t *testing.T, s *server) {
		for _, major := range []int{1, 2} {
			transport := &http.Transport{Protocols: &http.Protocols{}}
			defer transport.CloseIdleConnections()
			url := s.URL
			switch {
			case s.roots != nil:
				transport.TLSClientConfig = &tls.Config{RootCAs: s.roots, ServerName: "example.com"}
				transport.Protocols.SetHTTP1(major == 1)
				transport.Protocols.SetHTTP2(major == 2)
				url = strings.Replace(url, "http:", "https:", 1)
			default:
				transport.Protocols.SetHTTP1(major == 1)
				transport.Protocols.SetUnencryptedHTTP2(major == 2)
			}
			client := &http.Client{Transport: transport, Timeout: patience}
			for path, length := range map[string]int{"/good": 10, "/file": 1 << 20} {
				res, err := client.Post(url+path, "text/plain", io.MultiReader(strings.NewReader("abc"))) // of no known length
				if err != nil {
					t.Fatal(err)
				}
				body, err := io.ReadAll(res.Body)
				res.Body.Close() //nolint:errcheck // it is read
				if err != nil || res.StatusCode != http.StatusOK || res.ProtoMajor != major || len(body) != length {
					t.Errorf("%s: %s, %d bytes, %v", path, res.Proto, len(body), err)
				}
			}
		}
		if len(s.refused) > 0 {
			t.Errorf("refused for %v", <-s.refused)
		}
	})
}

// TestHandshakeFails has net/http tell what went wrong, as it does without a wrapper.
func TestHandshakeFails(t *testing.T) {
	s := serve(t, true)
	c, err := net.Dial("tcp", s.Server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close() //nolint:errcheck // nothing more is wanted of it
	if _, err := io.WriteString(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(c); err != nil || !strings.Contains(string(got), "Client sent an HTTP request to an HTTPS server") {
		t.Errorf("answered %q, %v", got, err)
	}
}

// TestClose has a listener that is closed give those whose handshake is under way, and end.
func TestClose(t *testing.T) {
	ended := leaktest.Note(t)
	issuer := httptest.NewUnstartedServer(nil)
	issuer.StartTLS()
	config := issuer.TLS.Clone()
	roots := x509.NewCertPool()
	roots.AddCert(issuer.Certificate())
	issuer.Close()
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	taken := make(chan struct{}, 1)
	l := Listen(tls.NewListener(noting{inner, taken}, config), func() time.Duration { return 0 }, nil)
	var serving sync.WaitGroup
	var got []net.Conn
	serving.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) {
					t.Error(err)
				}
				return
			}
			got = append(got, c)
		}
	})
	c, err := net.Dial("tcp", inner.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	<-taken
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if err := l.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("closing again: %v", err)
	}
	client := tls.Client(c, &tls.Config{RootCAs: roots, ServerName: "example.com"})
	if err := client.HandshakeContext(context.Background()); err != nil {
		t.Error(err)
	}
	serving.Wait()
	if len(got) != 1 {
		t.Fatalf("%d connections are given", len(got))
	}
	got[0].Close() //nolint:errcheck // nothing more is wanted of it
	c.Close()      //nolint:errcheck // nothing more is wanted of it

	idle, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	never := Listen(idle, func() time.Duration { return 0 }, nil)
	if err := never.Close(); err != nil {
		t.Error(err)
	}
	if _, err := never.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accepting then: %v", err)
	}
	ended()
}

// noting tells when a connection has been taken.
type noting struct {
	net.Listener
	taken chan struct{}
}

func (n noting) Accept() (net.Conn, error) {
	c, err := n.Listener.Accept()
	if err == nil {
		n.taken <- struct{}{}
	}
	return c, err
}
