package decisionlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// kept is a writer that keeps what it gets, and fails as long as it is told to.
type kept struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	limit  int           // how many bytes it takes, 0 for any number; then it fails
	gate   chan struct{} // nil, or what it waits for
	opened int
}

func (k *kept) open() (io.WriteCloser, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened++
	return k, nil
}

func (k *kept) Write(p []byte) (int, error) {
	if k.gate != nil {
		<-k.gate
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.limit > 0 && k.buf.Len()+len(p) > k.limit {
		n, _ := k.buf.Write(p[:max(0, k.limit-k.buf.Len())])
		return n, errors.New("no space left on device")
	}
	return k.buf.Write(p)
}

func (k *kept) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.opened--
	return nil
}

func (k *kept) allow(limit int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.limit = limit
}

func (k *kept) String() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.buf.String()
}

// meter counts.
type meter struct {
	mu                          sync.Mutex
	logged, lost, refused       int
	success, failure, rejection int
	reasons, failed             []string
	spooled                     int64
}

func (m *meter) Logged(n int) { m.count(&m.logged, n) }
func (m *meter) Refused()     { m.count(&m.refused, 1) }

func (m *meter) Lost(n int, reason string) {
	m.count(&m.lost, n)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.reasons = append(m.reasons, reason)
}

func (m *meter) Uploaded(result string) {
	m.count(map[string]*int{"success": &m.success, "failure": &m.failure, "rejected": &m.rejection}[result], 1)
}

func (m *meter) Spooled(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.spooled = bytes
}

func (m *meter) Failed(doing string, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.failed = append(m.failed, doing+": "+err.Error())
}

func (m *meter) count(what *int, n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*what += n
}

func (m *meter) get(what *int) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return *what
}

// text makes an event that says something.
func text(s string) *event {
	e := newEvent()
	e.buf = appendString(e.buf, s)
	return e
}

func TestEventsAreWrittenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, m := &kept{}, &meter{}
		log, err := NewLines(to.open, Settings{Meter: m})
		if err != nil {
			t.Fatal(err)
		}
		var want strings.Builder
		for i := range 3000 {
			fmt.Fprintf(&want, "\"%d\"\n", i)
			if !log.append(t.Context(), text(fmt.Sprint(i))) {
				t.Fatal("refused")
			}
		}
		log.Close()
		log.Close()
		if to.String() != want.String() || m.logged != 3000 || to.opened != 0 {
			t.Errorf("%d bytes of %d, %d logged, %d open", len(to.String()), want.Len(), m.logged, to.opened)
		}
		// A request that outlived the log is logged nevertheless.
		if !log.append(t.Context(), text("late")) || !strings.HasSuffix(to.String(), "\"late\"\n") || to.opened != 0 {
			t.Errorf("a late event: %s", to.String()[want.Len():])
		}
	})
}

// A disk without room stops requests, or decisions are lost: whichever was asked for.
func TestAWriterThatFails(t *testing.T) {
	for _, drop := range []bool{false, true} {
		t.Run(fmt.Sprintf("drop %v", drop), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				to, m := &kept{}, &meter{}
				to.allow(10)
				log, err := NewLines(to.open, Settings{Meter: m, Drop: drop})
				if err != nil {
					t.Fatal(err)
				}
				if !log.append(t.Context(), text("first-event")) {
					t.Error("the first is refused")
				}
				synctest.Wait()
				most := 50
				if drop { // beside what is queued, what is being written may be there
					most = maxQueued + maxBatch/100 + 10
				}
				passed := 0
				for range most {
					if log.append(t.Context(), text(strings.Repeat("x", 97))) {
						passed++
					}
				}
				synctest.Wait()
				if drop {
					if passed != most || m.get(&m.refused) != 0 || m.get(&m.lost) == 0 {
						t.Errorf("%d passed, %d refused, %d lost", passed, m.refused, m.lost)
					}
				} else if passed != 0 || m.get(&m.refused) != most || m.get(&m.lost) != 0 { // not even while there is room in the queue
					t.Errorf("%d passed, %d refused, %d lost", passed, m.refused, m.lost)
				}
				to.allow(0)
				time.Sleep(2 * time.Second)
				if !log.append(t.Context(), text("last-event")) {
					t.Error("refused although it can be written again")
				}
				synctest.Wait()
				lines := strings.Split(to.String(), "\n")
				if lines[0] != `"first-event"` {
					t.Errorf("the line that was broken off is %q", lines[0])
				}
				if written := len(lines) - 1; written+m.get(&m.lost)+m.get(&m.refused) != most+2 || m.get(&m.logged) != written {
					t.Errorf("%d written, %d lost, %d refused, %d logged", written, m.lost, m.refused, m.logged)
				}
				log.Close()
			})
		})
	}
}

func TestWaitingForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, m := &kept{gate: make(chan struct{})}, &meter{}
		log, err := NewLines(to.open, Settings{Meter: m})
		if err != nil {
			t.Fatal(err)
		}
		for range maxQueued {
			if !log.append(t.Context(), text("x")) {
				t.Fatal("refused")
			}
		}
		began := time.Now()
		if log.append(t.Context(), text("y")) || time.Since(began) != maxWait || m.refused != 1 {
			t.Errorf("refused %d after %s", m.refused, time.Since(began))
		}
		gone, cancel := context.WithTimeout(t.Context(), maxWait/4)
		defer cancel()
		if log.append(gone, text("y")) || time.Since(began) != maxWait+maxWait/4 {
			t.Error("waited for a caller who has gone")
		}
		go func() {
			time.Sleep(maxWait / 2)
			close(to.gate)
		}()
		if !log.append(t.Context(), text("z")) {
			t.Error("refused although there was room in time")
		}
		log.Close()
		if !strings.HasSuffix(to.String(), "\"z\"\n") || m.logged != maxQueued+1 {
			t.Errorf("%d logged", m.logged)
		}
	})
}

func TestTheQueueIsBoundedInBytes(t *testing.T) {
	q := newQueue()
	e := func() *event {
		e := newEvent()
		e.buf = append(e.buf, make([]byte, maxEvent)...)
		return e
	}
	for range maxQueuedBytes / maxEvent {
		if q.push(t.Context(), e(), 0) != queued {
			t.Fatal("full too early")
		}
	}
	if q.push(t.Context(), e(), 0) != full {
		t.Error("more bytes than the bound are queued")
	}
	taken := q.take(nil)
	if q.push(t.Context(), e(), 0) != full {
		t.Error("what is being written does not count")
	}
	q.done(taken)
	if q.push(t.Context(), e(), 0) != queued {
		t.Error("no room where all is written")
	}
}

// Stopping ends although nothing can be written any more, and says what is lost.
func TestStoppingWithABrokenWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		to, m := &kept{}, &meter{}
		to.allow(1)
		log, err := NewLines(to.open, Settings{Meter: m})
		if err != nil {
			t.Fatal(err)
		}
		passed := 0
		for range 10 {
			if log.append(t.Context(), text("x")) {
				passed++
			}
		}
		began := time.Now()
		log.Close()
		if took := time.Since(began); took > 2*stopTime || m.lost != passed {
			t.Errorf("stopped after %s, %d of %d lost", took, m.lost, passed)
		}
		if last := m.failed[len(m.failed)-1]; !strings.Contains(last, "stopping: decisions are lost, for the log was stopped first: no space left") {
			t.Errorf("told last: %s", last)
		}
	})
}
