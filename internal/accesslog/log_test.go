package accesslog

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/uuid"

	"github.com/wicketgate/wicketgate/internal/conceal"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// text is a line that was made before.
type text string

func (t text) Append(to []byte) []byte { return append(to, t...) }
func (t text) Weight() int             { return len(t) }

// sink is a writer that remembers what it was given, and when.
type sink struct {
	mu     sync.Mutex
	writes []string
	hold   chan struct{} // nil: writes at once
	fails  func(b []byte) (int, error)
	closed bool
}

func (s *sink) Write(b []byte) (int, error) {
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.fails != nil {
		if n, err := s.fails(b); err != nil {
			return n, err
		}
	}
	s.writes = append(s.writes, string(b))
	return len(b), nil
}

func (s *sink) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}

// all are the writes so far.
func (s *sink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.writes)
}

// meter counts, and keeps the last reason.
type meter struct {
	mu sync.Mutex
	counts
}

type counts struct {
	written, lost int
	why           error
}

func (m *meter) Written(n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written += n
}

// now is what was counted so far.
func (m *meter) now() counts {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.counts
}

func (m *meter) Lost(n int, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lost += n
	m.why = why
}

// TestLogBatches has lines wait for company, 100 ms at most or until they are many, and all of them written at the end.
func TestLogBatches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &sink{}, &meter{}
		l := NewLog(s, false, m)
		l.Write(text("a\n"))
		time.Sleep(maxDelay / 2)
		l.Write(text("b\n"))
		synctest.Wait()
		if len(s.all()) != 0 {
			t.Fatalf("written are %q", s.all())
		}
		time.Sleep(maxDelay/2 + 1)
		synctest.Wait()
		if len(s.all()) != 1 || s.all()[0] != "a\nb\n" {
			t.Fatalf("written are %q", s.all())
		}
		line := strings.Repeat("x", 1023) + "\n"
		for range maxReady/1024 - 1 {
			l.Write(text(line))
		}
		synctest.Wait()
		if len(s.all()) != 1 {
			t.Fatalf("of fewer, %d writes are done", len(s.all()))
		}
		l.Write(text(line))
		synctest.Wait()
		if len(s.all()) != 1+maxReady/1024/maxTogether || len(s.all()[1]) != maxTogether*1024 {
			t.Fatalf("of many, %d writes are done", len(s.all()))
		}
		time.Sleep(3 * maxDelay) // for want of others it goes to sleep
		l.Write(text("b\n"))
		time.Sleep(maxDelay + 1)
		synctest.Wait()
		if last := len(s.all()) - 1; s.all()[last] != "b\n" {
			t.Fatalf("written last is %q", s.all()[last])
		}
		for range 3 * maxBatch / 1024 {
			l.Write(text(line))
		}
		l.Write(text("last\n"))
		if err := l.Close(); err != nil || !s.closed {
			t.Fatal(err)
		}
		for _, w := range s.all() {
			if len(w) > maxBatch || !strings.HasSuffix(w, "\n") {
				t.Errorf("a write has %d bytes", len(w))
			}
		}
		if !strings.HasSuffix(s.all()[len(s.all())-1], "last\n") || m.now().written != 4+(maxReady+3*maxBatch)/1024 || m.now().lost != 0 {
			t.Errorf("written %d, lost %d", m.now().written, m.now().lost)
		}
		l.Write(text("late\n"))
		if err := l.Close(); err != nil || m.now().lost != 1 || !errors.Is(m.now().why, errClosed) {
			t.Errorf("lost %d, %v, %v", m.now().lost, m.now().why, err)
		}
	})
}

// TestLogSingles writes one line at a time where the writer takes no more, and a line that is longer than a batch as one.
func TestLogSingles(t *testing.T) {
	for _, single := range []bool{true, false} {
		s, m := &sink{}, &meter{}
		l := NewLog(s, single, m)
		long := strings.Repeat("x", 2*maxBatch) + "\n"
		for _, line := range []string{"a\n", long, "b\n", "c\n"} {
			l.Write(text(line))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.all(), ""); got != "a\n"+long+"b\nc\n" || m.now().written != 4 || single && len(s.all()) != 4 {
			t.Errorf("single %v: %d lines in %d writes of %d bytes", single, m.now().written, len(s.all()), len(got))
		}
	}
}

// TestLogSlow has a writer hang: what waits is bounded, a request waits for room no longer than said, and goes on sooner where
// there is some.
func TestLogSlow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &sink{hold: make(chan struct{})}, &meter{}
		l := NewLog(s, false, m)
		line := text(strings.Repeat("x", maxBatch-1) + "\n")
		l.Write(line)
		time.Sleep(maxDelay + 1)
		synctest.Wait() // it is being written
		for range maxWaiting / maxBatch {
			l.Write(line)
		}
		began := time.Now()
		l.Write(line)
		if took := time.Since(began); m.now().lost != 1 || !errors.Is(m.now().why, errFull) || took != maxRoomWait {
			t.Errorf("lost %d, %v, after %v", m.now().lost, m.now().why, took)
		}
		go func() {
			time.Sleep(maxRoomWait / 2)
			close(s.hold)
		}()
		began = time.Now()
		l.Write(line)
		if took := time.Since(began); m.now().lost != 1 || took != maxRoomWait/2 {
			t.Errorf("lost %d after %v", m.now().lost, took)
		}
		if err := l.Close(); err != nil || m.now().written != 2+maxWaiting/maxBatch {
			t.Errorf("written %d, %v", m.now().written, err)
		}
	})
}

// held is a line that is made when somebody lets it.
type held chan struct{}

func (h held) Append(to []byte) []byte {
	<-h
	return append(to, "held\n"...)
}

func (held) Weight() int { return maxBatch }

// TestLogEndsBehindRequests ends a log while a request makes lines: they are written, too.
func TestLogEndsBehindRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, m := &sink{}, &meter{}
		l := NewLog(s, false, m)
		l.Write(text("a\n"))
		h := make(held)
		go l.Write(h)
		synctest.Wait()
		l.Write(text("b\n"))
		go func() {
			time.Sleep(maxDelay * 2)
			close(h)
		}()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(s.all(), ""); m.now().written != 3 || !strings.Contains(got, "a\nheld\n") || !strings.Contains(got, "b\n") {
			t.Errorf("written %d: %q", m.now().written, got)
		}
	})
}

// TestLogStuck ends a log whose writer never does.
func TestLogStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{hold: make(chan struct{})}
		l := NewLog(s, false, &meter{})
		l.Write(text("a\n"))
		if err := l.Close(); !errors.Is(err, errStuck) {
			t.Errorf("got %v", err)
		}
		close(s.hold)
		synctest.Wait()
	})
}

// TestLogFails counts the lines of what was not written, and those of a part that was.
func TestLogFails(t *testing.T) {
	full := errors.New("the disk is full")
	s, m := &sink{}, &meter{}
	s.fails = func(b []byte) (int, error) { return bytes.IndexByte(b, '\n') + 3, full }
	l := NewLog(s, false, m)
	for _, line := range []text{"one\n", "two\n", "three\n"} {
		l.Write(line)
	}
	if err := l.Close(); err != nil || m.now().written != 1 || m.now().lost != 2 || !errors.Is(m.now().why, full) {
		t.Errorf("written %d, lost %d: %v, %v", m.now().written, m.now().lost, m.now().why, err)
	}
	s, m = &sink{}, &meter{}
	s.fails = func([]byte) (int, error) { return 0, io.ErrClosedPipe }
	l = NewLog(s, true, m)
	l.Write(text("one\n"))
	l.Write(text("two\n"))
	if err := l.Close(); err != nil || m.now().written != 0 || m.now().lost != 2 {
		t.Errorf("written %d, lost %d: %v, %v", m.now().written, m.now().lost, m.now().why, err)
	}
}

// TestLogOfMany has many write at once, and the log end meanwhile: each line is written whole or counted as lost.
func TestLogOfMany(t *testing.T) {
	s, m := &sink{}, &meter{}
	l := NewLog(s, false, m)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for n := range 500 {
				l.Write(text(fmt.Sprintf("%d of %d\n", n, i)))
				if i == 7 && n == 400 {
					l.Close() //nolint:errcheck // it is asked for once more
				}
			}
		})
	}
	all.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if got := strings.Count(strings.Join(s.all(), ""), "\n"); got != m.now().written || m.now().written+m.now().lost != 8*500 {
		t.Errorf("%d lines are there, %d written, %d lost", got, m.now().written, m.now().lost)
	}
}

func shown() *Line {
	x := Of(&exchange.Exchange{ID: "0198c0de-0000-7000-8000-000000000002", API: "orders", Version: "v1", Route: "GET /orders", Sent: true, Said: 200, Tries: 1, Consumer: &exchange.Consumer{ID: "acme"}})
	return &Line{
		Level: "info", Logger: "http.log.access", Message: "handled request", Time: time.Unix(1764422400, 5e8),
		Request: Request{Address: "192.0.2.1:4711", ClientIP: "192.0.2.1", Proto: "HTTP/1.1", Method: "GET", Host: "api.example", URI: "/orders?key=secret&page=2",
			TLS: &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: 4865, ServerName: "api.example"}, Selected: []Values{{NewName("Accept"), nil}, {NewName("User-Agent"), []string{"curl\"\n"}}, {NewName("Authorization"), []string{"Bearer x"}}, {NewName("X-Api-Key"), []string{"x"}}}},
		User: "acme", Took: 1500 * time.Microsecond, Size: 7, Status: 200, Trace: "4bf9", Span: "00f0", Matchers: []string{"a"}, Facts: x,
	}
}

// TestLine is what one looks like that has what was selected.
func TestLine(t *testing.T) {
	places := (*conceal.Places)(nil).And([]string{"X-Api-Key"}, []string{"key"})
	const want = `{"level":"info","ts":1764422400.5,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"192.0.2.1","remote_port":"4711","client_ip":"192.0.2.1","proto":"HTTP/1.1","method":"GET","host":"api.example","uri":"/orders?key=REDACTED&page=2","headers":{"User-Agent":["curl\"\n"],"Authorization":["REDACTED"],"X-Api-Key":["REDACTED"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"","server_name":"api.example","ech":false}},"bytes_read":0,"user_id":"acme","duration":0.0015,"size":7,"status":200,"traceID":"4bf9","spanID":"00f0","api_policy_matchers":["a"],"api_gateway":{"request_id":"0198c0de-0000-7000-8000-000000000002","api":"orders","version":"v1","route":"GET /orders","consumer":"acme","upstream_status":200,"upstream_tries":1}}` + "\n"
	if got := string(shown().Append(nil, places)); got != want {
		t.Errorf("got  %swant %s", got, want)
	}
}

// TestSeconds writes times with all their digits and none that says nothing.
func TestSeconds(t *testing.T) {
	for nanos, want := range map[int64]string{
		0: "0", 1: "0.000000001", 10: "0.00000001", 1e9: "1", 15e8: "1.5", 1764422400123456789: "1764422400.123456789", 999999999: "0.999999999", 1e9 + 1e5: "1.0001", -1e9: "-1",
	} {
		b := line{exact: true}
		if got := string(b.seconds(nil, "", nanos)); got != want {
			t.Errorf("%d is written %s, want %s", nanos, got, want)
		}
	}
}

// TestIdentified writes ids as the library does.
func TestIdentified(t *testing.T) {
	for range 100 {
		id := uuid.New()
		if got, want := string(identified(nil, `"`, id)), `"`+id.String()+`"`; got != want {
			t.Errorf("written is %s, want %s", got, want)
		}
	}
}

// FuzzLine writes whatever a caller sends: it is one line of JSON, and what is no UTF-8 alone is changed. A text in which no credential
// is looked for has none.
func FuzzLine(f *testing.F) {
	f.Add("/orders", "curl")
	f.Add("/orders?key=x", "wg_5BhEtQB3LP1l_Wnh6Mvw6wIbZHbGsKo5LBFAQgREDoTRJ04cPU9STemz1tpAc1")
	places := (*conceal.Places)(nil).And(nil, []string{"key"})
	f.Add("\xff\n\"\\", "\x00\u2028")
	f.Fuzz(func(t *testing.T, uri, agent string) {
		b := line{places: places}
		for _, value := range []string{uri, agent} {
			if got, want := b.text(nil, `"`, value), escaped([]byte(`"`), places.Text(value)); string(got) != string(want)+`"` {
				t.Errorf("%q is written %s, want %s", value, got, want)
			}
		}
		l := shown()
		l.URI, l.Selected = uri, []Values{{NewName("User-Agent"), []string{agent}}}
		line := l.Append(nil, nil)
		var got struct {
			Request struct {
				URI     string
				Headers http.Header
			}
		}
		if err := json.Unmarshal(line, &got); err != nil || bytes.Count(line, []byte("\n")) != 1 {
			t.Fatalf("%v: %s", err, line)
		}
		if !strings.Contains(uri, "wg_") && got.Request.URI != strings.ToValidUTF8(uri, "\ufffd") && strings.ToValidUTF8(uri, "") == uri {
			t.Errorf("%q became %q", uri, got.Request.URI)
		}
	})
}

// BenchmarkLine is what a line costs a request.
func BenchmarkLine(b *testing.B) {
	places := (*conceal.Places)(nil).And([]string{"X-Api-Key"}, []string{"key"})
	line := shown()
	var room []byte
	b.ReportAllocs()
	for b.Loop() {
		room = line.Append(room[:0], places)
	}
}
