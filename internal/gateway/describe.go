package gateway

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/form"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/openapi"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/route"
)

// describing is the route of an API's description, like any other below its base path and version: what version is
// meant, that it is deprecated, retired or unknown, is settled as for every request.
const describing = "GET " + catalogue.Description

// description describes one version of an API. It stands in the place of an upstream, behind the stages that find who
// calls.
type description struct {
	openapi.Config
	cache  string   // what caches may do
	drafts [2]draft // before and since the version's deprecation: at most two of a version are kept
}

// draft is a description written when it was first asked for, so that loading a catalogue takes no time for it.
type draft struct {
	once sync.Once
	text []byte
	tag  string // its entity tag
	err  error
}

// at gives the description as it is at a time.
func (d *description) at(now time.Time) *draft {
	to := &d.drafts[0]
	if v := d.Version; v != nil && !v.Deprecated.IsZero() && !now.Before(v.Deprecated) {
		to = &d.drafts[1]
	}
	to.once.Do(func() {
		to.err = errors.New("describing the API failed before")
		c := d.Config
		c.Now = now
		to.text, to.err = openapi.Write(c)
		to.tag = tagOf(to.text)
	})
	return to
}

// Forward answers with the description.
func (d *description) Forward(w http.ResponseWriter, r *http.Request, x *exchange.Exchange) error {
	to := d.at(x.Time)
	if to.err != nil {
		return problem.New(problem.Internal, "").Because(to.err)
	}
	x.PutAnswer(w.Header())
	offer(w, r, openapi.MediaType, d.cache, to.tag, to.text)
	return nil
}

func tagOf(text []byte) string {
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// offer answers a GET or HEAD with a text of the gateway's own, or with 304 where the caller has it (RFC 9110, section
// 13.1.2).
func offer(w http.ResponseWriter, r *http.Request, mediaType, cache, tag string, text []byte) {
	h := w.Header()
	h["Cache-Control"] = []string{cache}
	h["Etag"] = []string{tag}
	if known := form.TakePreconditions(http.Header{"If-None-Match": r.Header["If-None-Match"]}); !known.Hold(h) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	h["Content-Type"] = []string{mediaType}
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	h["X-Content-Type-Options"] = []string{"nosniff"}
	w.WriteHeader(http.StatusOK)
	if r.Method != http.MethodHead {
		w.Write(text) //nolint:errcheck // the caller is gone
	}
}

// describe builds the descriptions of an API's versions, and the route that serves them unless nobody may read them.
func (b *builder) describe(g *Gateway, l *lineage) (route.Route, bool) {
	from := l.api
	versions := from.Versions
	if len(versions) == 0 {
		versions = []*catalogue.Version{nil}
	}
	to := g.apis[from.Name]
	served := make(ways, len(versions))
	for i, v := range versions {
		d := &description{
			Config: openapi.Config{API: from, Version: v, Served: true, Told: b.calledBy(l, i), Schema: func(object string) []byte { return l.shapes.Schema(object, i) }},
			cache:  "no-cache",
		}
		to.descriptions = append(to.descriptions, d)
		var stages []pipeline.Stage
		if from.Describe == catalogue.Callers {
			d.cache = "private, no-cache"
			terms := from.For(v, new(catalogue.Route))
			if s := b.identify(from, terms, false); s != nil && !pinned(from) {
				stages = append(stages, s)
			}
			if s := b.limit(terms); s != nil {
				stages = append(stages, limit.Bare{Stage: s})
			}
		}
		served[i] = &way{stages: pipeline.New(stages...), upstream: d}
	}
	if from.Describe == catalogue.Everyone {
		to.open = strings.TrimSuffix(from.BasePath, "/") + catalogue.Description
	}
	return route.Route{Pattern: describing, Value: served}, from.Describe != catalogue.Nobody
}

// Describe gives the OpenAPI description of a version of an API, with the addresses of the API's hosts; the version of
// an API without versions is "".
func (g *Gateway) Describe(name, version string, now time.Time) ([]byte, error) {
	to := g.apis[name]
	if to == nil {
		return nil, fmt.Errorf("there is no API %q", name)
	}
	for _, d := range to.descriptions {
		if d.Version == nil && version == "" || d.Version != nil && d.Version.Name == version {
			c := d.Config
			c.Served, c.Now = false, now
			return openapi.Write(c)
		}
	}
	return nil, fmt.Errorf("the API %q has no version %q", name, version)
}
