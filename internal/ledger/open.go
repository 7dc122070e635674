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
	begin := s.embed
	if s.config.clustered() {
		begin = s.connect
	}
	err := begin()
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
	s.alive = func() error { return wellEmbedded(s.nc, srv) }
	s.recent = newRecent(maxRecent)
	return nil
}

// wellEmbedded says what is wrong with an embedded server. A stream that could not write once, since the disk was full or
// failed, writes no more and answers nobody, until it is opened anew; the server's own look at its health tells that.
func wellEmbedded(nc *nats.Conn, srv *server.Server) error {
	if !nc.IsConnected() {
		return errStopped
	}
	if health := srv.Healthz(nil); health.Error != "" {
		return fmt.Errorf("%w: %s", errStopped, health.Error)
	}
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
