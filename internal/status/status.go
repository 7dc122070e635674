// Package status is what a gateway says of itself: one document, bounded in size and without secrets, that the admin API
// answers, caddy gateway status prints and the console shows; and from the same facts, whether it is ready for requests.
// One file, one subject: status.go is the document, parts.go what things that run tell for it, load.go what became of
// loads, health.go whether it is ready, hide.go the bounds and what may not show, events.go what is told when it happens,
// sunset.go when versions end.
package status

import (
	"runtime/debug"
	"slices"
	"time"

	"github.com/wicketgate/wicketgate/internal/policy"
	"github.com/wicketgate/wicketgate/internal/usage"
)

// Near is how long before its sunset a version is told of: 90 days.
const Near = 90 * 24 * time.Hour

// Status is what a gateway says of itself.
type Status struct {
	// The version of the gateway in the binary.
	Version string `json:"version"`
	// The version of Caddy in the binary.
	Caddy string `json:"caddy"`
	// When the process began.
	Started time.Time `json:"started"`
	// How many seconds ago that is.
	Uptime int64 `json:"uptime_seconds"`
	// What balancers are told, with the reasons.
	Health Health `json:"health"`

	Load

	// What is served by the catalogue in force. Absent without a catalogue.
	Catalogue *Catalogue `json:"catalogue,omitempty"`
	// The versions that have ended, or will within 90 days.
	Versions []Version `json:"versions,omitempty"`
	// Where the policies in force come from.
	Policies *Policies `json:"policies,omitempty"`
	// Those that are tried out beside them.
	Candidate *Policies `json:"candidate,omitempty"`
	// What each query in force sees of a request, and whether its decisions are remembered.
	Decisions []policy.View `json:"decisions,omitempty"`
	// The functions that the operator allows policies though they reach the network or the process.
	Builtins []string `json:"allow_builtins,omitempty"`
	// The keys of the issuers of tokens.
	Issuers []Issuer `json:"issuers,omitempty"`
	// The endpoints that are asked for tokens.
	Introspection []Introspection `json:"introspection,omitempty"`
	// The keys that tell services who calls.
	Signing []Signing `json:"signing,omitempty"`
	// What counts requests against quotas.
	Counters *Counters `json:"counters,omitempty"`
	// Where events and answers by idempotency keys are kept. Absent where nothing is.
	Ledger *Ledger `json:"ledger,omitempty"`
	// What waits of each webhook. Absent while the ledger is not open.
	Webhooks []Webhook `json:"webhooks,omitempty"`
	// The servers of the catalogue's upstreams.
	Upstreams []Server `json:"upstreams,omitempty"`
	// The third parties that are asked.
	Integrations []Integration `json:"integrations,omitempty"`
	// Whether it is kept who calls what. Absent where it is off.
	Usage *Usage `json:"usage,omitempty"`
	// How many entries of a list, by its name, are left out: each has at most 1000.
	LeftOut map[string]int `json:"left_out,omitempty"`
}

// Catalogue is what is served.
type Catalogue struct {
	// The files and folders that it was read from, as they were found.
	Files []string `json:"files"`
	// How many APIs it has.
	APIs int `json:"apis"`
	// How many webhooks it receives.
	Webhooks int `json:"webhooks"`
}

// Version is one of an API that has ended, or will soon.
type Version struct {
	// The API.
	API string `json:"api"`
	// The version.
	Version string `json:"version"`
	// Since when it is deprecated.
	Deprecated *time.Time `json:"deprecated,omitempty"`
	// When it ends.
	Sunset time.Time `json:"sunset"`
	// Whether it has ended.
	Ended bool `json:"ended,omitempty"`
	// How many whole days are left, or have passed since.
	Days int `json:"days"`
}

// Ending gives the versions that have ended at a time, or will within Near, the earliest first.
func Ending(all []usage.Version, now time.Time) (near []Version) {
	for _, v := range all {
		left := v.Sunset.Sub(now)
		if v.Sunset.IsZero() || left > Near {
			continue
		}
		one := Version{API: v.API, Version: v.Version, Sunset: v.Sunset, Ended: left <= 0, Days: int(left.Abs() / (24 * time.Hour))}
		if !v.Deprecated.IsZero() {
			one.Deprecated = &v.Deprecated
		}
		near = append(near, one)
	}
	slices.SortStableFunc(near, func(a, b Version) int { return a.Sunset.Compare(b.Sunset) })
	return near
}

// began is when the process did, as nearly as a package knows it.
var began = time.Now()

// New begins a document.
func New(caddy string, now time.Time) *Status {
	return &Status{Version: version(), Caddy: caddy, Started: began.UTC(), Uptime: int64(now.Sub(began) / time.Second)}
}

// version is that of the module of this package, as the binary has it.
func version() string {
	const module = "github.com/wicketgate/wicketgate"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	for _, m := range append([]*debug.Module{&info.Main}, info.Deps...) {
		if m.Path != module {
			continue
		}
		if m.Replace != nil && m.Replace.Version != "" {
			return m.Replace.Version
		}
		if m.Version != "" {
			return m.Version
		}
	}
	return "(devel)"
}
