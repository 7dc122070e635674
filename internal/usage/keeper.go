package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// flushEvery is how often counts go to the file: 30 s. As much is lost where the process is killed.
	flushEvery = 30 * time.Second
	// maxPending bounds the keys that wait while the file cannot be written: 20,000. Others count as Other.
	maxPending = 20_000
)

// Keeper has calls counted, and the counts kept in a file.
type Keeper struct {
	*Recorder
	folder string
	log    *slog.Logger
	now    func() time.Time

	shared  atomic.Pointer[Shared] // how it stands with the board; nil for none
	failing atomic.Pointer[error]  // why the file is not open, or what it cannot keep; nobody waits for the file to know it

	once sync.Once
	wake chan struct{} // somebody waits for the file
	due  chan struct{} // the board may not have all
	stop context.CancelFunc
	done chan struct{}

	mu      sync.Mutex // guards the rest
	store   *Store     // nil while the file is not open
	closed  bool
	pending map[Key]*Sums // that the file has not got yet; bound: maxPending
	opened  func()        // is called once the file is open; nil for nothing
	board   Board         // nil for none
}

// NewKeeper makes one for the file in a folder. It opens nothing before Start; what is recorded until then waits.
func NewKeeper(folder string, log *slog.Logger) *Keeper {
	return &Keeper{Recorder: NewRecorder(), folder: folder, log: log, now: time.Now, wake: make(chan struct{}, 1), due: make(chan struct{}, 1), pending: make(map[Key]*Sums)}
}

// Start opens the file and keeps in it what is counted, beside whoever calls. Once it is open, opened is called; of several
// calls of Start before that, the last one's.
func (k *Keeper) Start(opened func()) {
	k.mu.Lock()
	k.opened = opened
	k.mu.Unlock()
	k.once.Do(func() {
		var ctx context.Context
		ctx, k.stop = context.WithCancel(context.Background())
		k.done = make(chan struct{})
		var both sync.WaitGroup
		both.Go(func() { k.run(ctx) })
		both.Go(func() { k.tell(ctx) })
		go func() {
			defer close(k.done)
			both.Wait()
		}()
	})
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

func (k *Keeper) run(ctx context.Context) {
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-tick.C:
		}
		k.mu.Lock()
		k.flush()
		opened := k.opened
		if k.store == nil {
			opened = nil
		} else {
			k.opened = nil
		}
		k.mu.Unlock()
		k.tellBoard()
		if opened != nil {
			opened()
		}
	}
}

// Close writes what has been counted, shares it, and closes the file.
func (k *Keeper) Close() error {
	if k.stop != nil {
		k.stop()
		<-k.done
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	if k.store == nil {
		return nil
	}
	k.flush()
	k.mu.Unlock()
	k.share(context.Background(), leaving)
	k.mu.Lock()
	if k.store == nil { // it has just failed
		return k.Failing()
	}
	err := k.store.Close()
	k.store = nil
	return err
}

// flush writes what was counted. What cannot be written waits. The caller holds k.mu.
func (k *Keeper) flush() {
	k.keep(k.Drain())
	err := k.guarded(func() error {
		if k.store == nil {
			if k.closed {
				return errClosed
			}
			store, aside, err := Open(k.folder)
			if aside != "" {
				k.log.Error("the usage kept is broken; beginning anew", "put_aside", aside)
			}
			if err != nil {
				return err
			}
			k.store = store
		}
		k.store.shares = k.board != nil
		if len(k.pending) == 0 {
			return nil
		}
		return k.store.Add(k.pending, k.now())
	})
	before := k.Failing()
	if err == nil {
		clear(k.pending)
		if k.failing.Store(nil); before != nil {
			k.log.Info("usage is kept again")
		}
		return
	}
	if k.failing.Store(&err); before == nil || before.Error() != err.Error() {
		k.log.Error("usage is counted, and not kept", "error", err)
	}
}

var errClosed = errors.New("the gateway ends")

// guarded has a broken file end nothing but itself: what reads it panics where it makes no sense.
func (k *Keeper) guarded(use func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the file is broken: %v", r)
			if k.store != nil {
				err = errors.Join(err, k.store.putAside())
				k.store = nil
			}
		}
	}()
	return use()
}

// keep adds counts to those that wait.
func (k *Keeper) keep(all map[Key]*Sums) {
	for key, sums := range all {
		to := k.pending[key]
		if to == nil && len(k.pending) >= maxPending {
			key.Consumer = Other
			to = k.pending[key]
		}
		if to == nil {
			k.pending[key] = sums
			continue
		}
		to.Add(sums)
	}
}

// use calls f with the file, in which is what has been counted until now.
func (k *Keeper) use(f func(*Store) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.flush()
	if k.store == nil {
		if err := k.Failing(); err != nil {
			return err
		}
		return errClosed
	}
	return k.guarded(func() error { return f(k.store) })
}

// Failing says why usage is not kept, nil where it is.
func (k *Keeper) Failing() error {
	if err := k.failing.Load(); err != nil {
		return *err
	}
	return nil
}
