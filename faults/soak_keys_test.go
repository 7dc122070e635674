package faults

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/internal/dpop/dpoptest"
)

// issuing signs tokens, and serves its keys: one that stays, and one that is withdrawn and comes back.
type issuing struct {
	*group
	front   *front
	keys    [2]*dpoptest.Key
	rotated atomic.Bool // the second key is withdrawn
}

func newIssuing(g *group) *issuing {
	g.Helper()
	i := &issuing{group: g, front: g.front(nil), keys: [2]*dpoptest.Key{dpoptest.New(g.T, "ES256"), dpoptest.New(g.T, "ES256")}}
	for n, key := range i.keys {
		key.JWK["kid"], key.JWK["alg"], key.JWK["use"] = fmt.Sprint(n), "ES256", "sig"
	}
	served := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		keys := i.keys[:]
		if i.rotated.Load() {
			keys = keys[:1]
		}
		var set struct {
			Keys []map[string]any `json:"keys"`
		}
		for _, key := range keys {
			set.Keys = append(set.Keys, key.JWK)
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Cache-Control", "max-age=1") // so that it is asked as often as may be
		json.NewEncoder(w).Encode(set)               //nolint:errcheck // whoever asks may be gone
	})
	i.front.answer.Store(&served)
	return i
}

// token is one for a day by a key, as a header field.
func (i *issuing) token(key int) string {
	now := time.Now().Unix()
	return "Authorization: Bearer " + i.keys[key].Sign(i.T, fmt.Sprintf(`{"alg":"ES256","kid":"%d"}`, key),
		fmt.Sprintf(`{"iss":%q,"aud":"orders","sub":"app-%d","plan":"gold","iat":%d,"exp":%d}`, i.front.at(""), key, now, now+24*3600))
}
