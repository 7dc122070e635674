package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// seenBytes bounds the names that dedupe remembers, in bytes on the disk.
const seenBytes = 256 << 20

// leaseBytes bounds what says who delivers, in bytes on the disk: some 100,000 webhooks.
const leaseBytes = 16 << 20

// stream is one of the session's streams, and what it is to be like.
type stream struct {
	to     *jetstream.Stream
	config jetstream.StreamConfig
}

// planned are the streams of a configuration.
func (s *Session) planned(c Config) []stream {
	persist := jetstream.AsyncPersistMode // what was delivered need not be synced
	known := storedTwice                  // recent knows the rest
	if c.clustered() {
		persist = jetstream.DefaultPersistMode // which replicas have to be
		known = Duplicates
	}
	all := []stream{
		{&s.events, jetstream.StreamConfig{Name: streamName("EVENTS"), Subjects: []string{subjectOf("events", "*")},
			Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, Duplicates: known}},
		{&s.parked, jetstream.StreamConfig{Name: streamName("PARKED"), Subjects: []string{subjectOf("parked", "*.*.*")},
			Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, Duplicates: storedTwice}},
		{&s.dead, jetstream.StreamConfig{Name: streamName("DEAD"), Subjects: []string{subjectOf("dead", "*")},
			Discard: jetstream.DiscardOld, MaxBytes: c.MaxBytes, MaxAge: c.Keep, Duplicates: Duplicates}},
		{&s.delivered, jetstream.StreamConfig{Name: streamName("DELIVERED"), Subjects: []string{subjectOf("delivered", "*")},
			Discard: jetstream.DiscardOld, MaxBytes: deliveredBytes, MaxAge: deliveredKeep,
			PersistMode: persist}},
		{&s.seen, jetstream.StreamConfig{Name: streamName("SEEN"), Subjects: []string{subjectOf("seen", "*.*")},
			Discard: jetstream.DiscardOld, MaxBytes: seenBytes, MaxMsgs: maxSeen, MaxMsgsPerSubject: 1, AllowMsgTTL: true}},
		{&s.held, jetstream.StreamConfig{Name: streamName("HELD"), Subjects: []string{subjectOf("held", ">")},
			Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, MaxMsgs: maxHeld, MaxMsgsPerSubject: 1, AllowMsgTTL: true}},
	}
	if c.clustered() {
		all = append(all, stream{&s.lease, jetstream.StreamConfig{Name: streamName("LEASE"), Subjects: []string{subjectOf("lease", "*")},
			Discard: jetstream.DiscardOld, MaxBytes: leaseBytes, MaxMsgsPerSubject: 1, AllowMsgTTL: true}})
	}
	for i := range all {
		all[i].config.Storage, all[i].config.Replicas = jetstream.FileStorage, max(c.Replicas, 1)
		all[i].config.AllowDirect = !c.clustered() // any replica would answer, also one that lags behind
	}
	return all
}

// streams makes the streams, or fits them to the configuration.
func (s *Session) streams(ctx context.Context) error {
	for _, one := range s.planned(s.config) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		// A server that is ended while it makes a stream leaves files of it open.
		made, err := s.make(context.WithoutCancel(ctx), one.config)
		if err != nil {
			return fmt.Errorf("making the stream %s: %w", one.config.Name, err)
		}
		*one.to = made
	}
	return nil
}

// make makes one, or fits it.
func (s *Session) make(ctx context.Context, want jetstream.StreamConfig) (jetstream.Stream, error) {
	if !s.config.clustered() {
		return s.js.CreateOrUpdateStream(ctx, want)
	}
	is, err := s.js.Stream(ctx, want.Name)
	if errors.Is(err, jetstream.ErrStreamNotFound) { // another gateway may make it just now, as this one would
		return s.js.CreateOrUpdateStream(ctx, want)
	}
	if err != nil {
		return nil, err
	}
	has := is.CachedInfo().Config
	if err := fits(has, want); err != nil {
		return nil, err
	}
	if has.MaxBytes == want.MaxBytes && has.MaxAge == want.MaxAge && has.Replicas == want.Replicas && has.Duplicates == want.Duplicates && has.AllowDirect == want.AllowDirect && has.AllowMsgTTL == want.AllowMsgTTL {
		return is, nil
	}
	return s.js.UpdateStream(ctx, want)
}

// fit changes the bounds of the streams while they are used.
func (s *Session) fit(ctx context.Context, c Config) error {
	for _, one := range s.planned(c) {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if _, err := s.js.UpdateStream(context.WithoutCancel(ctx), one.config); err != nil {
			return fmt.Errorf("changing the stream %s: %w", one.config.Name, err)
		}
	}
	return nil
}

// prefix begins the names of streams and subjects.
const prefix = "wicketgate"

// streamName is the name of a stream.
func streamName(which string) string { return prefix + "_" + which }

// subjectOf is where the messages of a stream are published.
func subjectOf(which, rest string) string { return prefix + "." + which + "." + rest }
