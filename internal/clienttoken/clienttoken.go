// Package clienttoken gets access tokens with the credentials of a client (RFC 6749, section 4.4), and keeps the one it
// has: however many ask, one request is under way, and it belongs to none of them.
package clienttoken

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/wicketgate/wicketgate/internal/secret"
)

const (
	maxFetch     = 10 * time.Second // a request for a token, from dialling to its end
	firstPause   = time.Second      // after a failure
	longestPause = time.Minute
	unknownLife  = time.Hour // of a token whose end is not told
	maxLife      = 24 * time.Hour
	spare        = 5 * time.Second // before its end a token is not used any more, for it has a way to go; at most a tenth of its life
	maxToken     = 16 << 10        // bytes
)

// Config is a client and the server that gives it tokens.
type Config struct {
	// URL is the token endpoint's address.
	URL string

	// Client is the client's id, Secret its secret.
	Client string
	Secret secret.Text

	// Post says that both are sent in the form; otherwise they are in Authorization.
	Post bool

	// Scopes are those asked for. Default: none.
	Scopes []string

	// Parameters are further ones of the request. Default: none.
	Parameters url.Values

	// Network carries the requests.
	Network http.RoundTripper

	// Report is told what came of each request: nil for a token, and ErrRefused besides of one that the service takes as
	// little as the one before. Default: nobody is told.
	Report func(error)
}

// Token is an access token.
type Token struct {
	value   string
	refresh time.Time // from then on another is got in the background
	expires time.Time
	refused bool // at once; the source's lock guards it
}

// Reveal gives the token to whoever puts it on a request.
func (t *Token) Reveal() string { return t.value }

// String is "[redacted]".
func (*Token) String() string { return "[redacted]" }

// Source gives tokens. It is safe for concurrent use.
type Source struct {
	config  *clientcredentials.Config
	network http.RoundTripper
	report  func(error)

	mu       sync.Mutex
	current  *Token
	asking   *question // nil while none is under way
	failed   pause     // after a failure: nobody asks before
	refused  pause     // after a token that was refused at once: it is kept until then, whoever refuses it
	failure  error
	fetching sync.WaitGroup
	closed   bool
	ctx      context.Context
	cancel   context.CancelFunc
}

// pause is how long nobody asks after something went wrong, and went wrong again: 1 s, then 2 s, up to 60 s.
type pause struct {
	length time.Duration
	until  time.Time
}

func (p *pause) again(now time.Time) {
	p.length = min(max(2*p.length, firstPause), longestPause)
	p.until = now.Add(p.length)
}

func (p *pause) over(now time.Time) bool { return !now.Before(p.until) }

type question struct {
	done  chan struct{}
	token *Token
	err   error
}

// New makes a source, which asks nobody yet.
func New(c Config) *Source {
	style := oauth2.AuthStyleInHeader
	if c.Post {
		style = oauth2.AuthStyleInParams
	}
	s := &Source{network: c.Network, report: c.Report, config: &clientcredentials.Config{
		ClientID: c.Client, ClientSecret: c.Secret.Reveal(), TokenURL: c.URL, Scopes: c.Scopes, EndpointParams: c.Parameters, AuthStyle: style}}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

var errClosed = errors.New("the gateway ends")

// Get gives a token. It waits for one where there is none, as long as ctx lets it; after a failure it fails at once until
// the pause, of 1 s at first and 60 s at most, is over.
func (s *Source) Get(ctx context.Context) (*Token, error) {
	now := time.Now()
	s.mu.Lock()
	if t := s.current; t != nil && now.Before(t.expires) {
		if !now.Before(t.refresh) && s.asking == nil && s.failed.over(now) && !s.closed {
			s.ask()
		}
		s.mu.Unlock()
		return t, nil
	}
	q := s.asking
	switch {
	case q != nil:
	case s.closed:
		s.mu.Unlock()
		return nil, errClosed
	case !s.failed.over(now):
		err := s.failure
		s.mu.Unlock()
		return nil, err
	default:
		q = s.ask()
	}
	s.mu.Unlock()
	select {
	case <-q.done:
		return q.token, q.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// ErrRefused says that the service refuses tokens that have just been got.
var ErrRefused = errors.New("the service refuses the token, and so it did the one before")

// Drop forgets a token that was refused, unless another has taken its place by now. It gives false where another would
// be refused as well, as far as is known: then the token stays in force, and nobody asks for one.
func (s *Source) Drop(t *Token) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.current != t {
		return true
	}
	if !s.refused.over(time.Now()) {
		return false
	}
	s.current = nil
	return true
}

// Replaced tells what came of a token that was got because another had been refused. One that is refused, too, is a failure:
// others are got only after a pause, of 1 s at first and 60 s at most, which only a token that is taken in such a place
// ends. A service that refuses whatever it is shown would have a token got for each request otherwise, and so would one that
// says 401 where it means 403.
func (s *Source) Replaced(t *Token, refused bool) {
	s.mu.Lock()
	known := s.current != t || t.refused
	switch {
	case !refused:
		s.refused = pause{}
	case !known: // once for all callers that it was refused to
		t.refused = true
		s.refused.again(time.Now())
	}
	s.mu.Unlock()
	if refused && !known && s.report != nil {
		s.report(ErrRefused)
	}
}

// Close ends what is under way.
func (s *Source) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.fetching.Wait()
}

// ask begins a request. The caller holds s.mu.
func (s *Source) ask() *question {
	q := &question{done: make(chan struct{})}
	s.asking = q
	s.fetching.Add(1)
	go func() {
		defer s.fetching.Done()
		token, err := s.fetch()
		if s.report != nil {
			s.report(err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		q.token, q.err = token, err
		s.asking = nil
		if err == nil {
			s.current, s.failure, s.failed = token, nil, pause{}
		} else {
			s.failure = err
			s.failed.again(time.Now())
		}
		close(q.done)
	}()
	return q
}

func (s *Source) fetch() (*Token, error) {
	ctx, cancel := context.WithTimeout(s.ctx, maxFetch)
	defer cancel()
	client := &http.Client{
		Transport: s.network,
		// A secret goes to the server that was named and to no other.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	began := time.Now()
	got, err := s.config.Token(context.WithValue(ctx, oauth2.HTTPClient, client))
	if err != nil {
		return nil, plain(err)
	}
	if len(got.AccessToken) > maxToken {
		return nil, errors.New("getting a token: it is too long")
	}
	if got.TokenType != "" && got.Type() != "Bearer" {
		return nil, errors.New("getting a token: it is no bearer token")
	}
	for i := range len(got.AccessToken) {
		if c := got.AccessToken[i]; c <= ' ' || c >= 0x7f { // RFC 6750, section 2.1
			return nil, errors.New("getting a token: it has characters that no token has")
		}
	}
	life := unknownLife
	if !got.Expiry.IsZero() { // counted from when it came, though it is older
		life = min(time.Until(got.Expiry), maxLife)
	}
	t := &Token{value: got.AccessToken, refresh: began.Add(life - life/5), expires: began.Add(life - min(spare, life/10))}
	if !time.Now().Before(t.expires) {
		return nil, errors.New("getting a token: it has expired already")
	}
	return t, nil
}

// plain takes off an error what it quotes: addresses may hold secrets, and the server's answer is its own.
func plain(err error) error {
	var answered *oauth2.RetrieveError
	if errors.As(err, &answered) {
		status := 0
		if answered.Response != nil {
			status = answered.Response.StatusCode
		}
		return fmt.Errorf("getting a token: the server answered %d %q", status, short(answered.ErrorCode))
	}
	var asked *url.Error
	if errors.As(err, &asked) {
		return fmt.Errorf("getting a token: %w", asked.Err)
	}
	return errors.New("getting a token: the server gave none that could be understood")
}

// short bounds an error's code, which is the server's word.
func short(code string) string { return code[:min(len(code), 64)] }
