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

// policyItem is a quota's item of RateLimit-Policy (section 3.1). The name needs no escaping: see validName. A quota of
// requests is the default unit, so there is no qu; there is no pk, for it would tell callers apart.
func policyItem(name string, q *Quota) string {
	return `"` + name + `";q=` + strconv.FormatInt(q.Requests, 10) + ";w=" + strconv.FormatInt(int64(q.Window)/1e9, 10)
}

// answer sets the fields that tell the caller where it stands. t is the time until one more unit is there
// (section 4.1.2). A refusal names it only for the quotas that refused: section 6 wants Retry-After no earlier than any
// t, and a quota with units left is no reason to wait.
func (t *terms) answer(x *exchange.Exchange, states []State, ok bool) {
	b := make([]byte, 0, 40*len(states))
	for i, q := range t.quotas {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, q.item...)
		b = strconv.AppendInt(b, states[i].Remaining, 10)
		if states[i].Next > 0 && (ok || states[i].Wait > 0) {
			b = append(b, ";t="...)
			b = strconv.AppendInt(b, seconds(states[i].Next), 10)
		}
	}
	x.AddAnswer(fieldPolicy, t.policy)
	x.AddAnswer(fieldLimit, string(b))
}
