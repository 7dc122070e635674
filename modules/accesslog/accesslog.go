// Package accesslog faces Caddy for the access log that costs little: the directive api_access_log.
package accesslog

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/caddyserver/caddy/v2/modules/logging"

	"github.com/wicketgate/wicketgate/internal/accesslog"
	"github.com/wicketgate/wicketgate/internal/identity"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

func init() {
	caddy.RegisterModule(Handler{})
}

// Handler writes a line of JSON for each request, as Caddy's directive log with the format api_gateway does, at a small part of
// its cost: of the header it has the fields that are named, and of the answer's none; and lines are written many at once,
// 100 ms after the request at the latest. Where the writer is slow at most 4 MiB of lines wait, then requests wait for 100 ms, and
// then the line is lost and counted. Nothing that waits is lost when Caddy loads another configuration or stops; a process
// that is killed loses what it did not write yet. The variable log_skip leaves requests out, as in Caddy's.
type Handler struct {
	// What writes the lines: a writer of Caddy's logs, such as file, stdout, stderr or net, with its own options. Default:
	// stderr.
	WriterRaw json.RawMessage `json:"writer,omitempty" caddy:"namespace=caddy.logging.writers inline_key=output"`

	// The fields of the request's header that a line has, where they are there. Those that carry credentials are shown as
	// REDACTED. Default: Accept, Content-Type, Origin, Referer and User-Agent. Bound: 32.
	Headers []string `json:"headers,omitempty"`

	names []*accesslog.Name
	key   string // in the pool
	log   *accesslog.Log
}

// mostHeaders bounds the fields of a line.
const mostHeaders = 32

var usual = []string{"Accept", "Content-Type", "Origin", "Referer", "User-Agent"}

// CaddyModule returns the Caddy module information.
func (Handler) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "http.handlers.api_access_log",
		New: func() caddy.Module { return new(Handler) },
	}
}

// logs are those of the process, by what they write to: one that two configurations have goes on while Caddy changes from one
// to the other.
var logs = caddy.NewUsagePool()

// pooled is a log as the pool wants it.
type pooled struct{ *accesslog.Log }

// Destruct writes what waits and ends the log.
func (p pooled) Destruct() error { return p.Close() }

// Provision opens the log, or finds that of an earlier configuration or another site.
func (h *Handler) Provision(ctx caddy.Context) error {
	if len(h.Headers) > mostHeaders {
		return fmt.Errorf("headers names more than %d fields", mostHeaders)
	}
	if len(h.Headers) == 0 {
		h.Headers = slices.Clone(usual)
	}
	for _, name := range h.Headers {
		h.names = append(h.names, accesslog.NewName(name))
	}
	var writer caddy.WriterOpener = caddy.StderrWriter{}
	if h.WriterRaw != nil {
		guest, err := ctx.LoadModule(h, "WriterRaw")
		if err != nil {
			return fmt.Errorf("loading the writer: %w", err)
		}
		var ok bool
		if writer, ok = guest.(caddy.WriterOpener); !ok {
			return fmt.Errorf("%T is no writer", guest)
		}
	}
	counts, err := registerMetrics(ctx.GetMetricsRegistry())
	if err != nil {
		return err
	}
	key := writer.WriterKey()
	log, _, err := logs.LoadOrNew(key, func() (caddy.Destructor, error) {
		to, err := writer.OpenWriter()
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", writer, err)
		}
		return pooled{accesslog.NewLog(to, !takesMany(writer), counts)}, nil
	})
	if err != nil {
		return err
	}
	h.key, h.log = key, log.(pooled).Log
	return nil
}

// takesMany says whether a writer takes several lines at once: one to a network may send each write as a datagram.
func takesMany(w caddy.WriterOpener) bool {
	switch w.(type) {
	case *logging.FileWriter, logging.FileWriter, caddy.DiscardWriter, *caddy.DiscardWriter:
		return true
	}
	return caddy.IsWriterStandardStream(w)
}

// Cleanup gives the log up, which ends it when no configuration uses it.
func (h *Handler) Cleanup() error {
	if h.log == nil {
		return nil
	}
	_, err := logs.Delete(h.key)
	return err
}

// asked is a request that is served, in one piece of memory, which is used again once its line is written: what is new is far
// from the processor, and a kilobyte of it would cost more than to fill it.
type asked struct {
	line   accesslog.Line
	facts  accesslog.Facts
	values [5]accesslog.Values // room for those of the header, where they are no more
	weight int
}

// ServeHTTP hands a request on, and writes its line when it has ended.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request, next caddyhttp.Handler) error {
	began := time.Now()
	a := pieces.Get().(*asked)
	vars := gateway.Vars(r.Context())
	a.take(r, vars, h.names)
	to := &answer{Answering: gateway.Answering{ResponseWriter: w}}
	to.Record(vars)
	var body *counted
	if r.Body != nil && r.Body != http.NoBody {
		body = &counted{ReadCloser: r.Body}
		r.Body = body
	}
	var err error
	defer func() { // which an answer that breaks off ends by a panic
		a.line.Time = time.Now()
		a.line.Took = a.line.Time.Sub(began)
		if a.line.Read = int(to.read.Load()); body != nil {
			a.line.Read += int(body.n.Load())
		}
		h.write(r, a, vars, to, err)
	}()
	err = next.ServeHTTP(to, r)
	return err
}

// take notes a request before handlers change it.
func (a *asked) take(r *http.Request, vars map[string]any, names []*accesslog.Name) {
	l := &a.line
	l.Address, l.Proto, l.Method, l.Host, l.URI, l.Encoding, l.TLS = r.RemoteAddr, r.Proto, r.Method, r.Host, r.RequestURI, r.TransferEncoding, r.TLS
	l.ClientIP, _ = vars[caddyhttp.ClientIPVarKey].(string)
	l.Selected = a.values[:0]
	for _, name := range names {
		if values := r.Header[name.Canonical]; values != nil {
			l.Selected = append(l.Selected, accesslog.Values{Name: name, Values: values})
		}
	}
	a.weight = l.Weight()
}

// write writes the line of a request that has ended.
func (h *Handler) write(r *http.Request, a *asked, vars map[string]any, to *answer, err error) {
	if skip, _ := vars[caddyhttp.LogSkipVar].(bool); skip {
		return
	}
	l := &a.line
	l.Logger, l.Message, l.Level = "http.log.access", "handled request", "info"
	l.Status, l.Size, l.Matchers = to.Status, int(to.Bytes+to.sent.Load()), to.Matchers
	if err != nil && l.Status == 0 { // somebody answers it later, by this status unless the operator's own handlers have another
		l.Status = http.StatusInternalServerError
		if handled := (caddyhttp.HandlerError{}); errors.As(err, &handled) && handled.StatusCode != 0 {
			l.Status = handled.StatusCode
		}
	}
	if l.Status >= http.StatusInternalServerError {
		l.Level = "error"
	}
	l.Trace, _ = vars["trace_id"].(string)
	l.Span, _ = vars["span_id"].(string)
	x := to.Exchange
	if x != nil { // which does not wait for the line to be written
		a.facts.Note(x)
		l.Facts = &a.facts
	}
	if x != nil && x.Consumer != nil {
		l.User, _ = identity.UserFact(x.Consumer, "id")
	} else if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		l.User, _ = repl.GetString("http.auth.user.id")
	}
	h.log.Write(a)
}

// Append implements accesslog.Entry. The places of credentials are never fewer than when the request came.
func (a *asked) Append(to []byte) []byte {
	to = a.line.Append(to, gateway.Concealed())
	*a = asked{}
	pieces.Put(a)
	return to
}

var pieces = sync.Pool{New: func() any { return new(asked) }}

// Weight implements accesslog.Entry.
func (a *asked) Weight() int { return a.weight }

// Interface guards
var (
	_ caddy.Provisioner           = (*Handler)(nil)
	_ caddy.CleanerUpper          = (*Handler)(nil)
	_ caddyhttp.MiddlewareHandler = (*Handler)(nil)
	_ accesslog.Entry             = (*asked)(nil)
)
