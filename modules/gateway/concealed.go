package gateway

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/wicketgate/wicketgate/internal/conceal"
)

// concealed are the places in which any configuration of this process has had callers send credentials. A place stays
// one: requests end, and are logged, when the configuration that served them is gone. It grows with what operators
// write, by a few names each time.
var concealed struct {
	sync.Mutex
	places atomic.Pointer[conceal.Places]
}

// tokenParameter is where a bearer token may stand in an address (RFC 6750, section 2.3). Nothing here takes it from there, and
// callers send it all the same.
const tokenParameter = "access_token"

// tokenFields are where oauth2-proxy passes tokens on. They are taken off every request, after logs have got their copy.
var tokenFields = []string{"X-Forwarded-Access-Token", "X-Auth-Request-Access-Token"}

// Concealed are the places of credentials, as logs have to know them.
func Concealed() *conceal.Places { return concealed.places.Load() }

// hide has the logs leave out what a load says are credentials, from before the first request that may carry one.
func (a *App) hide(l *Load) {
	concealed.Lock()
	concealed.places.Store(concealed.places.Load().And(slices.Concat(l.Credentials, l.Signed, tokenFields), append(slices.Clone(l.Parameters), tokenParameter)))
	concealed.Unlock()
	if a.DecisionLog != nil && a.DecisionLog.Recorder() != nil {
		a.DecisionLog.Recorder().Hide(slices.Concat(l.Credentials, l.Signed), l.Parameters)
	}
}
