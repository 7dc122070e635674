package ledger

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// Backlog is what waits of a webhook.
type Backlog struct {
	Events uint64        // that came and are not delivered
	Oldest time.Duration // age of the oldest, 0 where none waits
	Dead   uint64        // dead letters
}

// Backlogs tells what waits, by webhook.
func (s *Session) Backlogs(ctx context.Context) (map[string]*Backlog, error) {
	ctx, cancel := context.WithTimeout(ctx, asking)
	defer cancel()
	all := map[string]*Backlog{}
	for _, state := range []State{Pending, Retrying, Dead} {
		from, subject, _ := s.stream(state, "")
		info, err := s.info(ctx, from, jetstream.WithSubjectFilter(subject))
		if err != nil {
			return nil, s.failed("counting events", err)
		}
		for subject, n := range info.State.Subjects {
			name := webhookOf(subject)
			if all[name] == nil {
				all[name] = &Backlog{}
			}
			if state == Dead {
				all[name].Dead += n
			} else {
				all[name].Events += n
			}
		}
	}
	for name, b := range all {
		for _, state := range []State{Pending, Retrying} {
			if b.Events == 0 {
				continue
			}
			oldest, err := s.oldest(ctx, state, name)
			if err != nil {
				return nil, err
			}
			b.Oldest = max(b.Oldest, oldest)
		}
	}
	return all, nil
}

// oldest is the age of the first event of a webhook in a state, 0 where there is none. What is parked lies in the order in
// which it failed, which is nearly that in which it came.
func (s *Session) oldest(ctx context.Context, state State, webhook string) (time.Duration, error) {
	from, subject, _ := s.stream(state, webhook)
	m, err := from.GetMsg(ctx, 1, jetstream.WithGetMsgSubject(subject))
	if errors.Is(err, jetstream.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, s.failed("counting events", err)
	}
	e, err := decode(m.Data)
	if err != nil {
		return 0, nil //nolint:nilerr // whoever delivers says so and lets go of it
	}
	return max(0, time.Since(e.Received)), nil
}

// webhookOf is the name of the webhook in a subject.
func webhookOf(subject string) string {
	parts := strings.SplitN(subject, ".", 4)
	if len(parts) < 3 {
		return ""
	}
	return parts[2]
}
