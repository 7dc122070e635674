// Package issuer gets the keys of those who issue tokens over HTTPS, from an address or by discovery, and keeps the last
// good ones for a start while the issuer is away. One file, one subject: source.go is the keys in force and when they
// are asked for, fetch.go asks, kept.go is what lies in storage, status.go says how things are.
package issuer

import (
	"context"
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/internal/identity"
)

// Bounds of time. Those of size are identity's: 256 KiB and 100 keys.
const (
	defaultTTL = 300 * time.Second // between two fetches, where the issuer does not say
	leastTTL   = 60 * time.Second  // whatever it says
	mostTTL    = time.Hour

	firstRetry = 2 * time.Second // after a failure; doubled after each further one
	mostRetry  = 60 * time.Second

	// coolDown is the time between two fetches for the sake of tokens whose key is unknown: whoever invents key ids
	// causes no more.
	coolDown = 30 * time.Second

	fetchTimeout = 10 * time.Second // of a fetch with its discovery, however slowly the answer drips
	patience     = 5 * time.Second  // of a request that waits for a fetch
	beforehand   = time.Second      // of one that waits for Start

	// DefaultMaxStale is how long keys are good that the issuer does not confirm, unless it is configured.
	DefaultMaxStale = 24 * time.Hour
)

// Config says whose keys are wanted.
type Config struct {
	Issuer   string         // its identifier; with no JWKS, an https address below which its metadata is
	JWKS     string         // the https address of its key set; "" to discover it
	Roots    *x509.CertPool // the authorities of its servers' certificates; nil for the system's
	MaxStale time.Duration  // how long keys are good that are not confirmed; 0 for the default
}

// Source is the keys of an issuer. It implements identity.KeySource.
type Source struct {
	config    Config
	where     []string // addresses of the metadata, by preference; nil with an address of the keys
	transport http.RoundTripper
	now       atomic.Pointer[inForce]

	mu       sync.Mutex
	store    Store
	report   func(Event)
	started  chan struct{} // closed by Start
	ctx      context.Context
	stop     context.CancelFunc
	working  sync.WaitGroup
	closed   bool
	call     *call     // the fetch under way, nil for none
	sought   time.Time // when the last fetch for the sake of a token began
	due      time.Time // when the next one is due
	failures int       // in a row
	status   Status
}

// inForce is a set of keys, and until when it is good. A value is never changed.
type inForce struct {
	set   *identity.JWKS
	sum   [sha256.Size]byte
	until time.Time
}

// call is a fetch, or the look into the store before the first one, that any number of requests wait for.
type call struct{ done chan struct{} }

// New makes the source of c's keys. It asks nobody anything before Start.
func New(c Config) (*Source, error) {
	if c.MaxStale == 0 {
		c.MaxStale = DefaultMaxStale
	}
	s := &Source{config: c, started: make(chan struct{}), transport: overNetwork(c.Roots)}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if at, err := c.address(); err != nil {
		return nil, err
	} else if c.JWKS == "" {
		s.where = metadata(at)
	}
	s.status = Status{Issuer: c.Issuer, Waiting: true}
	return s, nil
}

// Check tells why nothing can be fetched as c says; nil where it can.
func Check(c Config) error {
	_, err := c.address()
	return err
}

// address is what is asked first: the address of the keys, or the issuer.
func (c *Config) address() (*url.URL, error) {
	if c.JWKS != "" {
		at, err := address(c.JWKS)
		if err != nil {
			return nil, fmt.Errorf("the address of the keys: %w", err)
		}
		return at, nil
	}
	at, err := address(c.Issuer)
	if err != nil {
		return nil, fmt.Errorf("keys are discovered at the issuer: %w", err)
	}
	return at, nil
}

// address checks what is fetched from.
func address(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Hostname() == "":
		return nil, errors.New("it is not an address")
	case u.Scheme != "https":
		return nil, errors.New("it is not https: whoever sits between could put in keys of his own")
	case u.User != nil || u.Fragment != "" || u.RawFragment != "":
		return nil, errors.New("it has a user or a fragment")
	}
	return u, nil
}

// Start begins to fetch, unless it has, and takes what keeps the keys and who is told from now on.
func (s *Source) Start(store Store, report func(Event)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store, s.report = store, report
	select {
	case <-s.started:
		return
	default:
	}
	if s.closed {
		return
	}
	close(s.started)
	c := s.begin(s.recall)
	s.working.Go(func() {
		<-c.done
		for s.pause() {
			s.mu.Lock()
			c := s.begin(s.renew)
			s.mu.Unlock()
			<-c.done
		}
	})
}

// Close ends fetching. The keys there are stay good for requests under way.
func (s *Source) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.stop()
	s.working.Wait()
	return nil
}

// pause waits until a fetch is due; false says that the source was closed.
func (s *Source) pause() bool {
	for {
		s.mu.Lock()
		wait := time.Until(s.due) // a fetch for the sake of a token moves it
		s.mu.Unlock()
		if wait <= 0 {
			return s.ctx.Err() == nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-s.ctx.Done():
			timer.Stop()
			return false
		}
	}
}

// begin gives the fetch under way, or begins one. The caller holds s.mu.
func (s *Source) begin(fetch func()) *call {
	if s.call != nil {
		return s.call
	}
	c := &call{done: make(chan struct{})}
	s.call = c
	s.working.Go(func() {
		defer close(c.done)
		fetch()
		s.mu.Lock()
		defer s.mu.Unlock()
		s.call = nil
	})
	return c
}

// renew asks the issuer.
func (s *Source) renew() {
	got, err := s.fetch()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() == nil {
		s.took(got, err)
	}
}

// took notes what became of a fetch. The caller holds s.mu.
func (s *Source) took(got *fetched, err error) {
	at := time.Now()
	s.status.Requested = &at
	if err != nil {
		again := s.failures > 0 && s.status.Error != nil && s.status.Error.Detail == err.Error()
		s.due = at.Add(min(firstRetry<<min(s.failures, 10), mostRetry))
		s.failures++
		if !again {
			s.status.Error = &Failure{Time: at, Detail: err.Error()}
		}
		s.tell(Event{Kind: Failed, Err: err, Again: again})
		return
	}
	s.failures, s.status.Error = 0, nil
	s.due = at.Add(got.ttl)
	kind := s.put(got.keys, at)
	s.status.JWKS, s.status.Kept = got.from, false
	s.tell(Event{Kind: kind, Keys: got.keys.set.Len()})
	s.keep(got, at)
}

// put puts keys that were good at an instant in force. Equal ones stay the same set, so that tokens stay remembered.
func (s *Source) put(k keys, at time.Time) EventKind {
	next := &inForce{set: k.set, sum: sha256.Sum256(k.text), until: at.Add(s.config.MaxStale)}
	kind := Changed
	if last := s.now.Load(); last != nil && last.sum == next.sum {
		next.set, kind = last.set, Unchanged
	}
	s.now.Store(next)
	s.status.Waiting, s.status.Keys, s.status.Confirmed = false, next.set.Len(), &at
	return kind
}

// Keys implements identity.KeySource.
func (s *Source) Keys(now time.Time) (*identity.JWKS, error) {
	k := s.now.Load()
	switch {
	case k == nil:
		return nil, identity.ErrNoKeys
	case !now.Before(k.until):
		return nil, identity.ErrStaleKeys
	}
	return k.set, nil
}

// Seek implements identity.KeySource.
func (s *Source) Seek(ctx context.Context, now time.Time, last *identity.JWKS) (*identity.JWKS, error) {
	patient, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	select {
	case <-s.started:
	case <-time.After(beforehand): // the server may take requests a moment before
		return s.Keys(now)
	case <-patient.Done():
		return s.Keys(now)
	}
	for own := false; !own; {
		if set, err := s.Keys(now); err == nil && set != last {
			return set, nil
		}
		s.mu.Lock()
		c := s.call
		if own = c == nil; own {
			if at := time.Now(); !s.closed && (s.sought.IsZero() || at.Sub(s.sought) >= coolDown) {
				s.sought = at
				c = s.begin(s.renew)
			}
		}
		s.mu.Unlock()
		if c == nil {
			break
		}
		select {
		case <-c.done:
		case <-patient.Done():
			return s.Keys(now)
		}
	}
	return s.Keys(now)
}

// Interface guards
var _ identity.KeySource = (*Source)(nil)
