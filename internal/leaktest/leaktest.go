// Package leaktest fails tests that leave goroutines behind. It is goleak with more patience: goleak gives goroutines
// 0.4 s to end, but net/http lingers for half a second on a connection whose request it did not read to its end, and a
// machine that runs much else at once may need longer for less.
package leaktest

import (
	"fmt"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// patience is how long goroutines may take to end. One that is still there then is not going to.
const patience = 10 * time.Second

// lock is the goroutine of a lock of Caddy's storage, which looks once in 5 s whether the lock is still there.
const lock = "github.com/caddyserver/certmagic.keepLockfileFresh"

// Note notes what is running; what it returns fails the test if more is running then.
func Note(t testing.TB) (check func()) { return note(t, patience) }

func note(t testing.TB, patience time.Duration) (check func()) {
	running := goleak.IgnoreCurrent()
	return func() {
		t.Helper()
		if err := find(patience, running); err != nil {
			t.Error(err)
		}
	}
}

// Main is the TestMain of a package whose tests, all together, leave nothing running. What is to be cleaned up behind all of
// them is done first.
func Main(m *testing.M, cleanup ...func()) {
	code := m.Run()
	for _, clean := range cleanup {
		clean()
	}
	if code == 0 {
		if err := find(patience); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

func find(patience time.Duration, options ...goleak.Option) error {
	options = append(options, goleak.IgnoreAnyFunction(lock))
	for end := time.Now().Add(patience); ; {
		err := goleak.Find(options...) // which waits between looks
		if err == nil || time.Now().After(end) {
			return err
		}
	}
}
