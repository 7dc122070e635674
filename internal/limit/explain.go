package limit

import (
	"net/netip"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Note tells where a quota stands after a request was counted, for an explanation.
type Note struct {
	Limit   string `json:"limit"`
	Quota   string `json:"quota"` // as the RateLimit fields name it
	Plan    string `json:"plan,omitempty"`
	By      string `json:"counted_by"` // "consumer acme", "address 192.0.2.1", or "its key"
	Cost    int64  `json:"cost"`
	Most    int64  `json:"most"`
	Left    int64  `json:"left"`
	Refused bool   `json:"refused,omitempty"`
	Wait    int64  `json:"wait_seconds,omitempty"` // until this quota would admit the request
	Unknown bool   `json:"unknown,omitempty"`      // nobody counted
}

// note tells of each quota of t.
func (s *Stage) note(x *exchange.Exchange, t *terms, costs []int64, states []State) {
	for i := range states {
		q, st := &t.quotas[i], &states[i]
		x.Account.Note(Note{
			Limit: s.limits[q.limit].name, Quota: q.name, Plan: planOf(x), By: s.limits[q.limit].countedBy(x), Cost: costs[i], Most: q.most,
			Left: st.Remaining, Refused: st.Refused, Wait: int64((st.Wait + time.Second - 1) / time.Second), Unknown: st.Unknown,
		})
	}
}

// countedBy says who is counted. What a written key is may be a credential.
func (l *compiled) countedBy(x *exchange.Exchange) string {
	switch addr := x.Origin(); {
	case l.keyed:
		return "its key"
	case x.Consumer != nil:
		return "consumer " + x.Consumer.ID
	case addr.Is6() && !addr.Is4In6():
		return "address " + netip.PrefixFrom(addr, 64).Masked().String()
	default:
		return "address " + addr.String()
	}
}
