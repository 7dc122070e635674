package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/tracing"
)

// Store is where events are kept.
type Store interface {
	// Append stores an event and syncs it, or says that it may not be stored. known is true of one whose name was
	// stored a moment ago.
	Append(ctx context.Context, e *ledger.Event) (known bool, err error)
	// Seen says whether a name of a webhook is remembered.
	Seen(ctx context.Context, webhook, name string) (bool, error)
	// Remember remembers one for a time.
	Remember(ctx context.Context, webhook, name string, keep time.Duration) error
}

// Receiver receives a third party's calls. It is immutable and serves many at once.
type Receiver struct {
	Name     string
	Verifier *Verifier
	MaxBody  int64         // of a call, in bytes
	Timeout  time.Duration // for a call to come whole
	Only     []string      // the kinds that are kept, with *; empty for all
	Order    *rule.Program // compiled for rule.Key of Roots; nil for none
	Dedupe   *rule.Program // likewise
	Keep     time.Duration // of what Dedupe gives
	Judge    Judge         // nil: all that is verified and wanted is kept
	Store    Store

	// Signed says of a test's call that it is signed by its sender; nil in every gateway that serves.
	Signed func(context.Context) bool
}

// Judge says whether an event may be kept: nil, or how its call is answered.
type Judge interface {
	Handle(x *exchange.Exchange) *problem.Problem
}

// Roots are what the expressions of a webhook are computed from.
const Roots = rule.Body | rule.Header | rule.Query | rule.Request

// Received says what became of a call.
type Received string

// What becomes of calls that are not refused.
const (
	Stored    Received = "stored"
	Known     Received = "known"     // it was stored before
	Unwanted  Received = "unwanted"  // of a kind that is not delivered
	Challenge Received = "challenge" // it only asked whether the address is ours
)

// RetryAfter is what a sender is told to wait before it tries again what could not be stored, in seconds.
const RetryAfter = "5"

// Receive takes a call: whoever gets no problem has its event stored and synced, or needs it not to be. The answer is
// what a challenge wants to hear.
func (r *Receiver) Receive(x *exchange.Exchange) (what Received, answer string, prob *problem.Problem) {
	if x.Account != nil {
		return r.explained(x)
	}
	return r.receive(x, nil)
}

// receive is Receive, and tells of it in the note, nil for nowhere.
func (r *Receiver) receive(x *exchange.Exchange, n *Note) (what Received, answer string, prob *problem.Problem) {
	if x.Method != http.MethodPost {
		return "", "", problem.New(problem.MethodNotAllowed, "calls are received with POST").WithHeader("Allow", http.MethodPost)
	}
	if prob := x.Body.ReadAll(r.MaxBody); prob != nil {
		return "", "", prob
	}
	call := Call{Header: x.Header, URL: address(x), Body: x.Body.Bytes, Time: x.Time}
	if err := r.verify(x, call); err != nil {
		n.forged(err)
		return "", "", problem.New(problem.InvalidSignature, "the call is not signed as its receiver expects").Because(err)
	}
	if answer, ok := r.Verifier.Challenge(call); ok {
		return Challenge, answer, nil
	}
	kind := r.Verifier.Kind(call)
	n.kind(kind, r.Only)
	if !Wants(r.Only, kind) {
		return Unwanted, "", nil
	}
	e := &ledger.Event{ID: r.Verifier.Name(r.Name, call), Webhook: r.Name, Kind: kind, Received: x.Time,
		Header: kept(x.Header), Query: x.Query.Raw, Body: x.Body.Bytes}
	x.Body.Valid = strict(x.Body.Bytes)
	if r.Judge != nil {
		if prob := r.Judge.Handle(x); prob != nil {
			return "", "", prob
		}
	}
	if r.Order != nil {
		if e.Key, prob = compute(r.Order, x); prob != nil {
			return "", "", prob
		}
	}
	name := ""
	if r.Dedupe != nil {
		if name, prob = compute(r.Dedupe, x); prob != nil {
			return "", "", prob
		}
	}
	what, err := r.store(x, e, name)
	n.stored(e.ID, e.Key)
	switch {
	case err == nil:
		return what, "", nil
	case errors.Is(err, ledger.ErrTooLarge):
		return "", "", problem.New(problem.ContentTooLarge, "the call is larger than the ledger takes").Because(err)
	}
	return "", "", problem.New(problem.ReducedCapacity, "the event could not be stored").WithHeader("Retry-After", RetryAfter).Because(err)
}

func (r *Receiver) verify(x *exchange.Exchange, call Call) error {
	if r.Signed != nil && r.Signed(x.Context) {
		return nil
	}
	return r.Verifier.Verify(call)
}

// Wants says whether a kind of event is among those of only, which are all where there are none.
func Wants(only []string, kind string) bool {
	if len(only) == 0 {
		return true
	}
	for _, pattern := range only {
		if Matches(pattern, kind) {
			return true
		}
	}
	return false
}

// store keeps an event, unless one of the same name is there.
func (r *Receiver) store(x *exchange.Exchange, e *ledger.Event, name string) (Received, error) {
	if r.Store == nil { // of a gateway that only tests ask
		return "", ledger.ErrUnavailable
	}
	if name == "" {
		known, err := Append(r.Store, x, e)
		if known {
			return Known, err
		}
		return Stored, err
	}
	e.ID = Named(r.Name, name)
	seen, err := r.Store.Seen(x.Context, r.Name, e.ID)
	if seen || err != nil {
		return Known, err
	}
	known, err := Append(r.Store, x, e)
	if err != nil {
		return "", err
	}
	// The event is first: of one that was remembered and not stored, nobody would hear again.
	if err := r.Store.Remember(x.Context, r.Name, e.ID, r.Keep); err != nil {
		return "", err
	}
	if known {
		return Known, nil
	}
	return Stored, nil
}

// Append stores an event that x is about, which carries x's trace on.
func Append(to Store, x *exchange.Exchange, e *ledger.Event) (known bool, err error) {
	carried, end := tracing.Send(tracing.In(x), tracing.Event{To: e.Webhook, ID: e.ID, Bytes: len(e.Body)})
	e.Trace = carried
	known, err = to.Append(x.Context, e)
	end(err)
	return known, err
}

// compute evaluates an expression that names something; "" for null.
func compute(p *rule.Program, x *exchange.Exchange) (string, *problem.Problem) {
	if len(x.Body.Bytes) > 0 && !x.Body.Valid && p.Needs().Body == exchange.JSON {
		return "", problem.New(problem.InvalidBody, "the body is no JSON")
	}
	if v, err := p.Value(x); err == nil && v == nil {
		return "", nil
	}
	text, err := p.Key(x)
	if err != nil {
		return "", problem.New(problem.InvalidContent, "the event lacks what orders or names it").Because(fmt.Errorf("evaluating: %w", err))
	}
	return text, nil
}

// address is what the sender called, as far as that is known here.
func address(x *exchange.Exchange) string {
	at := x.Address
	if at == "" {
		at = x.Scheme + "://" + x.Host + x.Port + x.Path.Escaped
	}
	if x.Query.Raw != "" {
		at += "?" + x.Query.Raw
	}
	return at
}

// kept are the header fields that go on with an event: all but those about the connection, and credentials, which are
// not to lie on a disk.
func kept(h http.Header) http.Header {
	out := make(http.Header, len(h))
	for name, values := range h {
		switch name {
		case "Authorization", "Cookie", "Proxy-Authorization", "Connection", "Upgrade", "Te", "Trailer", "Transfer-Encoding",
			"Content-Length", "Expect", "Accept-Encoding", "Keep-Alive":
			continue
		}
		if strings.HasPrefix(name, "X-Forwarded-") || strings.HasPrefix(name, ":") {
			continue
		}
		out[name] = values
	}
	return out
}
