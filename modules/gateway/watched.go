package gateway

import (
	"slices"
	"time"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/watch"
)

// changed loads the files again unless they say what they said before: a file that was only touched, or looked at too
// soon after it was written, is no change. It returns the files to look at from now on, and their fingerprint.
func (a *App) changed() (files []string, seen uint64) {
	a.loading.Lock()
	defer a.loading.Unlock()
	began, before := time.Now(), watch.Fingerprint(a.files)
	if watch.Contents(a.files, loads) != a.contents {
		a.reload()
	} else if a.seen = watch.Settled(a.files, began); a.seen != before {
		a.seen = 0
	}
	return a.files, a.seen
}

// loads says whether a file of this name may be part of what is loaded, in whichever folder it appears.
func loads(name string) bool { return catalogue.Loads(name) || policy.Loads(name) }

// read notes what a load that began at a time read, and what the files of the load before said then. Where they say
// something else by now, nobody knows which of both was read: neither is to pass for it, or a change that is taken back at
// once would stay in force.
func (a *App) read(files []string, began time.Time, contents [32]byte) {
	before, now := watch.Fingerprint(files), watch.Contents(files, loads)
	a.seen = watch.Settled(files, began) // the last to look: it tells of changes until now
	known := slices.Equal(files, a.files)
	// A file that was moved into place meanwhile may be older than the load, and shows by nothing but what it says.
	if a.seen != before || known && now != contents {
		a.seen = 0
	}
	if known && now != contents || !known && a.seen == 0 {
		now = [32]byte{}
	}
	a.files, a.contents = files, now
}
