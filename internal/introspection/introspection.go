// Package introspection asks an authorization server what a token means to it (RFC 7662), and remembers what it said.
package introspection

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/secret"
)

// Config is a server and the client that asks it.
type Config struct {
	// URL is the endpoint's address: https, and without a user.
	URL string

	// Client is the client's id.
	Client string

	// One way in which the client proves who it is: a secret, which goes into Authorization, or into the form where
	// Post is set (RFC 6749, section 2.3.1); a private key in PEM or as a JWK, which signs assertions (RFC 7523,
	// section 2.2) for Audience; or a certificate with its key, both in PEM (RFC 8705, section 2).
	Secret         secret.Text
	Post           bool
	Key            []byte
	Audience       string // whom the assertions are for; default: URL
	Certificate    []byte
	CertificateKey []byte

	// CA are the authorities, in PEM, that the server's certificate is checked against. Default: the system's.
	CA []byte

	// Timeout is how long an answer may take, from dialling to its end, 100ms to 30s. Default: 2s.
	Timeout time.Duration

	// Cache is how long an answer is remembered, up to 1h, and never past the token's end. Default: 60s. A negative
	// value has every token asked for each time.
	Cache time.Duration

	// Report is told of each question what came of it: nil for an answer. Default: nobody is told.
	Report func(error)
}

const (
	defaultTimeout = 2 * time.Second
	minTimeout     = 100 * time.Millisecond
	maxTimeout     = 30 * time.Second
	defaultCache   = 60 * time.Second
	maxCache       = time.Hour

	// maxAsking is how many questions may be under way at a time: whoever sends many tokens that nobody knows must not
	// have the gateway and the server do nothing else.
	maxAsking = 256
	// maxFrom is how many of them may be for callers at one address, or in one /64, so that others find a place, and a
	// connection too, where each carries one question.
	maxFrom = 16
	// maxAnswer is how long an answer may be: 64 KiB.
	maxAnswer = 64 << 10
)

// ID names what a client is made of, secrets included, and shows none of it: two that have the same are the same.
func (c Config) ID() string {
	h := sha256.New()
	for _, part := range []string{
		c.URL, c.Client, c.Secret.Reveal(), fmt.Sprint(c.Post), string(c.Key), c.Audience, string(c.Certificate), string(c.CertificateKey),
		string(c.CA), c.Timeout.String(), c.Cache.String(),
	} {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) //nolint:errcheck // it never fails
		h.Write([]byte(part))                                          //nolint:errcheck // it never fails
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Client asks, one question at a time about each token, and remembers the answers. It is safe for concurrent use.
type Client struct {
	url     string
	id      string
	prove   func(*http.Request, url.Values) error
	http    *http.Client
	timeout time.Duration
	cache   time.Duration
	report  func(error)

	mu       sync.Mutex
	active   memory
	inactive memory // apart, so that tokens of strangers put no others out
	asking   map[hash]*question
	from     map[netip.Addr]int // how many of those are for callers at an address: at most as many as there are
	posting  int                // questions that have not ended
	ended    *sync.Cond         // one has
	closed   bool
	status   Status
}

// hash stands for a token, and everything else that its answer depends on.
type hash [sha256.Size]byte

// question is one that is under way.
type question struct {
	from   netip.Addr // of whoever asked first
	done   chan struct{}
	answer *Answer
	err    error
}

// Answer is what the server says of a token.
type Answer struct {
	// Active says whether the token is good. If it is not, nothing else is told.
	Active bool
	// Claims are all members of the answer. Nobody changes them.
	Claims map[string]any

	expires time.Time // the token's end; zero where the server does not tell
	size    int       // in bytes, of the answer
}

// Status is how the client does.
type Status struct {
	Asked    int64     // how often the server was asked
	Failed   int64     // how often it gave no answer that could be understood
	Failing  bool      // the last time
	Failure  string    // why it last failed
	FailedAt time.Time // when
}

// New makes a client, which asks nobody yet.
func New(c Config) (*Client, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "":
		return nil, errors.New("the address of the endpoint is not one with https, without a user and a fragment")
	case c.Client == "":
		return nil, errors.New("the client has no id")
	case c.Timeout != 0 && (c.Timeout < minTimeout || c.Timeout > maxTimeout):
		return nil, fmt.Errorf("an answer may take %s to %s", minTimeout, maxTimeout)
	case c.Cache > maxCache:
		return nil, fmt.Errorf("an answer is remembered for %s at most", maxCache)
	}
	i := &Client{url: c.URL, id: c.Client, timeout: c.Timeout, cache: c.Cache, report: c.Report, asking: make(map[hash]*question), from: make(map[netip.Addr]int)}
	i.ended = sync.NewCond(&i.mu)
	if i.timeout == 0 {
		i.timeout = defaultTimeout
	}
	if i.cache == 0 {
		i.cache = defaultCache
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if len(c.CA) > 0 {
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(c.CA) {
			return nil, errors.New("the authorities' file holds no certificate in PEM")
		}
	}
	if i.prove, err = prover(c, config); err != nil {
		return nil, err
	}
	i.http = &http.Client{
		Transport: &http.Transport{
			TLSClientConfig: config, ForceAttemptHTTP2: true, DisableCompression: true, MaxResponseHeaderBytes: maxAnswer,
			MaxIdleConnsPerHost: 16, MaxConnsPerHost: 64, IdleConnTimeout: time.Minute,
		},
		// A token goes to the server that was named and to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return i, nil
}

// Close waits for the questions that are under way, and lets go of the connections. Requests that began before may ask on:
// they come and go while it waits, which a WaitGroup does not allow.
func (i *Client) Close() error {
	i.mu.Lock()
	i.closed = true
	for i.posting > 0 {
		i.ended.Wait()
	}
	i.mu.Unlock()
	i.http.CloseIdleConnections()
	return nil
}

// Status says how the client does.
func (i *Client) Status() Status {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.status
}

var errBusy = errors.New("too many tokens are asked for at a time")

// Introspect says what the server says of a token at now, or has said not long ago. It came from an address, or a network.
// An error means that nobody knows: the token must not be taken then.
func (i *Client) Introspect(ctx context.Context, token string, from netip.Addr, now time.Time) (*Answer, error) {
	key := i.hash(token)
	i.mu.Lock()
	if a := i.recall(key, now); a != nil {
		i.mu.Unlock()
		return a, nil
	}
	q := i.asking[key]
	if q == nil {
		if len(i.asking) >= maxAsking || i.from[from] >= maxFrom {
			i.mu.Unlock()
			return nil, errBusy
		}
		q = &question{from: from, done: make(chan struct{})}
		i.asking[key] = q
		i.from[from]++
		i.posting++
		// By itself: whoever asked first may go away, and others wait too.
		go i.ask(key, q, token, now)
	}
	i.mu.Unlock()
	select {
	case <-q.done:
		return q.answer, q.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// hash is what an answer about a token is remembered by (security.md: everything that decided it, length-prefixed and
// hashed).
func (i *Client) hash(token string) hash {
	var b []byte
	for _, part := range []string{i.url, i.id, token} {
		b = append(binary.BigEndian.AppendUint64(b, uint64(len(part))), part...)
	}
	return sha256.Sum256(b)
}

// ask answers a question. What it says is good from the moment at which it was asked.
func (i *Client) ask(key hash, q *question, token string, now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), i.timeout)
	defer cancel()
	answer, err := i.guarded(ctx, token)
	if i.report != nil {
		i.report(err)
	}
	i.mu.Lock()
	delete(i.asking, key)
	if i.from[q.from]--; i.from[q.from] == 0 {
		delete(i.from, q.from)
	}
	i.posting--
	i.ended.Broadcast()
	i.status.Asked++
	i.status.Failing = err != nil
	if err != nil {
		i.status.Failed++
		i.status.Failure, i.status.FailedAt = err.Error(), now
	} else {
		i.remember(key, answer, now)
	}
	q.answer, q.err = answer, err
	closed := i.closed
	i.mu.Unlock()
	close(q.done)
	if closed {
		i.http.CloseIdleConnections()
	}
}
