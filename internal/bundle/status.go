package bundle

import (
	"net/url"
	"strings"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
)

// Kind says what happened.
type Kind string

// What may happen. The kinds are also the values of a metric's label.
const (
	Activated   Kind = "activated"   // new policies are in force
	Unchanged   Kind = "unchanged"   // the server has nothing newer
	Unreachable Kind = "unreachable" // the server gave no bundle
	Broken      Kind = "broken"      // a bundle has a mistake, or its signature does not hold
	Refused     Kind = "refused"     // a bundle lacks what the gateway asks for
	NotKept     Kind = "not_kept"    // a bundle could not be written to disk
)

// Event is something that happened to a feed.
type Event struct {
	Kind     Kind
	Revision string
	ETag     string
	Bytes    int           // of the archive
	Took     time.Duration // from the bundle's arrival to its being compiled
	Err      error
	Again    bool // the same mistake as last time
	Failing  bool // a mistake stands
}

// Mistakes are what is wrong with a bundle, as an error whose text is all of it on one line.
type Mistakes hcl.Diagnostics

// Error lists the mistakes.
func (m Mistakes) Error() string {
	var lines []string
	for _, d := range m {
		if d.Severity == hcl.DiagError {
			lines = append(lines, diagnostic.Line(d))
		}
	}
	return strings.Join(lines, "; ")
}

// Status says how a feed is.
type Status struct {
	URL       string     // without what may be a secret
	Waiting   bool       // there are no policies yet: every decision is 503
	FromDisk  bool       // the policies in force were kept, and the server has not said yet whether they are the newest
	Revision  string     // of the policies in force
	ETag      string     // of the policies in force
	Activated *time.Time // when they were, in this process or in the one before that kept them
	Requested *time.Time // when the server was last asked
	// Unreachable and Broken are the mistakes that stand: of reaching the server, and of what it has.
	Unreachable, Broken *Failure

	took time.Duration
}

// Failure is a mistake that stands.
type Failure struct {
	Kind Kind
	Time time.Time // when it was first seen
	Err  error
}

// Status gives how a feed is.
func (f *Feed) Status() Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.status
}

func (s *Status) activated(p *policies, at time.Time) {
	s.Waiting, s.FromDisk = false, false
	s.Revision, s.ETag, s.Activated = p.snapshot.Revision(), p.etag, &at
	s.Unreachable, s.Broken = nil, nil
}

// failed notes a mistake, and says whether it stands already.
func (s *Status) failed(e Event, at time.Time) (again bool) {
	place := &s.Broken
	if e.Kind == Unreachable {
		place = &s.Unreachable
	}
	if *place != nil && (*place).Kind == e.Kind && (*place).Err.Error() == e.Err.Error() {
		return true
	}
	*place = &Failure{Kind: e.Kind, Time: at, Err: e.Err}
	return false
}

// address is a URL without its user and its query, which may hold secrets.
func address(u *url.URL) string {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	return shown.String()
}
