package ledger

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Fields of stored messages.
const (
	fieldSequence = "Wicketgate-Sequence" // of the event among those that came
	fieldAttempts = "Wicketgate-Attempts"
	fieldReason   = "Wicketgate-Reason"
	fieldTime     = "Wicketgate-Time" // of the end: delivered, or given up
)

// Window is how many events of a webhook are out of the ledger at one time, to be delivered, at most.
const Window = 1024

// Waiting is an event that waits to be delivered.
type Waiting struct {
	*Event
	Sequence uint64 // among the events that came, of all webhooks

	mu      sync.Mutex
	intake  *Intake
	message jetstream.Msg
	done    bool
}

// Done says that the ledger may let go of it. Where that fails, the intake ends, and the next one gives the event again.
func (w *Waiting) Done() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.done = true
	return w.acknowledge()
}

// Again notes that a later intake gave the same event. Only what is said of the latter is sure to be heard: an earlier
// intake may have ended, and the later one not yet have given the event, when Done was said of the former. done is true
// of one that was done with, and the ledger knows by now.
func (w *Waiting) Again(later *Waiting) (done bool, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.message, w.intake = later.message, later.intake
	if w.done {
		err = w.acknowledge()
	}
	return w.done && err == nil, err
}

// acknowledge tells the store. On its way to another server what is said may be lost, so that its answer is waited for. The
// caller holds w.mu.
func (w *Waiting) acknowledge() error {
	if !w.intake.confirm {
		return w.message.Ack()
	}
	ctx, cancel := context.WithTimeout(context.Background(), storing)
	defer cancel()
	if err := w.message.DoubleAck(ctx); err != nil {
		w.intake.end()
		return err
	}
	return nil
}

// Intake gives the events of a webhook, those that came first before others, beginning with the first that nobody was
// done with.
type Intake struct {
	messages jetstream.MessagesContext
	log      func(msg string, args ...any)
	last     uint64          // message of the consumer's, counted from 1
	first    uint64          // how many messages there were when it was opened
	whole    context.Context // ends once the client may have dropped a message
	end      func()
	confirm  bool // what is said to the store may get lost on its way
}

// errDropped says that an intake has to be opened anew. The client of NATS keeps a bounded number of messages, of which
// those that are none of ours take their part, and drops what comes beyond it; the store gives it again only to another
// intake, or after a day.
var errDropped = errors.New("messages of the ledger were dropped on their way")

// Intake begins to read. There must be one at a time for each webhook: events that another was given and was not done
// with are given again.
func (s *Session) Intake(ctx context.Context, webhook string) (*Intake, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	if err := s.endReading(ctx, webhook); err != nil {
		return nil, s.failed("reading events", err)
	}
	// The name is another each time, so that what a reader before says, who does not know yet that it is none any more,
	// is not heard.
	c, err := s.events.CreateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: "deliver-" + webhook + "-" + rand.Text(), FilterSubject: subjectOf("events", webhook), AckPolicy: jetstream.AckExplicitPolicy,
		DeliverPolicy: jetstream.DeliverAllPolicy, AckWait: 24 * time.Hour, MaxAckPending: Window, MaxWaiting: 8,
	})
	if err != nil {
		return nil, s.failed("reading events", err)
	}
	// More is asked for once all that was is taken: then nothing is left that others could push out.
	options := []jetstream.PullMessagesOpt{jetstream.PullMaxMessagesWithBytesLimit(Window/4, 2*MaxEvent), jetstream.PullThresholdMessages(1)}
	if s.config.clustered() {
		options = append(options, jetstream.PullHeartbeat(beating))
	}
	m, err := c.Messages(options...)
	if err != nil {
		return nil, s.failed("reading events", err)
	}
	i := &Intake{messages: m, log: s.config.Log.Error, first: c.CachedInfo().NumPending, confirm: s.config.clustered()}
	i.whole, i.end = s.whole()
	return i, nil
}

// endReading ends the readers that a webhook had. What one was given, and was not done with, it would get again only after a
// time, behind what came later; a new one begins with the oldest.
func (s *Session) endReading(ctx context.Context, webhook string) error {
	subject := subjectOf("events", webhook)
	var names []string
	all := s.events.ListConsumers(ctx)
	for c := range all.Info() { // to its end: who lists them waits for that
		if c.Config.FilterSubject == subject {
			names = append(names, c.Name)
		}
	}
	if err := all.Err(); err != nil {
		return err
	}
	for _, name := range names {
		if err := s.events.DeleteConsumer(ctx, name); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
			return err
		}
	}
	return nil
}

// whole gives a context that ends when messages were dropped, and what ends it otherwise.
func (s *Session) whole() (ctx context.Context, end func()) {
	ctx, cancel := context.WithCancel(context.Background())
	s.reading.Lock()
	defer s.reading.Unlock()
	n := s.readers
	s.readers++
	if s.losing == nil {
		s.losing = make(map[uint64]func())
	}
	s.losing[n] = cancel
	return ctx, func() {
		s.reading.Lock()
		defer s.reading.Unlock()
		delete(s.losing, n)
		cancel()
	}
}

// drops is told by the client what goes wrong besides requests. It does not say whose messages it dropped.
func (s *Session) drops(_ *nats.Conn, _ *nats.Subscription, err error) {
	if errors.Is(err, nats.ErrSlowConsumer) {
		s.lose()
	}
}

// lose has all intakes end, for messages on their way to them may be lost.
func (s *Session) lose() {
	s.reading.Lock()
	defer s.reading.Unlock()
	for _, lose := range s.losing {
		lose()
	}
}

// Next waits for the next event. The error is that of ctx, or says that the ledger is no longer open. Of one that cannot be
// read, and is let go, only the number is given.
func (i *Intake) Next(ctx context.Context) (*Waiting, error) {
	m, err := i.message(ctx)
	if err != nil {
		return nil, err
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, err
	}
	if meta.Sequence.Consumer != i.last+1 { // those between would come behind it
		return nil, errDropped
	}
	i.last++
	w := &Waiting{Sequence: meta.Sequence.Stream, intake: i, message: m}
	if w.Event, err = decode(m.Data()); err != nil { // nobody else can read it, either
		i.log("an event in the ledger cannot be read and is let go", "sequence", meta.Sequence.Stream)
		m.Term() //nolint:errcheck // it would come again
	}
	return w, nil
}

// Behind says whether there may be events yet to be given that were there when the intake was opened.
func (i *Intake) Behind() bool { return i.last < i.first }

// message waits for the next message, or until one may have been dropped.
func (i *Intake) message(ctx context.Context) (jetstream.Msg, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(i.whole, cancel)()
	m, err := i.messages.Next(jetstream.NextContext(ctx))
	if err != nil && i.whole.Err() != nil {
		return nil, errDropped
	}
	return m, err
}

// Stop ends the reading.
func (i *Intake) Stop() {
	i.end()
	i.messages.Stop()
}

// Lane is where events of one key wait of which the first could not be delivered, apart from all others. Those that were
// taken in before it was known come first, then those that came since.
type Lane struct{ First, Later string }

// LaneOf gives the subjects of a key's lane.
func (s *Session) LaneOf(webhook, key string) Lane {
	sum := sha256.Sum256([]byte(key))
	base := subjectOf("parked", webhook) + "." + base64.RawURLEncoding.EncodeToString(sum[:18])
	return Lane{base + ".0", base + ".1"}
}

// Lanes counts what waits in the lanes of a webhook, by subject.
func (s *Session) Lanes(ctx context.Context, webhook string) (map[string]uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	info, err := s.info(ctx, s.parked, jetstream.WithSubjectFilter(subjectOf("parked", webhook)+".*.*"))
	if err != nil {
		return nil, s.failed("reading what waits", err)
	}
	return info.State.Subjects, nil
}

// Park has an event wait in a lane. It comes there once, however often it is parked.
func (s *Session) Park(ctx context.Context, subject string, w *Waiting) error {
	data, err := w.encode()
	if err != nil {
		return err
	}
	m := &nats.Msg{Subject: subject, Data: data, Header: nats.Header{fieldSequence: {strconv.FormatUint(w.Sequence, 10)}}}
	return s.put(ctx, "PARKED", m, strconv.FormatUint(w.Sequence, 10)+subject[len(subject)-2:])
}

func (s *Session) put(ctx context.Context, stream string, m *nats.Msg, id string) error {
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	if _, err := s.publish(ctx, m, id, jetstream.WithExpectStream(streamName(stream))); err != nil {
		return s.failed("storing an event", err)
	}
	return nil
}

// Parked is an event in a lane.
type Parked struct {
	*Event
	Sequence uint64 // among the events that came
	at       uint64 // among those that are parked
}

// Head gives the first event of a lane's subject, nil if there is none.
func (s *Session) Head(ctx context.Context, subject string) (*Parked, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	for {
		m, err := s.parked.GetMsg(ctx, 0, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, nil
		}
		if err != nil {
			return nil, s.failed("reading what waits", err)
		}
		if p, err := parkedOf(m); err == nil {
			return p, nil
		}
		s.config.Log.Error("an event in the ledger cannot be read and is let go", "subject", subject)
		if err := s.forget(ctx, s.parked, m.Sequence); err != nil {
			return nil, err
		}
	}
}

// Last gives the number, among the events that came, of the last event of a lane's subject, 0 if there is none that can be
// read: Head lets go of those that cannot.
func (s *Session) Last(ctx context.Context, subject string) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	m, err := s.parked.GetLastMsgForSubject(ctx, subject)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, s.failed("reading what waits", err)
	}
	p, err := parkedOf(m)
	if err != nil {
		return 0, nil //nolint:nilerr // see above
	}
	return p.Sequence, nil
}

func parkedOf(m *jetstream.RawStreamMsg) (*Parked, error) {
	e, err := decode(m.Data)
	if err != nil {
		return nil, err
	}
	n, err := strconv.ParseUint(m.Header.Get(fieldSequence), 10, 64)
	if err != nil {
		return nil, errUnreadable
	}
	return &Parked{e, n, m.Sequence}, nil
}

// Unpark lets go of an event in a lane.
func (s *Session) Unpark(ctx context.Context, p *Parked) error { return s.forget(ctx, s.parked, p.at) }

func (s *Session) forget(ctx context.Context, from jetstream.Stream, sequence uint64) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	err := from.DeleteMsg(ctx, sequence)
	if err == nil || errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil
	}
	// The client tells one that was not there, and one that could not be deleted since the disk is full, by text alone. Only
	// what can still be read says that the store is at fault: to open it anew for less would stop all deliveries.
	if errors.Is(err, jetstream.ErrMsgDeleteUnsuccessful) {
		if _, reading := from.GetMsg(ctx, sequence); reading != nil {
			return nil
		}
		s.breaks(err) // a store that cannot write refuses to from then on, until it is opened anew
	}
	return s.failed("letting go of an event", err)
}

// Ending is how an event's delivery ended.
type Ending struct {
	Attempts int
	Reason   string // of the last attempt: "status 500"; no text of a service's
	Time     time.Time
}

func (e Ending) header() nats.Header {
	return nats.Header{fieldAttempts: {strconv.Itoa(e.Attempts)}, fieldReason: {e.Reason}, fieldTime: {e.Time.UTC().Format(time.RFC3339Nano)}}
}

// Bury makes a dead letter of an event.
func (s *Session) Bury(ctx context.Context, e *Event, how Ending) error {
	data, err := e.encode()
	if err != nil {
		return err
	}
	return s.put(ctx, "DEAD", &nats.Msg{Subject: subjectOf("dead", e.Webhook), Data: data, Header: how.header()}, "")
}

// Delivered keeps an event that was delivered, for a while. It may fail: nothing depends on it.
func (s *Session) Delivered(e *Event, how Ending) {
	data, err := e.encode()
	if err == nil {
		err = s.nc.PublishMsg(&nats.Msg{Subject: subjectOf("delivered", e.Webhook), Data: data, Header: how.header()})
	}
	if err != nil {
		s.config.Log.Debug("a delivered event is not kept", "id", e.ID, "error", fmt.Sprint(err))
	}
}

// Seen says whether a name was remembered before.
func (s *Session) Seen(ctx context.Context, webhook, name string) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	_, err := s.seen.GetLastMsgForSubject(ctx, subjectOf("seen", webhook)+"."+name)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, jetstream.ErrMsgNotFound):
		return false, nil
	}
	return false, s.failed("looking for a name", err)
}

// Remember remembers a name for a time.
func (s *Session) Remember(ctx context.Context, webhook, name string, keep time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, storing)
	defer cancel()
	_, err := s.publish(ctx, &nats.Msg{Subject: subjectOf("seen", webhook) + "." + name}, "", jetstream.WithExpectStream(streamName("SEEN")),
		jetstream.WithMsgTTL(keep))
	if err != nil {
		return s.failed("remembering a name", err)
	}
	return nil
}
