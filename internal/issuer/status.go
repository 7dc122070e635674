package issuer

import "time"

// EventKind is what happened.
type EventKind string

// What may happen.
const (
	Changed   EventKind = "changed"   // keys came that are other ones than those in force
	Unchanged EventKind = "unchanged" // the issuer confirmed those in force
	Failed    EventKind = "failed"    // it could not be asked, or what it answered cannot be used
	NotKept   EventKind = "not_kept"  // the store failed
)

// Event is told each time something happens.
type Event struct {
	Kind  EventKind
	Keys  int  // how many there are now, after Changed and Unchanged
	Again bool // it failed for the same reason the time before
	Err   error
}

// tell reports an event. The caller holds s.mu, so that events come one after the other.
func (s *Source) tell(e Event) {
	if s.report != nil {
		s.report(e)
	}
}

// Status is how the keys of an issuer are.
type Status struct {
	// The issuer.
	Issuer string `json:"issuer"`
	// Where the keys came from.
	JWKS string `json:"jwks,omitempty"`
	// How many there are.
	Keys int `json:"keys"`
	// There are none yet, and tokens are answered 503.
	Waiting bool `json:"waiting,omitempty"`
	// They are those that were kept from before the start.
	Kept bool `json:"kept,omitempty"`
	// The issuer has not confirmed them for so long that tokens are answered 401.
	Stale bool `json:"stale,omitempty"`
	// When the issuer last gave or confirmed them.
	Confirmed *time.Time `json:"confirmed,omitempty"`
	// When it was last asked.
	Requested *time.Time `json:"requested,omitempty"`
	// Why the last fetch failed.
	Error *Failure `json:"error,omitempty"`
}

// Failure is why the issuer gives no keys, and since when.
type Failure struct {
	// Since when.
	Time time.Time `json:"time"`
	// Why.
	Detail string `json:"detail"`
}

// Status says how the keys are now.
func (s *Source) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.status
	if k := s.now.Load(); k != nil {
		now.Stale = !time.Now().Before(k.until)
	}
	return now
}
