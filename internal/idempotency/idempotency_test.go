package idempotency

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/leaktest"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// opened is a ledger on the disk.
func opened(t testing.TB, folder string) *ledger.Ledger {
	t.Helper()
	l := ledger.New(ledger.Config{Folder: folder, Log: slog.New(slog.DiscardHandler)}, nil)
	l.Start()
	t.Cleanup(func() { l.Close() })
	for end := time.Now().Add(30 * time.Second); l.Ready() != nil; time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the ledger does not open within 30 s")
		}
	}
	return l
}

func keeper(store Store) *Keeper { return New(store, slog.New(slog.DiscardHandler)) }

var day = Terms{Keep: 24 * time.Hour}

// request is one with a key and a body, as its stage leaves it.
func request(t testing.TB, key, body string) *exchange.Exchange {
	t.Helper()
	x := &exchange.Exchange{Method: "POST", Header: http.Header{Field: {key}}, Body: exchange.Body{Read: true, Bytes: []byte(body)}}
	if prob := (&Taking{API: "orders", Route: "POST /orders"}).Handle(x); prob != nil {
		t.Fatal(prob)
	}
	return x
}

// says has a service answer a request.
func says(t testing.TB, x *exchange.Exchange, status int, body string) {
	t.Helper()
	x.Trying()
	x.Reached(status)
	r := &exchange.Response{Status: status, Header: http.Header{"X-Id": {"7"}, "Date": {"today"}, "Connection": {"X-Hop"}, "X-Hop": {"1"}, "Set-Cookie": {"a=1"}}, Read: true, Bytes: []byte(body)}
	if prob := (Catching{}).Return(x, r); prob != nil {
		t.Fatal(prob)
	}
}

func first(t testing.TB, k *Keeper, x *exchange.Exchange, terms Terms) *Flight {
	t.Helper()
	f, answer, prob := k.Begin(t.Context(), x, terms)
	if f == nil {
		t.Fatalf("not the first: %v, %v", answer, prob)
	}
	return f
}

// refusal is how a request is refused; the type's heading, and "" for one that is not.
func refusal(t testing.TB, k *Keeper, x *exchange.Exchange, terms Terms) string {
	t.Helper()
	f, _, prob := k.Begin(t.Context(), x, terms)
	if f != nil {
		f.end(Released, nil)
	}
	if prob == nil {
		return ""
	}
	_, slug, _ := strings.Cut(prob.TypeURI(), "#")
	return slug
}

// What was answered is answered again, also by another process, and by nobody else's key.
func TestAnswersAgain(t *testing.T) {
	folder := t.TempDir()
	l := opened(t, folder)
	k := keeper(l)
	x := request(t, `"k"`, "body")
	f := first(t, k, x, day)
	if got := refusal(t, k, request(t, `"k"`, "body"), day); got != "idempotency-in-flight" {
		t.Errorf("while the first is under way: %q", got)
	}
	if got := refusal(t, k, request(t, `"k"`, "other"), day); got != "idempotency-key-reused" {
		t.Errorf("another request while the first is under way: %q", got)
	}
	says(t, x, 201, `{"id":7}`)
	if !f.Answered(x) || x.Once.Result != Stored {
		t.Fatalf("it is not kept: %s", x.Once.Result)
	}
	f.Close()
	for _, restarted := range []bool{false, true} {
		if restarted {
			l.Close()
			k = keeper(opened(t, folder))
		}
		again := request(t, `k`, "body") // as Stripe's clients write it
		_, answer, prob := k.Begin(t.Context(), again, day)
		if prob != nil || answer == nil || answer.Status != 201 || string(answer.Bytes) != `{"id":7}` || again.Once.Result != Replayed {
			t.Fatalf("restarted %v: %+v, %v", restarted, answer, prob)
		}
		if h := answer.Header; len(h) != 2 || h.Get("X-Id") != "7" || h.Get("Set-Cookie") != "a=1" {
			t.Errorf("its header is %v", h)
		}
		if got := refusal(t, k, request(t, `"k"`, "other"), day); got != "idempotency-key-reused" {
			t.Errorf("another request: %q", got)
		}
		if got := refusal(t, k, request(t, `"l"`, "other"), day); got != "" {
			t.Errorf("with another key: %q", got)
		}
	}
}

// What becomes of a key when its first request ends in each way, and with it of the same request again.
func TestEnds(t *testing.T) {
	l := opened(t, t.TempDir())
	bad := problem.New(problem.BadGateway, "")
	answers := func(status int) func(*testing.T, *Flight, *exchange.Exchange) {
		return func(t *testing.T, f *Flight, x *exchange.Exchange) {
			says(t, x, status, "{}")
			f.Answered(x)
		}
	}
	fails := func(sent bool, said int) func(*testing.T, *Flight, *exchange.Exchange) {
		return func(_ *testing.T, f *Flight, x *exchange.Exchange) {
			x.Trying()
			if sent {
				x.Reached(said)
			}
			f.Failed(x, bad)
		}
	}
	for _, c := range []struct {
		name   string
		ends   func(*testing.T, *Flight, *exchange.Exchange)
		result string
		again  string // how the same request is refused
		repeat string // and where the route repeats what was lost
	}{
		{"success", answers(200), Stored, "", ""},
		{"a refusal of the service's", answers(404), Stored, "", ""},
		{"a failure of the service's", answers(500), Stored, "", ""},
		{"a conflict in the service", answers(409), Released, "", ""},
		{"too early for the service", answers(425), Released, "", ""},
		{"too much for the service", answers(429), Released, "", ""},
		{"a service that is down", answers(503), Released, "", ""},
		{"no connection", fails(false, 0), Released, "", ""},
		{"no answer", fails(true, 0), Lost, "idempotency-outcome-unknown", ""},
		{"a third party's refusal", fails(true, 402), Stored, "bad-gateway", "bad-gateway"},
		{"a third party's overload", fails(true, 429), Released, "", ""},
		{"a success that broke off", fails(true, 200), Lost, "idempotency-outcome-unknown", ""},
		{"a success that nobody can read", func(t *testing.T, f *Flight, x *exchange.Exchange) {
			says(t, x, 200, "{")
			f.Failed(x, bad)
		}, Stored, "", ""},
		{"a panic", func(_ *testing.T, f *Flight, _ *exchange.Exchange) {}, Lost, "idempotency-outcome-unknown", ""},
		{"an answer too long to keep", func(t *testing.T, f *Flight, x *exchange.Exchange) {
			says(t, x, 200, strings.Repeat("x", MaxAnswer+1))
			if f.Answered(x) {
				t.Error("it says that it is kept")
			}
		}, NotKept, "idempotency-answer-not-kept", "idempotency-answer-not-kept"},
		{"a try before that was answered", func(t *testing.T, f *Flight, x *exchange.Exchange) {
			says(t, x, 500, "{}")
			x.Trying()
			x.Reached(0)
			f.Failed(x, bad)
		}, Lost, "idempotency-outcome-unknown", ""},
	} {
		for _, repeat := range []bool{false, true} {
			t.Run(c.name, func(t *testing.T) {
				terms, want := day, c.again
				if repeat {
					terms.Repeat, want = true, c.repeat
				}
				k := keeper(l)
				key := strings.ReplaceAll(t.Name(), "/", "_")
				x := request(t, key, "body")
				f := first(t, k, x, terms)
				c.ends(t, f, x)
				f.Close()
				if x.Once.Result != c.result {
					t.Errorf("%s, want %s", x.Once.Result, c.result)
				}
				next := request(t, key, "body")
				flight, answer, prob := k.Begin(t.Context(), next, terms)
				got := ""
				if prob != nil {
					_, got, _ = strings.Cut(prob.TypeURI(), "#")
				}
				if got != want {
					t.Errorf("the same again is answered %q, want %q", got, want)
				}
				if (c.result == Stored && c.again == "") != (answer != nil) {
					t.Errorf("the answer again: %v", answer)
				}
				if flight != nil {
					flight.end(Released, nil)
				}
			})
		}
	}
}

// A problem that a third party's answer became is told again, to the letter.
func TestTellsProblemsAgain(t *testing.T) {
	k := keeper(opened(t, t.TempDir()))
	x := request(t, "k", "body")
	f := first(t, k, x, day)
	x.Reached(402)
	p := problem.New(problem.BadGateway, "No funds.").With("provider_request_id", "req_1").WithHeader("Retry-After", "7").Because(errors.New("SECRET"))
	p.Status, p.Title, p.URI, p.Instance = 402, "The card was declined", "https://shop.example/card-declined", "urn:uuid:1"
	f.Failed(x, p)
	_, _, again := k.Begin(t.Context(), request(t, "k", "body"), day)
	if again == nil {
		t.Fatal("no problem")
	}
	want, _ := p.MarshalJSON()
	got, _ := again.MarshalJSON()
	if !bytes.Equal(got, want) || again.Header.Get("Retry-After") != "7" || again.Cause != nil {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

// Of many who send one request at once, one is the first, whichever process they come to.
func TestOneIsFirst(t *testing.T) {
	l := opened(t, t.TempDir())
	keepers := []*Keeper{keeper(shared{l}), keeper(shared{l})}
	var went, waits atomic.Int64
	var all sync.WaitGroup
	release := make(chan struct{})
	for n := range 100 {
		x := request(t, "k", "body")
		all.Go(func() {
			f, answer, prob := keepers[n%2].Begin(t.Context(), x, day)
			switch {
			case f != nil:
				went.Add(1)
				<-release
				says(t, x, 200, "once")
				f.Answered(x)
			case answer != nil || prob.Type != problem.IdempotencyInFlight:
				t.Errorf("%v, %v", answer, prob)
			}
			if waits.Add(1) == 99 {
				close(release)
			}
		})
	}
	all.Wait()
	if went.Load() != 1 {
		t.Errorf("%d went on", went.Load())
	}
}

// shared is a ledger that other processes store in, too.
type shared struct{ *ledger.Ledger }

func (shared) Alone() bool { return false }

// A process that ended leaves its request behind: where no other can have the ledger, that is known at once.
func TestEndedProcess(t *testing.T) {
	folder := t.TempDir()
	l := opened(t, folder)
	first(t, keeper(l), request(t, "k", "body"), day)
	l.Close()
	l = opened(t, folder)
	if got := refusal(t, keeper(l), request(t, "k", "body"), day); got != "idempotency-outcome-unknown" {
		t.Errorf("after a restart: %q", got)
	}
	if got := refusal(t, keeper(shared{l}), request(t, "k", "body"), day); got != "idempotency-in-flight" {
		t.Errorf("while the other process may be there: %q", got)
	}
	again := Terms{Keep: time.Hour, Repeat: true}
	if got := refusal(t, keeper(l), request(t, "k", "body"), again); got != "" {
		t.Errorf("where what was lost is repeated: %q", got)
	}
}

// memory is a store without a disk, for what takes time.
type memory struct {
	mu    sync.Mutex
	alone bool
	fails error // of each Hold, which stores all the same
	last  uint64
	held  map[string]ledger.Held
	ends  map[string]time.Time
	room  int64 // records, and as many KiB; 0 for more than enough
}

func (m *memory) Hold(_ context.Context, name string, after uint64, data []byte, keep time.Duration) (uint64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.held == nil {
		m.held, m.ends = map[string]ledger.Held{}, map[string]time.Time{}
	}
	m.forget()
	if m.held[name].At != after {
		return 0, ledger.ErrTaken
	}
	m.last++
	m.held[name], m.ends[name] = ledger.Held{Data: data, At: m.last, Time: time.Now()}, time.Now().Add(keep)
	return m.last, m.fails
}

func (m *memory) Held(_ context.Context, name string) (*ledger.Held, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	if h, ok := m.held[name]; ok {
		return &h, nil
	}
	return nil, nil
}

func (m *memory) Let(_ context.Context, at uint64) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, h := range m.held {
		if h.At == at {
			delete(m.held, name)
		}
	}
	return nil
}

// forget takes away what has passed.
func (m *memory) forget() {
	for name, end := range m.ends {
		if !time.Now().Before(end) {
			delete(m.held, name)
			delete(m.ends, name)
		}
	}
}

func (m *memory) Room() (records, bytes int64) {
	if m.room == 0 {
		return 1 << 20, 1 << 30
	}
	return m.room, m.room << 10
}

func (m *memory) HeldBy(_ context.Context, whose string, each func(int, time.Duration)) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.forget()
	for name, h := range m.held {
		if strings.HasPrefix(name, whose+".") {
			each(len(h.Data), time.Until(m.ends[name]))
		}
	}
	return nil
}

func (m *memory) Alone() bool { return m.alone }

// The record of a request that takes long is renewed, and one that no longer is says that its process has ended.
func TestLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &memory{}
		one, other := keeper(m), keeper(m)
		x := request(t, "k", "body")
		f := first(t, one, x, day)
		time.Sleep(5 * time.Minute)
		if got := refusal(t, other, request(t, "k", "body"), day); got != "idempotency-in-flight" {
			t.Errorf("after five minutes: %q", got)
		}
		says(t, x, 200, "{}")
		if !f.Answered(x) {
			t.Errorf("not kept: %s", x.Once.Result)
		}
		if _, answer, _ := other.Begin(t.Context(), request(t, "k", "body"), day); answer == nil {
			t.Error("the other process does not know the answer")
		}

		left := first(t, one, request(t, "l", "body"), day)
		left.timer.Stop() // as the end of the process does
		time.Sleep(lease - time.Second)
		if got := refusal(t, other, request(t, "l", "body"), day); got != "idempotency-in-flight" {
			t.Errorf("before it is known: %q", got)
		}
		time.Sleep(time.Second)
		if got := refusal(t, other, request(t, "l", "body"), day); got != "idempotency-outcome-unknown" {
			t.Errorf("when it is known: %q", got)
		}
	})
}

// A ledger that does not say whether it has stored a record keeps its request from going on; the same request does later.
func TestUnsure(t *testing.T) {
	m := &memory{alone: true, fails: ledger.ErrUnavailable}
	k := keeper(m)
	x := request(t, "k", "body")
	f, answer, prob := k.Begin(t.Context(), x, day)
	if f != nil || answer != nil || prob == nil || prob.StatusCode() != 503 || prob.Header.Get("Retry-After") == "" || x.Once.Result != Unavailable {
		t.Fatalf("%v, %v, %v", f, answer, prob)
	}
	m.fails = nil
	if got := refusal(t, k, request(t, "k", "body"), day); got != "" {
		t.Errorf("later: %q", got)
	}
	if len(k.flights) > 0 || len(k.unsent) > 0 {
		t.Errorf("left behind: %v, %v", k.flights, k.unsent)
	}
}

// A full ledger lets nobody in; who is in when it becomes full has no answer kept, and is not carried out again.
func TestFull(t *testing.T) {
	l := ledger.New(ledger.Config{Folder: t.TempDir(), MaxBytes: 64 << 10, Log: slog.New(slog.DiscardHandler)}, nil)
	l.Start()
	defer l.Close()
	for end := time.Now().Add(30 * time.Second); l.Ready() != nil && time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
	}
	k := keeper(l)
	x := request(t, "k", "body")
	f := first(t, k, x, Terms{Keep: time.Hour, Repeat: true})
	var prob *problem.Problem
	for n := range 1000 {
		var one *Flight
		if one, _, prob = k.Begin(t.Context(), by(t, "caller"+strconv.Itoa(n%20), strings.Repeat("n", n%200+1)+strconv.Itoa(n)), day); one == nil {
			break
		}
	}
	if prob == nil || prob.StatusCode() != 503 {
		t.Fatalf("it is never full: %v", prob)
	}
	says(t, x, 200, strings.Repeat("x", 4096))
	if f.Answered(x) || x.Once.Result != NotKept {
		t.Errorf("there was room: %s", x.Once.Result)
	}
	if got := refusal(t, k, request(t, "k", "body"), Terms{Keep: time.Hour, Repeat: true}); got != "idempotency-answer-not-kept" {
		t.Errorf("the same again: %q", got)
	}
}

// Callers are told apart by all that says who they are, and requests by all that they ask for.
func TestNames(t *testing.T) {
	base := func() *exchange.Exchange {
		return &exchange.Exchange{Method: "PUT", Header: http.Header{Field: {"k"}}, Query: exchange.Query{Raw: "a=1"}, Client: netip.MustParseAddr("192.0.2.1"),
			Parameters: []exchange.Parameter{{Name: "id", Value: "7"}}, Consumer: &exchange.Consumer{ID: "acme", Method: "jwt", Claims: map[string]any{"iss": "i", "sub": "ada"}},
			Body: exchange.Body{Read: true, Bytes: []byte("body")}}
	}
	stage := &Taking{API: "orders", Route: "PUT /orders/{id}", End: "v2"}
	of := func(s *Taking, change func(*exchange.Exchange)) *exchange.Once {
		x := base()
		change(x)
		if prob := s.Handle(x); prob != nil {
			t.Fatal(prob)
		}
		return x.Once
	}
	plain := of(stage, func(*exchange.Exchange) {})
	for _, c := range []struct {
		name        string
		stage       *Taking
		change      func(*exchange.Exchange)
		name2, seen bool // another name, another request
	}{
		{"the same", stage, func(*exchange.Exchange) {}, false, false},
		{"quoted", stage, func(x *exchange.Exchange) { x.Header[Field] = []string{`"k"`} }, false, false},
		{"another version", stage, func(x *exchange.Exchange) { x.Version = "v1" }, false, false},
		{"another key", stage, func(x *exchange.Exchange) { x.Header[Field] = []string{`l`} }, true, false},
		{"another consumer", stage, func(x *exchange.Exchange) { x.Consumer.ID = "globex" }, true, false},
		{"another user of the consumer", stage, func(x *exchange.Exchange) { x.Consumer.Claims = map[string]any{"iss": "i", "sub": "eve"} }, true, false},
		{"another issuer", stage, func(x *exchange.Exchange) { x.Consumer.Claims = map[string]any{"iss": "j", "sub": "ada"} }, true, false},
		{"another kind of credential", stage, func(x *exchange.Exchange) { x.Consumer.Method = "api_key" }, true, false},
		{"nobody", stage, func(x *exchange.Exchange) { x.Consumer = nil }, true, false},
		{"another route", &Taking{API: "orders", Route: "PATCH /orders/{id}", End: "v2"}, func(*exchange.Exchange) {}, true, false},
		{"another API", &Taking{API: "paid", Route: "PUT /orders/{id}", End: "v2"}, func(*exchange.Exchange) {}, true, false},
		{"another resource", stage, func(x *exchange.Exchange) { x.Parameters[0].Value = "8" }, false, true},
		{"another query", stage, func(x *exchange.Exchange) { x.Query.Raw = "a=2" }, false, true},
		{"another body", stage, func(x *exchange.Exchange) { x.Body.Bytes = []byte("bodies") }, false, true},
		{"another service", &Taking{API: "orders", Route: "PUT /orders/{id}", End: "v1"}, func(*exchange.Exchange) {}, false, true},
	} {
		got := of(c.stage, c.change)
		if (got.Name != plain.Name) != c.name2 || (got.Print != plain.Print) != c.seen {
			t.Errorf("%s: another name %v, another request %v", c.name, got.Name != plain.Name, got.Print != plain.Print)
		}
	}
	nobody := func(address string) string {
		return of(stage, func(x *exchange.Exchange) { x.Consumer, x.Client = nil, netip.MustParseAddr(address) }).Name
	}
	if first := nobody("192.0.2.1"); first != nobody("192.0.2.1") || first == nobody("192.0.2.2") {
		t.Error("nobody is not told from another by the address")
	}
}

func TestKeys(t *testing.T) {
	long := strings.Repeat("x", 255)
	for _, c := range []struct {
		field, key string
		ok         bool
	}{
		{`"8e03978e-40d5-43dd-bc93-6894a57f9324"`, "8e03978e-40d5-43dd-bc93-6894a57f9324", true},
		{`8e03978e-40d5-43dd-bc93-6894a57f9324`, "8e03978e-40d5-43dd-bc93-6894a57f9324", true},
		{`"a \"b\" \\ c"`, `a "b" \ c`, true},
		{`"a";v=1`, "a", true},
		{`order:7/try=1;x`, "order:7/try=1;x", true},
		{long, long, true},
		{`"` + long + `"`, long, true},
		{"", "", false},
		{`""`, "", false},
		{long + "x", "", false},
		{`"` + long + `x"`, "", false},
		{`"a`, "", false},
		{`"a" "b"`, "", false},
		{`"a", "b"`, "", false},
		{`a, b`, "", false},
		{`a b`, "", false},
		{`a"b`, "", false},
		{"a\x00", "", false},
		{"\"a\x7f\"", "", false},
		{"käse", "", false},
		{strings.Repeat(`"`, 2000), "", false},
	} {
		if key, ok := parseKey(c.field); ok != c.ok || ok && key != c.key {
			t.Errorf("%q: %q, %v", c.field, key, ok)
		}
	}
	for _, c := range []struct {
		required bool
		header   http.Header
		want     *problem.Type
	}{
		{false, http.Header{}, nil},
		{true, http.Header{}, problem.IdempotencyKeyRequired},
		{false, http.Header{Field: {""}}, problem.InvalidIdempotencyKey},
		{false, http.Header{Field: {"a", "b"}}, problem.InvalidIdempotencyKey},
	} {
		x := &exchange.Exchange{Header: c.header}
		prob := (&Taking{Required: c.required}).Handle(x)
		if (prob == nil) != (c.want == nil) || prob != nil && prob.Type != c.want || x.Once != nil {
			t.Errorf("%v: %v, %v", c.header, prob, x.Once)
		}
	}
}

func FuzzParseKey(f *testing.F) {
	for _, s := range []string{`"a"`, `a`, `"a\"";x`, `"`, ``, `"a", b`, "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		key, ok := parseKey(field)
		if !ok {
			return
		}
		if key == "" || len(key) > maxKey {
			t.Fatalf("a key of %d bytes", len(key))
		}
		for i := range len(key) {
			if key[i] < ' ' || key[i] > '~' {
				t.Fatalf("%q has the byte %d", key, key[i])
			}
		}
	})
}

func FuzzDecode(f *testing.F) {
	r := &record{State: answered, Print: make([]byte, 32), Status: 200, Header: http.Header{"A": {"b"}}, Body: true, body: []byte("x")}
	data, _ := r.encode()
	f.Add(data)
	f.Add([]byte{1, 0, 0, 0, 2, '{', '}'})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, err := decode(data)
		if err != nil {
			return
		}
		if _, err := r.encode(); err != nil {
			t.Fatal(err)
		}
		if r.Problem != nil {
			r.Problem.problem()
		}
		r.answer()
	})
}

// The note that an answer is not kept has room where the record of its request had.
func TestNotesAreShort(t *testing.T) {
	print := make([]byte, 32)
	long, _ := (&record{State: pending, Print: print, Owner: nonce(), Nonce: nonce()}).encode()
	short, _ := (&record{State: unkept, Print: print, Status: 599}).encode()
	if len(short)+20 > len(long) { // the number of the record before has up to 20 digits, and stands beside it
		t.Errorf("%d bytes, in the place of %d", len(short), len(long))
	}
}

func BenchmarkTaking(b *testing.B) {
	s := &Taking{API: "orders", Route: "POST /orders"}
	x := &exchange.Exchange{Method: "POST", Header: http.Header{Field: {`"8e03978e-40d5-43dd-bc93-6894a57f9324"`}}, Consumer: &exchange.Consumer{ID: "acme", Method: "api_key"},
		Body: exchange.Body{Read: true, Bytes: bytes.Repeat([]byte("x"), 1<<10)}}
	b.ReportAllocs()
	for b.Loop() {
		if prob := s.Handle(x); prob != nil {
			b.Fatal(prob)
		}
	}
}

// BenchmarkOnce is all that a first request costs besides itself: two synced writes.
func BenchmarkOnce(b *testing.B) {
	k := keeper(opened(b, b.TempDir()))
	n := 0
	b.ReportAllocs()
	for b.Loop() {
		n++
		x := request(b, strconv.Itoa(n), "body")
		f := first(b, k, x, day)
		says(b, x, 200, `{"id":7}`)
		if !f.Answered(x) {
			b.Fatal(x.Once.Result)
		}
	}
}
