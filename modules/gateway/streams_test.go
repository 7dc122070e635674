package gateway_test

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// streams is an API whose stages need no body.
const streams = `
upstream "service" { servers = [var.orders] }
api "streams" {
  base_path = "/streams"
  upstream  = upstream.service
  identify  = [anonymous]
  authorize = public
  route "GET /events" {}
  route "GET /download" {}
  route "GET /echo" {}
  route "POST /upload" {}
}
`

func withStreams(s *server) { s.write("examples/shop/streams.hcl", streams) }

// TestEvents has the upstream send an event and wait: the caller must have it before the next is sent.
func TestEvents(t *testing.T) {
	s := start(t, withStreams)
	next := make(chan struct{})
	s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			<-next
		}
	})
	for _, http2 := range []bool{false, true} {
		res, err := s.client(http2).Get(fmt.Sprintf("https://localhost:%d/streams/events", s.port))
		if err != nil {
			t.Fatal(err)
		}
		lines := bufio.NewScanner(res.Body)
		for i := range 3 {
			if !lines.Scan() || lines.Text() != fmt.Sprintf("data: %d", i) {
				t.Fatalf("HTTP/2 %t: event %d: got %q, %v", http2, i, lines.Text(), lines.Err())
			}
			lines.Scan()
			next <- struct{}{}
		}
		res.Body.Close()
	}
}

// TestUpload sends a body in two parts: the upstream must have the first before the second is sent.
func TestUpload(t *testing.T) {
	s := start(t, withStreams)
	first := make(chan string)
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		b := make([]byte, 5)
		if _, err := io.ReadFull(r.Body, b); err != nil {
			t.Error(err)
		}
		first <- string(b)
		rest, _ := io.ReadAll(r.Body)
		w.Write(rest)
	})
	for _, http2 := range []bool{false, true} {
		body, write := io.Pipe()
		go func() {
			io.WriteString(write, "first")
			if got := <-first; got != "first" {
				t.Errorf("got %q", got)
			}
			io.WriteString(write, "second")
			write.Close()
		}()
		res, err := s.client(http2).Post(fmt.Sprintf("https://localhost:%d/streams/upload", s.port), "application/octet-stream", body)
		if err != nil {
			t.Fatal(err)
		}
		got, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if res.StatusCode != 200 || string(got) != "second" {
			t.Errorf("HTTP/2 %t: got %d %q", http2, res.StatusCode, got)
		}
	}
}

// TestDownload takes more than any buffer of the gateway holds.
func TestDownload(t *testing.T) {
	s := start(t, withStreams)
	const size = 64 << 20
	s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) {
		chunk := make([]byte, 1<<20)
		for range size >> 20 {
			w.Write(chunk)
		}
	})
	res, err := s.client(true).Get(fmt.Sprintf("https://localhost:%d/streams/download", s.port))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if n, err := io.Copy(io.Discard, res.Body); n != size || err != nil {
		t.Errorf("got %d bytes, %v", n, err)
	}
}

// TestWebSocket upgrades a connection and talks both ways; a swap of the configuration must not end it.
func TestWebSocket(t *testing.T) {
	s := start(t, withStreams)
	s.upstream.answers(func(w http.ResponseWriter, _ *http.Request) {
		c, rw, err := w.(http.Hijacker).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer c.Close()
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n")
		io.Copy(c, rw)
	})
	c, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: s.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(20 * time.Second))
	io.WriteString(c, "GET /streams/echo HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("got %v, %v", res, err)
	}
	for i := range 3 {
		said := fmt.Sprintf("hello %d\n", i)
		io.WriteString(c, said)
		if got, err := r.ReadString('\n'); got != said {
			t.Fatalf("got %q, %v", got, err)
		}
		before := s.status().Generation
		s.write("examples/shop/streams.hcl", streams+strings.Repeat("\n", i+1))
		s.within(10*time.Second, "the change is swapped in", func() bool { return s.status().Generation > before })
	}
}
