package integration

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/provider"
)

// unanswered is the problem of a third party that gave no answer; the error itself where the caller left.
func (r *Route) unanswered(err error) error {
	err = fmt.Errorf("integration %s: %w", r.Name, err)
	var f *provider.Failure
	if !errors.As(err, &f) {
		return problem.New(problem.BadGateway, "").Because(err)
	}
	switch f.Kind {
	case provider.Gone:
		return err
	case provider.Late:
		return problem.New(problem.GatewayTimeout, "").Because(err)
	case provider.Busy:
		return problem.New(problem.ReducedCapacity, "").WithHeader("Retry-After", seconds(f.After)).Because(err)
	case provider.Open:
		return problem.New(problem.Unavailable, "").WithHeader("Retry-After", seconds(f.After)).Because(err)
	}
	return problem.New(problem.BadGateway, "").Because(err)
}

// seconds writes a time as Retry-After has it.
func seconds(d time.Duration) string {
	return strconv.FormatInt(int64(max(d+time.Second-1, time.Second)/time.Second), 10)
}

// failed is the problem of an answer that is no success: what the operator makes of it, otherwise a 502 or 504 without a
// word of it.
func (r *Route) failed(x *exchange.Exchange, a *provider.Answer) error {
	said := fmt.Errorf("integration %s: it answered %d%s", r.Name, a.Status, known(a.RequestID))
	body, err := io.ReadAll(io.LimitReader(a.Body, maxError+1))
	x.Received = &exchange.Received{Status: a.Status, Header: a.Header, Body: body}
	defer func() { x.Received = nil }()
	if err == nil && len(body) <= maxError {
		if doc, err := r.Reads.failure(a.Header, body); err == nil {
			x.Received.Body, x.Received.Valid = doc, true
		}
	}
	for _, e := range r.Errors {
		if yes, err := e.When.Bool(x); err != nil || !yes {
			continue
		}
		detail := e.Detail
		if e.Quotes != nil {
			detail = e.Quotes.Text(x)
		}
		p := problem.New(problem.BadGateway, detail).Because(said)
		p.Status, p.Title, p.URI = e.Status, e.Title, e.Type
		return also(p, a)
	}
	kind := problem.BadGateway
	if a.Status == http.StatusGatewayTimeout || a.Status == http.StatusRequestTimeout {
		kind = problem.GatewayTimeout
	}
	return also(problem.New(kind, "").Because(said), a)
}

// unfit is the problem of an answer that the route can do nothing with.
func (r *Route) unfit(a *provider.Answer, err error) *problem.Problem {
	kind := problem.BadGateway
	if late := interface{ Timeout() bool }(nil); errors.As(err, &late) && late.Timeout() {
		kind = problem.GatewayTimeout
	}
	p := problem.New(kind, "").Because(fmt.Errorf("integration %s: its answer%s: %w", r.Name, known(a.RequestID), err))
	return also(p, a)
}

// also adds what a problem says of the third party: by which id it knows the request, and when to try again.
func also(p *problem.Problem, a *provider.Answer) *problem.Problem {
	if a.RequestID != "" {
		p.With("provider_request_id", a.RequestID)
	}
	after := a.Header.Get("Retry-After")
	if _, err := strconv.ParseUint(after, 10, 31); err != nil {
		if _, err := http.ParseTime(after); err != nil {
			return p
		}
	}
	return p.WithHeader("Retry-After", after)
}

// known is how the log names the request as the third party does.
func known(id string) string {
	if id == "" {
		return ""
	}
	return " to its request " + strconv.Quote(id)
}
