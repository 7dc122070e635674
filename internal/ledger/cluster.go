package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Bounds of a ledger on a cluster.
const (
	// dialing bounds one attempt to connect to a server: 5 s.
	dialing = 5 * time.Second
	// pinging is how often it is seen whether the server is there, which may miss one answer: 5 s.
	pinging = 5 * time.Second
	// answering bounds the time in which one server answers; then the same is said again, where that is safe: 2 s.
	answering = 2 * time.Second
	// again is the pause before something is said again, while nobody leads a stream: 200 ms.
	again = 200 * time.Millisecond
	// beating is how often a server that has nothing to give says that it is there, which may fail once: 2 s.
	beating = 2 * time.Second
)

// errAway says that no server is connected.
var errAway = errors.New("no server of the ledger can be reached")

// connect connects to a cluster. While the session lasts, the client goes from a server that is lost to another, as long as
// it takes.
func (s *Session) connect() error {
	var options []nats.Option
	if s.config.Options != nil {
		var err error
		if options, err = s.config.Options(); err != nil {
			return fmt.Errorf("connecting to the ledger: %w", err)
		}
	}
	log := s.config.Log
	options = append(options, nats.Name("wicketgate"), nats.Timeout(dialing), nats.PingInterval(pinging), nats.MaxPingsOutstanding(1),
		nats.MaxReconnects(-1), nats.CustomReconnectDelay(reconnecting),
		nats.ReconnectBufSize(-1), // what is not sent is an error by then, not a promise
		nats.ErrorHandler(s.drops),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil { // or the ledger was closed
				log.Warn("the ledger has lost its server and looks for another", slog.Any("error", err))
			}
		}),
		nats.ReconnectHandler(func(nc *nats.Conn) {
			s.lose() // what was on its way is lost
			log.Info("the ledger has a server again", slog.String("server", nc.ConnectedServerName()))
		}))
	options = append(options, func(o *nats.Options) error { o.Servers = s.config.Servers; return nil })
	var err error
	if s.nc, err = nats.Connect("", options...); err != nil {
		return fmt.Errorf("connecting to the ledger: %w", err)
	}
	s.end, s.alive = func() {}, func() error {
		if s.nc.IsClosed() {
			return errStopped
		}
		return nil
	}
	return nil
}

// reconnecting is the pause after all servers were tried in vain: twice the one before, up to a bound, and of that a random
// part from one half on.
func reconnecting(attempts int) time.Duration {
	most := mostPause
	if attempts < 6 {
		most = min(leastPause<<max(attempts, 0), mostPause)
	}
	return most/2 + rand.N(most/2+1)
}

// unsent says that something was not sent, or met nobody who leads the stream by then.
func unsent(err error) bool {
	return errors.Is(err, jetstream.ErrNoStreamResponse) || errors.Is(err, nats.ErrReconnectBufExceeded) || errors.Is(err, nats.ErrConnectionReconnecting)
}

// inProcess says that the same was said before, and that it is not decided yet whether it is stored.
func inProcess(err error) bool {
	var api jetstream.JetStreamError
	return errors.As(err, &api) && api.APIError() != nil && api.APIError().ErrorCode == 10158
}

// publish stores a message, which ctx bounds. While a cluster chooses who leads a stream, or the client looks for another
// server, it is said again; where it has a name, so that it is stored once, also when there was no answer.
func (s *Session) publish(ctx context.Context, m *nats.Msg, id string, options ...jetstream.PublishOpt) (*jetstream.PubAck, error) {
	options = append(options, jetstream.WithRetryAttempts(0))
	if id != "" {
		options = append(options, jetstream.WithMsgID(id))
	}
	if !s.config.clustered() {
		return s.js.PublishMsg(ctx, m, options...)
	}
	for {
		ack, err := s.try(ctx, m, id != "", options)
		if err == nil || !unsent(err) && (id == "" || !inProcess(err) && !errors.Is(err, context.DeadlineExceeded)) {
			return ack, err
		}
		if errors.Is(err, jetstream.ErrNoStreamResponse) {
			s.breaks(err) // perhaps there is no such stream any more
		}
		if wait(ctx, again) != nil {
			return nil, err
		}
	}
}

func (s *Session) try(ctx context.Context, m *nats.Msg, once bool, options []jetstream.PublishOpt) (*jetstream.PubAck, error) {
	if once {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, answering)
		defer cancel()
	}
	return s.js.PublishMsg(ctx, &nats.Msg{Subject: m.Subject, Data: m.Data, Header: maps.Clone(m.Header)}, options...)
}

// endures says whether a session goes on, which somebody saw an error of: of a cluster it does unless a stream is gone, for
// servers come and go.
func (s *Session) endures(ctx context.Context) bool {
	if !s.config.clustered() || s.alive() != nil {
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	for _, one := range s.planned(s.config) {
		if _, err := s.js.Stream(ctx, one.config.Name); errors.Is(err, jetstream.ErrStreamNotFound) {
			return false
		} else if err != nil {
			break
		}
	}
	wait(ctx, looking) //nolint:errcheck // so that many errors do not make as many requests
	return true
}

// fits looks whether a stream that is there would keep what is to be kept: others may have made or changed it.
func fits(has, want jetstream.StreamConfig) error {
	has.Subjects, want.Subjects = slices.Sorted(slices.Values(has.Subjects)), slices.Sorted(slices.Values(want.Subjects))
	for _, one := range []struct {
		what      string
		has, want any
	}{
		{"subjects", fmt.Sprint(has.Subjects), fmt.Sprint(want.Subjects)},
		{"retention", has.Retention, want.Retention},
		{"discard", has.Discard, want.Discard},
		{"storage", has.Storage, want.Storage},
		{"max_msgs", positive(has.MaxMsgs), positive(want.MaxMsgs)},
		{"max_msgs_per_subject", positive(has.MaxMsgsPerSubject), positive(want.MaxMsgsPerSubject)},
		{"max_msg_size", positive(int64(has.MaxMsgSize)), positive(int64(want.MaxMsgSize))},
		{"no_ack", has.NoAck, want.NoAck},
		{"sealed", has.Sealed, want.Sealed},
		{"deny_delete", has.DenyDelete, want.DenyDelete},
		{"a limit of age", has.MaxAge > 0, want.MaxAge > 0},
		{"a mirror or sources", has.Mirror != nil || len(has.Sources) > 0, false},
		{"a transform of subjects", has.SubjectTransform != nil, false},
	} {
		if one.has != one.want {
			return fmt.Errorf("the stream %s is there with other settings, with which events may be lost: %s is %v, not %v; "+
				"delete it once it is empty, or give the gateway an account of its own", want.Name, one.what, one.has, one.want)
		}
	}
	return nil
}

// positive makes one of all values that say "no bound".
func positive(n int64) int64 { return max(n, 0) }

// wait waits for a time, or for ctx to end.
func wait(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}
