package wicketgate_test

import (
	"bytes"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"unsafe"

	"github.com/wicketgate/wicketgate/modules/gatewaytest"
)

// filled is a gateway whose ledger finds no room, and a service that takes events once it is told to.
type filled struct {
	killed
	takes atomic.Bool
	came  atomic.Int64 // deliveries that the service took, of whichever events
}

func fill(t *testing.T) *filled {
	f := &filled{killed: killed{t: t, dir: t.TempDir(), https: gatewaytest.FreePort(t),
		delivered: map[int][32]byte{}, order: map[string][]int{}, answered: map[int][32]byte{}}}
	f.service = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !f.takes.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		f.came.Add(1)
		f.take(w, r)
	}))
	t.Cleanup(f.service.Close)
	f.binary = build(t)
	f.write(killedHooks)
	return f
}

// large makes an event of 200 KB.
func (f *filled) large() (int, []byte) {
	n, body := f.event("large")
	return n, append(body[:len(body)-1], append([]byte(`,"more":"`), append(bytes.Repeat([]byte("x"), 200<<10), `"}`...)...)...)
}

// offer sends a large event, and says whether it was answered 200. Anything else must be 503 with Retry-After.
func (f *filled) offer() bool {
	n, body := f.large()
	status, header := f.postTo(f.client, f.https, body)
	switch {
	case status == http.StatusOK:
		f.notes(n, body)
	case status != http.StatusServiceUnavailable || header.Get("Retry-After") == "":
		f.t.Errorf("answered %d, Retry-After %q", status, header.Get("Retry-After"))
	}
	return status == http.StatusOK
}

// refuses looks that some more events are refused, all at once.
func (f *filled) refuses() {
	f.t.Helper()
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() {
			if f.offer() {
				f.t.Error("an event was answered 2xx while nothing can be written")
			}
		})
	}
	all.Wait()
}

// recovers looks that events are taken again, and that every one that was answered 2xx is delivered, most of them once.
func (f *filled) recovers() {
	f.t.Helper()
	f.within("events are taken again", f.offer)
	f.arrives()
	f.mu.Lock()
	defer f.mu.Unlock()
	if all := len(f.answered); int(f.came.Load()) > 10*all {
		f.t.Errorf("%d events were delivered %d times", all, f.came.Load())
	}
	f.t.Logf("%d events were answered 2xx, and delivered %d times", len(f.answered), f.came.Load())
}

// TestDiskFull has the ledger on a disk that is really full: senders are answered 503 with Retry-After, and 2xx again, without
// a restart, when there is room. What the ledger keeps free is enough to deliver what waits, and when somebody else takes
// that, too, nothing that was answered 2xx is lost.
func TestDiskFull(t *testing.T) {
	f := fill(t)
	folder := filepath.Join(f.dir, "ledger")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	// No package brings the right to mount, which those who build in containers seldom have: TestDiskRefuses runs everywhere.
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "size=96m"); errors.Is(err, syscall.EPERM) || errors.Is(err, syscall.EACCES) {
		t.Skip("mounting a small disk takes root and CAP_SYS_ADMIN, in a container docker run --privileged: ", err)
	} else if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	other := filepath.Join(folder, "other")
	if err := os.WriteFile(other, bytes.Repeat([]byte("x"), 20<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	stop := f.run(f.killed.takes)
	defer stop()
	f.within("the disk is full", func() bool { return !f.offer() })
	rest, err := os.Create(filepath.Join(folder, "rest"))
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = rest.Write(make([]byte, 4<<10))
	}
	if rest.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	f.takes.Store(true)
	f.within("an event is delivered", func() bool { return f.came.Load() > 0 })
	f.refuses()
	if err := errors.Join(os.Remove(other), os.Remove(rest.Name())); err != nil {
		t.Fatal(err)
	}
	f.recovers()
}

// TestDiskRefuses has the gateway's writes fail, as on a disk that is full or broken, for a while: that is, its files may not
// grow. The ledger, which has failed to write once, works again without a restart when they may.
func TestDiskRefuses(t *testing.T) {
	f := fill(t)
	stop := f.run(f.killed.takes)
	defer stop()
	for range 10 {
		if !f.offer() {
			t.Error("an event was refused")
		}
	}
	f.grow(0)
	f.refuses()
	f.takes.Store(true)
	f.refuses()
	f.grow(math.MaxInt64)
	f.recovers()
}

// grow bounds how large the gateway's files may become, which it is told no more than that a write fails.
func (f *filled) grow(bytes uint64) {
	f.t.Helper()
	limit := syscall.Rlimit{Cur: bytes, Max: math.MaxUint64}
	if _, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(f.process.Pid), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0); err != 0 {
		f.t.Fatal(err)
	}
}
