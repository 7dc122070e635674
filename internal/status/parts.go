package status

import (
	"time"

	"github.com/wicketgate/wicketgate/internal/assertion"
	"github.com/wicketgate/wicketgate/internal/issuer"
	"github.com/wicketgate/wicketgate/internal/provider"
)

// Part is what one thing that runs tells of itself.
type Part interface {
	join(s *Status)
}

// Add adds what things tell.
func (s *Status) Add(parts ...Part) {
	for _, p := range parts {
		if p != nil {
			p.join(s)
		}
	}
}

// Policies are where policies come from.
type Policies struct {
	// What gives them: folder, bundle, or file for an archive that lies in one.
	Source string `json:"source"`
	// The folders and files; of a folder only.
	Paths []string `json:"paths,omitempty"`
	// The address of the bundle, without a query. What follows is of a bundle only.
	URL string `json:"url,omitempty"`
	// Whether each bundle's signature is verified: verified, or none.
	Signature string `json:"signature,omitempty"`
	// There are no policies yet, and every decision is a 503.
	Waiting bool `json:"waiting,omitempty"`
	// The policies are those from disk, and the server has not said whether there are newer.
	Unconfirmed bool `json:"unconfirmed,omitempty"`
	// The revision of those in force, as their bundle names it.
	Revision string `json:"revision,omitempty"`
	// The entity tag of those in force.
	ETag string `json:"etag,omitempty"`
	// When the server was last asked.
	Requested *time.Time `json:"requested,omitempty"`
	// When those in force were activated.
	Activated *time.Time `json:"activated,omitempty"`
	// How many seconds ago that is.
	Age int64 `json:"age_seconds,omitempty"`
	// Why the server gives no bundle.
	Unreachable *Failure `json:"unreachable,omitempty"`
	// Why the newest one is not in force.
	Error *Failure `json:"error,omitempty"`
}

// Failure is a mistake that stands.
type Failure struct {
	// What kind it is: unreachable, broken, refused or not_kept.
	Kind string `json:"kind"`
	// When it was first seen.
	Time time.Time `json:"time"`
	// What it is, where it has no place in a file.
	Detail string `json:"detail,omitempty"`
	// The mistakes with their places.
	Mistakes []Mistake `json:"mistakes,omitempty"`
}

// Age is how many seconds ago a time is, 0 for none.
func Age(at *time.Time, now time.Time) int64 {
	if at == nil {
		return 0
	}
	return max(int64(now.Sub(*at)/time.Second), 0)
}

// Issuer is how the keys of an issuer are.
type Issuer struct {
	issuer.Status
	// How many seconds ago they were confirmed.
	Age int64 `json:"age_seconds,omitempty"`
}

func (i Issuer) join(s *Status) { s.Issuers = append(s.Issuers, i) }

// Introspection is how a client of an introspection endpoint does.
type Introspection struct {
	// The endpoint, without a query.
	Endpoint string `json:"endpoint"`
	// The id by which it knows the gateway.
	Client string `json:"client"`
	// How often it was asked.
	Asked int64 `json:"asked"`
	// How often it gave no answer that could be understood.
	Failed int64 `json:"failed"`
	// The last answer was one of those.
	Failing bool `json:"failing,omitempty"`
	// Why it last failed.
	Error string `json:"error,omitempty"`
	// When it did.
	FailedAt *time.Time `json:"failed_at,omitempty"`
}

func (i Introspection) join(s *Status) { s.Introspection = append(s.Introspection, i) }

// Signing is how the keys are that sign tokens for services.
type Signing struct{ assertion.Status }

func (k Signing) join(s *Status) { s.Signing = append(s.Signing, k) }

// Counters are what counts requests against quotas.
type Counters struct {
	// What counts: memory or redis.
	Engine string `json:"engine"`
	// Who counts by now: shared while Redis does, otherwise what on_error says. Of redis only, as what follows.
	Mode string `json:"mode,omitempty"`
	// Whether Redis answers.
	Reachable *bool `json:"reachable,omitempty"`
	// When that began.
	Since *time.Time `json:"since,omitempty"`
	// How many gateways share the quotas, as far as this one knows.
	Gateways int `json:"gateways,omitempty"`
	// Why Redis does not count.
	Error string `json:"error,omitempty"`
}

// Ledger is where events are kept.
type Ledger struct {
	// Whether events can be stored.
	Ready bool `json:"ready"`
	// Why not.
	Error string `json:"error,omitempty"`
	// How many events wait to be delivered. Absent while it is not open, as is the next.
	Waiting *uint64 `json:"waiting,omitempty"`
	// How many were given up, and wait for somebody to look at them.
	Dead *uint64 `json:"dead,omitempty"`
}

func (l Ledger) join(s *Status) { s.Ledger = &l }

// Webhook is what waits of one.
type Webhook struct {
	// The webhook.
	Name string `json:"name"`
	// How many events came and are not delivered.
	Waiting uint64 `json:"waiting"`
	// How many seconds the oldest of them has waited.
	Oldest int64 `json:"oldest_seconds,omitempty"`
	// How many were given up.
	Dead uint64 `json:"dead"`
}

// Backlog tells what waits of each webhook, once that is known.
func (s *Status) Backlog(all []Webhook) {
	s.Webhooks = all
	if s.Ledger == nil || !s.Ledger.Ready {
		return
	}
	var waiting, dead uint64
	for _, w := range all {
		waiting += w.Waiting
		dead += w.Dead
	}
	s.Ledger.Waiting, s.Ledger.Dead = &waiting, &dead
}

// Server is one of an upstream's.
type Server struct {
	// The upstream.
	Upstream string `json:"upstream"`
	// The server's host and port.
	Host string `json:"host"`
	// The state of its circuit breaker: closed, open or half-open. Absent where it has none, as is the next.
	Breaker string `json:"breaker,omitempty"`
	// Since when it is in that state.
	Since *time.Time `json:"since,omitempty"`
	// Whether health checks let requests go there.
	Healthy bool `json:"healthy"`
}

func (u Server) join(s *Status) { s.Upstreams = append(s.Upstreams, u) }

// Integration is a third party that is asked.
type Integration struct{ provider.Status }

func (i Integration) join(s *Status) { s.Integrations = append(s.Integrations, i) }

// Usage is whether it is kept who calls what.
type Usage struct {
	// The folder of the file.
	Folder string `json:"folder"`
	// Why it cannot be kept, so that what is counted waits in memory.
	Error string `json:"error,omitempty"`
	// How many gateways' counts add up by the counters' Redis, as far as this one knows. Absent where each tells its own.
	Gateways int `json:"gateways,omitempty"`
	// When Redis last got all that this one had counted.
	Shared *time.Time `json:"shared,omitempty"`
	// Why Redis has not now.
	Unshared string `json:"unshared,omitempty"`
}

func (u Usage) join(s *Status) { s.Usage = &u }
