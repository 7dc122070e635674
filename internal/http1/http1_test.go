package http1

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/textproto"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/wicketgate/wicketgate/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func newTransport(t *testing.T) *Transport {
	t.Helper()
	tr := &Transport{
		Dial: func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		},
		Timeout: 10 * time.Second, MaxHeader: 8 << 10, MaxIdle: 4, IdleFor: time.Minute,
	}
	t.Cleanup(tr.Close)
	return tr
}

func request(t testing.TB, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if body != "" {
		r.Body, r.ContentLength = NewBody([]byte(body)), int64(len(body))
	}
	return r
}

// scripted is a server that answers what a test says, byte for byte. Each connection has a script of its own: what is said
// to one request after the other; after the last the connection ends. The last script is that of all further connections.
type scripted struct {
	url   string
	conns atomic.Int32
	seen  chan string // requests, as net/http reads them
}

func serve(t *testing.T, scripts ...[]string) *scripted {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &scripted{url: "http://" + l.Addr().String(), seen: make(chan string, 100)}
	var all sync.WaitGroup
	over, end := context.WithCancel(context.Background())
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			context.AfterFunc(over, func() { c.Close() })
			n := int(s.conns.Add(1))
			all.Go(func() {
				defer c.Close()
				from := bufio.NewReader(c)
				for _, says := range scripts[min(n, len(scripts))-1] {
					r, err := http.ReadRequest(from)
					if err != nil {
						return
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						return
					}
					s.seen <- fmt.Sprintf("%s %s %s", r.Method, r.RequestURI, body)
					if _, err := io.WriteString(c, says); err != nil {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		l.Close()
		end()
		all.Wait()
	})
	return s
}

func get(t *testing.T, tr *Transport, r *http.Request) (status int, body string, err error) {
	t.Helper()
	res, err := tr.RoundTrip(r, nil)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// What a server says, and what becomes of it.
func TestAnswers(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\nX-Long: " + strings.Repeat("x", 16<<10) + "\r\n\r\n"
	for _, test := range []struct {
		name, says string
		status     int
		body       string
		fails      bool
		conns      int32 // after another request
	}{
		{"with a length", ok, 200, "ok", false, 1},
		{"in chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, "ok", false, 1},
		{"without a body", "HTTP/1.1 204 No Content\r\n\r\n", 204, "", false, 1},
		{"until the connection ends", "HTTP/1.1 200 OK\r\n\r\nok", 200, "ok", false, 2},
		{"that closes", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false, 2},
		{"of HTTP/1.0", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, "ok", false, 2},
		{"after informational ones", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok, 200, "ok", false, 1},
		{"with more than it says", ok + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", 200, "ok", false, 2},
		{"with less than it says", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok", 200, "ok", true, 2},
		{"after too many informational ones", strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 6) + ok, 0, "", true, 2},
		{"with a header that is too long", long, 0, "", true, 2},
		{"that is none", "SSH-2.0-OpenSSH\r\n", 0, "", true, 2},
		{"that is nothing", "", 0, "", true, 2},
		{"with two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok", 0, "", true, 2},
		{"in another protocol", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 101, "", false, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			tr := newTransport(t)
			script := []string{test.says, ok}
			if strings.HasSuffix(test.name, "ends") || test.fails {
				script = script[:1]
			}
			s := serve(t, script, []string{ok})
			status, body, err := get(t, tr, request(t, "GET", s.url+"/x?y=1", ""))
			if status != test.status || body != test.body || (err != nil) != test.fails {
				t.Errorf("got %d %q, %v", status, body, err)
			}
			if status, body, err := get(t, tr, request(t, "GET", s.url, "")); status != 200 || body != "ok" || err != nil {
				t.Errorf("then: got %d %q, %v", status, body, err)
			}
			if n := s.conns.Load(); n != test.conns {
				t.Errorf("%d connections, want %d", n, test.conns)
			}
			if got := <-s.seen; got != "GET /x?y=1 " {
				t.Errorf("the server saw %q", got)
			}
		})
	}
}

// A server may close a kept connection at any time. A request is sent again where nothing can have come of it.
func TestKeptConnectionEnds(t *testing.T) {
	for _, test := range []struct {
		method, body string
		again        bool
	}{{"GET", "", true}, {"POST", "x", false}} {
		t.Run(test.method, func(t *testing.T) {
			tr := newTransport(t)
			s := serve(t, []string{ok, ""}, []string{ok})
			if _, _, err := get(t, tr, request(t, "GET", s.url, "")); err != nil {
				t.Fatal(err)
			}
			status, _, err := get(t, tr, request(t, test.method, s.url, test.body)) // it is read, and the connection ends
			if (err == nil && status == 200) != test.again {
				t.Errorf("got %d, %v", status, err)
			}
		})
	}
	t.Run("all of them do", func(t *testing.T) {
		tr := newTransport(t)
		s := serve(t, []string{ok, ""}, []string{ok, ""}, []string{ok, ""}, []string{ok})
		var open []*http.Response
		for range 3 {
			res, err := tr.RoundTrip(request(t, "GET", s.url, ""), nil)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, res)
		}
		for _, res := range open {
			io.Copy(io.Discard, res.Body)
		}
		for range 3 {
			<-s.seen
		}
		if status, _, err := get(t, tr, request(t, "GET", s.url, "")); status != 200 || len(s.seen) != 2 {
			t.Errorf("got %d, %v; asked %d times", status, err, len(s.seen))
		}
	})
	t.Run("and that is seen", func(t *testing.T) {
		tr := newTransport(t)
		s := serve(t, []string{ok}, []string{ok, ok})
		for range 2 {
			if _, _, err := get(t, tr, request(t, "GET", s.url, "")); err != nil {
				t.Fatal(err)
			}
		}
		tr.mu.Lock()
		kept := tr.idle[strings.TrimPrefix(s.url, "http://")]
		tr.mu.Unlock()
		for len(kept) > 0 && kept[0].fresh() && s.conns.Load() < 2 {
			time.Sleep(time.Millisecond) // the end of a connection is on its way
		}
		if status, _, err := get(t, tr, request(t, "POST", s.url, "x")); status != 200 {
			t.Errorf("got %d, %v", status, err)
		}
	})
}

// What a request says arrives, and nothing besides.
func TestRequests(t *testing.T) {
	seen := make(chan *http.Request, 1)
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(b))
		seen <- r
	}))
	defer server.Close()
	tr := newTransport(t)
	r := request(t, "POST", server.URL+"/a%2Fb?q=1&q=2", `{"a":1}`)
	r.Host = "api.example"
	r.Header = http.Header{"User-Agent": {""}, "X-A": {"1", "2"}, "Content-Length": {"9"}, "Transfer-Encoding": {"chunked"}, "Connection": {"close"}, "Host": {"evil"}}
	if _, _, err := get(t, tr, r); err != nil {
		t.Fatal(err)
	}
	got := <-seen
	body, _ := io.ReadAll(got.Body)
	if got.Method != "POST" || got.RequestURI != "/a%2Fb?q=1&q=2" || got.Host != "api.example" || string(body) != `{"a":1}` || got.ContentLength != 7 ||
		len(got.TransferEncoding) > 0 || len(got.Header) != 2 || strings.Join(got.Header["X-A"], ",") != "1,2" || got.Header.Get("Content-Length") != "7" {
		t.Errorf("got %s %s of %s, %q, %v", got.Method, got.RequestURI, got.Host, body, got.Header)
	}
	for name, broken := range map[string]func(r *http.Request){
		"a field's name":  func(r *http.Request) { r.Header["X A"] = []string{"1"} },
		"a field's value": func(r *http.Request) { r.Header["X-A"] = []string{"1\r\nX-B: 2"} },
		"a host":          func(r *http.Request) { r.Host = "a b" },
		"a method":        func(r *http.Request) { r.Method = "GET /x" },
		"a target":        func(r *http.Request) { r.URL.Opaque = "/a b" },
		"no address":      func(r *http.Request) { r.URL.Host = "" },
	} {
		r := request(t, "GET", server.URL, "")
		broken(r)
		if _, _, err := get(t, tr, r); err == nil {
			t.Errorf("%s that cannot be written is", name)
		}
	}
}

// What is not for this client.
func TestTakes(t *testing.T) {
	for name, not := range map[string]func(r *http.Request){
		"TLS":                func(r *http.Request) { r.URL.Scheme = "https" },
		"another protocol":   func(r *http.Request) { r.Header["Upgrade"] = []string{"websocket"} },
		"a tunnel":           func(r *http.Request) { r.Method = "CONNECT" },
		"a wait":             func(r *http.Request) { r.Header["Expect"] = []string{"100-continue"} },
		"a trailer":          func(r *http.Request) { r.Trailer = http.Header{"X": nil} },
		"a body that comes":  func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("x")) },
		"a body that is big": func(r *http.Request) { r.Body = NewBody(make([]byte, MaxBody+1)) },
	} {
		r := request(t, "GET", "http://a.example", "")
		if !Takes(r) {
			t.Fatal("it takes nothing")
		}
		if not(r); Takes(r) {
			t.Errorf("it takes %s", name)
		}
	}
}

func TestTimeout(t *testing.T) {
	hold := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-hold }))
	defer server.Close()
	defer close(hold)
	tr := newTransport(t)
	tr.Timeout = time.Millisecond
	_, _, err := get(t, tr, request(t, "GET", server.URL, ""))
	var late net.Error
	if !errors.As(err, &late) || !late.Timeout() || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

// A line that does not come to its end in time is no broken answer.
func TestDrips(t *testing.T) {
	tr := newTransport(t)
	tr.Timeout = 50 * time.Millisecond
	s := serve(t, []string{"HTTP/1.1 20", ""})
	_, _, err := get(t, tr, request(t, "GET", s.url, ""))
	var late net.Error
	if !errors.As(err, &late) || !late.Timeout() {
		t.Errorf("got %v", err)
	}
}

// A caller who leaves ends what is waited for, before the header and in the body.
func TestCanceled(t *testing.T) {
	for _, begins := range []bool{false, true} {
		asked := make(chan struct{}, 1)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if begins {
				w.Write([]byte("x"))
				http.NewResponseController(w).Flush()
			}
			asked <- struct{}{}
			<-r.Context().Done()
		}))
		tr := newTransport(t)
		why := errors.New("why")
		ctx, cancel := context.WithCancelCause(t.Context())
		go func() {
			<-asked
			cancel(why)
		}()
		_, _, err := get(t, tr, request(t, "GET", server.URL, "").WithContext(ctx))
		if !errors.Is(err, why) {
			t.Errorf("begun %t: got %v", begins, err)
		}
		server.Close()
	}
}

// A body that is closed before its end takes the connection with it.
func TestClosedEarly(t *testing.T) {
	tr := newTransport(t)
	s := serve(t, []string{ok, ok})
	res, err := tr.RoundTrip(request(t, "GET", s.url, ""), nil)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if _, err := res.Body.Read(make([]byte, 1)); !errors.Is(err, http.ErrBodyReadAfterClose) {
		t.Errorf("got %v", err)
	}
	if _, _, err := get(t, tr, request(t, "GET", s.url, "")); err != nil || s.conns.Load() != 2 {
		t.Errorf("%d connections, %v", s.conns.Load(), err)
	}
}

func TestInformed(t *testing.T) {
	tr := newTransport(t)
	s := serve(t, []string{"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + ok})
	var told []string
	res, err := tr.RoundTrip(request(t, "GET", s.url, ""), func(status int, h textproto.MIMEHeader) { told = append(told, fmt.Sprint(status, h)) })
	if err != nil || fmt.Sprint(told) != "[103 map[Link:[</x>]]]" {
		t.Errorf("got %v, %v", told, err)
	}
	if err == nil {
		res.Body.Close()
	}
}

// Many at once: each gets its own answer, and no more connections are kept than may be.
func TestAtOnce(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }))
	defer server.Close()
	tr := newTransport(t)
	var all sync.WaitGroup
	for i := range 16 {
		all.Go(func() {
			for j := range 50 {
				path := fmt.Sprintf("/%d/%d", i, j)
				if _, body, err := get(t, tr, request(t, "GET", server.URL+path, "")); body != path {
					t.Errorf("%s: got %q, %v", path, body, err)
				}
			}
		})
	}
	all.Wait()
	if n := len(tr.idle[strings.TrimPrefix(server.URL, "http://")]); n == 0 || n > tr.MaxIdle {
		t.Errorf("%d idle connections", n)
	}
	tr.IdleFor = 0
	tr.clean()
	if n := len(tr.idle[strings.TrimPrefix(server.URL, "http://")]); n != 0 {
		t.Errorf("%d connections are kept for too long", n)
	}
}

// Whatever is written is read as what it was.
func FuzzRender(f *testing.F) {
	f.Add("GET", "/a?b=c", "api.example", "X-A", "1", "")
	f.Add("POST", "/", "api.example:80", "Content-Length", "7", "{}")
	f.Add("PUT", "//x", "[::1]", "Transfer-Encoding", "chunked", "0\r\n\r\nGET / HTTP/1.1\r\n\r\n")
	f.Fuzz(func(t *testing.T, method, target, host, name, value, body string) {
		r := request(t, "GET", "http://a.example", "")
		r.Method, r.URL.Path, r.Host = method, target, host
		r.Header = http.Header{name: {value}}
		if body != "" {
			r.Body = NewBody([]byte(body))
		}
		b, err := render(r)
		if err != nil {
			return
		}
		from := bufio.NewReader(bytes.NewReader(*b))
		got, err := http.ReadRequest(from)
		if err != nil {
			return // it is refused as a whole, as net/http's servers do
		}
		read, err := io.ReadAll(got.Body)
		if err != nil || string(read) != body {
			t.Fatalf("the body is read as %q, %v, of %q", read, err, *b)
		}
		if rest, _ := io.ReadAll(from); len(rest) > 0 {
			t.Fatalf("%q is left of %q", rest, *b)
		}
		if got.Method != method {
			t.Fatalf("the method is read as %q of %q", got.Method, *b)
		}
	})
}

func BenchmarkRoundTrip(b *testing.B) {
	answer := bytes.Repeat([]byte("x"), 1024)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.Write(answer) }))
	defer server.Close()
	ours := &Transport{Dial: func(ctx context.Context, address string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "tcp", address)
	}, Timeout: 10 * time.Second, MaxHeader: 64 << 10, MaxIdle: 4, IdleFor: time.Minute}
	defer ours.Close()
	theirs := &http.Transport{ResponseHeaderTimeout: 10 * time.Second, DisableCompression: true}
	defer theirs.CloseIdleConnections()
	for name, send := range map[string]func(*http.Request) (*http.Response, error){
		"http1":    func(r *http.Request) (*http.Response, error) { return ours.RoundTrip(r, nil) },
		"net/http": theirs.RoundTrip,
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			r := request(b, "GET", server.URL, "")
			for b.Loop() {
				res, err := send(r)
				if err != nil {
					b.Fatal(err)
				}
				io.Copy(io.Discard, res.Body)
				res.Body.Close()
			}
		})
	}
}
