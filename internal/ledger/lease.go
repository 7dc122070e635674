package ledger

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Bounds of a lease. It ends by itself 10 s after it was last renewed, which is done every 2 s; whoever waits for it asks
// every second. A holder that could not renew it for 7 s does nothing more with it, so that it is idle before another can
// have it, whatever their clocks do in 3 s.
const (
	leaseTerm   = 10 * time.Second
	leaseRenew  = 2 * time.Second
	leaseAsk    = time.Second
	leaseGiveUp = 7 * time.Second
)

// errTaken says that somebody else has a lease.
var errTaken = errors.New("another gateway delivers these events")

// Lease is the right to deliver the events of a webhook. One gateway at a time has it: of two, each would be given a part of
// the events, and the order of keys be lost.
type Lease struct {
	session  *Session
	subject  string
	holder   string // told from all others
	sequence uint64 // of the message that says who has it
	until    atomic.Pointer[time.Time]

	held     context.Context
	lose     context.CancelFunc
	released chan struct{}
	done     chan struct{}
}

// Lease waits until this gateway is the one that delivers the events of a webhook. Of an embedded ledger it always is.
func (s *Session) Lease(ctx context.Context, webhook string) (*Lease, error) {
	l := &Lease{session: s, subject: subjectOf("lease", webhook), holder: rand.Text(), released: make(chan struct{}), done: make(chan struct{})}
	l.held, l.lose = context.WithCancel(context.WithoutCancel(ctx))
	if s.lease == nil {
		close(l.done)
		return l, nil
	}
	for {
		err := l.claim(ctx)
		if err == nil {
			go l.keep()
			return l, nil
		}
		if ctx.Err() == nil && !errors.Is(err, errTaken) {
			err = s.failed("asking who delivers", err)
		} else if wait(ctx, leaseAsk) == nil {
			continue
		}
		l.lose()
		return nil, err
	}
}

// Context ends when the lease is lost or released.
func (l *Lease) Context() context.Context { return l.held }

// Held says whether the lease is held at this moment. A process that was stopped and goes on knows it by this at once, before
// it hears of anything else.
func (l *Lease) Held() bool {
	until := l.until.Load()
	if until == nil {
		return l.held.Err() == nil
	}
	now := time.Now()
	// The clock of the process may stand still while the machine sleeps, the one on the wall be set back.
	return l.held.Err() == nil && now.Before(*until) && now.Round(0).Before(until.Round(0))
}

// Release lets another gateway have the lease at once.
func (l *Lease) Release() {
	if l.session.lease != nil {
		close(l.released)
	}
	<-l.done
	l.lose()
}

// claim writes that this gateway has the lease, if what is there is what it believes.
func (l *Lease) claim(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaseRenew)
	defer cancel()
	began := time.Now()
	err := l.write(ctx)
	if wrong(err) { // perhaps it wrote before, and did not hear the answer
		m, reading := l.session.lease.GetLastMsgForSubject(ctx, l.subject)
		switch {
		case errors.Is(reading, jetstream.ErrMsgNotFound):
			return errTaken // until just now
		case reading != nil:
			return reading
		case string(m.Data) != l.holder:
			return errTaken
		}
		l.sequence = m.Sequence
		if err = l.write(ctx); wrong(err) {
			return errTaken
		}
	}
	if err != nil {
		return err
	}
	until := began.Add(leaseGiveUp)
	l.until.Store(&until)
	return nil
}

func (l *Lease) write(ctx context.Context) error {
	ack, err := l.session.js.PublishMsg(ctx, &nats.Msg{Subject: l.subject, Data: []byte(l.holder)}, jetstream.WithExpectStream(streamName("LEASE")),
		jetstream.WithExpectLastSequencePerSubject(l.sequence), jetstream.WithMsgTTL(leaseTerm), jetstream.WithRetryAttempts(0))
	if err == nil {
		l.sequence = ack.Sequence
	}
	return err
}

// wrong says that another message is there than was believed.
func wrong(err error) bool {
	var api jetstream.JetStreamError
	return errors.As(err, &api) && api.APIError() != nil && (api.APIError().ErrorCode == jetstream.JSErrCodeStreamWrongLastSequence ||
		api.APIError().ErrorCode == jetstream.JSErrCodeStreamWrongLastSequenceConstant)
}

// keep renews the lease until it is released or lost.
func (l *Lease) keep() {
	defer close(l.done)
	for {
		select {
		case <-l.released:
			ctx, cancel := context.WithTimeout(context.Background(), leaseRenew)
			defer cancel()
			_ = l.session.lease.DeleteMsg(ctx, l.sequence) //nolint:errcheck // it ends by itself
			return
		case <-time.After(min(leaseRenew, time.Until(*l.until.Load()))):
		}
		ctx, cancel := context.WithDeadline(context.Background(), *l.until.Load())
		err := l.claim(ctx)
		cancel()
		if err != nil && (errors.Is(err, errTaken) || !l.Held()) {
			l.session.config.Log.Warn("another gateway may deliver these events from now on", slog.String("lease", l.subject), slog.Any("error", err))
			l.lose()
			return
		}
	}
}
