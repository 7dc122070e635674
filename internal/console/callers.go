package console

import (
	"cmp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/wicketgate/wicketgate/internal/usage"
)

const (
	// maxCallers bounds the rows that a page shows at once: 500, those with the most requests.
	maxCallers = 500
	// hold is how long an answer about usage is told again, whoever asks: 15 s. Counts come to the file every 30 s.
	hold = 15 * time.Second
	// maxAsked bounds the answers that are held: 16. Those that are older go first.
	maxAsked = 16
)

// Callers are who calls what, as a page shows it.
type Callers struct {
	From time.Time `json:"from"`
	By   string    `json:"by"` // hour or day
	// Versions are what all callers of each come to.
	Versions []Called       `json:"versions"`
	Rows     []usage.Row    `json:"rows"`
	More     int            `json:"more,omitempty"` // rows that are left out
	Ending   []usage.Ending `json:"ending"`
}

// Called is what a version's callers come to.
type Called struct {
	Key
	Callers  int       `json:"callers"` // of the rows that a report has
	Requests uint64    `json:"requests"`
	Last     time.Time `json:"last_seen"`
}

// Usage asks for reports, and not for the same one again and again.
type Usage struct {
	mu   sync.Mutex
	held map[usage.Ask]held // bound: maxAsked

	ending      []usage.Ending
	endingAsked time.Time
}

// endingHeld is how long it is told again which versions that end are still called: 4 minutes. All callers of two weeks are
// looked at for it.
const endingHeld = 4 * time.Minute

// Ending gives what ask gives, or gave not long ago.
func (u *Usage) Ending(now time.Time, ask func() ([]usage.Ending, error)) ([]usage.Ending, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.endingAsked.IsZero() && now.Sub(u.endingAsked) < endingHeld {
		return u.ending, nil
	}
	all, err := ask()
	if err != nil {
		return nil, err
	}
	if all == nil {
		all = []usage.Ending{}
	}
	u.ending, u.endingAsked = all, now
	return all, nil
}

type held struct {
	at     time.Time
	report *usage.Report
}

// Report gives what ask gives to a question, or gave a moment ago. since is how far back: the question's time is made of it.
func (u *Usage) Report(q usage.Ask, since time.Duration, now time.Time, ask func(usage.Ask) (*usage.Report, error)) (*usage.Report, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	key := q
	key.Since = time.Time{}.Add(since)
	if h, ok := u.held[key]; ok && now.Sub(h.at) < hold {
		return h.report, nil
	}
	q.Since = now.Add(-since)
	r, err := ask(q)
	if err != nil {
		return nil, err
	}
	if u.held == nil {
		u.held = make(map[usage.Ask]held)
	}
	for k, h := range u.held {
		if now.Sub(h.at) >= hold || len(u.held) >= maxAsked {
			delete(u.held, k)
		}
	}
	u.held[key] = held{now, r}
	return r, nil
}

// CallersOf makes the page's view of a report, of those whose name has a text in it.
func CallersOf(r *usage.Report, name string) *Callers {
	c := &Callers{From: r.From, By: r.By, Versions: []Called{}, Rows: []usage.Row{}, More: r.More, Ending: r.Ending}
	if c.Ending == nil {
		c.Ending = []usage.Ending{}
	}
	name = strings.ToLower(name)
	type caller struct {
		Key
		consumer string
	}
	seen, sums := map[caller]bool{}, map[Key]*Called{}
	for i := range r.Rows {
		row := &r.Rows[i]
		k := Key{row.API, row.Version}
		sum := sums[k]
		if sum == nil {
			sum = &Called{Key: k}
			sums[k] = sum
		}
		sum.Requests += row.Requests
		if row.Last.After(sum.Last) {
			sum.Last = row.Last
		}
		if one := (caller{k, row.Consumer}); !seen[one] {
			seen[one] = true
			sum.Callers++
		}
		switch {
		case name != "" && !strings.Contains(strings.ToLower(row.Consumer), name):
		case len(c.Rows) == maxCallers:
			c.More++
		default:
			c.Rows = append(c.Rows, *row)
		}
	}
	for _, sum := range sums {
		c.Versions = append(c.Versions, *sum)
	}
	slices.SortFunc(c.Versions, func(a, b Called) int {
		return cmp.Or(strings.Compare(a.API, b.API), strings.Compare(a.Version, b.Version))
	})
	return c
}
