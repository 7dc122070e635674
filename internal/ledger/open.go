package ledger

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	// JetStream as a library: a log that syncs each write, with bounds, replicas and consumers, tried by many, which runs in
	// this process as well as in a cluster. Nothing in Go's standard library keeps data.
	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// starting bounds the time in which the embedded store reads what lies in its folder: 60 s.
const starting = time.Minute

// open opens the store and makes its streams.
func (l *Ledger) open(ctx context.Context) (*Session, error) {
	s := &Session{config: l.config, broken: make(chan error, 1)}
	var err error
	if l.config.Folder != "" {
		err = s.embed()
	} else {
		err = s.connect()
	}
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
		JetStreamMaxMemory: 16 << 20, // nothing is kept in memory
		JetStreamMaxStore:  3*s.config.MaxBytes + deliveredBytes + seenBytes,
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
	s.nc, err = nats.Connect("", nats.InProcessServer(srv), nats.NoReconnect(), nats.Timeout(asking), nats.Name("wicketgate"))
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

// connect reaches for servers elsewhere. While they are away the client goes on trying, and what is to be stored is
// refused.
func (s *Session) connect() error {
	options := []nats.Option{nats.Name("wicketgate"), nats.Timeout(asking), nats.MaxReconnects(-1), nats.ReconnectBufSize(-1)}
	if s.config.Options != nil {
		more, err := s.config.Options()
		if err != nil {
			return fmt.Errorf("connecting to the ledger: %w", err)
		}
		options = append(options, more...)
	}
	o := nats.GetDefaultOptions()
	o.Servers = s.config.Servers
	for _, set := range options {
		if err := set(&o); err != nil {
			return fmt.Errorf("connecting to the ledger: %w", err)
		}
	}
	var err error
	if s.nc, err = o.Connect(); err != nil {
		return fmt.Errorf("connecting to the ledger: %w", err)
	}
	s.alive = func() bool { return !s.nc.IsClosed() }
	return nil
}

// seenBytes bounds the names that dedupe remembers, in bytes on the disk.
const seenBytes = 256 << 20

// streams makes the streams, or fits them to the configuration.
func (s *Session) streams(ctx context.Context) error {
	c := s.config
	persist := jetstream.DefaultPersistMode
	if c.Folder != "" {
		persist = jetstream.AsyncPersistMode // what was delivered need not be synced
	}
	for _, one := range []struct {
		to     *jetstream.Stream
		config jetstream.StreamConfig
	}{
		{&s.events, jetstream.StreamConfig{Name: s.name("EVENTS"), Subjects: []string{s.subject("events", "*")},
			Retention: jetstream.WorkQueuePolicy, Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, Duplicates: duplicates}},
		{&s.parked, jetstream.StreamConfig{Name: s.name("PARKED"), Subjects: []string{s.subject("parked", "*.*.*")},
			Discard: jetstream.DiscardNew, MaxBytes: c.MaxBytes, Duplicates: duplicates}},
		{&s.dead, jetstream.StreamConfig{Name: s.name("DEAD"), Subjects: []string{s.subject("dead", "*")},
			Discard: jetstream.DiscardOld, MaxBytes: c.MaxBytes, MaxAge: c.Keep, Duplicates: duplicates}},
		{&s.delivered, jetstream.StreamConfig{Name: s.name("DELIVERED"), Subjects: []string{s.subject("delivered", "*")},
			Discard: jetstream.DiscardOld, MaxBytes: deliveredBytes, MaxAge: deliveredKeep, PersistMode: persist}},
		{&s.seen, jetstream.StreamConfig{Name: s.name("SEEN"), Subjects: []string{s.subject("seen", "*.*")},
			Discard: jetstream.DiscardOld, MaxBytes: seenBytes, MaxMsgs: maxSeen, MaxMsgsPerSubject: 1, AllowMsgTTL: true}},
	} {
		one.config.Storage, one.config.Replicas, one.config.AllowDirect = jetstream.FileStorage, c.Replicas, true
		stream, err := s.js.CreateOrUpdateStream(ctx, one.config)
		if err != nil {
			return fmt.Errorf("making the stream %s: %w", one.config.Name, err)
		}
		*one.to = stream
	}
	return nil
}

// name is the name of a stream.
func (s *Session) name(which string) string { return s.config.Prefix + "_" + which }

// subject is where the messages of a stream are published.
func (s *Session) subject(which, rest string) string {
	return s.config.Prefix + "." + which + "." + rest
}
