package decisionlog

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// receiver is an endpoint as OPA's logs have it: it takes gzipped arrays.
type receiver struct {
	mu     sync.Mutex
	status int // what it answers, 0 for 200
	chunks [][]byte
	events []string
	header http.Header
}

func (r *receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.header = req.Header
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return
	}
	if r.status != 0 {
		w.WriteHeader(r.status)
		return
	}
	events, err := unzip(body)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	r.chunks = append(r.chunks, body)
	r.events = append(r.events, events...)
}

func unzip(data []byte) (events []string, err error) {
	zip, err := gzip.NewReader(bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(zip)
	if err != nil {
		return nil, err
	}
	return events, json.Unmarshal(text, &events)
}

func (r *receiver) answer(status int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.status = status
}

func (r *receiver) got() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.events)
}

// await waits for what other goroutines do.
func await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// uploading is a log that sends to an HTTPS server.
func uploading(t *testing.T, to http.Handler, change ...func(*Endpoint, *Settings)) (*Log, *meter, *httptest.Server) {
	t.Helper()
	server := httptest.NewTLSServer(to)
	t.Cleanup(server.Close)
	m := &meter{}
	settings := Settings{Meter: m}
	endpoint := Endpoint{URL: server.URL + "/logs", Client: server.Client(), ChunkSize: 32 << 10, MinDelay: 5 * time.Millisecond, MaxDelay: 10 * time.Millisecond, Spool: filepath.Join(t.TempDir(), "spool"), SpoolSize: 1 << 20}
	for _, f := range change {
		f(&endpoint, &settings)
	}
	log, err := NewUpload(endpoint, settings)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(log.Close)
	return log, m, server
}

func files(t *testing.T, folder string) []string {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestUpload(t *testing.T) {
	to := &receiver{}
	folder := filepath.Join(t.TempDir(), "spool")
	log, m, _ := uploading(t, to, func(e *Endpoint, _ *Settings) {
		e.Spool = folder
		e.Header = func() (http.Header, error) { return http.Header{"Authorization": {"Bearer t0ken"}}, nil }
	})
	log.append(t.Context(), text("before the start"))
	await(t, "the event is on the disk", func() bool { return m.get(&m.logged) == 1 })
	if got := to.got(); got != nil {
		t.Errorf("before the start %q was sent", got)
	}
	log.Start()
	log.Start()
	await(t, "the event has arrived", func() bool { return len(to.got()) == 1 })
	want := []string{"before the start"}
	for i := range 2000 {
		want = append(want, fmt.Sprintf("event %d", i))
		log.append(t.Context(), text(want[len(want)-1]))
	}
	log.Close()
	if got := to.got(); !slices.Equal(got, want) {
		t.Errorf("%d events arrived, want %d", len(got), len(want))
	}
	for name, value := range map[string]string{"Authorization": "Bearer t0ken", "Content-Encoding": "gzip", "Content-Type": "application/json"} {
		if got := to.header.Get(name); got != value {
			t.Errorf("%s: %s", name, got)
		}
	}
	if left := files(t, folder); len(left) > 0 || m.logged != 2001 || m.spooled != 0 || m.success == 0 || len(m.failed) > 0 {
		t.Errorf("left %q, %+v", left, m)
	}
	info, err := os.Stat(folder)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the spool is %v, %v", info.Mode(), err)
	}
	// A request that outlived the log leaves its event in the spool.
	if !log.append(t.Context(), text("late")) || len(files(t, folder)) != 1 {
		t.Error("a late event is lost")
	}
}

// Whatever the endpoint does, what it did not take is sent again, in order.
func TestAnEndpointThatFails(t *testing.T) {
	for _, status := range []int{300, 401, 403, 404, 408, 429, 500, 503} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			t.Parallel()
			to := &receiver{status: status}
			log, m, _ := uploading(t, to)
			log.Start()
			log.append(t.Context(), text("1"))
			await(t, "it has failed", func() bool { return m.get(&m.failure) > 0 })
			log.append(t.Context(), text("2"))
			await(t, "both are on the disk", func() bool { return m.get(&m.logged) == 2 })
			to.answer(0)
			await(t, "both have arrived", func() bool { return len(to.got()) == 2 })
			log.Close()
			if got := to.got(); !slices.Equal(got, []string{"1", "2"}) || m.lost > 0 {
				t.Errorf("got %q, %d lost", got, m.lost)
			}
		})
	}
}

// An endpoint that says of a chunk that it is wrong does not keep those after it from being sent.
func TestAnEndpointThatRejects(t *testing.T) {
	to := &receiver{status: http.StatusRequestEntityTooLarge}
	log, m, _ := uploading(t, to)
	log.Start()
	log.append(t.Context(), text("1"))
	await(t, "the chunk is given up", func() bool { return m.get(&m.lost) == 1 })
	to.answer(0)
	log.append(t.Context(), text("2"))
	await(t, "the next has arrived", func() bool { return len(to.got()) > 0 })
	log.Close()
	if got := to.got(); !slices.Equal(got, []string{"2"}) || m.rejection != maxRejections || !slices.Equal(m.reasons, []string{"rejected"}) {
		t.Errorf("got %q, %+v", got, m)
	}
}

// The server is away, the gateway ends, and another one begins: what was logged arrives.
func TestASpoolOutlivesTheProcess(t *testing.T) {
	to := &receiver{}
	folder := t.TempDir()
	spooling := func(e *Endpoint, _ *Settings) { e.Spool = folder }
	log, m, server := uploading(t, to, spooling)
	server.Close()
	log.Start()
	var want []string
	for i := range 20 {
		want = append(want, fmt.Sprint(i))
		log.append(t.Context(), text(want[i]))
		await(t, "it is on the disk", func() bool { return m.get(&m.logged) == i+1 })
	}
	log.Close()
	left := files(t, folder)
	if m.lost > 0 || len(left) == 0 {
		t.Fatalf("%d lost, left %q", m.lost, left)
	}
	// A chunk that the disk has spoilt, one that was cut off, and one that was not completed.
	for name, data := range map[string]string{
		"00000000000000000001-00000000-3.json.gz":      "no gzip",
		"00000000000000000002-00000000-4.json.gz":      string(packed("cut off")[:20]),
		"00000000000000000003-00000000-5.json.gz.part": "half",
		"README": "not ours",
	} {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(folder, "00000000000000000003-00000000-5.json.gz.part"), old, old); err != nil {
		t.Fatal(err)
	}
	log, m, _ = uploading(t, to, spooling)
	log.append(t.Context(), text("afterwards"))
	log.Start()
	await(t, "all has arrived", func() bool { return len(to.got()) == 21 })
	log.Close()
	if got := to.got(); !slices.Equal(got, append(want, "afterwards")) {
		t.Errorf("got %q", got)
	}
	if left := files(t, folder); !slices.Equal(left, []string{"README"}) || m.lost != 7 || !slices.Equal(m.reasons, []string{"corrupt", "corrupt"}) || m.spooled != 0 {
		t.Errorf("left %q, %+v", left, m)
	}
}

func packed(events ...string) []byte {
	c := newChunk(1 << 20)
	for _, e := range events {
		c.add(appendString(nil, e))
	}
	c.end()
	return c.buf.Bytes()
}

// A full spool stops requests, or decisions are lost: whichever was asked for.
func TestAFullSpool(t *testing.T) {
	for _, drop := range []bool{false, true} {
		t.Run(fmt.Sprintf("drop %v", drop), func(t *testing.T) {
			t.Parallel()
			to := &receiver{status: 503}
			log, m, _ := uploading(t, to, func(e *Endpoint, s *Settings) {
				e.ChunkSize, e.SpoolSize = 1<<10, 4<<10
				s.Drop = drop
			})
			log.Start()
			noise := func() *event { // it cannot be compressed
				b := make([]byte, 100<<10)
				for i := range b {
					b[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_"[rand.IntN(64)]
				}
				return text(string(b))
			}
			passed, refused := 0, 0
			for passed+refused < 400 && refused == 0 && m.get(&m.lost) == 0 {
				if log.append(t.Context(), noise()) {
					passed++
				} else {
					refused++
				}
			}
			if drop && (refused > 0 || m.get(&m.lost) == 0) || !drop && (refused != 1 || m.get(&m.lost) > 0) {
				t.Errorf("%d passed, %d refused, %d lost", passed, refused, m.get(&m.lost))
			}
		})
	}
}

func TestRoomInTheSpool(t *testing.T) {
	to := &receiver{status: 503}
	log, m, _ := uploading(t, to, func(e *Endpoint, _ *Settings) { e.SpoolSize = 200 })
	log.Start()
	var want []string
	for i := range 40 {
		if !log.append(t.Context(), text(fmt.Sprint(i))) {
			break // it is known already that the spool is full
		}
		want = append(want, fmt.Sprint(i))
		await(t, "the endpoint has failed", func() bool { return i > 0 || m.get(&m.failure) > 0 })
	}
	await(t, "the spool is full", func() bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return slices.ContainsFunc(m.failed, func(f string) bool { return strings.Contains(f, errSpoolFull.Error()) }) || m.logged == len(want)
	})
	to.answer(0)
	await(t, "all has arrived", func() bool { return len(to.got()) == len(want) })
	if got := to.got(); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

// slow answers nothing until it is told, or the client gives up.
type slow struct{ ask chan struct{} }

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	s.ask <- struct{}{}
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// An endpoint that does not answer holds up neither decisions nor the end.
func TestAnEndpointThatDoesNotAnswer(t *testing.T) {
	folder := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		transport, m := slow{make(chan struct{}, 100)}, &meter{}
		log, err := NewUpload(Endpoint{URL: "https://logs.acme.example", Client: &http.Client{Transport: transport}, ChunkSize: 1 << 10,
			MinDelay: time.Second, MaxDelay: time.Second, Spool: folder, SpoolSize: 1 << 20}, Settings{Meter: m})
		if err != nil {
			t.Fatal(err)
		}
		log.Start()
		began := time.Now()
		log.append(t.Context(), text("1"))
		<-transport.ask
		if waited := time.Since(began); waited != time.Second {
			t.Errorf("sent after %s, want the delay", waited)
		}
		<-transport.ask
		if waited := time.Since(began); waited < time.Second+sendTime+minBackoff/2 || waited > time.Second+sendTime+minBackoff {
			t.Errorf("sent again after %s", waited)
		}
		log.append(t.Context(), text("2"))
		began = time.Now()
		log.Close()
		if took := time.Since(began); took != stopTime {
			t.Errorf("stopped after %s, want %s", took, stopTime)
		}
		if left := files(t, folder); len(left) != 2 || m.logged != 2 || m.lost > 0 {
			t.Errorf("left %q, %+v", left, m)
		}
	})
}

func TestBackoff(t *testing.T) {
	for failures := range 100 {
		d := backoff(failures)
		most := maxBackoff
		if failures < 9 {
			most = min(most, minBackoff<<failures)
		}
		if d < most/2 || d > most {
			t.Errorf("after %d failures %s", failures, d)
		}
	}
}

// failing is a transport that answers 429 and when to come back.
type failing struct {
	after string
	at    chan time.Time
}

func (f failing) RoundTrip(*http.Request) (*http.Response, error) {
	f.at <- time.Now()
	return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {f.after}}, Body: http.NoBody}, nil
}

func TestAnEndpointThatSaysWhenToComeBack(t *testing.T) {
	for after, want := range map[string]time.Duration{"7": 7 * time.Second, "999999": maxBackoff, "-1": minBackoff / 2, "Fri, 31 Dec 1999 23:59:59 GMT": minBackoff / 2} {
		folder := t.TempDir()
		synctest.Test(t, func(t *testing.T) {
			transport := failing{after, make(chan time.Time, 100)}
			log, err := NewUpload(Endpoint{URL: "https://logs.acme.example", Client: &http.Client{Transport: transport}, ChunkSize: 1 << 10,
				MaxDelay: time.Second, Spool: folder, SpoolSize: 1 << 20}, Settings{Meter: &meter{}})
			if err != nil {
				t.Fatal(err)
			}
			log.Start()
			log.append(t.Context(), text("1"))
			first := <-transport.at
			if waited := (<-transport.at).Sub(first); waited < want || waited > want+minBackoff {
				t.Errorf("Retry-After %s: sent again after %s", after, waited)
			}
			log.Close()
		})
	}
}

func TestAHeaderThatCannotBeMade(t *testing.T) {
	to := &receiver{}
	broken := true
	var mu sync.Mutex
	log, m, _ := uploading(t, to, func(e *Endpoint, _ *Settings) {
		e.Header = func() (http.Header, error) {
			mu.Lock()
			defer mu.Unlock()
			if broken {
				return nil, errors.New("the token is not there yet")
			}
			return http.Header{}, nil
		}
	})
	log.Start()
	log.append(t.Context(), text("1"))
	await(t, "it has failed", func() bool { return m.get(&m.failure) > 0 })
	mu.Lock()
	broken = false
	mu.Unlock()
	await(t, "it has arrived", func() bool { return len(to.got()) == 1 })
}

// No chunk is larger than the bound, whatever events are like; none is lost, and full ones are nearly full.
func TestChunks(t *testing.T) {
	const limit = 4 << 10
	c := newChunk(limit)
	random := rand.New(rand.NewPCG(1, 2))
	var want, got []string
	sizes := 0
	end := func() {
		c.end()
		if c.buf.Len() > limit && c.events > 1 {
			t.Errorf("a chunk of %d bytes", c.buf.Len())
		}
		sizes += c.buf.Len()
		events, err := unzip(c.buf.Bytes())
		if err != nil || len(events) != c.events || intact(c.buf.Bytes()) != nil {
			t.Fatalf("%d events of %d, %v", len(events), c.events, err)
		}
		got = append(got, events...)
		c.reset()
	}
	chunks := 0
	for i := range 2000 {
		s := fmt.Sprintf("event %d %s", i, strings.Repeat("the same ", random.IntN(20)))
		for range random.IntN(30) {
			s += string(rune('a' + random.IntN(26)))
		}
		if i%500 == 3 {
			for range 2 * limit {
				s += string(rune('a' + random.IntN(26)))
			}
		}
		want = append(want, s)
		e := appendString(nil, s)
		if !c.add(e) {
			end()
			chunks++
			if !c.add(e) {
				t.Fatal("the first event of a chunk has no room")
			}
		}
	}
	end()
	if !slices.Equal(got, want) {
		t.Errorf("%d events of %d", len(got), len(want))
	}
	if sizes/(chunks+1) < limit/2 {
		t.Errorf("%d chunks of %d bytes on average", chunks, sizes/(chunks+1))
	}
	if c.end(); c.add([]byte("1")) {
		t.Error("an event was added after the end")
	}
}

func BenchmarkChunk(b *testing.B) {
	e := []byte(`{"labels":{"id":"gw-1"},"decision_id":"0190f3a4-0000-7000-8000-000000000001","path":"shop/orders","input":{"request":{"method":"PUT"}},"result":true,"timestamp":"2026-05-04T03:02:01.123456789Z"}`)
	c := newChunk(32 << 10)
	b.ReportAllocs()
	b.SetBytes(int64(len(e)))
	for b.Loop() {
		if !c.add(e) {
			c.end()
			c.reset()
		}
	}
}
