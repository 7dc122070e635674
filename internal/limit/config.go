// Package limit is how much: it counts what each caller has used of its quotas, answers 429 when one is used up, and
// tells every caller where it stands in the RateLimit fields.
package limit

import (
	"fmt"
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
)

// Config is one limit: quotas that are counted together, for each key on its own.
type Config struct {
	// Name names the limit in messages and keeps its counters apart from those of other limits: 1 to 64 letters,
	// digits, or any of `_-.:`. Limits of one name whose quotas have the same names share their counters, wherever
	// they stand.
	Name string `json:"name"`

	// Key is an expression for who is counted. Default: the consumer's id, or for an anonymous caller the client's
	// address, IPv6 by its /64. A request whose key cannot be computed, or is empty, is answered 403.
	Key string `json:"key,omitempty"`

	// Quotas are the allowances, 1 to 4; a request must fit into all of them and is charged to all or to none.
	Quotas []Quota `json:"quotas"`

	// Range is where the limit was written, for messages; zero where it was not written in a file.
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

// Check gives every mistake in c, each at the place of the limit or quota that has it.
func (c *Config) Check() hcl.Diagnostics {
	var diags hcl.Diagnostics
	wrong := func(r hcl.Range, summary, detail string, args ...any) {
		d := &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: fmt.Sprintf(detail, args...)}
		if r != (hcl.Range{}) {
			d.Subject = &r
		}
		diags = append(diags, d)
	}
	if !validName(c.Name) {
		wrong(c.Range, "Invalid limit name", "A limit's name is 1 to %d letters, digits, or any of _-.: and this one is %q.", maxName, c.Name)
	}
	if n := len(c.Quotas); n == 0 || n > maxQuotas {
		wrong(c.Range, "Wrong number of quotas", "Limit %q has %d quotas; a limit has 1 to %d. Where more are wanted, write a second limit with the same key.", c.Name, n, maxQuotas)
	}
	seen := make(map[string]bool, len(c.Quotas))
	for i := range c.Quotas {
		q := &c.Quotas[i]
		r := q.Range
		if r == (hcl.Range{}) {
			r = c.Range
		}
		window := time.Duration(q.Window)
		if window < minWindow || window > maxWindow || window%time.Second != 0 {
			wrong(r, "Invalid window", "A quota's window is a whole number of seconds from %s to %s, and this one is %s.", duration.Duration(minWindow), duration.Duration(maxWindow), q.Window)
			continue
		}
		if most := int64(window/time.Second) * maxPerSecond; q.Requests < 1 || q.Requests > most {
			wrong(r, "Invalid number of requests", "A quota in %s allows 1 to %d requests, and this one says %d. To forbid every request, leave the route out or deny it in a policy.", q.Window, most, q.Requests)
		}
		name := q.name()
		if !validName(name) {
			wrong(r, "Invalid quota name", "A quota's name is 1 to %d letters, digits, or any of _-.: and this one is %q.", maxName, name)
		}
		if seen[name] {
			wrong(r, "Duplicate quota", "Limit %q has two quotas called %q; a quota without a name is called by its window. Give one of them another name.", c.Name, name)
		}
		seen[name] = true
	}
	return diags
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
