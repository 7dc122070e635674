// Package limit is how much: it counts what each caller has used of its quotas, answers 429 when one is used up, and
// tells every caller where it stands in the RateLimit fields.
package limit

import (
	"strconv"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/duration"
)

// Bounds of a configuration. They keep what one request may cost, and what one key may occupy, small and known.
const (
	maxLimits = 8 // of a route, all together
	maxQuotas = 4 // of a limit; a slot of the memory counters has this many
	minWindow = time.Second
	maxWindow = 366 * 24 * time.Hour
	// maxPerSecond keeps the interval between two units at 1 µs or more, so that counting it in whole nanoseconds
	// makes a quota at most 0.1 % stricter than written.
	maxPerSecond = 1_000_000
	maxName      = 64
	maxAtOnce    = 1_000_000 // requests of one key under way
	maxPlans     = 16        // of a limit
	maxPlanName  = 256       // bytes, as that of a consumer's plan
)

// concurrent is what the bound on requests under way is called in the RateLimit fields, where quotas go by their names.
const concurrent = "concurrent"

// Config is one limit: quotas that are counted together, for each key on its own.
type Config struct {
	// Name names the limit in messages and keeps its counters apart from those of other limits: 1 to 64 letters,
	// digits, or any of `_-.:`. Limits of one name whose quotas have the same names share their counters, wherever
	// they stand.
	Name string `json:"name"`

	// Key is an expression for who is counted, or a list of such: `[consumer.id, request.host]`. Default: the
	// consumer's id, or for an anonymous caller the client's address. An IPv6 address counts by its /64, in
	// client.address too. A request whose key cannot be computed, or has an empty part, is answered 403. One whose
	// credential is refused is counted if the key is written and can be computed without knowing who calls.
	Key string `json:"key,omitempty"`

	// Cost is an expression for how many units of each quota a request takes, a whole number from 0 on:
	// `len(body.items)`. Default: 1. A cost of `request.size` counts bytes, and the RateLimit fields say so. A request
	// whose cost cannot be computed costs 1 where that is for want of a body, else it is answered 403, as is one below 0;
	// one that costs more than a quota holds is 429.
	Cost string `json:"cost,omitempty"`

	// Quotas are the allowances, 0 to 4, at least 1 where Concurrent is not set; a request must fit into all of them
	// and is charged to all or to none.
	Quotas []Quota `json:"quotas,omitempty"`

	// Concurrent is how many requests of a key may be under way at once, 1 to 1,000,000, each until its answer has
	// ended; one more is answered 429. Default: any number.
	Concurrent int64 `json:"concurrent,omitempty"`

	// Plans say for the consumers of a plan what is different, 0 to 16. Callers of any other plan, or of none, have
	// the limit as it is.
	Plans []Plan `json:"plans,omitempty"`

	// Hidden keeps the limit from the callers: no RateLimit fields, and a 429 that says nothing but that. For limits
	// against abuse, whose measure is nobody's business. Default: false.
	Hidden bool `json:"hidden,omitempty"`

	// Range is where the limit was written, for messages; zero where it was not written in a file.
	Range hcl.Range `json:"-"`
}

// Plan is what is different for the consumers of one plan. What they have used counts on when they change it.
type Plan struct {
	// Name is the plan's, as it stands on the consumer's key or in its token: 1 to 256 characters of printable ASCII,
	// without a space at either end.
	Name string `json:"name"`

	// Quotas take the place of the limit's of the same names; its others stay.
	Quotas []Quota `json:"quotas,omitempty"`

	// Concurrent takes the place of the limit's, 1 to 1,000,000. Default: that of the limit.
	Concurrent int64 `json:"concurrent,omitempty"`

	// Range is where the plan was written, for messages; zero where it was not written in a file.
	Range hcl.Range `json:"-"`
}

// Quota is one allowance: so many requests in a span of time.
//
// It is counted as a bucket of Requests units that refills evenly, one unit every Window/Requests (the generic cell rate
// algorithm). So an idle caller may send Requests at once and from then on as fast as the bucket refills: within any
// span d at most Requests + d/(Window/Requests), which is never more than twice Requests within one Window.
type Quota struct {
	// Name names the quota in the RateLimit fields and in a 429: 1 to 64 letters, digits, or any of `_-.:`. Default:
	// the window as written, "1m". Where two limits of a route have a quota of the same name, theirs become
	// "limit.quota".
	Name string `json:"name,omitempty"`

	// Requests is how many requests fit into the window, at least 1 and at most 1,000,000 for each of its seconds.
	Requests int64 `json:"requests"`

	// Window is the span in which Requests refill, in whole seconds: "1s" to "8784h" (366 days).
	Window duration.Duration `json:"window"`

	// Range is where the quota was written, for messages; zero where it was not written in a file.
	Range hcl.Range `json:"-"`
}

func (q *Quota) name() string {
	if q.Name != "" {
		return q.Name
	}
	return q.Window.String()
}

// validName says whether s may stand in a structured field's String, in a Redis key and in a metric without escaping.
func validName(s string) bool {
	if s == "" || len(s) > maxName {
		return false
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case c == '_', c == '-', c == '.', c == ':':
		default:
			return false
		}
	}
	return true
}

// describe says a quota in words, for the detail of a 429.
func (q *Quota) describe(name string) string {
	return "the quota " + name + " allows " + strconv.FormatInt(q.Requests, 10) + " in " + q.Window.String()
}
