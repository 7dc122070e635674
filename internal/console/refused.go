package console

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/explain"
	"github.com/wicketgate/wicketgate/internal/problem"
)

const (
	// perKey and maxRings bound the refusals that are kept: the last 40 of each version of an API and of each directive that
	// stands alone, of at most 272.
	perKey, maxRings = 40, maxKeys + 16
	// perSecond is how many of a version are noted in a second: 5. Who sends what is refused without end costs little, and
	// drives out only what is of the same version.
	perSecond = 5
	// MaxKeptBody is the largest body that is kept of a refused request, which explaining it may need: 16 KiB.
	MaxKeptBody = 16 << 10
	// maxKeptHeader and maxKeptText bound the fields, and each text, in bytes.
	maxKeptHeader, maxKeptText = 8 << 10, 1 << 10
	// maxKeptAnswer bounds what is kept of the problem that a stage answered that stands alone: 4 KiB.
	maxKeptAnswer = 4 << 10
)

// Refusal is a request that the gateway refused, or whose answer broke off, without credentials.
type Refusal struct {
	ID       string    `json:"id"` // the request's
	At       time.Time `json:"at"`
	API      string    `json:"api,omitempty"`
	Version  string    `json:"version,omitempty"`
	Route    string    `json:"route,omitempty"`
	Stage    string    `json:"stage"`
	Alone    string    `json:"alone,omitempty"` // the directive, where a stage that stands alone refused it
	Problem  string    `json:"problem"`         // short name of its type
	Title    string    `json:"title"`
	Status   int       `json:"status"`
	Detail   string    `json:"detail,omitempty"` // as the caller was told
	Cause    string    `json:"cause,omitempty"`  // as the log is
	Consumer string    `json:"consumer,omitempty"`
	Client   string    `json:"client,omitempty"` // address
	Method   string    `json:"method"`
	URL      string    `json:"url"`
	Decision string    `json:"decision,omitempty"`
	Partial  bool      `json:"partial,omitempty"` // a part of the header or the body was not kept

	// Answer is the problem as it was answered, of a stage that stands alone.
	Answer []byte `json:"-"`

	header []explain.Field
	body   []byte
}

// key is the ring that it is kept in.
func (d *Refusal) key() Key {
	if d.Alone != "" {
		return Key{Alone, d.Alone}
	}
	return Key{d.API, d.Version}
}

// Refused keeps the last refusals.
type Refused struct {
	count atomic.Uint64

	mu    sync.Mutex
	rings map[Key]*refusals // bound: maxRings
}

type refusals struct {
	all    []*Refusal // bound: perKey
	next   int
	second int64 // in which noted were
	noted  int
}

// NewRefused makes one that keeps nothing yet.
func NewRefused() *Refused { return &Refused{rings: make(map[Key]*refusals)} }

// Count is how many there have been.
func (r *Refused) Count() uint64 { return r.count.Load() }

// Wants counts a refusal, and says whether it is to be kept: of too many in a second, not all are.
func (r *Refused) Wants(k Key, now time.Time) bool {
	r.count.Add(1)
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.rings[k]
	if to == nil {
		if len(r.rings) == maxRings {
			return false
		}
		to = &refusals{}
		r.rings[k] = to
	}
	if s := now.Unix(); s != to.second {
		to.second, to.noted = s, 0
	}
	if to.noted == perSecond {
		return false
	}
	to.noted++
	return true
}

// Keep keeps one that Wants said yes to. header and body are what it was sent with, credentials left out; they are cut to
// what is kept, and body is copied.
func (r *Refused) Keep(one *Refusal, header []explain.Field, body []byte) {
	for _, text := range []*string{&one.ID, &one.Route, &one.Title, &one.Detail, &one.Cause, &one.Consumer, &one.Method} {
		*text = cut(*text)
	}
	if len(one.URL) > maxKeptHeader {
		one.URL, one.Partial = one.URL[:maxKeptHeader], true
	}
	room := maxKeptHeader
	for _, f := range header {
		if room -= len(f.Name) + len(f.Value); room < 0 {
			one.Partial = true
			break
		}
		one.header = append(one.header, explain.Field{Name: f.Name, Value: strings.Clone(f.Value)})
	}
	if len(body) <= MaxKeptBody {
		one.body = slices.Clone(body)
	} else {
		one.Partial = true
	}
	if len(one.Answer) > maxKeptAnswer {
		one.Answer, one.Partial = nil, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	to := r.rings[one.key()]
	if to == nil {
		return
	}
	if len(to.all) < perKey {
		to.all = append(to.all, one)
		return
	}
	to.all[to.next], to.next = one, (to.next+1)%perKey
}

// cut bounds a text, and takes it out of whatever larger one it is a part of.
func cut(s string) string {
	if len(s) > maxKeptText {
		return strings.ToValidUTF8(s[:maxKeptText], "") + "…"
	}
	return strings.Clone(s)
}

// List gives those that are kept of a Key, or of all where it is nil, the newest first; at most so many.
func (r *Refused) List(of *Key, most int) []*Refusal {
	r.mu.Lock()
	all := []*Refusal{}
	for k, one := range r.rings {
		if of == nil || k == *of {
			all = append(all, one.all...)
		}
	}
	r.mu.Unlock()
	slices.SortFunc(all, func(a, b *Refusal) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return all[:min(len(all), most)]
}

// Find gives the one of a request; nil where it is not kept, or no longer.
func (r *Refused) Find(id string) *Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, one := range r.rings {
		for _, d := range one.all {
			if d.ID == id {
				return d
			}
		}
	}
	return nil
}

// Question asks what becomes of the request now: as it came, without its credential, by whom it was. Asked for the time at
// which it came, quotas would answer with what has been used since.
func (d *Refusal) Question() *explain.Question {
	q := &explain.Question{Method: d.Method, URL: d.URL, Header: d.header, From: d.Client}
	if len(d.body) > 0 {
		q.Body = d.body
	}
	if d.Consumer != "" {
		q.As = &explain.As{Consumer: d.Consumer}
	}
	return q
}

// Found tells, in the form of an explanation, what a stage found that stands alone: nobody can ask it again, for what
// stands around it in the Caddyfile is not the gateway's.
func (d *Refusal) Found() string {
	var b strings.Builder
	line := func(depth int, text string) {
		b.WriteString(strings.Repeat("  ", depth) + diagnostic.Clean(text) + "\n")
	}
	line(0, d.Method+" "+d.URL)
	if d.Consumer != "" {
		line(1, "caller "+d.Consumer)
	}
	where := d.Stage + ", by " + d.Alone
	if d.Stage == "" {
		where = d.Alone
	}
	line(0, where+": ends here")
	if d.Answer != nil {
		line(1, string(d.Answer))
	} else {
		line(1, d.Title)
	}
	if d.Cause != "" {
		line(1, "because "+d.Cause)
	}
	if d.Decision != "" {
		line(1, "decision "+d.Decision)
	}
	return b.String()
}

// Slug is the short name of a problem's type.
func Slug(p *problem.Problem) string {
	if _, after, ok := strings.Cut(p.Type.URI, "#"); ok {
		return after
	}
	return p.Type.URI
}
