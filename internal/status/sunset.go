package status

import (
	"context"
	"time"

	"github.com/wicketgate/wicketgate/internal/usage"
)

// longest is how long a watch sleeps at most, since somebody may set the clock: 1 minute.
const longest = time.Minute

// WatchSunsets calls crossed for each version whose sunset passes, until ctx ends. versions gives those in force, and is
// asked again each time: a load may have changed them. wake has it look now.
func WatchSunsets(ctx context.Context, versions func() []usage.Version, wake <-chan struct{}, crossed func(usage.Version)) {
	last := time.Now()
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-wake:
		case <-timer.C:
		}
		now, sleep := time.Now(), longest
		for _, v := range versions() {
			switch {
			case v.Sunset.IsZero():
			case v.Sunset.After(now):
				sleep = min(sleep, v.Sunset.Sub(now))
			case v.Sunset.After(last):
				crossed(v)
			}
		}
		last = now
		timer.Reset(sleep)
	}
}
