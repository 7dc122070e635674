// Package gateway is the gateway in Caddy: the app, which holds the catalogue, the policies and the engines behind
// them and swaps them in place when their files change; and the handler that takes requests through all stages.
package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/hashicorp/hcl/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/admit"
	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/console"
	"github.com/wicketgate/wicketgate/internal/delivery"
	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/gateway"
	"github.com/wicketgate/wicketgate/internal/limit"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/shadow"
	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/internal/watch"
	"github.com/wicketgate/wicketgate/modules/decisionlog"
)

func init() {
	caddy.RegisterModule(new(App))
}

// defaultWatch is how often the files are looked at unless the configuration says otherwise: twice a second.
const defaultWatch = 500 * time.Millisecond

// App is what all handlers of the gateway share: the catalogue of what is served, the policies, and the engines
// behind them. Its files are watched; a change is loaded, checked and swapped in without a reload of Caddy, and a
// broken one leaves the last good one in force.
type App struct {
	// Folders, files or globs of the HCL catalogue; without any, only single-stage handlers run. Default: none.
	Catalogue []string `json:"catalogue,omitempty"`

	// Values for the catalogue's variables, by name. Default: the defaults in the catalogue.
	Variables map[string]string `json:"variables,omitempty"`

	// Where the Rego policies come from. Default: none, so that every route must be public.
	PoliciesRaw json.RawMessage `json:"policies,omitempty" caddy:"namespace=api_gateway.policies inline_key=source"`

	// What counts requests against quotas. Default: memory.
	CountersRaw json.RawMessage `json:"counters,omitempty" caddy:"namespace=api_gateway.counters inline_key=engine"`

	// Where webhooks' events are kept until they are delivered, and answers by callers' idempotency keys. Default: embedded,
	// in Caddy's data folder, once there are webhooks or idempotency blocks.
	LedgerRaw json.RawMessage `json:"ledger,omitempty" caddy:"namespace=api_gateway.ledgers inline_key=engine"`

	// How tokens are signed that tell services who calls. Default: not at all.
	Signing *Signing `json:"signing,omitempty"`

	// Where every decision of a policy is recorded. Default: nowhere.
	DecisionLog *decisionlog.Config `json:"decision_log,omitempty"`

	// Where it is kept who calls what. Default: in Caddy's data folder.
	Usage *Usage `json:"usage,omitempty"`

	// How often the files are looked at for changes; one that stayed as it is from one look to the next is loaded.
	// Default: 500ms. Least: 10ms. A negative value turns watching off.
	Watch caddy.Duration `json:"watch,omitempty"`

	// How large the heap of the process gets before garbage is collected, in bytes, where less than half of it is in use: with
	// little in use Go alone collects many times a second. At most a quarter of the memory limit counts, and none where GOGC
	// is set in the environment. Default: 128 MiB. A negative value leaves it to Go.
	HeapFloor int64 `json:"heap_floor,omitempty"`

	// For how long, before a reload of Caddy ends this configuration or the process stops, callers on HTTP/1.1 are asked to
	// close their connections, with everything served as ever. What Caddy closes after that are connections that were idle
	// for so long: one that it closes while a request is on its way is a failed request. Default: 0, not at all. Most: 1m.
	Drain caddy.Duration `json:"drain,omitempty"`

	// A hash of all files, which the Caddyfile adapter writes so that a reload of Caddy sees a change of theirs; it
	// says nothing to the gateway. Default: none.
	FilesHash string `json:"files_hash,omitempty"`

	checking bool         // only look for mistakes: run no upstream
	trial    *TrialConfig // of an app that serves tests alone; checking is set too
	warned   *LoadError   // what the load told, when checking without mistakes
	ctx      caddy.Context
	logger   *zap.Logger
	policies PolicySource
	counters CounterSource
	counter  limit.Counter
	ledger   LedgerSource
	alone    map[string]delivery.Target // of webhooks that are not the catalogue's, by name; guarded by loading
	gateway  *catalogued                // nil without a catalogue
	shadow   *shadow.Shadow
	drift    *drift.Recorder
	told     *Announcer // of what happens
	begun    begun

	loading   sync.Mutex // one load at a time; guards the seven below
	parts     []Part
	files     []string         // all that the last load read or looked for
	seen      uint64           // their fingerprint, 0 if they may have changed since
	contents  [32]byte         // a hash of what they said when they were read, zero if that is not known
	offered   *policy.Snapshot // new policies that a live source has, during the load with them
	candidate *candidate       // that of the last load
	reserved  reserved

	admission atomic.Pointer[admit.Admit] // of stages on their own

	runs    atomic.Pointer[map[string]Running] // what the parts asked for, by key; a load replaces it as a whole
	given   atomic.Pointer[policy.Snapshot]    // the policies in force, as their source gave them
	status  atomic.Pointer[status.Load]
	metrics *metrics
	live    atomic.Pointer[console.Live] // nil where there is no console

	draining atomic.Bool // HTTP/1.1 connections are to be closed after their next answer
	retiring retiring
	framed   sync.Map // of servers: do they refuse HTTP/1.1 messages that have two readings?

	started atomic.Bool // upstreams are probed only from then on, so that validating needs no network
	stop    context.CancelFunc
	done    chan struct{}
	heap    func() // lets go of the heap's floor
}

// PolicySource is where policies come from: a guest module in the namespace api_gateway.policies.
type PolicySource interface {
	// Load reads and compiles all policies. It must keep what it compiled while nothing changed, so that a load for
	// another file's sake costs little.
	Load(ctx context.Context) (snapshot *policy.Snapshot, files []string, sources map[string][]byte, diags hcl.Diagnostics)
}

// CounterSource is what counts: a guest module in the namespace api_gateway.counters.
type CounterSource interface {
	Counter() limit.Counter
}

// CaddyModule returns the Caddy module information.
func (*App) CaddyModule() caddy.ModuleInfo {
	return caddy.ModuleInfo{
		ID:  "api_gateway",
		New: func() caddy.Module { return new(App) },
	}
}

// Provision loads everything; a mistake in any file keeps the configuration from being used.
func (a *App) Provision(ctx caddy.Context) error {
	a.ctx, a.logger = ctx, ctx.Logger()
	if a.Watch == 0 {
		a.Watch = caddy.Duration(defaultWatch)
	}
	if a.Watch > 0 && a.Watch < caddy.Duration(10*time.Millisecond) {
		return errors.New("watch: the least interval is 10ms")
	}
	if err := a.provisionDrain(); err != nil {
		return err
	}
	var err error
	if a.metrics, err = registerMetrics(ctx.GetMetricsRegistry()); err != nil {
		return err
	}
	if a.Signing != nil {
		if err := a.Signing.check(); err != nil {
			return err
		}
	}
	a.told = NewAnnouncer()
	if err := a.begun.provision(ctx); err != nil {
		return err
	}
	a.shadow = a.newShadow()
	a.drift = drift.New(drift.Config{Counted: a.metrics.answered})
	if err := a.provisionEngines(); err != nil {
		return err
	}
	if len(a.Catalogue) > 0 {
		a.gateway = &catalogued{app: a}
		a.parts = append(a.parts, a.gateway)
	}
	return a.load()
}

func (a *App) provisionEngines() error {
	if a.PoliciesRaw != nil {
		guest, err := a.ctx.LoadModule(a, "PoliciesRaw")
		if err != nil {
			return fmt.Errorf("loading the source of policies: %w", err)
		}
		a.policies = guest.(PolicySource)
	}
	if a.trial != nil {
		a.counter = a.trial.Counter
		if slow, ok := a.policies.(Unhurried); ok {
			slow.Unhurry()
		}
		return nil
	}
	guest, err := any(nil), error(nil)
	if a.DecisionLog != nil {
		if err := a.DecisionLog.Provision(a.ctx, a.checking); err != nil {
			return err
		}
	}
	if a.CountersRaw != nil {
		guest, err = a.ctx.LoadModule(a, "CountersRaw")
	} else {
		guest, err = a.ctx.LoadModuleByID("api_gateway.counters.memory", nil)
	}
	if err != nil {
		return fmt.Errorf("loading counters: %w", err)
	}
	a.counters = guest.(CounterSource)
	a.counter = a.counters.Counter()
	if a.LedgerRaw != nil {
		guest, err = a.ctx.LoadModule(a, "LedgerRaw")
	} else {
		guest, err = a.ctx.LoadModuleByID("api_gateway.ledgers.embedded", nil)
	}
	if err != nil {
		return fmt.Errorf("loading the ledger: %w", err)
	}
	a.ledger = guest.(LedgerSource)
	return nil
}

// Checked is what is known of an app's configuration without mistakes.
type Checked struct {
	Warnings *LoadError // nothing but warnings

	// Where callers of the catalogue's APIs send credentials: header fields but for Authorization, and query parameters.
	Credentials, Parameters []string
}

// Check looks for mistakes in everything that an app's configuration names, without running any of it. The error is a
// *LoadError where files have mistakes.
func Check(ctx caddy.Context, config json.RawMessage) (*Checked, error) {
	a, err := check(ctx, config)
	if err != nil {
		return nil, err
	}
	defer a.closeRuns() // nothing of it ran, but a process that runs the same would keep it for ever
	c := &Checked{Warnings: a.warned}
	if a.gateway != nil {
		g := a.gateway.current.Load()
		c.Credentials, c.Parameters = g.Credentials(), g.Parameters()
	}
	return c, nil
}

func check(ctx caddy.Context, config json.RawMessage) (*App, error) {
	a := &App{checking: true}
	if err := caddy.StrictUnmarshalJSON(config, a); err != nil {
		return nil, fmt.Errorf("reading the configuration of api_gateway: %w", err)
	}
	return a, a.Provision(ctx)
}

// Inspect gives the catalogue that an app's configuration names, and the gateway built of it, which serves nothing. The
// error is a *LoadError where files have mistakes.
func Inspect(ctx caddy.Context, config json.RawMessage) (*catalogue.Catalogue, *gateway.Gateway, error) {
	a, err := check(ctx, config)
	if err != nil {
		return nil, nil, err
	}
	if a.gateway == nil {
		return nil, nil, errors.New("the configuration names no catalogue")
	}
	g := a.gateway.current.Load()
	return g.catalogue, g.Gateway, nil
}

// Use has part loaded now and whenever a file changes. It is called while handlers are provisioned.
func (a *App) Use(part Part) error {
	a.loading.Lock()
	defer a.loading.Unlock()
	began := time.Now()
	l := &Load{app: a, Configured: a.policies != nil}
	a.begin(l, a.given.Load())
	commit := part.Load(l)
	all := l.reserves(a.reserved)
	if l.failed() {
		l.undo()
		return &LoadError{Diagnostics: l.Diagnostics, Sources: l.Sources}
	}
	l.warn(a.logger)
	a.hide(l)
	a.reserving(all, commit)
	a.addRuns(l.runs)
	l.compared.Add()
	a.parts = append(a.parts, part)
	l.Files = append(l.Files, a.files...)
	a.read(l.paths(), began, a.contents)
	return nil
}

// Counter is what counts requests against quotas.
func (a *App) Counter() limit.Counter { return a.counter }

// Limited counts a request that a handler answered, by the limits that refused it.
func (a *App) Limited(x *exchange.Exchange) { a.metrics.limited(x) }

// Unmet counts the rules that a request did not meet in a stage that stands alone.
func (a *App) Unmet(x *exchange.Exchange) { a.metrics.rules(x) }

// Start begins to watch the files and to probe the upstreams, and to look for policies where they do not lie in files.
func (a *App) Start() error {
	if err := a.ready(a.inForce()); err != nil {
		return err
	}
	a.keepHeap()
	a.trace()
	a.startRuns()
	if live := a.live.Load(); live != nil {
		live.Traffic.Start()
	}
	a.told.Start(a.ctx)
	a.loading.Lock()
	a.deliver()
	a.loading.Unlock()
	if a.DecisionLog != nil {
		a.DecisionLog.Start()
	}
	if live, ok := a.counters.(LiveCounterSource); ok {
		live.Start()
	}
	if live, ok := a.policies.(LivePolicySource); ok {
		if err := live.Start(a.take); err != nil {
			return err
		}
	}
	if source, _ := a.trying(); source != nil {
		if live, ok := source.(LivePolicySource); ok {
			if err := live.Start(a.takeCandidate); err != nil {
				return err
			}
		}
	}
	if a.Watch < 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(a.ctx.Context)
	a.stop, a.done = cancel, make(chan struct{})
	a.loading.Lock()
	files, seen := a.files, a.seen
	a.loading.Unlock()
	go func() {
		defer close(a.done)
		watch.Poll(ctx, time.Duration(a.Watch), files, seen, a.changed)
	}()
	return nil
}

// Stop ends the watching and, unless another app has taken them over, the deliveries. Requests under way go on until the server is done with them.
func (a *App) Stop() error {
	if live, ok := a.policies.(LivePolicySource); ok {
		live.Stop()
	}
	if source, _ := a.trying(); source != nil {
		if live, ok := source.(LivePolicySource); ok {
			live.Stop()
		}
	}
	if a.stop != nil {
		a.stop()
		<-a.done
	}
	a.stopDelivering()
	a.leaveHeap()
	return nil
}

// Cleanup ends what the last load started.
func (a *App) Cleanup() error {
	if a.gateway != nil {
		a.gateway.close()
	}
	a.closeRuns()
	if a.told != nil {
		a.told.Close()
	}
	if a.shadow != nil {
		a.shadow.Close()
	}
	if a.DecisionLog != nil {
		return a.DecisionLog.Cleanup()
	}
	return nil
}

// Reload loads all files again and swaps them in if none has a mistake; otherwise what is in force stays, and log,
// metrics and status say why.
func (a *App) Reload() {
	a.loading.Lock()
	defer a.loading.Unlock()
	a.reload()
}

func (a *App) reload() {
	if err := a.load(); err != nil {
		a.logger.Error("keeping the last good configuration", zap.Error(err))
	}
}

// load reads everything anew and swaps it in, or changes nothing. The caller holds a.loading.
func (a *App) load() error {
	began, contents := time.Now(), watch.Contents(a.files, loads)
	l := &Load{app: a}
	var given *policy.Snapshot
	if a.policies != nil {
		snapshot, files, sources, diags := a.loadPolicies()
		given, l.Configured = snapshot, true
		l.Read(files, sources)
		l.Diagnostics = append(l.Diagnostics, diags...)
		a.loadCandidate(l)
	}
	a.begin(l, given)
	var commits []func()
	for _, p := range a.parts {
		commits = append(commits, p.Load(l))
	}
	all := l.reserves(reserved{})
	if a.started.Load() && !l.failed() {
		if err := a.ready(l.runs); err != nil {
			l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Not ready", Detail: err.Error()})
		}
	}
	a.read(l.paths(), began, contents)
	if l.failed() {
		l.undo()
		a.metrics.loaded(false)
		failed := a.status.Load().Failed(l.Diagnostics, began)
		if a.status.Store(failed); a.started.Load() {
			a.told.Announce(status.FailedLoad(failed, Concealed().Text))
		}
		return &LoadError{Diagnostics: l.Diagnostics, Sources: l.Sources}
	}
	if a.checking {
		a.warned = &LoadError{Diagnostics: l.Diagnostics, Sources: l.Sources}
	}
	l.warn(a.logger)
	if given != nil {
		a.given.Store(given)
	}
	a.hide(l)
	a.reserving(all, commits...)
	a.replaceRuns(l.runs)
	if a.started.Load() {
		a.deliver()
	}
	l.compared.Commit()
	a.warnAgain()
	a.metrics.loaded(true)
	last := a.status.Load()
	now := last.Succeeded(len(l.Files), l.Diagnostics, began)
	if a.status.Store(now); a.started.Load() {
		a.told.Announce(status.LoadTaken(now, last != nil && last.Error != nil))
	}
	a.logger.Info("swapped in", zap.Int64("generation", now.Generation), zap.Duration("took", time.Since(began)), zap.Int("files", len(a.files)))
	return nil
}

// Interface guards
var (
	_ caddy.App          = (*App)(nil)
	_ caddy.Provisioner  = (*App)(nil)
	_ caddy.CleanerUpper = (*App)(nil)
)
