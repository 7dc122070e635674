package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// maxHeld bounds the records that are held. One more is refused, as is one for which there is no room: a record that was
// pushed out would let happen again what it says has happened.
const maxHeld = 1_000_000

// Held is a record: what is to be known under a name until a time has passed.
type Held struct {
	Data []byte
	At   uint64    // its number, which no other record has, nor another state of this one
	Time time.Time // when it was stored, by the store's clock
}

// ErrTaken says that a name has another record than whoever asks believes.
var ErrTaken = errors.New("there is another record of that name")

// Hold stores a record under a name and syncs it, in the place of the one with the number after, 0 for none: of many who
// ask at once, in whichever processes, one succeeds and the others get ErrTaken. The record goes after a time, in whole
// seconds, at least one. Any other error means that it may be there or not. The name is one or two tokens of NATS, letters and
// digits, with a dot between: of two, the first says whose it is.
func (l *Ledger) Hold(ctx context.Context, name string, after uint64, data []byte, keep time.Duration) (at uint64, err error) {
	s := l.session.Load()
	if s == nil {
		return 0, fmt.Errorf("%w: %w", ErrUnavailable, l.Ready())
	}
	if int64(len(data))+maxOverhead > s.nc.MaxPayload() {
		return 0, ErrTooLarge
	}
	if after == 0 { // one that takes another's place may end what would hold room
		if err := s.room(len(data)); err != nil {
			return 0, fmt.Errorf("holding a record: %w", err)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	ack, err := s.js.PublishMsg(ctx, &nats.Msg{Subject: subjectOf("held", name), Data: data},
		jetstream.WithExpectStream(streamName("HELD")), jetstream.WithExpectLastSequencePerSubject(after),
		jetstream.WithRetryAttempts(0), jetstream.WithMsgTTL(keep))
	if outdated(err) {
		return 0, ErrTaken
	}
	if err != nil {
		return 0, s.failed("holding a record", err)
	}
	return ack.Sequence, nil
}

// outdated says that a message was not the next of its subject: alone, or in a cluster.
func outdated(err error) bool {
	var api jetstream.JetStreamError
	if !errors.As(err, &api) || api.APIError() == nil {
		return false
	}
	code := api.APIError().ErrorCode
	return code == jetstream.JSErrCodeStreamWrongLastSequence || code == jetstream.JSErrCodeStreamWrongLastSequenceConstant
}

// Held gives the record of a name, nil for none. In a cluster it may be the one before the last.
func (l *Ledger) Held(ctx context.Context, name string) (*Held, error) {
	s := l.session.Load()
	if s == nil {
		return nil, fmt.Errorf("%w: %w", ErrUnavailable, l.Ready())
	}
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	m, err := s.held.GetLastMsgForSubject(ctx, subjectOf("held", name))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, s.failed("looking for a record", err)
	}
	return &Held{m.Data, m.Sequence, m.Time}, nil
}

// Room says how many records there is room for, all together, and how many bytes.
func (l *Ledger) Room() (records, bytes int64) { return maxHeld, l.configured().MaxBytes }

// HeldBy tells of the records of which the first token of the name is whose: how large each is, and for how long it stays.
func (l *Ledger) HeldBy(ctx context.Context, whose string, each func(size int, left time.Duration)) error {
	s := l.session.Load()
	if s == nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, l.Ready())
	}
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	if err := s.heldBy(ctx, subjectOf("held", whose+".*"), each); err != nil {
		return s.failed("counting records", err)
	}
	return nil
}

func (s *Session) heldBy(ctx context.Context, subject string, each func(size int, left time.Duration)) error {
	_, err := s.held.GetMsg(ctx, 0, jetstream.WithGetMsgSubject(subject)) // which costs less than what follows
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := s.held.CreateConsumer(ctx, jetstream.ConsumerConfig{FilterSubject: subject, HeadersOnly: true, AckPolicy: jetstream.AckNonePolicy,
		MemoryStorage: true, Replicas: 1, InactiveThreshold: time.Minute})
	if err != nil {
		return err
	}
	defer s.held.DeleteConsumer(context.WithoutCancel(ctx), c.CachedInfo().Name) //nolint:errcheck // it ends by itself
	for left := c.CachedInfo().NumPending; left > 0; {
		batch, err := c.Fetch(int(min(left, 1000)), jetstream.FetchContext(ctx))
		if err != nil {
			return err
		}
		for m := range batch.Messages() {
			about, err := m.Metadata()
			if err != nil {
				return err
			}
			size, _ := strconv.Atoi(m.Headers().Get("Nats-Msg-Size"))
			keep, _ := time.ParseDuration(m.Headers().Get(jetstream.MsgTTLHeader))
			each(size, time.Until(about.Timestamp.Add(keep)))
			left = about.NumPending
		}
		if err := batch.Error(); err != nil {
			return err
		}
	}
	return nil
}

// Let lets go of the record with a number, if it is still there.
func (l *Ledger) Let(ctx context.Context, at uint64) error {
	s := l.session.Load()
	if s == nil {
		return fmt.Errorf("%w: %w", ErrUnavailable, l.Ready())
	}
	return s.forget(ctx, s.held, at)
}

// Alone says that no other process can have stored anything since this one opened the ledger: it is a folder, which is
// locked.
func (l *Ledger) Alone() bool { return l.config.Folder != "" } // which stays as New was told
