package console

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/console"
	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/internal/ledger"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/usage"
	"github.com/wicketgate/wicketgate/modules/gateway"
)

// maxPosted bounds what the page posts: 2 MiB, for a body that is tried.
const maxPosted = 2 << 20

// data answers what the page asks for, below api/.
func (h *Handler) data(w http.ResponseWriter, r *http.Request, name string) error {
	read, acts := h.reads()[name], h.acts()[name]
	var prob *problem.Problem
	switch {
	case read == nil && acts == nil:
		prob = problem.New(problem.NotFound, "the console has no such page")
	case foreign(r):
		prob = problem.New(problem.Forbidden, "the console answers its own page alone")
	case read != nil && r.Method != http.MethodGet:
		prob = problem.New(problem.MethodNotAllowed, "this is read").WithHeader("Allow", "GET")
	case acts != nil && r.Method != http.MethodPost:
		prob = problem.New(problem.MethodNotAllowed, "this is posted").WithHeader("Allow", "POST")
	case acts != nil && !own(r):
		prob = problem.New(problem.Forbidden, "the console acts for its own page alone")
	case read != nil:
		prob = read(w, r)
	default:
		r.Body = http.MaxBytesReader(w, r.Body, maxPosted)
		prob = acts(w, r)
	}
	if prob != nil {
		return answer(w, r, prob)
	}
	return nil
}

// answering answers, or says which problem does.
type answering func(w http.ResponseWriter, r *http.Request) *problem.Problem

func (h *Handler) reads() map[string]answering {
	return map[string]answering{
		"live": h.live, "traffic": h.traffic, "apis": h.apis, "callers": h.callers, "refused": h.refused, "status": h.status,
		"quotas": h.quotas, "ending": h.ending, "webhooks": h.webhooks, "document": h.document,
	}
}

func (h *Handler) acts() map[string]answering {
	return map[string]answering{"explain": h.explain, "replay": h.replay, "try": h.try}
}

// foreign says whether a browser sends a request for a page that is not the console's.
func foreign(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site != "" && site != "same-origin" && site != "none"
}

// own says whether a request was made by the console's own page: no other page can put such a field on a request without
// being asked for leave, which nobody gives, and a browser says itself where a request comes from.
func own(r *http.Request) bool {
	if r.Header.Get("X-Console") != "1" || r.Header.Get("Sec-Fetch-Site") != "same-origin" || r.Header.Get("Content-Type") != "application/json" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host
}

// tell answers with JSON.
func tell(w http.ResponseWriter, what any) *problem.Problem {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(what); err != nil {
		return problem.New(problem.Internal, "").Because(err)
	}
	return nil
}

// off says why there is nothing to show.
type off struct {
	Off string `json:"off"`
}

// live tells the traffic of each second for as long as somebody reads it, as server-sent events.
func (h *Handler) live(w http.ResponseWriter, r *http.Request) *problem.Problem {
	frames, leave, ok := h.app.Live().Traffic.View()
	if !ok {
		return problem.New(problem.ReducedCapacity, "as many pages watch as may, "+strconv.Itoa(console.MaxViewers)).WithHeader("Retry-After", "10")
	}
	defer leave()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no")
	w.WriteHeader(http.StatusOK)
	to := http.NewResponseController(w)
	if err := to.Flush(); err != nil {
		return nil
	}
	for {
		select {
		case <-r.Context().Done():
			return nil
		case <-h.stopping:
			return nil
		case text, more := <-frames:
			if !more {
				return nil
			}
			// What the page does not take in time is an end, too: a frame comes each second.
			to.SetWriteDeadline(time.Now().Add(longest)) //nolint:errcheck // where there is none, the server's own holds
			if _, err := w.Write(append(append([]byte("data: "), text...), "\n\n"...)); err != nil {
				return nil
			}
			if err := to.Flush(); err != nil {
				return nil
			}
		}
	}
}

// keyOf is the API and version that a query names; nil where it names none.
func keyOf(r *http.Request) *console.Key {
	q := r.URL.Query()
	if !q.Has("api") {
		return nil
	}
	return &console.Key{API: q.Get("api"), Version: q.Get("version")}
}

func (h *Handler) traffic(w http.ResponseWriter, r *http.Request) *problem.Problem {
	return tell(w, h.app.Live().Traffic.History(keyOf(r)))
}

func (h *Handler) apis(w http.ResponseWriter, _ *http.Request) *problem.Problem {
	return tell(w, struct {
		Now  time.Time     `json:"now"`
		APIs []console.API `json:"apis"`
	}{time.Now(), h.app.APIs()})
}

// since are the spans of time for which callers are told.
var since = map[string]time.Duration{"": 14 * 24 * time.Hour, "1d": 24 * time.Hour, "7d": 7 * 24 * time.Hour, "14d": 14 * 24 * time.Hour, "30d": 30 * 24 * time.Hour}

func (h *Handler) callers(w http.ResponseWriter, r *http.Request) *problem.Problem {
	q := r.URL.Query()
	span, ok := since[q.Get("since")]
	if !ok {
		return problem.New(problem.BadRequest, "since is 1d, 7d, 14d or 30d")
	}
	report, err := h.usage.Report(usage.Ask{API: q.Get("api"), Version: q.Get("version")}, span, time.Now(), h.app.Called)
	switch {
	case errors.Is(err, gateway.ErrNoUsage):
		return tell(w, off{"Usage is not kept here."})
	case err != nil:
		return problem.New(problem.ReducedCapacity, "usage cannot be read").Because(err)
	}
	return tell(w, console.CallersOf(report, q.Get("name")))
}

// ending tells which versions that end have been called of late.
func (h *Handler) ending(w http.ResponseWriter, _ *http.Request) *problem.Problem {
	all, err := h.usage.Ending(time.Now(), h.app.Ending)
	switch {
	case errors.Is(err, gateway.ErrNoUsage):
		return tell(w, []usage.Ending{})
	case err != nil:
		return problem.New(problem.ReducedCapacity, "usage cannot be read").Because(err)
	}
	return tell(w, all)
}

// maxRefused is how many refusals the page shows at once: 200.
const maxRefused = 200

func (h *Handler) refused(w http.ResponseWriter, r *http.Request) *problem.Problem {
	return tell(w, struct {
		Count   uint64             `json:"count"`
		Refused []*console.Refusal `json:"refused"`
	}{h.app.Live().Refused.Count(), h.app.Live().Refused.List(keyOf(r), maxRefused)})
}

func (h *Handler) status(w http.ResponseWriter, _ *http.Request) *problem.Problem {
	if err := h.app.WriteStatus(w); err != nil {
		return problem.New(problem.Internal, "").Because(err)
	}
	return nil
}

func (h *Handler) quotas(w http.ResponseWriter, _ *http.Request) *problem.Problem {
	return tell(w, h.app.Live().Quotas.Near(time.Now()))
}

// maxEvents is how many events of a state the page shows at once: 100.
const maxEvents = 100

func (h *Handler) webhooks(w http.ResponseWriter, r *http.Request) *problem.Problem {
	q := r.URL.Query()
	after, err := uint64(0), error(nil)
	if text := q.Get("after"); text != "" {
		if after, err = strconv.ParseUint(text, 10, 64); err != nil {
			return problem.New(problem.BadRequest, "after is a number")
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	list, err := h.app.Events(r.WithContext(ctx), ledger.State(q.Get("state")), after, maxEvents)
	switch {
	case errors.Is(err, gateway.ErrNoLedger):
		return tell(w, off{"No webhook is configured."})
	case err != nil:
		return eventsProblem(err)
	}
	return tell(w, list)
}

// eventsProblem is how the page is told what is wrong with events.
func eventsProblem(err error) *problem.Problem {
	switch gateway.EventsStatus(err) {
	case http.StatusNotFound:
		return problem.New(problem.NotFound, err.Error())
	case http.StatusBadRequest:
		return problem.New(problem.BadRequest, err.Error())
	case http.StatusConflict:
		return problem.New(problem.Conflict, err.Error())
	}
	return problem.New(problem.ReducedCapacity, "the ledger does not answer").Because(err)
}

func (h *Handler) document(w http.ResponseWriter, r *http.Request) *problem.Problem {
	q := r.URL.Query()
	text, err := h.app.Describe(q.Get("api"), q.Get("version"))
	if err != nil {
		return problem.New(problem.NotFound, "there is no such version of an API").Because(err)
	}
	w.Header().Set("Content-Type", "application/json")
	w.Write(text) //nolint:errcheck // the browser is gone
	return nil
}

// posted reads what the page posts.
func posted(r *http.Request, to any) *problem.Problem {
	from := json.NewDecoder(r.Body)
	from.DisallowUnknownFields()
	if err := from.Decode(to); err != nil {
		return problem.New(problem.BadRequest, "this is not what the console's page posts").Because(err)
	}
	if _, err := from.Token(); !errors.Is(err, io.EOF) {
		return problem.New(problem.BadRequest, "this is not what the console's page posts")
	}
	return nil
}

// explain tells why a request gets its answer: one that was refused, by its id, or any other.
func (h *Handler) explain(w http.ResponseWriter, r *http.Request) *problem.Problem {
	var asked struct {
		Refused  string            `json:"refused"`
		Question *explain.Question `json:"question"`
	}
	if prob := posted(r, &asked); prob != nil {
		return prob
	}
	if asked.Refused != "" {
		of := h.app.Live().Refused.Find(asked.Refused)
		if of == nil {
			return problem.New(problem.NotFound, "this request is not kept any more")
		}
		if of.Alone != "" {
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			io.WriteString(w, of.Found()) //nolint:errcheck // the browser is gone
			return nil
		}
		asked.Question = of.Question()
	}
	if asked.Question == nil {
		return problem.New(problem.BadRequest, "name a request")
	}
	told, status, err := h.app.Explain(r.Context(), asked.Question)
	switch {
	case err == nil:
	case status == http.StatusConflict:
		return problem.New(problem.Conflict, err.Error())
	case status == http.StatusNotFound:
		return problem.New(problem.NotFound, err.Error())
	default:
		return problem.New(problem.BadRequest, err.Error())
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := told.Text(w, false); err != nil {
		return problem.New(problem.Internal, "").Because(err)
	}
	return nil
}

// replay has an event delivered again.
func (h *Handler) replay(w http.ResponseWriter, r *http.Request) *problem.Problem {
	var asked struct {
		Ref string `json:"ref"`
	}
	if prob := posted(r, &asked); prob != nil {
		return prob
	}
	ctx, cancel := context.WithTimeout(r.Context(), longest)
	defer cancel()
	if err := h.app.Replay(r.WithContext(ctx), asked.Ref); err != nil {
		return eventsProblem(err)
	}
	h.logger.Info("event is delivered again", zap.String("ref", asked.Ref), zap.String("by", user(r)))
	return tell(w, asked)
}

// user is who acts, as far as Caddy's authentication knows.
func user(r *http.Request) string {
	if repl, ok := r.Context().Value(caddy.ReplacerCtxKey).(*caddy.Replacer); ok {
		if id, ok := repl.GetString("http.auth.user.id"); ok && id != "" {
			return id
		}
	}
	address, _ := caddyhttp.GetVar(r.Context(), caddyhttp.ClientIPVarKey).(string)
	return address
}
