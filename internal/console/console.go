// Package console decides what an operator sees of a running gateway: how its traffic goes second by second, which
// requests it has refused of late, whose quotas are near their end, what becomes of the catalogue's versions and who calls
// them, and whether anybody but the operator may be shown all that.
//
// meter.go counts requests, traffic.go keeps what they come to and shows it to viewers, refused.go keeps what was refused,
// quotas.go whose quotas are nearly used up; versions.go and callers.go are views; front.go judges what stands before the
// page.
package console

import (
	"log/slog"
	"time"
)

// Live is what is kept of a running gateway, in memory alone and within bounds, for as long as some configuration has a
// console. All methods may be called at once.
type Live struct {
	Traffic *Traffic
	Refused *Refused
	Quotas  *Quotas
}

// New makes one that has seen nothing.
func New(log *slog.Logger) *Live {
	return &Live{Traffic: newTraffic(log), Refused: NewRefused(), Quotas: NewQuotas()}
}

// Call is a request that has been answered.
type Call struct {
	Key
	Status int // of the answer; 0 where the caller left before there was one
	Broken bool
	Took   time.Duration
}

// Key is what traffic is told apart by: both are the catalogue's, or the API is Others or Alone.
type Key struct {
	API     string `json:"api"`               // "" for requests that were refused before they came to one
	Version string `json:"version,omitempty"` // "" on an API without versions
}
