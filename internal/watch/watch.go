// Package watch notices when files change, by looking at them. It does not use the kernel's notifications: those are
// silent on network and container mounts, and a Kubernetes ConfigMap swaps a symbolic link two folders up.
package watch

import (
	"context"
	"encoding/binary"
	"hash/fnv"
	"os"
	"time"
)

// Fingerprint tells whether any of paths changed: equal fingerprints mean the same sizes, times of change, modes and
// identities. A folder counts by its own time, which changes when something in it is added, renamed or removed; what
// lies in it counts only where it is named. A path that is missing counts as such.
func Fingerprint(paths []string) uint64 {
	h := fnv.New64a()
	var b [32]byte
	for _, p := range paths {
		h.Write([]byte(p))      //nolint:errcheck // a hash takes all
		info, err := os.Stat(p) // follows links, so that a swapped link shows
		if err != nil {
			h.Write([]byte{0}) //nolint:errcheck // a hash takes all
			continue
		}
		size := uint64(info.Size())
		if info.IsDir() {
			size = 0 // says nothing that the time does not
		}
		binary.LittleEndian.PutUint64(b[:], uint64(info.ModTime().UnixNano()))
		binary.LittleEndian.PutUint64(b[8:], uint64(info.Mode()))
		binary.LittleEndian.PutUint64(b[16:], size)
		binary.LittleEndian.PutUint64(b[24:], identity(info))
		h.Write(b[:]) //nolint:errcheck // a hash takes all
	}
	return h.Sum64()
}

// Settled is the fingerprint of paths that were read from began on, or 0 if one of them may have changed since: then
// whoever read them cannot know what it read, and had better look again.
func Settled(paths []string, began time.Time) uint64 {
	for _, p := range paths {
		// File systems keep time in ticks, so that a change just after began may bear a time just before it.
		if info, err := os.Stat(p); err == nil && info.ModTime().After(began.Add(-tick)) {
			return 0
		}
	}
	return Fingerprint(paths)
}

// tick is the coarsest step in which a file system of today keeps a file's time: 10 ms, a kernel's slowest clock.
const tick = 10 * time.Millisecond

// Poll looks at the paths once per interval until ctx ends, and calls changed when their fingerprint differs from
// seen and has stayed the same for one interval, so that a file is not read while its writer is half way. changed
// runs in this goroutine and returns the paths to look at from then on, with their Settled fingerprint.
func Poll(ctx context.Context, interval time.Duration, paths []string, seen uint64, changed func() ([]string, uint64)) {
	t := time.NewTicker(interval)
	defer t.Stop()
	last := seen
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		now := Fingerprint(paths)
		if now == last && now != seen {
			paths, seen = changed()
			if seen == 0 { // look again, but wait for the files to be quiet
				last = 0
				continue
			}
			now = seen
		}
		last = now
	}
}
