package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestUpstreamSwapped changes, removes and brings back an upstream's settings while requests to it are under way: each
// ends as it began, on the connection it began on.
func TestUpstreamSwapped(t *testing.T) {
	s := start(t, withStreams)
	began, end := make(chan struct{}), make(chan struct{})
	s.upstream.answers(func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first")
		w.(http.Flusher).Flush()
		began <- struct{}{}
		<-end
		io.WriteString(w, " last")
	})
	const requests = 4
	got := make(chan string, requests)
	for i := range requests {
		c := s.client(i%2 == 0)
		go func() {
			res, err := c.Get(fmt.Sprintf("https://localhost:%d/streams/download", s.port))
			if err != nil {
				got <- err.Error()
				return
			}
			defer res.Body.Close()
			b, err := io.ReadAll(res.Body)
			got <- fmt.Sprint(res.StatusCode, " ", string(b), " ", err)
		}()
		<-began
		before := s.status().Generation
		switch i {
		case 0: // other settings
			s.write("examples/shop/streams.hcl", strings.Replace(streams, "servers = [var.orders]", "\nservers = [var.orders]\ntimeout = \"7s\"\n", 1))
		case 1: // gone, with its API
			s.write("examples/shop/streams.hcl", "")
		case 2:
			s.write("examples/shop/streams.hcl", streams)
		}
		if i < 3 {
			s.within(10*time.Second, "the change is swapped in", func() bool { return s.status().Generation > before })
		}
		if i == 1 {
			if a := s.do(s.client(true), "GET", "/streams/download", ""); a.status != 404 {
				t.Errorf("an API that is gone answers %d %s", a.status, a.body)
			}
			before := s.status().Generation
			s.write("examples/shop/streams.hcl", streams+"\n")
			s.within(10*time.Second, "the change is swapped in", func() bool { return s.status().Generation > before })
		}
	}
	close(end)
	for range requests {
		if g := <-got; g != "200 first last <nil>" {
			t.Errorf("got %s", g)
		}
	}
}

// TestGone has callers and services go away midway, on ways that stream and ways that read, and leaves nothing behind.
func TestGone(t *testing.T) {
	s := start(t, withStreams, func(s *server) {
		s.replace("examples/shop/shop.hcl", `health { path = "/healthz" }`, ``)
	})
	cut := func(announced string) http.HandlerFunc { // by the service
		return func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				t.Error(err)
				return
			}
			io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"+announced+"\r\n\r\n")
			c.Close()
		}
	}
	waits := func(w http.ResponseWriter, r *http.Request) { // for the caller to go
		io.Copy(io.Discard, r.Body)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	var clients []*http.Client
	rounds := func(n int) {
		for i := range n {
			for _, http2 := range []bool{false, true} {
				c := s.client(http2)
				clients = append(clients, c)
				for _, path := range []string{"/streams/download", "/api/v1/orders/acme-1001"} {
					for _, announced := range []string{"Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n5\r\n{\"id\""} {
						s.upstream.answers(cut(announced))
						res, err := request(context.Background(), c, "GET", s.port, path, "")
						if err == nil && res.StatusCode == 200 {
							if _, err := io.ReadAll(res.Body); err == nil {
								t.Errorf("%s: half an answer looks whole", path)
							}
						}
						if err == nil {
							res.Body.Close()
						}
					}
					s.upstream.answers(waits)
					ctx, cancel := context.WithCancel(context.Background())
					time.AfterFunc(time.Duration(i%3+1)*5*time.Millisecond, cancel)
					if res, err := request(ctx, c, "GET", s.port, path, ""); err == nil {
						io.Copy(io.Discard, res.Body)
						res.Body.Close()
					}
					cancel()
				}
				// A body that is announced and does not come.
				ctx, cancel := context.WithCancel(context.Background())
				r, w := io.Pipe()
				go io.WriteString(w, `{"customer":`)
				time.AfterFunc(10*time.Millisecond, func() { // its client waits for the pipe, too
					cancel()
					r.Close()
				})
				req, _ := http.NewRequestWithContext(ctx, "POST", fmt.Sprintf("https://localhost:%d/api/v2/orders", s.port), r)
				req.Header.Set("X-API-Key", acme)
				req.Header.Set("Content-Type", "application/json")
				if res, err := c.Do(req); err == nil {
					res.Body.Close()
				}
			}
		}
	}
	settled := func(goroutines, files int) func() bool {
		return func() bool {
			for _, c := range clients {
				c.CloseIdleConnections()
			}
			s.upstream.CloseClientConnections()
			return runtime.NumGoroutine() <= goroutines && openFiles(t) <= files
		}
	}
	goroutines, files := runtime.NumGoroutine(), openFiles(t)
	counted := func() int {
		n, _ := strconv.Atoi(s.metric(`caddy_api_gateway_requests_total{api="streams",forwarded="true",version=""}`))
		return n
	}
	before := counted() // there is one set of metrics in the process
	rounds(10)
	// By 2 kinds of client, 2 answers that broke off; callers who left may have done so before they asked.
	s.within(10*time.Second, "the answers that broke off are counted", func() bool { return counted() >= before+10*2*2 })
	s.within(10*time.Second, "all goroutines have ended and all files are closed", settled(goroutines+2, files+2))
}

func request(ctx context.Context, c *http.Client, method string, port int, path, body string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, fmt.Sprintf("https://localhost:%d%s", port, path), strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-API-Key", acme)
	return c.Do(req)
}

// TestUpgrade asks for another protocol where answers are changed or bodies read: it is an ordinary request there.
func TestUpgrade(t *testing.T) {
	s := start(t)
	c, err := tls.Dial("tcp", s.address(), &tls.Config{RootCAs: s.roots, ServerName: "localhost", NextProtos: []string{"http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, "GET /api/v1/orders/acme-1001 HTTP/1.1\r\nHost: localhost\r\nX-API-Key: "+acme+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"+
		"GET /admin HTTP/1.1\r\nHost: localhost\r\n\r\n")
	r := bufio.NewReader(c)
	res, err := http.ReadResponse(r, nil)
	if err != nil || res.StatusCode != 200 {
		t.Fatalf("got %v, %v", res, err)
	}
	body, _ := io.ReadAll(res.Body)
	if shapeOf(string(body)) != "v1" {
		t.Errorf("got %s", body)
	}
	if saw, _ := s.upstream.saw(); saw.Header.Get("Upgrade") != "" || saw.Header.Get("Connection") != "" {
		t.Errorf("the upstream was told %v", saw.Header)
	}
	if res, err := http.ReadResponse(r, nil); err != nil || res.StatusCode != 404 {
		t.Errorf("the second request got %v, %v", res, err)
	}
	if n := s.upstream.count.Load(); n != 1 {
		t.Errorf("%d requests reached the upstream", n)
	}
}
