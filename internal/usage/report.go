package usage

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"
)

const (
	// maxRows bounds what a report tells one by one: 10,000 rows, those with the most requests.
	maxRows = 10_000
	// maxNamed bounds the callers of an Ending that are named: 20.
	maxNamed = 20
	// Recent is how long ago a caller may have called who still calls: 14 days.
	Recent = 14 * 24 * time.Hour
)

// Ask is what somebody wants to know. What is empty is anything.
type Ask struct {
	API, Version, Consumer string
	Since                  time.Time
}

// Row is what a consumer's requests to a version come to, chosen in one way.
type Row struct {
	API      string `json:"api"`
	Version  string `json:"version,omitempty"`
	Selected string `json:"selected,omitempty"` // how the version was chosen
	Consumer string `json:"consumer"`

	Requests uint64    `json:"requests"`
	Denied   uint64    `json:"denied"` // answered 4xx
	Errors   uint64    `json:"errors"` // answered 5xx, or broken off
	Mean     float64   `json:"mean_seconds"`
	Slowest  float64   `json:"slowest_seconds"`
	In       uint64    `json:"bytes_in"`
	Out      uint64    `json:"bytes_out"`
	Last     time.Time `json:"last_seen"`
}

// Version is one of an API that has been deprecated or ends, as the catalogue says.
type Version struct {
	API, Version       string
	Deprecated, Sunset time.Time // zero for never
	Changes            []string  // of the versions after it, which its callers do not know
}

// Ending is a Version that is still called.
type Ending struct {
	API        string     `json:"api"`
	Version    string     `json:"version"`
	Deprecated *time.Time `json:"deprecated,omitempty"`
	Sunset     *time.Time `json:"sunset,omitempty"`
	Changes    []string   `json:"changes,omitempty"` // that its callers have before them
	Callers    int        `json:"callers"`           // in the last 14 days
	Consumers  []string   `json:"consumers"`         // of those the 20 who called last
	Requests   uint64     `json:"requests"`
	Last       time.Time  `json:"last_seen"`
}

// Report tells who calls what.
type Report struct {
	From  time.Time `json:"from"` // the beginning of an hour or a day
	Until time.Time `json:"until"`
	By    string    `json:"by"` // "hour" or "day": what the counts were rolled up by
	Rows  []Row     `json:"rows"`
	// More is how many rows are left out, which have the fewest requests.
	More   int      `json:"more,omitempty"`
	Ending []Ending `json:"ending,omitempty"`
	// Gateways is how many gateways' counts are added, 0 where each tells its own. Those of others are as they were up to
	// 30 s ago.
	Gateways int `json:"gateways,omitempty"`
	// Alone says why those of other gateways are not in it, though they are shared.
	Alone string `json:"alone,omitempty"`
}

// Report tells who called what, and which of the versions that end are still called.
func (k *Keeper) Report(ask Ask, versions []Version) (*Report, error) {
	now := k.now()
	r := &Report{Until: now.UTC(), By: "hour", Rows: []Row{}}
	sums := make(map[Key]*Sums)
	add := func(key Key, n *Sums) {
		if ask.API != "" && key.API != ask.API || ask.Version != "" && key.Version != ask.Version || ask.Consumer != "" && key.Consumer != ask.Consumer {
			return
		}
		to := sums[key]
		if to == nil {
			to = &Sums{}
			sums[key] = to
		}
		to.Add(n)
	}
	err := k.use(func(s *Store) error {
		from, byDay, err := s.Each(ask.Since, now, func(_ time.Time, key Key, n *Sums) { add(key, n) })
		r.From = from
		if byDay {
			r.By = "day"
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	theirs, gateways, err := k.gathered(ask.Since, now, func(Key, *Sums) bool { return true })
	if r.Gateways = gateways; err != nil {
		r.Alone = err.Error()
	}
	for key, n := range theirs {
		add(key, n)
	}
	for key, n := range sums {
		r.Rows = append(r.Rows, Row{
			API: key.API, Version: key.Version, Selected: key.Selected, Consumer: key.Consumer,
			Requests: n.Requests, Denied: n.Denied, Errors: n.Errors, In: n.In, Out: n.Out, Last: n.Last,
			Mean: n.Took.Seconds() / float64(max(n.Requests, 1)), Slowest: n.Slowest.Seconds(),
		})
	}
	slices.SortFunc(r.Rows, func(a, b Row) int {
		return cmp.Or(cmp.Compare(b.Requests, a.Requests), strings.Compare(a.API, b.API), strings.Compare(a.Version, b.Version),
			strings.Compare(a.Consumer, b.Consumer), strings.Compare(a.Selected, b.Selected))
	})
	if len(r.Rows) > maxRows {
		r.More = len(r.Rows) - maxRows
		r.Rows = r.Rows[:maxRows]
	}
	var asked []Version
	for _, v := range versions {
		if (ask.API == "" || v.API == ask.API) && (ask.Version == "" || v.Version == ask.Version) {
			asked = append(asked, v)
		}
	}
	r.Ending, err = k.Ending(asked)
	return r, err
}

// Ending tells which of some versions have been called in the last 14 days.
func (k *Keeper) Ending(versions []Version) ([]Ending, error) {
	if len(versions) == 0 {
		return nil, nil
	}
	type name struct{ api, version string }
	calls := make(map[name]map[string]time.Time, len(versions)) // when consumers last called
	for _, v := range versions {
		calls[name{v.API, v.Version}] = make(map[string]time.Time)
	}
	requests := make(map[name]uint64)
	now := k.now()
	counts := func(key Key, n *Sums) bool {
		return calls[name{key.API, key.Version}] != nil && now.Sub(n.Last) <= Recent
	}
	add := func(key Key, n *Sums) {
		of := name{key.API, key.Version}
		requests[of] += n.Requests
		if callers := calls[of]; n.Last.After(callers[key.Consumer]) {
			callers[key.Consumer] = n.Last
		}
	}
	err := k.use(func(s *Store) error {
		_, _, err := s.Each(now.Add(-Recent), now, func(_ time.Time, key Key, n *Sums) {
			if counts(key, n) {
				add(key, n)
			}
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	theirs, _, err := k.gathered(now.Add(-Recent), now, counts)
	if err != nil {
		k.log.Warn("who still calls is told of this gateway alone", "error", err)
	}
	for key, n := range theirs {
		add(key, n)
	}
	var all []Ending
	for _, v := range versions {
		callers := calls[name{v.API, v.Version}]
		if len(callers) == 0 {
			continue
		}
		last := slices.SortedFunc(maps.Keys(callers), func(a, b string) int {
			return cmp.Or(callers[b].Compare(callers[a]), strings.Compare(a, b))
		})
		e := Ending{API: v.API, Version: v.Version, Changes: v.Changes, Requests: requests[name{v.API, v.Version}],
			Callers: len(last), Consumers: last[:min(len(last), maxNamed)], Last: callers[last[0]]}
		for _, at := range []struct {
			from time.Time
			to   **time.Time
		}{{v.Deprecated, &e.Deprecated}, {v.Sunset, &e.Sunset}} {
			if !at.from.IsZero() {
				*at.to = &at.from
			}
		}
		all = append(all, e)
	}
	return all, nil
}
