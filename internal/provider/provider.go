// Package provider asks third parties' services: with credentials that go to their host alone, tries that are bounded
// in number, time and share of the traffic, and a circuit breaker for each host.
//
// send.go has the tries, try.go one of them, budget.go and breaker.go what keeps them within bounds, credentials.go what
// is put on them.
package provider

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/internal/clienttoken"
	"github.com/wicketgate/wicketgate/internal/requestsign"
	"github.com/wicketgate/wicketgate/internal/secret"
)

// Config is a third party's service and how it is asked.
type Config struct {
	// Name is what metrics, events and the status call it.
	Name string

	// URL is where it is: a scheme, a host and perhaps a path, without a slash at its end.
	URL string

	// Timeout is how long a try may take until its answer begins, and until its end where it is read whole.
	Timeout time.Duration

	// Deadline is how long all tries may take until the answer begins, with the pauses between them.
	Deadline time.Duration

	// DialTimeout is how long connecting may take.
	DialTimeout time.Duration

	// Concurrent is how many requests may be under way at once, until their answers have ended. As many again wait for a
	// place, for up to DialTimeout; what comes beyond is refused at once. Default: 256.
	Concurrent int

	// Headers and Query are on every request.
	Headers, Query []Pair

	// Redirects is how many redirections of a GET or HEAD are followed.
	Redirects int

	// AllowPrivate lets addresses be dialled that are not public.
	AllowPrivate bool

	// CA are the authorities, in PEM, that the service's certificate is checked against. Default: the system's.
	CA []byte

	// Certificate and CertificateKey, in PEM, are shown to the service. Default: none.
	Certificate, CertificateKey []byte

	// RequestID names header fields in which the service names its requests.
	RequestID []string

	// Auth are the credentials. Default: none.
	Auth *Auth

	// Sign says how requests are signed. Default: not at all.
	Sign *requestsign.Config

	// Retry says when a request is sent again. Default: never.
	Retry *Retry

	// Breaker says when a host is not asked for a while. Default: it always is.
	Breaker *Breaker

	// Report is told what happens. Default: nobody is told.
	Report Report `json:"-"`
}

// Pair is a name and a value.
type Pair struct{ Name, Value string }

// Auth are credentials: of one kind, "bearer", "basic", "header", "query" or "oauth2_client_credentials".
type Auth struct {
	Kind       string
	Name       string // of the user, the header field, the query parameter or the client
	Secret     secret.Text
	Prefix     string // of a header field's value
	TokenURL   string
	Post       bool // the client's secret is sent in the form
	Scopes     []string
	Parameters []Pair
}

// Retry says when a request is sent again.
type Retry struct {
	Attempts int           // all together
	On       []string      // "connect", or a status
	Max      time.Duration // the longest pause, and the longest Retry-After that is obeyed
}

// Breaker says when a host is not asked for a while.
type Breaker struct {
	Failures int           // so many
	Within   time.Duration // in this time
	OpenFor  time.Duration // it is not asked for so long
}

// Report is told what happens. Its methods are called while requests wait, and must not block.
type Report interface {
	// Tried tells what came of a try: "answered", "failed", "timeout", "refused" by the breaker, "busy" without
	// a place, "gone" with the caller, or "unauthorized".
	Tried(name, result string)
	// Retried tells that a request is sent again.
	Retried(name string)
	// Token tells what came of a request for a token; clienttoken.ErrRefused besides, where the service takes none.
	Token(name string, err error)
	// Breaker tells that the breaker of a host has changed: "closed", "open" or "half-open".
	Breaker(name, host, from, to string)
}

// ID names what a client is made of, secrets included, and shows none of it: two that have the same are the same.
func (c Config) ID() (string, error) {
	said, err := json.Marshal(c) // secrets are redacted
	if err != nil {
		return "", fmt.Errorf("integration %s: %w", c.Name, err)
	}
	parts := []string{string(said)}
	if c.Auth != nil {
		parts = append(parts, c.Auth.Secret.Reveal())
	}
	if c.Sign != nil {
		parts = append(parts, "sign", c.Sign.Key.Reveal())
	}
	h := sha256.New()
	for _, part := range parts {
		h.Write(binary.BigEndian.AppendUint64(nil, uint64(len(part)))) //nolint:errcheck // it never fails
		h.Write([]byte(part))                                          //nolint:errcheck // it never fails
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// Client asks a service. It is safe for concurrent use.
type Client struct {
	config  Config
	base    *url.URL
	network http.RoundTripper
	tokens  *clienttoken.Source // nil where there are none
	signer  *requestsign.Signer // nil for none
	budget  Budget
	breaker *HostBreaker // nil for none
	places  *places
	retryOn map[string]bool
	asked   atomic.Int64
	retried atomic.Int64
	failed  atomic.Int64

	sleep  func(context.Context, time.Duration) error // another in tests of its own
	chance func(time.Duration) time.Duration
}

// New makes a client, which asks nobody yet, of a network that dials what it may.
func New(c Config, network http.RoundTripper) (*Client, error) {
	base, err := url.Parse(c.URL)
	if err != nil || base.Host == "" || base.User != nil {
		return nil, errors.New("the address of an integration is one with a host and without a user")
	}
	if c.Report == nil {
		c.Report = silent{}
	}
	if c.Concurrent == 0 {
		c.Concurrent = defaultConcurrent
	}
	p := &Client{config: c, base: base, network: network, places: newPlaces(c.Concurrent), sleep: pause, chance: jitter, retryOn: make(map[string]bool)}
	if c.Retry != nil {
		for _, on := range c.Retry.On {
			p.retryOn[on] = true
		}
	}
	if a := c.Auth; a != nil && a.Kind == "oauth2_client_credentials" {
		parameters := make(url.Values)
		for _, q := range a.Parameters {
			parameters.Add(q.Name, q.Value)
		}
		p.tokens = clienttoken.New(clienttoken.Config{URL: a.TokenURL, Client: a.Name, Secret: a.Secret, Post: a.Post, Scopes: a.Scopes,
			Parameters: parameters, Network: network, Report: func(err error) { c.Report.Token(c.Name, err) }})
	}
	if c.Sign != nil {
		if p.signer, err = requestsign.New(*c.Sign); err != nil {
			return nil, err
		}
	}
	if c.Breaker != nil {
		p.breaker = NewHostBreaker(c.Name, base.Host, *c.Breaker, c.Report.Breaker)
	}
	return p, nil
}

// Close ends what the client does by itself.
func (c *Client) Close() {
	if c.tokens != nil {
		c.tokens.Close()
	}
}

// Status is how the client does.
type Status struct {
	// The integration.
	Integration string `json:"integration"`
	// The host that is asked.
	Host string `json:"host"`
	// How many requests were made.
	Asked int64 `json:"asked"`
	// How often one of them was sent again.
	Retried int64 `json:"retried"`
	// How many had no answer.
	Failed int64 `json:"failed"`
	// How many are under way now.
	UnderWay int `json:"under_way"`
	// The state of the circuit breaker: closed, open or half-open. Absent where it has none, as is the next.
	Breaker string `json:"breaker,omitempty"`
	// Since when it is in that state.
	Since *time.Time `json:"since,omitempty"`
}

// Status says how the client does.
func (c *Client) Status() Status {
	s := Status{Integration: c.config.Name, Host: c.base.Host, Asked: c.asked.Load(), Retried: c.retried.Load(), Failed: c.failed.Load(), UnderWay: len(c.places.taken)}
	if c.breaker != nil {
		state, since := c.breaker.Now()
		s.Breaker, s.Since = state, &since
	}
	return s
}

// silent tells nobody.
type silent struct{}

func (silent) Tried(string, string)                   {}
func (silent) Retried(string)                         {}
func (silent) Token(string, error)                    {}
func (silent) Breaker(string, string, string, string) {}

// Interface guards
var _ Report = silent{}
