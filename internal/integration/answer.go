package integration

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/provider"
)

// passes are the header fields of an answer that go on: what its content is, and how long it may be kept.
var passes = []string{"Content-Type", "Content-Language", "Content-Disposition", "Cache-Control", "Expires", "Last-Modified", "Etag"}

// answer makes the caller's answer of a success and writes it.
func (r *Route) answer(w http.ResponseWriter, x *exchange.Exchange, a *provider.Answer) error {
	back := &exchange.Response{Status: a.Status, Header: make(http.Header, 8), Stream: a.Body}
	for _, names := range [][]string{passes, r.Passed} {
		for _, name := range names {
			if values := a.Header[name]; values != nil {
				back.Header[name] = slices.Clone(values)
			}
		}
	}
	if r.Status != 0 {
		back.Status = r.Status
	}
	if a.Empty {
		back.Stream = nil
	}
	if back.Stream != nil && form.Coded(a.Header) {
		return r.unfit(a, errors.New("it has a content coding, although none was asked for"))
	}
	if prob := r.shaped(x, a, back); prob != nil {
		return prob
	}
	if x.Back != nil {
		if prob := x.Back.Return(x, back); prob != nil {
			return prob
		}
		if x.Owed() {
			return x.Unfit(errors.New("no stage has hidden what the policy wants hidden"))
		}
	}
	if x.MediaType != "" && form.IsJSON(back.Header.Get("Content-Type")) { // by which the caller asked for its version
		back.Header["Content-Type"] = []string{x.MediaType}
	}
	return write(w, x, a, back)
}

// shaped takes an answer that is looked at whole through what is written for it.
func (r *Route) shaped(x *exchange.Exchange, a *provider.Answer, back *exchange.Response) *problem.Problem {
	x.Received = &exchange.Received{Status: a.Status, Header: a.Header}
	defer func() { x.Received = nil }()
	if r.whole && back.Stream != nil {
		body, err := io.ReadAll(io.LimitReader(back.Stream, maxAnswer+1))
		switch {
		case err != nil:
			return r.unfit(a, err)
		case len(body) > maxAnswer:
			return r.unfit(a, fmt.Errorf("it has more than %d bytes", maxAnswer))
		}
		if body, err = r.Reads.success(a.Header, body); err != nil {
			return r.unfit(a, err)
		}
		x.Received.Body, x.Received.Valid = body, true
		if r.Member != nil {
			member, ok := jsonspan.Get(body, r.Member...)
			if !ok {
				return r.unfit(a, errors.New("it lacks the member that is the answer"))
			}
			body = member
		}
		if body, err = r.Answer.apply(x, body); err != nil {
			return r.unfit(a, err)
		}
		back.Bytes, back.Read = body, true
		delete(back.Header, "Etag") // that of another form
	}
	if r.Reads.changes() && back.Header["Content-Type"] != nil { // of a HEAD, too
		back.Header["Content-Type"] = []string{"application/json"}
	}
	if err := r.Page.link(x, back.Header); err != nil {
		return r.unfit(a, err)
	}
	return nil
}

// write sends an answer to the caller.
func write(w http.ResponseWriter, x *exchange.Exchange, a *provider.Answer, back *exchange.Response) error {
	h := w.Header()
	for name, values := range back.Header {
		h[name] = values
	}
	for name, values := range x.Answer {
		if name == "Vary" || name == "Link" {
			h[name] = append(slices.Clip(h[name]), values...)
			continue
		}
		h[name] = values
	}
	if back.Read {
		h["Content-Length"] = []string{strconv.Itoa(len(back.Bytes))}
	}
	a.Begin()
	w.WriteHeader(back.Status)
	switch {
	case x.Method == http.MethodHead:
	case back.Read:
		_, err := w.Write(back.Bytes)
		return err
	case back.Stream != nil:
		return stream(w, x, back.Stream)
	}
	return nil
}

// stream passes a body on as it arrives. One that breaks off breaks the caller's answer off, as a proxy does.
func stream(w http.ResponseWriter, x *exchange.Exchange, body io.ReadCloser) error {
	defer body.Close() //nolint:errcheck // read to its end, or broken
	flush := http.NewResponseController(w)
	buf := make([]byte, 32<<10)
	for {
		n, err := body.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
			flush.Flush() //nolint:errcheck // a writer that cannot sends when it likes
		}
		if err == io.EOF { //nolint:errorlint // whatever else may be called so, only this is the end
			return nil
		}
		if err != nil {
			if x.Context.Err() != nil {
				return err
			}
			if x.Broken == nil {
				x.Broken, x.Ended = problem.New(problem.BadGateway, "").Because(fmt.Errorf("passing the answer on: %w", err)), "upstream"
			}
			panic(http.ErrAbortHandler)
		}
	}
}
