package stage

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strconv"

	"github.com/caddyserver/caddy/v2/modules/caddyhttp"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// fields puts on every answer the fields that the stages set, in the place of the service's own of the same name.
type fields struct {
	http.ResponseWriter
	x     *exchange.Exchange
	wrote bool
}

// WriteHeader implements http.ResponseWriter.
func (f *fields) WriteHeader(status int) {
	if !interim(status) && !f.wrote {
		f.wrote = true
		for name, values := range f.x.Answer {
			if name != "Vary" && name != "Link" { // lists, to which the service has added its own
				f.Header()[name] = values
			}
		}
	}
	f.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (f *fields) Write(b []byte) (int, error) {
	if !f.wrote {
		f.WriteHeader(http.StatusOK)
	}
	return f.ResponseWriter.Write(b)
}

// ReadFrom implements io.ReaderFrom, so that a file still goes from disk to socket at once.
func (f *fields) ReadFrom(r io.Reader) (int64, error) {
	if !f.wrote {
		f.WriteHeader(http.StatusOK)
	}
	return io.Copy(f.ResponseWriter, r)
}

// FlushError lets http.ResponseController flush.
func (f *fields) FlushError() error {
	if !f.wrote {
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
	if p.Buffers() > 0 {
		r.Header["Accept-Encoding"] = []string{"identity"}
		// A part or a digest of the service's form says nothing of the form the caller gets.
		for _, name := range []string{"Range", "If-Range", "Want-Content-Digest", "Want-Repr-Digest"} {
			delete(r.Header, name)
		}
	}
	a := &answer{ResponseWriter: w, stage: s, r: r, x: x, pipeline: p, before: maps.Clone(w.Header())}
	defer func() {
		// The proxy's way to end an answer that it cannot write to its end; ours has been written instead.
		if e := recover(); e != nil {
			if cause, ok := e.(error); !ok || !a.refused || !errors.Is(cause, http.ErrAbortHandler) {
				panic(e)
			}
			err = nil
		}
	}()
	err = next.ServeHTTP(a, r)
	switch {
	case a.refused:
		return nil
	case err != nil && a.holds:
		a.forget()
		return err
	case err == nil && a.holds:
		return a.finish()
	}
	return err
}

// answer is what stands between the service and the caller while a stage works on the answer. It holds the answer
// back where the stage needs it whole, at most as many bytes as the stage says.
type answer struct {
	http.ResponseWriter
	stage    *Stage
	r        *http.Request
	x        *exchange.Exchange
	pipeline *pipeline.Pipeline
	before   http.Header // what stood on the answer before the service was asked
	status   int         // 0 until it is known
	holds    bool
	refused  bool // a problem has taken the answer's place
	body     bytes.Buffer
}

// errRefused ends the writing of an answer that a problem has taken the place of.
var errRefused = errors.New("the answer was refused")

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
	if status == http.StatusSwitchingProtocols { // what follows is no answer
		a.ResponseWriter.WriteHeader(status)
		return
	}
	bodiless := a.r.Method == http.MethodHead || status == http.StatusNoContent || status == http.StatusNotModified
	if a.pipeline.Buffers() > 0 && !bodiless {
		a.holds = true
		return
	}
	res := &exchange.Response{Status: status, Header: a.Header()}
	if prob := a.pipeline.Return(a.x, res); prob != nil {
		a.refuse(prob) //nolint:errcheck // the caller is gone: what is written next fails as well
		return
	}
	if a.pipeline.Buffers() > 0 {
		delete(a.Header(), "Content-Length") // the service's, of a form the caller does not get
	}
	a.ResponseWriter.WriteHeader(res.Status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(b []byte) (int, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	switch {
	case a.refused:
		return 0, errRefused
	case !a.holds:
		return a.ResponseWriter.Write(b)
	case int64(a.body.Len()+len(b)) > a.pipeline.Buffers():
		over := problem.New(problem.BadGateway, "").Because(fmt.Errorf("the answer has more than %d bytes", a.pipeline.Buffers()))
		a.x.Ended = "change"
		return 0, errors.Join(errRefused, a.refuse(over))
	}
	return a.body.Write(b)
}

// ReadFrom implements io.ReaderFrom.
func (a *answer) ReadFrom(r io.Reader) (int64, error) {
	if a.status == 0 {
		a.WriteHeader(http.StatusOK)
	}
	if a.holds || a.refused {
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
	if prob := a.pipeline.Return(a.x, res); prob != nil {
		return a.refuse(prob)
	}
	a.Header()["Content-Length"] = []string{strconv.Itoa(len(res.Bytes))}
	a.ResponseWriter.WriteHeader(res.Status)
	_, err := a.ResponseWriter.Write(res.Bytes)
	return err
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
