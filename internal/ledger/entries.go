package ledger

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// State says where an event is.
type State string

// Where events are.
const (
	Pending   State = "pending"   // came, and is not delivered yet
	Retrying  State = "retrying"  // waits for another attempt, or behind one of its key that does
	Dead      State = "dead"      // was not delivered in time
	Delivered State = "delivered" // within the last 24 hours, the newest of them
)

// States are all of them, in the order of an event's life.
func States() []State { return []State{Pending, Retrying, Dead, Delivered} }

// MaxList is how many entries a list has at most.
const MaxList = 1000

// Entry is an event as the operator sees it.
type Entry struct {
	Ref      string     `json:"ref"` // "dead/17": what Show, Replay and Drop are told
	ID       string     `json:"id"`
	Webhook  string     `json:"webhook"`
	Kind     string     `json:"kind,omitempty"`
	Key      string     `json:"key,omitempty"`
	Received time.Time  `json:"received"`
	Size     int        `json:"size"` // of the body, in bytes
	Attempts int        `json:"attempts,omitempty"`
	Reason   string     `json:"reason,omitempty"` // of the last attempt; as for Attempts, of an event that ended
	Ended    *time.Time `json:"ended,omitempty"`

	Header http.Header `json:"header,omitempty"` // of one that is shown
	Body   []byte      `json:"body,omitempty"`
}

// Errors of the operator's.
var (
	ErrRef      = errors.New("an event is named as it is listed: dead/17")
	ErrGone     = errors.New("there is no such event, or no longer")
	ErrNotEnded = errors.New("only dead and delivered events are sent again: this one is going to be delivered anyway")
)

// stream gives where the events of a state are, and their subjects.
func (s *Session) stream(state State, webhook string) (jetstream.Stream, string, bool) {
	if webhook == "" {
		webhook = "*"
	}
	switch state {
	case Pending:
		return s.events, subjectOf("events", webhook), true
	case Retrying:
		return s.parked, subjectOf("parked", webhook) + ".*.*", true
	case Dead:
		return s.dead, subjectOf("dead", webhook), true
	case Delivered:
		return s.delivered, subjectOf("delivered", webhook), true
	}
	return nil, "", false
}

// List is a part of the events of a state.
type List struct {
	Events []Entry `json:"events"`
	Last   uint64  `json:"last"` // number of the newest event of the state: what comes later has a greater one
}

// List gives events of a state, the oldest first: of one webhook or, where none is named, of all. after is the number in
// the Ref of the last one of the list before, 0 for the first.
func (s *Session) List(ctx context.Context, state State, webhook string, after uint64, limit int) (*List, error) {
	from, subject, ok := s.stream(state, webhook)
	if !ok {
		return nil, ErrRef
	}
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	info, err := s.info(ctx, from)
	if err != nil {
		return nil, s.failed("listing events", err)
	}
	all := &List{Events: []Entry{}, Last: info.State.LastSeq}
	for next := after + 1; len(all.Events) < min(limit, MaxList); {
		m, err := from.GetMsg(ctx, next, jetstream.WithGetMsgSubject(subject))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, s.failed("listing events", err)
		}
		next = m.Sequence + 1
		if e, err := decode(m.Data); err == nil {
			all.Events = append(all.Events, entryOf(state, m, e))
		}
	}
	return all, nil
}

// info asks for what a stream has, through a handle of its own: the client notes the answer in the handle, where those who
// read messages look without a lock.
func (s *Session) info(ctx context.Context, of jetstream.Stream, options ...jetstream.StreamInfoOpt) (*jetstream.StreamInfo, error) {
	own, err := s.js.Stream(ctx, of.CachedInfo().Config.Name)
	if err != nil {
		return nil, err
	}
	return own.Info(ctx, options...)
}

func entryOf(state State, m *jetstream.RawStreamMsg, e *Event) Entry {
	entry := Entry{Ref: fmt.Sprintf("%s/%d", state, m.Sequence), ID: e.ID, Webhook: e.Webhook, Kind: e.Kind, Key: e.Key, Received: e.Received,
		Size: len(e.Body), Reason: m.Header.Get(fieldReason)}
	entry.Attempts, _ = strconv.Atoi(m.Header.Get(fieldAttempts))
	if at, err := time.Parse(time.RFC3339Nano, m.Header.Get(fieldTime)); err == nil {
		entry.Ended = &at
	}
	return entry
}

// ParseRef reads how an event is named: its state, and its number there.
func ParseRef(ref string) (State, uint64, error) {
	name, number, _ := strings.Cut(ref, "/")
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil || n == 0 || !slices.Contains(States(), State(name)) {
		return "", 0, ErrRef
	}
	return State(name), n, nil
}

// found is an event of the ledger, and where it is.
type found struct {
	state   State
	from    jetstream.Stream
	message *jetstream.RawStreamMsg
}

func (s *Session) find(ctx context.Context, ref string) (*found, error) {
	state, n, err := ParseRef(ref)
	if err != nil {
		return nil, err
	}
	from, _, _ := s.stream(state, "")
	m, err := from.GetMsg(ctx, n)
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return nil, ErrGone
	}
	if err != nil {
		return nil, s.failed("reading an event", err)
	}
	return &found{state, from, m}, nil
}

// Show gives an event with its header fields and its body.
func (s *Session) Show(ctx context.Context, ref string) (*Entry, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	f, err := s.find(ctx, ref)
	if err != nil {
		return nil, err
	}
	e, err := decode(f.message.Data)
	if err != nil {
		return nil, err
	}
	entry := entryOf(f.state, f.message, e)
	entry.Header, entry.Body = e.Header, e.Body
	return &entry, nil
}

// Replay has a dead or delivered event delivered again, under its name, for as long as one that has just come.
func (s *Session) Replay(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	f, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	if f.state != Dead && f.state != Delivered {
		return ErrNotEnded
	}
	e, err := decode(f.message.Data)
	if err != nil {
		return err
	}
	e.Received = time.Now()
	if _, err := s.append(ctx, e, false); err != nil {
		return err
	}
	if f.state == Dead { // it may become one again
		return s.forget(ctx, f.from, f.message.Sequence)
	}
	return nil
}

// Drop lets go of an event for good. One that is just on its way may arrive all the same.
func (s *Session) Drop(ctx context.Context, ref string) error {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	f, err := s.find(ctx, ref)
	if err != nil {
		return err
	}
	return s.forget(ctx, f.from, f.message.Sequence)
}
