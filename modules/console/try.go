package console

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"
	"golang.org/x/net/http/httpguts"

	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/internal/problem"
)

const (
	// maxShown bounds what is shown of an answer: 256 KiB. The rest is not kept.
	maxShown = 256 << 10
	// trying bounds how long a request that is tried may take: 30 s.
	trying = 30 * time.Second
)

// tried is a request that somebody tries.
type tried struct {
	Method string          `json:"method"`
	URL    string          `json:"url"`
	Header []explain.Field `json:"header"`
	Body   string          `json:"body"`
}

// came is its answer.
type came struct {
	Status int             `json:"status"`
	Header []explain.Field `json:"header"`
	Body   string          `json:"body"`
	Bytes  int64           `json:"bytes"`            // of the whole body
	Binary bool            `json:"binary,omitempty"` // the body is no text, and left out
	Took   float64         `json:"took_ms"`
	Broken string          `json:"broken,omitempty"` // why the answer broke off
}

// try sends a request through the gateway as if it had come from outside: with the credential that is written for it, and
// nothing of the operator's own. The page itself could not: the browser would add the credential of the console.
func (h *Handler) try(w http.ResponseWriter, r *http.Request) *problem.Problem {
	var asked tried
	if prob := posted(r, &asked); prob != nil {
		return prob
	}
	ctx, cancel := context.WithTimeout(context.Background(), trying) // which knows nothing of who asks the console
	defer cancel()
	defer context.AfterFunc(r.Context(), cancel)()
	out, err := asked.request(r)
	if err != nil {
		return problem.New(problem.BadRequest, err.Error())
	}
	h.logger.Info("request is tried", zap.String("method", out.Method), zap.String("host", out.Host), zap.String("path", out.URL.EscapedPath()), zap.String("by", user(r)))
	to := &kept{header: make(http.Header)}
	began := time.Now()
	broken := h.send(to, out.WithContext(ctx))
	answer := came{Status: to.status, Header: fieldsOf(to.header), Bytes: to.bytes, Took: float64(time.Since(began).Microseconds()) / 1000, Body: to.body.String(), Broken: broken}
	if to.bytes > maxShown { // which may have cut a letter
		answer.Body = strings.ToValidUTF8(answer.Body, "")
	}
	if !utf8.ValidString(answer.Body) {
		answer.Body, answer.Binary = "", true
	}
	return tell(w, answer)
}

// send has the gateway serve a request. A panic is how its proxy says that an answer broke off.
func (h *Handler) send(w http.ResponseWriter, r *http.Request) (broken string) {
	defer func() {
		p := recover()
		if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
			broken = "the answer broke off"
		} else if p != nil {
			panic(p)
		}
	}()
	err := h.app.Send(w, caddyhttp.PrepareRequest(r, caddy.NewReplacer(), w, &caddyhttp.Server{}))
	var prob *problem.Problem
	if err != nil && !errors.As(err, &prob) {
		return "the answer did not come in time"
	}
	return ""
}

// request makes the request, from the address of who tries it.
func (t *tried) request(from *http.Request) (*http.Request, error) {
	u, err := url.Parse(t.URL)
	if err != nil || u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("the address is one such as https://localhost/api/v1/orders")
	}
	if !httpguts.ValidHeaderFieldName(t.Method) || t.Method == http.MethodConnect {
		return nil, fmt.Errorf("%q is no method to try", t.Method)
	}
	r, err := http.NewRequestWithContext(context.Background(), t.Method, u.RequestURI(), strings.NewReader(t.Body))
	if err != nil {
		return nil, errors.New("the address is one such as https://localhost/api/v1/orders")
	}
	r.Host, r.RequestURI, r.RemoteAddr = u.Host, u.RequestURI(), from.RemoteAddr
	r.URL.Scheme, r.URL.Host = "", ""
	r.Proto, r.ProtoMajor, r.ProtoMinor = "HTTP/2.0", 2, 0
	r.TLS = &tls.ConnectionState{HandshakeComplete: true, ServerName: u.Hostname()} // a certificate of the operator's is no caller's
	if t.Body == "" {
		r.Body = http.NoBody
	}
	for _, f := range t.Header {
		switch {
		case !httpguts.ValidHeaderFieldName(f.Name) || !httpguts.ValidHeaderFieldValue(f.Value):
			return nil, fmt.Errorf("%q is no header field", f.Name)
		case strings.EqualFold(f.Name, "Host"), strings.EqualFold(f.Name, "Upgrade"), strings.EqualFold(f.Name, "Content-Length"):
			return nil, fmt.Errorf("%s cannot be tried", http.CanonicalHeaderKey(f.Name))
		}
		r.Header.Add(f.Name, f.Value)
	}
	return r, nil
}

// fieldsOf are the fields of an answer in the order of their names.
func fieldsOf(h http.Header) []explain.Field {
	all := []explain.Field{}
	for _, name := range slices.Sorted(maps.Keys(h)) {
		for _, v := range h[name] {
			all = append(all, explain.Field{Name: name, Value: v})
		}
	}
	return all
}

// kept is an answer, of whose body maxShown is kept.
type kept struct {
	header http.Header
	sent   bool
	status int
	body   bytes.Buffer
	bytes  int64
}

// Header implements http.ResponseWriter.
func (k *kept) Header() http.Header { return k.header }

// WriteHeader implements http.ResponseWriter.
func (k *kept) WriteHeader(status int) {
	if k.sent || status < http.StatusOK {
		return
	}
	k.sent, k.status, k.header = true, status, k.header.Clone()
}

// Write implements http.ResponseWriter.
func (k *kept) Write(b []byte) (int, error) {
	k.WriteHeader(http.StatusOK)
	k.bytes += int64(len(b))
	k.body.Write(b[:min(len(b), max(0, maxShown-k.body.Len()))])
	return len(b), nil
}

// Flush implements http.Flusher: nobody waits for a part of it.
func (k *kept) Flush() {}

// Interface guards
var _ http.Flusher = (*kept)(nil)
