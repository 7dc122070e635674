package bundle

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/open-policy-agent/opa/v1/bundle"
	"github.com/open-policy-agent/opa/v1/logging"
	"github.com/open-policy-agent/opa/v1/plugins/rest"

	"github.com/wicketgate/wicketgate/internal/archive"
	"github.com/wicketgate/wicketgate/internal/pace"
	"github.com/wicketgate/wicketgate/internal/secret"
)

// What a server is given before it counts as one that does not answer.
const (
	headerTimeout = 10 * time.Second // until its answer begins; beyond what a long poll asks it to wait
	stallTimeout  = 30 * time.Second // until more of a bundle comes
	maxRedirects  = 5
	minInterval   = 250 * time.Millisecond // between requests: a server that answers long polls at once gets no storm of them
	maxHeader     = 64 << 10               // of an answer, in bytes
	maxAhead      = 256 << 10              // of a bundle that the server may send before we have read what came, in bytes
)

// client is how the downloader reaches the server: OPA's own requests, with our bounds and credentials. It reads an
// archive whole before anybody makes anything of it.
type client struct {
	config    *Config
	transport *http.Transport

	mu      sync.Mutex
	archive []byte         // the last one that came
	files   []archive.File // in it
	etag    string         // of the bundle that need not come again
	hurry   bool           // the server is to say at once whether that is the newest
	status  int            // of the last answer; 0 where there was none
	next    time.Time      // when the next request may be sent
}

// pluginName is by what OPA finds the client.
const pluginName = "wicketgate"

func newClient(config *Config) *client {
	return &client{config: config, transport: &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        config.TLS,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true, // a server that calls an archive compressed content must not have it unpacked
		MaxResponseHeaderBytes: maxHeader,
		TLSHandshakeTimeout:    headerTimeout,
		IdleConnTimeout:        90 * time.Second,
		MaxIdleConns:           1,
		// What net/http reads ahead of us, it reads without stepping aside for requests.
		HTTP2: &http.HTTP2Config{MaxReceiveBufferPerStream: maxAhead, MaxReceiveBufferPerConnection: maxAhead},
	}}
}

// rest gives OPA's client of this server.
func (c *client) rest() (rest.Client, error) {
	base := url.URL{Scheme: c.config.URL.Scheme, Host: c.config.URL.Host}
	made, err := rest.New(fmt.Appendf(nil, `{"url": %q, "credentials": {"plugin": %q}}`, base.String(), pluginName), nil,
		rest.AuthPluginLookup(func(string) rest.HTTPAuthPlugin { return c }),
		rest.Logger(logging.NewNoOpLogger()), // the feed says what there is to say
	)
	if err != nil {
		return rest.Client{}, fmt.Errorf("setting up the client: %w", err)
	}
	return made, nil
}

// NewClient implements rest.HTTPAuthPlugin.
func (c *client) NewClient(rest.Config) (*http.Client, error) {
	return &http.Client{Transport: c, CheckRedirect: c.redirect}, nil
}

// Prepare implements rest.HTTPAuthPlugin: it puts on a request what OPA does not know.
func (c *client) Prepare(r *http.Request) error {
	// OPA asks for delta bundles too, which cannot be signed and would be refused.
	prefer := strings.Replace(r.Header.Get("Prefer"), "modes=snapshot,delta", "modes=snapshot", 1)
	c.mu.Lock()
	etag := c.etag
	if c.hurry {
		prefer, _, _ = strings.Cut(prefer, ";wait=")
	}
	c.mu.Unlock()
	r.Header.Set("Prefer", prefer)
	// OPA forgets after a mistake what it has, but not the field that says so.
	r.Header.Del("If-None-Match")
	if etag != "" {
		r.Header.Set("If-None-Match", etag)
	}
	if c.config.Token == nil {
		return nil
	}
	token, err := c.config.Token()
	if err != nil {
		return err
	}
	if token.Reveal() == "" {
		return errors.New("the bearer token is empty")
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	return nil
}

// redirect follows a server to another address, and takes no credentials there.
func (c *client) redirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case len(via) > maxRedirects:
		return errors.New("the server redirects too often")
	case r.URL.Scheme != first.URL.Scheme:
		return errors.New("the server redirects to another scheme")
	case r.URL.Host == first.URL.Host:
		return nil
	case c.config.TLS != nil && c.config.TLS.GetClientCertificate != nil:
		return errors.New("the server redirects to another one, for which the client certificate is not meant")
	}
	r.Header.Del("Authorization")
	return nil
}

// RoundTrip implements http.RoundTripper.
func (c *client) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	wait := time.Until(c.next)
	c.archive, c.files, c.status = nil, nil, 0
	c.mu.Unlock()
	if err := sleep(r.Context(), wait); err != nil {
		return nil, err
	}
	c.mu.Lock()
	c.next = time.Now().Add(minInterval)
	c.mu.Unlock()

	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	patience := headerTimeout
	if strings.Contains(r.Header.Get("Prefer"), "wait=") {
		patience += c.config.LongPolling
	}
	watch := time.AfterFunc(patience, func() { cancel(errors.New("the server does not answer")) })
	defer watch.Stop()
	res, err := c.transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		return nil, cause(ctx, err)
	}
	defer res.Body.Close() //nolint:errcheck // it has been read, or is of no use
	c.mu.Lock()
	c.status, c.hurry = res.StatusCode, c.hurry && res.StatusCode != http.StatusNotModified
	c.mu.Unlock()
	body := []byte(nil)
	if res.StatusCode == http.StatusOK {
		watch.Reset(stallTimeout)
		if err = c.read(res, func() { watch.Reset(stallTimeout) }); err != nil {
			return nil, cause(ctx, err)
		}
		body = emptyBundle
	}
	res.Body, res.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return res, nil
}

// emptyBundle is what the downloader is shown of an archive that has come.
var emptyBundle = func() []byte {
	var b bytes.Buffer
	packed := gzip.NewWriter(&b)
	files := tar.NewWriter(packed)
	const manifest = "{}"
	_ = files.WriteHeader(&tar.Header{Name: bundle.ManifestExt, Typeflag: tar.TypeReg, Size: int64(len(manifest))}) // to memory nothing fails
	_, _ = files.Write([]byte(manifest))
	_ = files.Close()
	_ = packed.Close()
	return b.Bytes()
}()

// read reads an archive to its end, and keeps it until it is taken.
func (c *client) read(res *http.Response, came func()) error {
	most := c.config.Bounds.Packed
	large := fmt.Errorf("the bundle has more than %d bytes", most)
	if res.ContentLength > most {
		return large
	}
	var step pace.Pace
	body := make([]byte, 0, max(res.ContentLength+1, minArchive)) // one more, to see its end
	for {
		if len(body) == cap(body) {
			body = larger(body, &step)
		}
		n, err := res.Body.Read(body[len(body):min(cap(body), len(body)+maxAtOnce)])
		body = body[:len(body)+n]
		if int64(len(body)) > most {
			return large
		}
		if n > 0 {
			came()
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the bundle: %w", err)
		}
		step.Rest()
	}
	files, err := unpack(body, c.config.Bounds)
	if err != nil {
		return &archiveError{err}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.archive, c.files = body, files
	return nil
}

// How archives are read that come.
const (
	minArchive = 64 << 10 // there is room for at first, in bytes
	maxAtOnce  = 16 << 10 // is read between two looks at the clock, in bytes
)

// larger gives the same bytes, with room for as many more. It copies in pieces: a large copy at once, nobody could
// interrupt, and a collection of garbage would have everybody wait for it.
func larger(b []byte, step *pace.Pace) []byte {
	out := make([]byte, 0, 2*len(b))
	for part := range slices.Chunk(b, maxAtOnce) {
		out = append(out, part...)
		step.Rest()
	}
	return out
}

// archiveError is about what a server sent, rather than about reaching it.
type archiveError struct{ error }

// Unwrap gives what is wrong.
func (e *archiveError) Unwrap() error { return e.error }

// take gives the last archive that came, and the files in it, once.
func (c *client) take() ([]byte, []archive.File) {
	c.mu.Lock()
	defer c.mu.Unlock()
	packed, files := c.archive, c.files
	c.archive, c.files = nil, nil
	return packed, files
}

// answered is the status of the last answer, 0 where there was none.
func (c *client) answered() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.status
}

// has is the ETag of the bundle that need not come again.
func (c *client) has() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.etag
}

// got notes the ETag of a bundle that has come, or was kept: then the server is to say at once whether it has a newer
// one, even if asked to wait for that otherwise.
func (c *client) got(etag string, kept bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.etag, c.hurry = etag, kept
}

// news lets the next request go at once, as a long poll should after a bundle that was new.
func (c *client) news() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.next = time.Time{}
}

// cause is why a request was broken off, where we did.
func cause(ctx context.Context, err error) error {
	if why := context.Cause(ctx); why != nil && !errors.Is(why, context.Canceled) {
		return why
	}
	return err
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// plain is an error without the address, whose query may hold a secret, that net/http puts around it.
func plain(err error) error {
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		return wrapped.Err
	}
	return err
}

// Token gives the bearer token for a request.
type Token func() (secret.Text, error)

// Interface guards
var (
	_ rest.HTTPAuthPlugin = (*client)(nil)
	_ http.RoundTripper   = (*client)(nil)
)
