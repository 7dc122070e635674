package limit

import (
	"strconv"

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

// answer sets the fields that tell the caller where it stands. t is the time until one more unit is there
// (section 4.1.2). A refusal names it only for the quotas that refused: section 6 wants Retry-After no earlier than any
// t, and a quota with units left is no reason to wait.
func (t *terms) answer(x *exchange.Exchange, states []State, ok bool) {
	if t.policy == "" {
		return
	}
	b := make([]byte, 0, 40*len(states))
	for i := range t.quotas {
		q := &t.quotas[i]
		if q.hidden {
			continue
		}
		if len(b) > 0 {
			b = append(b, ", "...)
		}
		b = append(b, q.item...)
		b = strconv.AppendInt(b, states[i].Remaining, 10)
		if states[i].Next > 0 && (ok || states[i].Refused) {
			b = append(b, ";t="...)
			b = strconv.AppendInt(b, seconds(states[i].Next), 10)
		}
	}
	x.AddAnswer(fieldPolicy, t.policy)
	x.AddAnswer(fieldLimit, string(b))
}
