package stage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// fields puts on every answer the fields that the stages set, in the place of the service's own of the same name. Their
// values are copied, as PutAnswer copies them.
type fields struct {
	http.ResponseWriter
	x      *exchange.Exchange
	status int // 0 until the answer has begun
}

// WriteHeader implements http.ResponseWriter.
func (f *fields) WriteHeader(status int) {
	if !interim(status) && f.status == 0 {
		f.status = status
		for name, values := range f.x.Answer {
			if name != "Vary" && name != "Link" { // lists, to which the service has added its own
				f.Header()[name] = slices.Clone(values)
			}
		}
	}
	f.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (f *fields) Write(b []byte) (int, error) {
	if f.status == 0 {
		f.WriteHeader(http.StatusOK)
	}
	return f.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom, so that a file still goes from disk to socket at once.
func (f *fields) ReadFrom(r io.Reader) (int64, error) {
	if f.status == 0 {
		f.WriteHeader(http.StatusOK)
	}
	return io.Copy(f.ResponseWriter, r)
}

// FlushError lets http.ResponseController flush.
func (f *fields) FlushError() error {
	if f.status == 0 {
		f.WriteHeader(http.StatusOK)
	}
	return http.NewResponseController(f.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find what it needs.
func (f *fields) Unwrap() http.ResponseWriter { return f.ResponseWriter }

// interim says that an answer of this status is not the last one.
func interim(status int) bool { return status < 200 && status != http.StatusSwitchingProtocols }

// back hands the request to next and takes what it answers through the stage, whole where the stage needs it so.
func (s *Stage) back(w http.ResponseWriter, r *http.Request, x *exchange.Exchange, p *pipeline.Pipeline, next caddyhttp.Handler) (err error) {
	reads := p.Reads(x)
	if reads.Body {
		form.AskWhole(r.Header)
	}
	if x.Owed() { // in another protocol nothing can be hidden
		delete(r.Header, "Upgrade")
	}
	a := &answer{ResponseWriter: w, stage: s, r: r, x: x, pipeline: p, reads: reads, before: maps.Clone(w.Header())}
	defer func() {
		// The proxy's way to end an answer that it cannot write to its end; ours may have been written instead.
		e := recover()
		if a.seen != nil {
			a.seen.End(e == nil && err == nil)
		}
		if e == nil {
			return
		}
		a.tell()
		if cause, ok := e.(error); !ok || !a.refused || !errors.Is(cause, http.ErrAbortHandler) {
			panic(e)
		}
		err = nil
	}()
	err = next.ServeHTTP(a, r)
	switch {
	case a.refused:
		return nil
	case a.passing:
		if !a.pass(true) || err != nil {
			panic(http.ErrAbortHandler) // the caller must not take the part for the whole
		}
	case err != nil && a.holds:
		a.forget()
	case a.holds:
		return a.finish()
	}
	return err
}

// answer is what stands between the service and the caller while a stage works on the answer. Where the stage needs it
// whole, it holds the answer back, at most as many bytes as the stage says; where the stage reads it as it arrives,
// exchange.Head of it.
type answer struct {
	http.ResponseWriter
	stage    *Stage
	r        *http.Request
	x        *exchange.Exchange
	pipeline *pipeline.Pipeline
	reads    exchange.Reads
	before   http.Header // what stood on the answer before the service was asked
	status   int         // 0 until it is known
	holds    bool
	refused  bool          // a problem has taken the answer's place
	body     body          // what the service has written and has not been taken
	seen     exchange.Seen // who looks at what passes; nil for nobody

	passing  bool // the answer goes out while it arrives
	replaced bool // by another
	broken   bool
	stream   io.ReadCloser // nil once it has ended
	buffer   []byte        // of exchange.Head
}

// body is what a service writes, for those who read. Until it has ended it gives nothing where it has nothing.
type body struct {
	bytes.Buffer
	ended bool
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	if b.Len() == 0 && !b.ended {
		return 0, nil
	}
	return b.Buffer.Read(p)
}

// Close implements io.Closer.
func (*body) Close() error { return nil }

var (
	// errRefused ends the writing of an answer that a problem has taken the place of.
	errRefused = errors.New("the answer was refused")
	// errBroken ends the writing of an answer of which a part has gone out.
	errBroken = errors.New("the answer broke off")
)

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	switch {
	case a.status != 0:
		return
	case interim(status):
		a.ResponseWriter.WriteHeader(status)
		return
	}
	a.status = status
	if status == http.StatusSwitchingProtocols && a.x.Owed() {
		a.refuse(a.x.Unfit(errors.New("the service switched to another protocol"))) //nolint:errcheck // as below
		return
	}
	if status == http.StatusSwitchingProtocols { // what follows is no answer
		a.ResponseWriter.WriteHeader(status)
		return
	}
	bodiless := a.r.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	if a.reads.Body && !bodiless {
		a.holds = true
		return
	}
	res := &exchange.Response{Status: status, Header: a.Header()}
	if prob := a.back(res); prob != nil {
		a.refuse(prob) //nolint:errcheck // the caller is gone: what is written next fails as well
		return
	}
	if a.reads.Body {
		delete(a.Header(), "Content-Length") // the service's, of a form the caller does not get
	}
	if !bodiless {
		a.seen = res.Seen
	}
	a.ResponseWriter.WriteHeader(res.Status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.refused {
		return 0, errRefused
	}
	if !a.holds && !a.passing {
		n, err := a.ResponseWriter.Write(b)
		if a.seen != nil {
			a.seen.Write(b[:n]) //nolint:errcheck // it never fails
		}
		return n, err
	}
	if whole := a.reads.Whole; whole > 0 && int64(a.body.Len()+len(b)) > whole {
		over := a.x.Unfit(fmt.Errorf("the answer has more than %d bytes", whole))
		a.x.Ended = "change"
		return 0, errors.Join(errRefused, a.refuse(over))
	}
	a.body.Write(b) //nolint:errcheck // it never fails
	if a.holds && a.reads.Whole == 0 && a.body.Len() > exchange.Head {
		if err := a.begin(); err != nil {
			return 0, err
		}
	}
	if a.passing && !a.pass(false) {
		return 0, errBroken
	}
	return len(b), nil
}

// ReadFrom implements io.ReaderFrom.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.holds || a.passing || a.refused || a.seen != nil {
		return io.Copy(struct{ io.Writer }{a}, r) // not to this method again
	}
	return io.Copy(a.ResponseWriter, r)
}

// FlushError lets http.ResponseController flush, as soon as there is anything to.
func (a *answer) FlushError() error {
	if a.status == 0 || a.holds || a.refused {
		return nil
	}
	return http.NewResponseController(a.ResponseWriter).Flush()
}

// Unwrap lets http.ResponseController find what it needs.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// finish takes an answer that was held through the stage and sends it.
func (a *answer) finish() error {
	res := &exchange.Response{Status: a.status, Header: a.Header(), Read: true, Bytes: a.body.Bytes()}
	if prob := a.back(res); prob != nil {
		return a.refuse(prob)
	}
	a.dropTrailer()
	a.Header()["Content-Length"] = []string{strconv.Itoa(len(res.Bytes))}
	a.ResponseWriter.WriteHeader(res.Status)
	_, err := a.ResponseWriter.Write(res.Bytes)
	return err
}

// back takes an answer through the stage.
func (a *answer) back(res *exchange.Response) *problem.Problem {
	return timed(a.r, a.x, func() *problem.Problem { return a.pipeline.Return(a.x, res) })
}

// begin has the stage change an answer that is longer than what is held of it, and sends its header.
func (a *answer) begin() error {
	a.holds = false
	res := &exchange.Response{Status: a.status, Header: a.Header(), Stream: &a.body}
	if prob := a.back(res); prob != nil {
		return errors.Join(errRefused, a.refuse(prob))
	}
	if a.replaced = res.Replaced; a.replaced {
		delete(a.Header(), "Content-Length")
		a.dropTrailer()
	}
	a.passing, a.stream, a.buffer = true, res.Stream, make([]byte, exchange.Head)
	a.ResponseWriter.WriteHeader(res.Status)
	return nil
}

// pass sends on what an answer has become so far, and says whether all is well with it; ended, that the service has
// written all of it.
func (a *answer) pass(ended bool) bool {
	if a.stream == nil {
		return false
	}
	if ended && a.replaced {
		a.dropTrailer()
	}
	a.body.ended = ended
	for {
		n, err := a.stream.Read(a.buffer)
		if n > 0 {
			if _, werr := a.ResponseWriter.Write(a.buffer[:n]); werr != nil {
				return false
			}
		}
		switch {
		case err == io.EOF: //nolint:errorlint // whatever else may be called so, only this is the end
			a.tell()
			return true
		case err != nil:
			a.broken = true
			a.tell()
			return false
		case n == 0:
			return true
		}
	}
}

// tell counts and logs an answer that broke off, once.
func (a *answer) tell() {
	if a.stream == nil {
		return
	}
	a.stream.Close() //nolint:errcheck // it has no end of its own
	a.stream = nil
	if a.broken && a.x.Broken != nil { // nil where the caller left
		a.x.Problem = a.x.Broken
		a.stage.metrics.refused(a.x, a.x.Broken)
		a.stage.app.Refused(a.stage.name, a.r, a.x, a.x.Broken)
		a.stage.logger.Error("answer broken off", zap.String("id", a.x.ID), zap.String("stage", a.x.Ended), zap.Error(a.x.Broken))
	}
}

// dropTrailer takes off the trailer fields that the service sends: they speak of its own form of the answer.
func (a *answer) dropTrailer() {
	h := a.Header()
	for _, line := range h["Trailer"] {
		for name := range strings.SplitSeq(line, ",") {
			delete(h, textproto.CanonicalMIMEHeaderKey(strings.TrimSpace(name)))
		}
	}
	delete(h, "Trailer")
	for name := range h {
		if strings.HasPrefix(name, http.TrailerPrefix) {
			delete(h, name)
		}
	}
}

// refuse answers a problem in the place of what the service answered, of which nothing is left.
func (a *answer) refuse(prob *problem.Problem) error {
	a.forget()
	a.refused = true
	return a.stage.refuse(a.ResponseWriter, a.r, a.x, prob)
}

// forget takes off what the service put on the answer.
func (a *answer) forget() {
	clear(a.Header())
	maps.Copy(a.Header(), a.before)
}
