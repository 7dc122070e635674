package gateway

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/caddyserver/caddy/v2"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/status"
)

// Running is what runs beside the requests of more than one load: keys that are fetched again and again, a client with
// its connections and its memory. All parts of all configurations that ask for the same share one, which outlives loads
// of files and reloads of Caddy for as long as one of them still asks for it.
type Running interface {
	// Start begins its work, which may use the network. It is called once for each app that uses it and serves, and so
	// also while it runs already: what it takes of ctx, such as the storage, is from then on that of the newest app. It
	// does not block.
	Start(ctx caddy.Context)

	// Close ends what Start began, or was never called for, and waits for the end. Requests under way may still use
	// it: it answers them with what it has.
	Close() error

	// Status is what GET /api_gateway/status says of it; nil for nothing.
	Status() status.Part
}

// Needed is a Running that nothing is to be served without.
type Needed interface {
	Running

	// Ready has it be of use before the first request comes, or says why that cannot be: then the app does not start, or
	// the load is not taken. It may use the network for some seconds, and is called before Start or beside it.
	Ready(ctx caddy.Context) error
}

// runs are all that run, by their keys.
var runs = caddy.NewUsagePool()

// destructible is a Running in the pool.
type destructible struct{ Running }

// Destruct implements caddy.Destructor.
func (d destructible) Destruct() error { return d.Close() }

// Run gives what runs under a key, and makes it if nothing does: construct neither uses the network nor starts anything,
// for a configuration that is only checked comes here too. The key says what it is and holds, or is a hash of, all that
// it was made from, the contents of files among them: what has changed is another. It starts once the load is in force
// and its app serves, and is let go when a later load does without it.
func Run[T Running](l *Load, key string, construct func() (T, error)) (T, error) {
	if r, ok := l.runs[key]; ok {
		if t, ok := r.(T); ok {
			return t, nil
		}
	}
	r, _, err := runs.LoadOrNew(key, func() (caddy.Destructor, error) {
		t, err := construct()
		return destructible{t}, err
	})
	if err != nil {
		return *new(T), err
	}
	t, ok := r.(destructible).Running.(T)
	if !ok {
		err := fmt.Errorf("%q names something that is a %T", key, r.(destructible).Running)
		_, closing := runs.Delete(key)
		return *new(T), errors.Join(err, closing)
	}
	if l.runs == nil {
		l.runs = make(map[string]Running)
		l.OnDiscard(func() { l.app.letGo(l.runs) })
	}
	l.runs[key] = t
	return t, nil
}

// letGo ends what nobody asks for any more.
func (a *App) letGo(all map[string]Running) {
	for key := range all {
		if _, err := runs.Delete(key); err != nil {
			a.logger.Error("ending what nobody uses any more", zap.Error(err))
		}
	}
}

// inForce gives what the parts asked for, by key.
func (a *App) inForce() map[string]Running {
	if p := a.runs.Load(); p != nil {
		return *p
	}
	return nil
}

// replaceRuns puts what a load asked for in the place of what the one before it did. The caller holds a.loading.
func (a *App) replaceRuns(next map[string]Running) {
	last := a.inForce()
	a.runs.Store(&next)
	for key, r := range next {
		if last[key] == nil {
			a.startRun(r)
		}
	}
	a.letGo(last)
}

// addRuns adds what a part asked for that is loaded for the first time. The caller holds a.loading.
func (a *App) addRuns(more map[string]Running) {
	all, twice := make(map[string]Running), make(map[string]Running)
	maps.Copy(all, a.inForce())
	for key, r := range more {
		if all[key] != nil {
			twice[key] = r
			continue
		}
		all[key] = r
		a.startRun(r)
	}
	a.runs.Store(&all)
	a.letGo(twice)
}

// startRun starts one if the app serves; if it does not yet, startRuns will.
func (a *App) startRun(r Running) {
	if a.started.Load() {
		r.Start(a.ctx)
	}
}

// startRuns starts all, for the app serves from now on.
func (a *App) startRuns() {
	a.loading.Lock()
	defer a.loading.Unlock()
	a.started.Store(true)
	for _, r := range a.inForce() {
		r.Start(a.ctx)
	}
}

// closeRuns lets go of all, for the app is gone.
func (a *App) closeRuns() {
	a.loading.Lock()
	defer a.loading.Unlock()
	a.letGo(a.inForce())
	a.runs.Store(nil)
}

// ready has all be of use that are needed.
func (a *App) ready(all map[string]Running) error {
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if r, needed := all[key].(Needed); needed {
			if err := r.Ready(a.ctx); err != nil {
				return err
			}
		}
	}
	return nil
}

// runsStatus is what the status says of all, in the order of their keys.
func (a *App) runsStatus() (all []status.Part) {
	runs := a.inForce()
	for _, key := range slices.Sorted(maps.Keys(runs)) {
		if s := runs[key].Status(); s != nil {
			all = append(all, s)
		}
	}
	if a.gateway != nil {
		all = append(all, a.gateway.servers()...)
	}
	return all
}
