package decisionlog

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/decisionlog"
	"github.com/wicketgate/wicketgate/modules/peer"
)

// Upload is an endpoint that takes decisions as those of OPA do: each request posts a gzipped array of events, and any
// status of 200 to 299 says that they are safe.
//
// What the endpoint has not taken waits on the disk, over restarts too, and is sent again: after 100ms, then after
// twice as long each time, up to 30s, or when the endpoint says so in Retry-After. Only a chunk that the endpoint itself
// rejects five times, with status 400, 413, 415 or 422, is given up and counted. An event may arrive twice; its decision_id tells.
type Upload struct {
	// The address that chunks are posted to, as it is: OPA would put /logs behind it. https, or http on the machine
	// itself. Required.
	URL string `json:"url"`

	// How large a chunk may be, in bytes, gzipped; an event that is larger alone is a chunk of its own. Default: 32768.
	// Bounds: 1024 to 16777216.
	ChunkSize int `json:"chunk_size,omitempty"`

	// How long a decision waits for others at least, unless they fill a chunk. Default: 5s.
	MinDelay caddy.Duration `json:"min_delay,omitempty"`

	// How long a decision waits for others at most; the time is taken at random between the two. Default: 10s, or
	// min_delay where that is longer. Bounds: 10ms to 1h.
	MaxDelay caddy.Duration `json:"max_delay,omitempty"`

	// The folder in which chunks wait until the endpoint has taken them. Default: a folder below Caddy's data folder,
	// named after the address.
	Spool string `json:"spool,omitempty"`

	// How many bytes may wait there; then on_full says what happens. An event that is larger waits alone. Default: 268435456 (256 MiB). Bounds: twice
	// chunk_size to 1 TiB.
	SpoolSize int64 `json:"spool_size,omitempty"`

	// A placeholder for the token that is sent in Authorization, {env.NAME} or {file.PATH}, read anew for each request.
	// Default: none.
	Bearer string `json:"bearer,omitempty"`

	// Further header fields of each request, by name; the values may have placeholders. Default: none. Bound: 20.
	Header map[string]string `json:"header,omitempty"`

	// A file of PEM certificates that the endpoint's is checked against. Default: the system's.
	CA string `json:"ca,omitempty"`

	// The PEM files of a client certificate and its key, read anew for each connection. Default: none.
	ClientCertificate *ClientCertificate `json:"client_certificate,omitempty"`
}

// ClientCertificate is a certificate and its key.
type ClientCertificate struct {
	// The file of the certificate, with those that lead to its authority. Required.
	Certificate string `json:"certificate"`

	// The file of the key. Required.
	Key string `json:"key"`
}

const (
	defaultChunkSize = 32 << 10 // as OPA's upload_size_limit_bytes
	leastChunkSize   = 1 << 10
	mostChunkSize    = 16 << 20
	defaultMinDelay  = 5 * time.Second
	defaultMaxDelay  = 10 * time.Second
	leastDelay       = 10 * time.Millisecond
	mostDelay        = time.Hour
	defaultSpoolSize = 256 << 20
	mostSpoolSize    = 1 << 40
	mostFields       = 20
)

// endpoint checks the configuration and fills in what it leaves open.
func (u *Upload) endpoint() (*decisionlog.Endpoint, error) {
	if err := checkURL(u.URL); err != nil {
		return nil, err
	}
	chunk := or(u.ChunkSize, defaultChunkSize)
	least := or(time.Duration(u.MinDelay), defaultMinDelay)
	if u.MinDelay == 0 && u.MaxDelay > 0 {
		least = min(least, time.Duration(u.MaxDelay))
	}
	most := or(time.Duration(u.MaxDelay), max(defaultMaxDelay, least))
	size := or(u.SpoolSize, max(defaultSpoolSize, 2*int64(chunk)))
	switch {
	case chunk < leastChunkSize || chunk > mostChunkSize:
		return nil, fmt.Errorf("chunk_size: %d is not between %d and %d bytes", chunk, leastChunkSize, mostChunkSize)
	case least > most:
		return nil, fmt.Errorf("min_delay: %s is longer than max_delay, %s", least, most)
	case least < leastDelay || most > mostDelay:
		return nil, fmt.Errorf("min_delay and max_delay: from %s to %s, not %s and %s", leastDelay, mostDelay, least, most)
	case size < 2*int64(chunk) || size > mostSpoolSize:
		return nil, fmt.Errorf("spool_size: %d is not between twice the size of a chunk and %d bytes", size, int64(mostSpoolSize))
	}
	header, err := u.header()
	if err != nil {
		return nil, err
	}
	client, err := u.client()
	if err != nil {
		return nil, err
	}
	folder := u.Spool
	if folder == "" {
		sum := sha256.Sum256([]byte(u.URL))
		folder = filepath.Join(caddy.AppDataDir(), "api_gateway", "decisions", hex.EncodeToString(sum[:8]))
	}
	return &decisionlog.Endpoint{
		URL: u.URL, Client: client, Header: header, ChunkSize: chunk,
		MinDelay: least, MaxDelay: most, Spool: folder, SpoolSize: size,
	}, nil
}

func or[T comparable](value, standard T) T {
	if value == *new(T) {
		return standard
	}
	return value
}

// checkURL takes https alone, but for the machine itself: decisions tell who may do what. The address is not quoted,
// since it may have a password.
func checkURL(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "":
		return errors.New("the address is none, such as https://logs.acme.example/logs")
	case u.User != nil:
		return errors.New("the address has a user or a password; use bearer or header")
	case u.Fragment != "":
		return errors.New("the address has a fragment, which is not sent")
	case u.Scheme == "https":
		return nil
	case u.Scheme != "http":
		return fmt.Errorf("the address begins with %s, not with https", u.Scheme)
	}
	if ip, err := netip.ParseAddr(u.Hostname()); u.Hostname() == "localhost" || err == nil && ip.IsLoopback() {
		return nil
	}
	return errors.New("the address must begin with https: only on the machine itself may decisions travel in the clear")
}

// header checks the header fields and gives what makes them for a request.
func (u *Upload) header() (func() (http.Header, error), error) {
	if len(u.Header) > mostFields {
		return nil, fmt.Errorf("header: there may be at most %d fields", mostFields)
	}
	for name, value := range u.Header {
		if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, fmt.Errorf("header: %q is no field with a value", name)
		}
		if u.Bearer != "" && strings.EqualFold(name, "Authorization") {
			return nil, errors.New("header: Authorization is given by bearer")
		}
	}
	if u.Bearer != "" && !peer.Placeholder(u.Bearer) {
		return nil, errors.New("bearer takes a placeholder, {env.NAME} or {file.PATH}, so that the token itself is not in the configuration")
	}
	bearer := peer.Secret(u.Bearer)
	return func() (http.Header, error) {
		header := make(http.Header, len(u.Header)+3)
		repl := caddy.NewReplacer()
		for name, value := range u.Header {
			value, err := repl.ReplaceOrErr(value, true, true)
			if err != nil {
				return nil, fmt.Errorf("header %s: %w", name, err)
			}
			header.Set(name, strings.TrimSpace(value))
		}
		if bearer != nil {
			token, err := bearer()
			if err != nil {
				return nil, fmt.Errorf("bearer: %w", err)
			}
			header.Set("Authorization", "Bearer "+token.Reveal())
		}
		return header, nil
	}, nil
}

// client makes what sends the chunks.
func (u *Upload) client() (*http.Client, error) {
	config, err := peer.TLS(u.CA, (*peer.Certificate)(u.ClientCertificate), os.ReadFile)
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: config, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 90 * time.Second, MaxIdleConns: 2,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}
