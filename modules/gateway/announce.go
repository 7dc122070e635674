package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/modules/caddyevents"
	"go.uber.org/zap"

	"github.com/wicketgate/wicketgate/internal/status"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// maxEvents bounds the events that wait to be told: 64. One too many is not told; metrics and status have the state
// itself.
const maxEvents = 64

// breakerStates are those of breakers in metrics.
var breakerStates = map[string]float64{"closed": 0, "half-open": 1, "open": 2}

// Announcer tells what happens as events of Caddy's, one at a time and by itself: whoever listens may take long, and
// requests wait while a breaker changes.
type Announcer struct {
	events chan status.Event
	ctx    atomic.Pointer[caddy.Context] // of the newest app

	mu     sync.Mutex
	closed bool
	stop   context.CancelFunc // nil until it has begun
	done   chan struct{}
}

// NewAnnouncer makes one that tells nothing before Start.
func NewAnnouncer() *Announcer { return &Announcer{events: make(chan status.Event, maxEvents)} }

// Announce tells of an event. It does not block.
func (a *Announcer) Announce(e status.Event) {
	select {
	case a.events <- e:
	default:
	}
}

// Start has events told as those of an app, once all of its configuration has started; it may be called again with a newer one.
func (a *Announcer) Start(ctx caddy.Context) {
	app, err := ctx.AppIfConfigured("api_gateway")
	if err != nil {
		a.begin(ctx)
		return
	}
	app.(*App).begun.once(func() { a.begin(ctx) })
}

func (a *Announcer) begin(ctx caddy.Context) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return
	}
	a.ctx.Store(&ctx)
	if a.stop == nil {
		var inner context.Context
		inner, a.stop = context.WithCancel(context.Background())
		a.done = make(chan struct{})
		go a.tell(inner)
	}
}

func (a *Announcer) tell(ctx context.Context) {
	defer close(a.done)
	for {
		select {
		case e := <-a.events:
			app := *a.ctx.Load()
			if e.Name == status.BreakerChanged { // the others are logged where they happen
				var fields []zap.Field
				for _, name := range slices.Sorted(maps.Keys(e.Data)) {
					fields = append(fields, zap.Any(name, e.Data[name]))
				}
				app.Logger().Warn("circuit breaker changed", fields...)
			}
			if events, err := app.AppIfConfigured("events"); err == nil {
				events.(*caddyevents.App).Emit(app, e.Name, e.Data)
			}
		case <-ctx.Done():
			return
		}
	}
}

// Close ends it, and waits for the end.
func (a *Announcer) Close() {
	a.mu.Lock()
	a.closed = true
	stop := a.stop
	a.mu.Unlock()
	if stop != nil {
		stop()
		<-a.done
	}
}

// sunsets tell when versions end, for as long as any app has a catalogue.
type sunsets struct {
	app  atomic.Pointer[App] // the newest
	wake chan struct{}
	once sync.Once
	stop context.CancelFunc
	done chan struct{}

	failing bool // the storage; of the goroutine that watches
}

// sunsets gives what tells of versions that end, which all apps share, so that a reload of Caddy tells none twice.
func (l *Load) sunsets() (*sunsets, error) {
	if l.app.trial != nil || l.app.checking {
		return nil, nil
	}
	return Run(l, "sunsets", func() (*sunsets, error) { return &sunsets{wake: make(chan struct{}, 1)}, nil })
}

// Start implements Running.
func (s *sunsets) Start(ctx caddy.Context) {
	if app, err := ctx.AppIfConfigured("api_gateway"); err == nil {
		s.app.Store(app.(*App))
	}
	s.once.Do(func() {
		var inner context.Context
		inner, s.stop = context.WithCancel(context.Background())
		s.done = make(chan struct{})
		go func() {
			defer close(s.done)
			(&status.Sunsets{Versions: s.versions, Crossed: s.crossed, Kept: s.kept, Keep: s.keep}).Watch(inner, s.wake)
		}()
	})
	s.look()
}

// look has it look at the versions in force now.
func (s *sunsets) look() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *sunsets) versions() (all []usage.Version, ok bool) {
	app := s.app.Load()
	if app == nil || app.gateway == nil {
		return nil, false
	}
	g := app.gateway.hold()
	defer g.release()
	return g.leaving(), true
}

// Of the versions that are ahead, a list is kept in Caddy's storage, for a start after some of them have ended: JSON of
// pairs of texts. Nodes with one storage share it.
const (
	aheadKey  = "api_gateway/sunsets.json"
	storageIn = 10 * time.Second // for the storage to answer
)

// kept implements status.Sunsets.
func (s *sunsets) kept(ctx context.Context) (status.Ahead, error) {
	ctx, cancel := context.WithTimeout(ctx, storageIn)
	defer cancel()
	text, err := s.app.Load().ctx.Storage().Load(ctx, aheadKey)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, s.told(nil)
	}
	if err := s.told(err); err != nil {
		return nil, err
	}
	var list [][2]string
	if err := json.Unmarshal(text, &list); err != nil { // as good as none, and written anew
		s.app.Load().logger.Warn(aheadKey+" in the storage is broken", zap.Error(err))
	}
	all := make(status.Ahead)
	for _, v := range list[:min(len(list), status.MaxAhead)] {
		all[v] = true
	}
	return all, nil
}

// keep implements status.Sunsets.
func (s *sunsets) keep(ctx context.Context, all status.Ahead) error {
	list := slices.SortedFunc(maps.Keys(all), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	if list == nil {
		list = [][2]string{}
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, storageIn)
	defer cancel()
	return s.told(s.app.Load().ctx.Storage().Store(ctx, aheadKey, text))
}

// told logs that the storage has begun to fail, and gives the error.
func (s *sunsets) told(err error) error {
	if err != nil && !s.failing {
		s.app.Load().logger.Warn("which versions are yet to end cannot be kept; of one that ends while the gateway is down nobody is told", zap.Error(err))
	}
	s.failing = err != nil
	return err
}

func (s *sunsets) crossed(v usage.Version) {
	app := s.app.Load()
	app.logger.Warn("a version has ended", zap.String("api", v.API), zap.String("version", v.Version), zap.Time("sunset", v.Sunset))
	app.told.Announce(status.Sunset(v.API, v.Version, v.Sunset))
}

// Close implements Running.
func (s *sunsets) Close() error {
	if s.stop != nil {
		s.stop()
		<-s.done
	}
	return nil
}

// Status implements Running.
func (*sunsets) Status() status.Part { return nil }

// Interface guards
var _ Running = (*sunsets)(nil)
