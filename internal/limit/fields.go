package limit

import (
	"math"
	"strconv"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// The fields of draft-ietf-httpapi-ratelimit-headers-10, in canonical form.
const (
	fieldPolicy = "Ratelimit-Policy"
	fieldLimit  = "Ratelimit"
)

// policyItem is a quota's item of RateLimit-Policy (section 3.1). The name needs no escaping: see validName. A request is
// the default unit, so there is a qu (section 3.1.3) only for others; there is no pk, for it would tell callers apart.
func policyItem(name string, q *Quota, bytes bool) string {
	item := `"` + name + `";q=` + strconv.FormatInt(q.Requests, 10) + ";w=" + strconv.FormatInt(int64(q.Window)/1e9, 10)
	if bytes {
		item += `;qu="content-bytes"`
	}
	return item
}

// concurrentItem is the same for requests at once, which have no window.
func concurrentItem(name string, most int64) string {
	return `"` + name + `";q=` + strconv.FormatInt(most, 10) + `;qu="concurrent-requests"`
}

// answer sets the fields that tell the caller where it stands, as far as that is known. t is the time until one more unit is
// there (section 4.1.2). A refusal names none that is later than its Retry-After, which section 6 does not want: a quota with
// units left is no reason to wait.
func (t *terms) answer(x *exchange.Exchange, states []State, ok bool) {
	if t.policy == "" {
		return
	}
	latest := int64(math.MaxInt64)
	if after := t.retryAfter(states); !ok && after > 0 {
		latest = after
	}
	b := make([]byte, 0, 40*len(states))
	for i := range t.quotas {
		q := &t.quotas[i]
		if q.hidden || states[i].Unknown {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, q.item...)
		b = strconv.AppendInt(b, states[i].Remaining, 10)
		if next := seconds(states[i].Next); next > 0 && next <= latest {
			b = append(b, ";t="...)
			b = strconv.AppendInt(b, next, 10)
		}
	}
	x.AddAnswer(fieldPolicy, t.policy)
	if len(b) > 0 {
		x.AddAnswer(fieldLimit, string(b))
	}
}

// retryAfter is when every quota that is not hidden would admit a request that was refused, in seconds, so never before the t
// of one that refused; for places, which are free when they are, it is a second. It is 0 where none of them refused.
func (t *terms) retryAfter(states []State) int64 {
	wait := time.Duration(0)
	for i := range states {
		if states[i].Refused && !t.quotas[i].hidden {
			wait = max(wait, states[i].Wait, time.Second)
		}
	}
	return seconds(wait)
}
