package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"time"

	"github.com/wicketgate/wicketgate/internal/watch"
)

// keepRunning runs the tests, and again whenever a file says something else than it did, until ctx ends.
func (t *testOptions) keepRunning(ctx context.Context, w, mistakes io.Writer, interval time.Duration) error {
	if _, err := t.check(); err != nil {
		return err
	}
	var contents [32]byte
	run := func() ([]string, uint64) {
		began := time.Now()
		files, err := t.once(ctx, w, mistakes)
		slices.Sort(files)
		files = slices.Compact(files)
		seen := watch.Settled(files, began)
		contents = [32]byte{} // unknown where a file may have changed meanwhile
		if seen != 0 {
			contents = watch.Contents(files, isSource)
		}
		if ctx.Err() == nil {
			if err != nil && !errors.Is(err, errFailed) {
				fmt.Fprintln(mistakes, err)
			}
			fmt.Fprintf(w, "Waiting for a change of %d files and folders.\n\n", len(files))
		}
		return files, seen
	}
	files, seen := run()
	watch.Poll(ctx, interval, files, seen, func() ([]string, uint64) {
		began := time.Now()
		if watch.Contents(files, isSource) == contents {
			return files, watch.Settled(files, began)
		}
		files, seen = run()
		return files, seen
	})
	return nil
}

// isSource says whether a file of this name may be part of what is tested: catalogue, policies, data, cases and tests.
func isSource(name string) bool {
	switch filepath.Ext(name) {
	case ".hcl", ".rego", ".json", ".yaml", ".yml":
		return true
	}
	return false
}
