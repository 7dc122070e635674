// Package ledger keeps what must not be lost: events that third parties were told are safe. It is NATS JetStream,
// embedded in this process and without a listener, or a cluster that several gateways share. An event that Append took is
// on the disk, synced, or on most of the servers that are to have it, and stays there until it was delivered, is a dead
// letter that has grown old, or is dropped by the operator.
package ledger

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Bounds and defaults.
const (
	// DefaultMaxBytes bounds the events that wait, and again the dead letters and the records: 1 GiB each.
	DefaultMaxBytes = 1 << 30
	// DefaultReplicas is on how many servers of a cluster each event is kept: 3, so that one may be lost.
	DefaultReplicas = 3
	// DefaultKeep is how long dead letters are kept: 30 days.
	DefaultKeep = 30 * 24 * time.Hour
	// MaxEvent is the largest event, in bytes, its header fields included: 26 MiB, of which the body has 25.
	MaxEvent = 26 << 20
	// deliveredBytes and deliveredKeep bound the events that have been delivered, which are kept to be looked at and
	// sent again: 128 MiB, 24 hours.
	deliveredBytes = 128 << 20
	deliveredKeep  = 24 * time.Hour
	// Duplicates is how long an event of the same name is known for one that is there already: 6 minutes, so that what
	// senders' time stamps let pass is not delivered again.
	Duplicates = 6 * time.Minute
	// storedTwice is how long an embedded store itself knows what it has for the same again, also across a restart; and any store
	// an event that is parked once more since nobody heard whether it was: 30 s.
	storedTwice = 30 * time.Second
	// maxSeen bounds the names that dedupe remembers, of all webhooks together; the oldest are forgotten first.
	maxSeen = 1_000_000
	// storing bounds the time in which an event is stored: 5 s.
	storing = 5 * time.Second
	// asking bounds every other request to the store: 10 s.
	asking = 10 * time.Second
	// reserve is the room on the disk of an embedded ledger that new events and records leave free: 64 MiB. What becomes of
	// events is written, too: without any room none could be delivered and let go of, so that none would become free.
	reserve = 64 << 20
	// looking is how often it is seen whether the store still works: 1 s.
	looking = time.Second
	// leastPause and mostPause bound the time between two attempts to open the store: 100 ms to 5 s.
	leastPause = 100 * time.Millisecond
	mostPause  = 5 * time.Second
)

// ErrUnavailable says that nothing can be stored now; it may be tried again.
var ErrUnavailable = errors.New("the ledger is not available")

// ErrFull says that the ledger has no room; there will be when events are delivered.
var ErrFull = errors.New("the ledger is full")

// errStopped says that a session is over.
var errStopped = errors.New("the store has stopped working")

// ErrTooLarge says that an event is larger than the ledger takes.
var ErrTooLarge = errors.New("the event is larger than the ledger takes")

// Config says where the ledger is.
type Config struct {
	// Folder is where it lies, if it is embedded.
	Folder string
	// Servers are addresses of servers of one cluster of NATS; none where it is embedded.
	Servers []string
	// Options gives what connecting to the servers needs, credentials included. It is asked anew for each session.
	Options func() ([]nats.Option, error)
	// Replicas is on how many servers each event is kept; 0 for DefaultReplicas.
	Replicas int
	// MaxBytes bounds the events that wait, and again the dead letters, and again the records, in bytes; 0 for
	// DefaultMaxBytes.
	MaxBytes int64
	// Keep is how long dead letters are kept; 0 for DefaultKeep.
	Keep time.Duration
	// Log is told what the operator should know.
	Log *slog.Logger
}

// complete fills in what is left open.
func (c Config) complete() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = DefaultMaxBytes
	}
	if c.Keep == 0 {
		c.Keep = DefaultKeep
	}
	if c.Replicas == 0 && c.clustered() {
		c.Replicas = DefaultReplicas
	}
	return c
}

// clustered says whether the ledger is on servers that others may use too.
func (c Config) clustered() bool { return len(c.Servers) > 0 }

// bounds are what may change while the ledger is open.
type bounds struct {
	maxBytes int64
	keep     time.Duration
	replicas int
}

func (c Config) bounds() bounds { return bounds{c.MaxBytes, c.Keep, c.Replicas} }

// reachable says whether events can be stored by now, as far as is known: nil, or why not.
func (s *Session) reachable() error {
	if s.config.clustered() && !s.nc.IsConnected() {
		return errAway
	}
	return nil
}

// Ledger keeps events. Its zero value is of no use: New makes one.
type Ledger struct {
	config Config
	serve  func(context.Context, *Session)

	session atomic.Pointer[Session]
	failure atomic.Pointer[failure]

	mu     sync.Mutex         // guards the bounds of config too; the rest of it stays
	cancel context.CancelFunc // nil before Start and after Close
	done   chan struct{}
	closed bool

	changed chan struct{} // the configuration did
}

// failure is why there is no session.
type failure struct{ error }

// New makes a ledger and opens nothing: that is for Start. serve is called with each session, in a goroutine of its own,
// and returns when its context ends.
func New(c Config, serve func(context.Context, *Session)) *Ledger {
	return &Ledger{config: c.complete(), serve: serve, changed: make(chan struct{}, 1)}
}

// Configure changes the bounds of a ledger, which may be open: events go on being stored and delivered meanwhile. Where it
// lies stays as New was told.
func (l *Ledger) Configure(c Config) {
	l.mu.Lock()
	defer l.mu.Unlock()
	was := l.config.bounds()
	c.Servers = l.config.Servers
	c = c.complete()
	l.config.MaxBytes, l.config.Keep, l.config.Replicas = c.MaxBytes, c.Keep, c.Replicas
	if l.config.bounds() == was {
		return
	}
	select {
	case l.changed <- struct{}{}:
	default: // it is known already
	}
}

// configured is the configuration by now.
func (l *Ledger) configured() Config {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.config
}

// Start begins to open the ledger, and to open it again whenever it breaks. It does not block, and may be called again.
func (l *Ledger) Start() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cancel != nil || l.closed {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	l.cancel, l.done = cancel, make(chan struct{})
	go func() {
		defer close(l.done)
		l.supervise(ctx)
	}()
}

// Close ends what Start began, and waits for it: deliveries under way come to their end first.
func (l *Ledger) Close() error {
	l.mu.Lock()
	cancel, done := l.cancel, l.done
	l.cancel, l.closed = nil, true
	l.mu.Unlock()
	if cancel != nil {
		cancel()
		<-done
	}
	return nil
}

// supervise has a session, one after the other, until ctx ends.
func (l *Ledger) supervise(ctx context.Context) {
	pause := leastPause
	for ctx.Err() == nil {
		began := time.Now()
		err := l.run(ctx)
		if ctx.Err() != nil {
			return
		}
		l.failure.Store(&failure{err})
		l.config.Log.Error("the ledger is not available", slog.Any("error", err))
		if time.Since(began) > time.Minute {
			pause = leastPause
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, mostPause)
	}
}

// run has one session, until it breaks or ctx ends.
func (l *Ledger) run(ctx context.Context) (err error) {
	s, err := l.open(ctx)
	if err != nil {
		return err
	}
	serving, cancel := context.WithCancel(ctx)
	var working sync.WaitGroup
	l.failure.Store(nil)
	l.session.Store(s)
	if l.serve != nil {
		working.Go(func() { l.serve(serving, s) })
	}
	err = l.watch(ctx, s)
	l.session.Store(nil)
	cancel()
	working.Wait()
	s.close()
	return err
}

// Ready says whether events can be stored now: nil, or why not.
func (l *Ledger) Ready() error {
	if s := l.session.Load(); s != nil {
		return s.reachable()
	}
	if f := l.failure.Load(); f != nil {
		return f.error
	}
	return ErrUnavailable
}

// Session gives what the ledger is open by now; an error if it is not.
func (l *Ledger) Session() (*Session, error) {
	if s := l.session.Load(); s != nil {
		return s, nil
	}
	return nil, l.Ready()
}

// Append stores an event and syncs it. An error means that it may not be there, and its sender must be told so. known
// says that an event of its name was stored within the last minutes, so that this is the same again.
func (l *Ledger) Append(ctx context.Context, e *Event) (known bool, err error) {
	s := l.session.Load()
	if s == nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, l.Ready())
	}
	return s.append(ctx, e, true)
}

// Session is a time in which the ledger is open.
type Session struct {
	config Config
	nc     *nats.Conn
	js     jetstream.JetStream
	end    func()
	alive  func() error // what is wrong with the store, nil for nothing

	events, parked, dead, delivered, seen, held jetstream.Stream
	lease                                       jetstream.Stream // of a cluster only

	recent *recent // of an embedded ledger only

	reading sync.Mutex        // guards the two below
	readers uint64            // intakes, ever
	losing  map[uint64]func() // of those that are open, one for each webhook: tells them that messages were dropped

	broken chan error // what somebody saw who used it; one is enough
}

// watch looks whether the session still works, until ctx ends or it does not.
func (l *Ledger) watch(ctx context.Context, s *Session) error {
	tick := time.NewTicker(looking)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case err := <-s.broken:
			if s.endures(ctx) {
				continue
			}
			return err
		case <-l.changed:
			if err := s.fit(ctx, l.configured()); err != nil {
				return err
			}
		case <-tick.C:
			if err := s.alive(); err != nil {
				return err
			}
		}
	}
}

// breaks notes what a request to the store met, so that the session ends and is opened anew if it cannot go on.
func (s *Session) breaks(err error) {
	select {
	case s.broken <- err:
	default:
	}
}

func (s *Session) close() {
	s.nc.Close()
	s.end()
}

// append stores an event; once says that another of the same name is the same.
func (s *Session) append(ctx context.Context, e *Event, once bool) (known bool, err error) {
	data, err := e.encode()
	if err != nil {
		return false, err
	}
	if int64(len(data))+maxOverhead > s.nc.MaxPayload() {
		return false, ErrTooLarge
	}
	if err := s.room(len(data)); err != nil {
		return false, fmt.Errorf("storing an event: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	id := ""
	if once {
		id = nameOf(e)
		if s.recent != nil && s.recent.has(id, time.Now()) {
			return true, nil
		}
	}
	ack, err := s.publish(ctx, &nats.Msg{Subject: subjectOf("events", e.Webhook), Data: data}, id, jetstream.WithExpectStream(streamName("EVENTS")))
	if err != nil {
		return false, s.failed("storing an event", err)
	}
	if s.recent != nil && once {
		s.recent.add(id, time.Now())
	}
	return ack.Duplicate, nil
}

// nameOf names an event for the store, which has all names of the last minutes in memory, so that they are short: 96 bits of
// a hash, in base64. Another sender may use the same ID.
func nameOf(e *Event) string {
	sum := sha256.Sum256([]byte(e.Webhook + "/" + e.ID))
	return base64.RawURLEncoding.EncodeToString(sum[:12])
}

// maxOverhead is what the header of a message may take besides the event, in bytes.
const maxOverhead = 4 << 10

// codes of errors that say that there is no room: the bounds on messages and bytes.
var full = map[jetstream.ErrorCode]bool{10077: true, 10047: true, 10023: true}

// failed makes an error of what a request to the store met.
func (s *Session) failed(doing string, err error) error {
	var api jetstream.JetStreamError
	if errors.As(err, &api) && api.APIError() != nil && full[api.APIError().ErrorCode] {
		return fmt.Errorf("%s: %w: %w", doing, ErrFull, err)
	}
	if errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrNoResponders) || errors.Is(err, nats.ErrConnectionClosed) ||
		errors.Is(err, jetstream.ErrStreamNotFound) || errors.Is(err, jetstream.ErrJetStreamNotEnabled) {
		s.breaks(fmt.Errorf("%s: %w", doing, err))
	}
	return fmt.Errorf("%s: %w: %w", doing, ErrUnavailable, err)
}

// Seen says whether a name of a webhook is remembered.
func (l *Ledger) Seen(ctx context.Context, webhook, name string) (bool, error) {
	s := l.session.Load()
	if s == nil {
		return false, fmt.Errorf("%w: %w", ErrUnavailable, l.Ready())
	}
	return s.Seen(ctx, webhook, name)
}

// Remember remembers a name of a webhook for a time.
func (l *Ledger) Remember(ctx context.Context, webhook, name string, keep time.Duration) error {
	s := l.session.Load()
	if s == nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, l.Ready())
	}
	return s.Remember(ctx, webhook, name, keep)
}
