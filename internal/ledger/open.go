package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"time"

	// JetStream as a library: a log that syncs each write, with bounds and consumers, tried by many, which runs in this
	// process. Nothing in Go's standard library keeps data.
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// starting bounds the time in which the embedded store reads what lies in its folder: 60 s.
const starting = time.Minute

// open opens the store and makes its streams.
func (l *Ledger) open(ctx context.Context) (*Session, error) {
	s := &Session{config: l.configured(), broken: make(chan error, 1)}
	err := s.embed()
	if err != nil {
		return nil, err
	}
	if s.js, err = jetstream.New(s.nc, jetstream.WithDefaultTimeout(asking)); err == nil {
		err = s.streams(ctx)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// embed runs the server in this process. It listens nowhere: the connection to it is a pipe.
func (s *Session) embed() error {
	if err := os.MkdirAll(s.config.Folder, 0o700); err != nil {
		return fmt.Errorf("opening the ledger: %w", err)
	}
	unlock, err := lock(filepath.Join(s.config.Folder, "lock"))
	if err != nil {
		return fmt.Errorf("opening the ledger in %s: %w", s.config.Folder, err)
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "wicketgate", DontListen: true, NoLog: true, NoSigs: true, NoSystemAccount: true,
		JetStream: true, StoreDir: s.config.Folder, SyncAlways: true,
		JetStreamMaxMemory: 16 << 20,           // nothing is kept in memory
		JetStreamMaxStore:  math.MaxInt64 >> 1, // each stream has a bound of its own, which may change while the server runs
		MaxPayload:         MaxEvent + maxOverhead + 1<<20, MaxPending: 4 * MaxEvent,
		MaxControlLine: 4096,
	})
	if err != nil {
		unlock()
		return fmt.Errorf("opening the ledger: %w", err)
	}
	srv.SetLoggerV2(serverLog{s.config.Log}, false, false, false)
	srv.Start()
	s.end = func() {
		srv.Shutdown()
		srv.WaitForShutdown()
		unlock()
	}
	if !srv.ReadyForConnections(starting) {
		s.end()
		return errors.New("opening the ledger: it did not start in time")
	}
	s.nc, err = nats.Connect("", nats.InProcessServer(srv), nats.NoReconnect(), nats.Timeout(asking), nats.Name("wicketgate"),
		nats.ErrorHandler(s.drops))
	if err != nil {
		s.end()
		return fmt.Errorf("opening the ledger: %w", err)
	}
	s.alive = func() bool { return s.nc.IsConnected() && srv.JetStreamEnabled() }
	return nil
}

// serverLog tells the operator what the embedded server warns of.
type serverLog struct{ to *slog.Logger }

func (serverLog) Noticef(string, ...any) {}
func (serverLog) Debugf(string, ...any)  {}
func (serverLog) Tracef(string, ...any)  {}

func (l serverLog) Warnf(format string, v ...any) {
	l.to.Warn("ledger: " + fmt.Sprintf(format, v...))
}

func (l serverLog) Errorf(format string, v ...any) {
	l.to.Error("ledger: " + fmt.Sprintf(format, v...))
}

func (l serverLog) Fatalf(format string, v ...any) {
	l.to.Error("ledger: " + fmt.Sprintf(format, v...))
}

// seenBytes bounds the names that dedupe remembers, in bytes on the disk.
const seenBytes = 256 << 20

// stream is one of the session's streams, and what it is to be like.
type stream struct {
	to     *jetstream.Stream
	config jetstream.StreamConfig
}

// planned are the streams of a configuration.
func (s *Session) planned(c Config) []stream {
	all := []stream{
		{&s.events, jetstream.StreamConfig{Name: streamName("EVENTS"), Subjects: []string{subjectOf("events", "*")},
			Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, Duplicates: duplicates}},
		{&s.parked, jetstream.StreamConfig{Name: streamName("PARKED"), Subjects: []string{subjectOf("parked", "*.*.*")},
			Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, Duplicates: duplicates}},
		{&s.dead, jetstream.StreamConfig{Name: streamName("DEAD"), Subjects: []string{subjectOf("dead", "*")},
			Discard: jetstream.DiscardOld, MaxBytes: c.MaxBytes, MaxAge: c.Keep, Duplicates: duplicates}},
		{&s.delivered, jetstream.StreamConfig{Name: streamName("DELIVERED"), Subjects: []string{subjectOf("delivered", "*")},
			Discard: jetstream.DiscardOld, MaxBytes: deliveredBytes, MaxAge: deliveredKeep,
			PersistMode: jetstream.AsyncPersistMode}}, // it need not be synced
		{&s.seen, jetstream.StreamConfig{Name: streamName("SEEN"), Subjects: []string{subjectOf("seen", "*.*")},
			Discard: jetstream.DiscardOld, MaxBytes: seenBytes, MaxMsgs: maxSeen, MaxMsgsPerSubject: 1, AllowMsgTTL: true}},
		{&s.held, jetstream.StreamConfig{Name: streamName("HELD"), Subjects: []string{subjectOf("held", "*")},
			Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, MaxMsgs: maxHeld, MaxMsgsPerSubject: 1, AllowMsgTTL: true}},
	}
	for i := range all {
		all[i].config.Storage, all[i].config.AllowDirect = jetstream.FileStorage, true
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
		made, err := s.js.CreateOrUpdateStream(context.WithoutCancel(ctx), one.config)
		if err != nil {
			return fmt.Errorf("making the stream %s: %w", one.config.Name, err)
		}
		*one.to = made
	}
	return nil
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
