package gateway

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/problem"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// Usage is where it is kept who calls what.
type Usage struct {
	// Nothing is counted or kept, and what is there stays as it is. Default: false.
	Off bool `json:"off,omitempty"`

	// The folder of the file, usage.db. Default: api_gateway/usage in Caddy's data folder.
	Folder string `json:"folder,omitempty"`

	// What is counted is not written to the counters' Redis, and each gateway tells its own. Default: false; counters in
	// memory share nothing.
	Unshared bool `json:"unshared,omitempty"`
}

// usageKeeper is what keeps usage, as it runs in Caddy.
type usageKeeper struct {
	*usage.Keeper
	folder string

	mu  sync.Mutex
	let func() // lets go of the board; nil where there is none
}

// usage gives what keeps usage, which all apps that keep it in the same folder share; nil where nothing is kept.
func (l *Load) usage() (*usageKeeper, error) {
	folder := ""
	if u := l.app.Usage; u != nil {
		folder = u.Folder
	}
	if l.app.trial != nil || l.app.Usage != nil && l.app.Usage.Off {
		return nil, nil
	}
	if folder == "" {
		folder = filepath.Join(caddy.AppDataDir(), "api_gateway", "usage")
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, fmt.Errorf("usage: %w", err)
	}
	return Run(l, "usage "+folder, func() (*usageKeeper, error) {
		return &usageKeeper{Keeper: usage.NewKeeper(folder, slog.New(lasting("http.api_gateway.usage"))), folder: folder}, nil
	})
}

// Start implements Running.
func (k *usageKeeper) Start(ctx caddy.Context) {
	app, err := ctx.AppIfConfigured("api_gateway")
	if err != nil {
		k.Keeper.Start(nil)
		return
	}
	a := app.(*App)
	board, let := a.board()
	k.Share(board)
	k.letGo(let)
	k.Keeper.Start(a.warnOfEnding)
}

// letGo lets go of the board before the one in use, which let lets go of.
func (k *usageKeeper) letGo(let func()) {
	k.mu.Lock()
	last := k.let
	k.let = let
	k.mu.Unlock()
	if last != nil {
		last()
	}
}

// Close implements Running. The last counts are shared before the board is let go of.
func (k *usageKeeper) Close() error {
	err := k.Keeper.Close()
	k.letGo(nil)
	return err
}

// board is where this gateway and others write who calls what: the counters' Redis, nil for nowhere.
func (a *App) board() (b usage.Board, let func()) {
	source, shared := a.counters.(SharedCounterSource)
	if !shared || a.Usage != nil && a.Usage.Unshared {
		return nil, nil
	}
	return source.Board()
}

// Status implements Running.
func (k *usageKeeper) Status() status.Part {
	told := status.Usage{Folder: k.folder}
	if s := k.Shared(); s != nil {
		told.Gateways = s.Gateways
		if !s.At.IsZero() {
			told.Shared = &s.At
		}
		if s.Err != nil {
			told.Unshared = s.Err.Error()
		}
	}
	if err := k.Failing(); err != nil {
		told.Error = err.Error()
	}
	return told
}

// usageMetric tells whether usage is kept. It tells nothing where it is off.
type usageMetric struct{ failing *prometheus.Desc }

func newUsageMetric(name func(name, help string) prometheus.Opts) usageMetric {
	o := name("usage_failing", "1 while it cannot be kept who calls what, and what is counted waits in memory, otherwise 0.")
	return usageMetric{prometheus.NewDesc(prometheus.BuildFQName(o.Namespace, o.Subsystem, o.Name), o.Help, nil, nil)}
}

// Describe implements prometheus.Collector.
func (m usageMetric) Describe(to chan<- *prometheus.Desc) { to <- m.failing }

// Collect implements prometheus.Collector.
func (m usageMetric) Collect(to chan<- prometheus.Metric) {
	known, failing := false, 0.0
	runs.Range(func(_, value any) bool {
		if k, ok := value.(destructible).Running.(*usageKeeper); ok {
			if known = true; k.Failing() != nil {
				failing = 1
			}
		}
		return true
	})
	if known {
		to <- prometheus.MustNewConstMetric(m.failing, prometheus.GaugeValue, failing)
	}
}

// called counts a request that has been answered.
func (g *generation) called(s *served, prob *problem.Problem) {
	x := &s.Exchange
	if g.usage == nil || x.API == "" || x.Version == "" && g.hooks(x.API) {
		return
	}
	c := usage.Call{
		Key:    usage.Key{API: x.API, Version: x.Version, Selected: x.Selected},
		Status: s.answer.Status, Broken: prob != nil && prob == x.Broken,
		Took: x.Times.Elapsed(), In: x.Body.Length, Out: s.answer.Bytes, Ended: x.Time.Add(x.Times.Elapsed()),
	}
	if x.Consumer != nil {
		c.Consumer = x.Consumer.ID
	}
	if x.Body.Read {
		c.In = int64(x.Body.Received)
	}
	g.usage.Record(&c)
}

// leaving are the versions that have been deprecated or end, with the changes that their callers have before them.
func (g *generation) leaving() (all []usage.Version) {
	for _, api := range g.catalogue.APIs {
		for i, v := range api.Versions {
			if v.Deprecated.IsZero() && v.Sunset.IsZero() {
				continue
			}
			of := usage.Version{API: api.Name, Version: v.Name, Deprecated: v.Deprecated, Sunset: v.Sunset}
			for _, later := range api.Versions[i+1:] {
				for _, c := range later.Changes {
					of.Changes = append(of.Changes, c.Name)
				}
			}
			all = append(all, of)
		}
	}
	return all
}

// warnAgain has the callers of what ends be told of anew, beside whoever loads.
func (a *App) warnAgain() {
	if a.gateway != nil && a.started.Load() {
		if k := a.gateway.current.Load().usage; k != nil {
			k.Keeper.Start(a.warnOfEnding)
		}
	}
}

// warnOfEnding warns of versions with a sunset that somebody has called in the last 14 days.
func (a *App) warnOfEnding() {
	if a.gateway == nil {
		return
	}
	g := a.gateway.hold()
	defer g.release()
	if g.usage == nil {
		return
	}
	var versions []usage.Version
	for _, v := range g.leaving() {
		if !v.Sunset.IsZero() {
			versions = append(versions, v)
		}
	}
	ending, err := g.usage.Ending(versions)
	if err != nil {
		return // the keeper has told why
	}
	for _, e := range ending {
		what := "a version that ends is still called"
		if !time.Now().Before(*e.Sunset) {
			what = "a version that has ended is still called"
		}
		a.logger.Warn(what, zap.String("api", e.API), zap.String("version", e.Version), zap.Time("sunset", *e.Sunset),
			zap.Int("callers", e.Callers), zap.Strings("consumers", e.Consumers), zap.Uint64("requests", e.Requests), zap.Time("last_seen", e.Last))
	}
}

// defaultSince is how far back usage is told where nothing else is asked for: 30 days.
const defaultSince = 30 * 24 * time.Hour

// usage answers who calls what:
//
//	GET /api_gateway/usage?api=orders&version=v1&consumer=acme&since=30d
func (a *admin) usage(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet {
		return caddy.APIError{HTTPStatus: http.StatusMethodNotAllowed, Err: errMethod}
	}
	app, err := running()
	if err != nil {
		return err
	}
	if app.gateway == nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("there is no catalogue, so nothing is counted")}
	}
	g := app.gateway.hold()
	defer g.release()
	if g.usage == nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: errors.New("usage is off")}
	}
	query := r.URL.Query()
	since := defaultSince
	if text := query.Get("since"); text != "" {
		since, err = caddy.ParseDuration(text)
		if err != nil || since <= 0 || since > usage.KeepDays {
			return caddy.APIError{HTTPStatus: http.StatusBadRequest, Err: fmt.Errorf("since takes a time such as 12h or 30d, at most %dd", usage.KeepDays/(24*time.Hour))}
		}
	}
	ask := usage.Ask{API: query.Get("api"), Version: query.Get("version"), Consumer: query.Get("consumer"), Since: time.Now().Add(-since)}
	if err := g.knows(ask.API, ask.Version); err != nil {
		return caddy.APIError{HTTPStatus: http.StatusNotFound, Err: err}
	}
	report, err := g.usage.Report(ask, g.leaving())
	if err != nil {
		return caddy.APIError{HTTPStatus: http.StatusServiceUnavailable, Err: err}
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(report)
}

// knows says what is wrong with the names of an API and a version: who misspells one would believe that nobody calls it.
func (g *generation) knows(api, version string) error {
	var apis, versions []string
	for _, a := range g.catalogue.APIs {
		apis = append(apis, a.Name)
		if api != "" && a.Name != api {
			continue
		}
		for _, v := range a.Versions {
			versions = append(versions, v.Name)
		}
	}
	for _, one := range []struct {
		what, name string
		names      []string
	}{{"API", api, apis}, {"version", version, versions}} {
		if one.name != "" && !slices.Contains(one.names, one.name) {
			return fmt.Errorf("there is no %s %q in the catalogue.%s There are: %s", one.what, one.name, diagnostic.DidYouMean(one.name, one.names), strings.Join(one.names, ", "))
		}
	}
	return nil
}

// Interface guards
var (
	_ Running              = (*usageKeeper)(nil)
	_ prometheus.Collector = usageMetric{}
)
