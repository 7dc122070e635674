package status

import (
	"context"
	"maps"
	"time"

	"github.com/wicketgate/wicketgate/internal/usage"
)

// longest is how long a watch sleeps at most, since somebody may set the clock: 1 minute.
const longest = time.Minute

// MaxAhead bounds the versions of which it is kept that they will end: 10,000. One more is told of only where its sunset
// passes while the gateway runs.
const MaxAhead = 10_000

// Ahead are the versions that are yet to end, by API and version. What is true is in it.
type Ahead map[[2]string]bool

// Sunsets is what a watch is told of and tells. It is asked by one goroutine.
type Sunsets struct {
	// Versions gives those in force, and is asked again each time: a load may have changed them. ok is false where nobody
	// knows them now.
	Versions func() (all []usage.Version, ok bool)
	// Crossed is called for each version whose sunset passes, or has passed while nobody watched.
	Crossed func(usage.Version)
	// Kept gives those that were ahead when it was last kept, on this node or another that tells of the same; none where
	// nothing is kept.
	Kept func(context.Context) (Ahead, error)
	// Keep keeps those that are ahead now.
	Keep func(context.Context, Ahead) error
}

// Watch tells of sunsets until ctx ends. wake has it look now.
func (s *Sunsets) Watch(ctx context.Context, wake <-chan struct{}) {
	w := watch{Sunsets: s, last: time.Now(), ahead: make(Ahead), told: make(map[[2]string]time.Time)}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
		timer.Reset(w.look(ctx, time.Now()))
	}
}

type watch struct {
	*Sunsets
	last  time.Time
	ahead Ahead
	kept  Ahead                   // nil until it is known
	told  map[[2]string]time.Time // sunsets that were told of, which are no more than there have been versions
}

// look tells what has ended by now, and says when to look again. What is kept is changed before anything is told: a process
// that is killed between the two has not told, and none tells twice.
func (w *watch) look(ctx context.Context, now time.Time) (sleep time.Duration) {
	sleep = longest
	versions, ok := w.Versions()
	if !ok {
		return sleep
	}
	if w.kept == nil {
		if kept, err := w.Kept(ctx); err == nil {
			w.kept = make(Ahead, len(kept))
			maps.Copy(w.kept, kept)
			maps.Copy(w.ahead, kept)
		}
	}
	ahead := make(Ahead)
	var crossed []usage.Version
	for _, v := range versions {
		name := [2]string{v.API, v.Version}
		switch {
		case v.Sunset.IsZero():
		case v.Sunset.After(now):
			sleep = min(sleep, v.Sunset.Sub(now))
			if len(ahead) < MaxAhead {
				ahead[name] = true
			}
		case w.told[name].Equal(v.Sunset):
		case w.ahead[name] || v.Sunset.After(w.last):
			crossed = append(crossed, v)
			w.told[name] = v.Sunset
		}
	}
	w.ahead, w.last = ahead, now
	if w.kept != nil && !maps.Equal(w.kept, ahead) && w.Keep(ctx, ahead) == nil {
		w.kept = ahead
	}
	for _, v := range crossed {
		w.Crossed(v)
	}
	return sleep
}
