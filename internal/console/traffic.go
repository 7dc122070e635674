package console

import (
	"context"
	"encoding/json"
	"log/slog"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// maxKeys bounds the versions of APIs that are told apart: 256. The others count together, as Others.
	maxKeys = 256
	// fine and coarse are how many samples are kept: of each of the last 120 seconds, and of each 10 s of the last hour.
	fine, coarse = 120, 360
	perCoarse    = 10
	// MaxViewers bounds who may watch at once: 32 pages.
	MaxViewers = 32
)

// What stands in the place of an API, which no catalogue calls so.
const (
	// Others is the API of the versions for which there was no room.
	Others = "(others)"
	// Alone is that of requests that came through stages that stand alone in a Caddyfile, and to no API.
	Alone = "(stages alone)"
)

// Traffic is how requests go. Once a second it looks at what has been counted since, and tells all viewers: what it costs
// does not depend on how many requests or routes there are, and hardly on how many watch.
type Traffic struct {
	known atomic.Pointer[map[Key]*meter]
	log   *slog.Logger

	once sync.Once
	stop context.CancelFunc
	done chan struct{}

	mu         sync.Mutex // guards the rest
	all        []*series  // in the catalogue's order; bound: maxKeys and Others and Alone and what came to no API
	generation int        // of the order above
	total      series
	ticks      int
	last       time.Time // of the last sample
	viewers    map[chan []byte]bool
}

// series is what is kept of a Key.
type series struct {
	Key
	meter  *meter // nil of the total
	at     counts // at the last tick
	since  counts // since the last coarse sample
	fine   ring
	coarse ring
}

// ring is the last samples, the newest of which is at next-1.
type ring struct {
	all  []Sample
	next int
}

func (r *ring) put(size int, s Sample) {
	if len(r.all) < size {
		r.all, r.next = append(r.all, s), (r.next+1)%size
		return
	}
	r.all[r.next], r.next = s, (r.next+1)%size
}

// samples gives those that are kept, the oldest first, with empty ones before them: size in all.
func (r *ring) samples(size int) []Sample {
	to := make([]Sample, size-len(r.all), size)
	if len(r.all) == size {
		to = append(to, r.all[r.next:]...)
		return append(to, r.all[:r.next]...)
	}
	return append(to, r.all...)
}

func newTraffic(log *slog.Logger) *Traffic {
	t := &Traffic{log: log, viewers: make(map[chan []byte]bool)}
	t.known.Store(&map[Key]*meter{})
	t.Know(nil)
	return t
}

// Know says which versions there are, in the order in which they are shown. What has been counted of one that stays is
// kept.
func (t *Traffic) Know(keys []Key) {
	t.mu.Lock()
	defer t.mu.Unlock()
	before := make(map[Key]*series, len(t.all))
	for _, s := range t.all {
		before[s.Key] = s
	}
	t.all = nil
	known := make(map[Key]*meter, len(keys))
	add := func(k Key) {
		s := before[k]
		if s == nil {
			s = &series{Key: k, meter: &meter{}}
		}
		t.all = append(t.all, s)
		known[k] = s.meter
	}
	for i, k := range keys {
		if i == maxKeys {
			add(Key{API: Others})
			break
		}
		add(k)
	}
	add(Key{})
	add(Key{API: Alone})
	t.known.Store(&known)
	t.generation++
}

// Record counts a request. It allocates nothing.
func (t *Traffic) Record(c *Call) {
	known := *t.known.Load()
	m := known[c.Key]
	if m == nil {
		if m = known[Key{API: Others}]; m == nil {
			m = known[Key{}]
		}
	}
	m.record(c)
}

// Start begins to take samples. It may be called again.
func (t *Traffic) Start() {
	t.once.Do(func() {
		var ctx context.Context
		ctx, t.stop = context.WithCancel(context.Background())
		t.done = make(chan struct{})
		go t.run(ctx)
	})
}

func (t *Traffic) run(ctx context.Context) {
	defer close(t.done)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			t.tick(now)
		}
	}
}

// Close ends that, and whatever anybody watches.
func (t *Traffic) Close() {
	if t.stop != nil {
		t.stop()
		<-t.done
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for v := range t.viewers {
		close(v)
	}
	t.viewers = nil
}

// frame is what viewers are told each second.
type frame struct {
	At         int64     `json:"at"` // seconds since 1970
	Generation int       `json:"generation"`
	Total      Sample    `json:"total"`
	Of         []indexed `json:"of"` // only those with requests
	Coarse     bool      `json:"coarse,omitempty"`
}

// indexed is the sample of a Key, by its place in the order of all.
type indexed struct {
	Index  int    `json:"i"`
	Sample Sample `json:"s"`
}

// tick takes the samples of a second, and tells them.
func (t *Traffic) tick(now time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.ticks++
	t.last = now
	f := frame{At: now.Unix(), Generation: t.generation, Of: []indexed{}, Coarse: t.ticks%perCoarse == 0}
	var total counts
	for i, s := range t.all {
		var at counts
		s.meter.read(&at)
		d := at.since(&s.at)
		s.at = at
		one := d.sample()
		s.put(&d, one, f.Coarse)
		total.add(&d)
		if one.Requests > 0 && len(t.viewers) > 0 {
			f.Of = append(f.Of, indexed{i, one})
		}
	}
	f.Total = total.sample()
	t.total.put(&total, f.Total, f.Coarse)
	if len(t.viewers) == 0 {
		return
	}
	text, err := json.Marshal(f)
	if err != nil {
		t.log.Error("telling the traffic", "error", err)
		return
	}
	for v := range t.viewers {
		select {
		case <-v: // what a slow one has not taken is old
		default:
		}
		v <- text
	}
}

func (s *series) put(d *counts, one Sample, coarsely bool) {
	s.fine.put(fine, one)
	s.since.add(d)
	if coarsely {
		s.coarse.put(coarse, s.since.sample())
		s.since = counts{}
	}
}

// View gives what is told each second, as JSON, until leave is called or the channel is closed. ok is false where as many
// watch as may.
func (t *Traffic) View() (frames <-chan []byte, leave func(), ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.viewers == nil || len(t.viewers) == MaxViewers {
		return nil, nil, false
	}
	v := make(chan []byte, 1)
	t.viewers[v] = true
	return v, func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.viewers, v)
	}, true
}

// History is the traffic until now.
type History struct {
	At         int64    `json:"at"` // of the newest sample, in seconds since 1970
	Generation int      `json:"generation"`
	Seconds    []Sample `json:"seconds"`  // of the last two minutes, the oldest first
	TenSecond  []Sample `json:"ten_secs"` // of the last hour
	Of         []Past   `json:"of"`       // in the order that frames count in
}

// Past is the last hour of a Key, by the minute, the oldest first. It has no minutes where nothing came.
type Past struct {
	Key
	Minutes []Minute `json:"minutes,omitempty"`
}

// Minute is a minute's requests, how many of them were refused and failed, and the slowest P95 of its ten seconds.
type Minute struct {
	Requests, Refused, Failed uint32
	P95                       float32
}

// History tells the traffic of all, or of one Key where of is not nil; then it has the rest by the minute all the same.
func (t *Traffic) History(of *Key) *History {
	t.mu.Lock()
	defer t.mu.Unlock()
	from := &t.total
	h := &History{At: t.last.Unix(), Generation: t.generation, Of: make([]Past, 0, len(t.all))}
	for _, s := range t.all {
		if of != nil && s.Key == *of {
			from = s
		}
		h.Of = append(h.Of, Past{s.Key, s.minutes()})
	}
	h.Seconds, h.TenSecond = from.fine.samples(fine), from.coarse.samples(coarse)
	return h
}

func (s *series) minutes() []Minute {
	const per = 60 / perCoarse
	to, any := make([]Minute, coarse/per), false
	for i, one := range append(s.coarse.samples(coarse), s.since.sample()) { // the last of which has only begun
		m := &to[min(i/per, len(to)-1)]
		m.Requests += one.Requests
		m.Refused += one.Refused
		m.Failed += one.Failed
		m.P95 = max(m.P95, one.P95)
		any = any || one.Requests > 0
	}
	if !any {
		return nil
	}
	return to
}

// MarshalJSON writes the numbers in their order.
func (s Sample) MarshalJSON() ([]byte, error) {
	return list(s.Requests, s.Refused, s.Failed, s.P50, s.P95, s.P99), nil
}

// MarshalJSON writes the numbers in their order.
func (m Minute) MarshalJSON() ([]byte, error) {
	return list(m.Requests, m.Refused, m.Failed, m.P95), nil
}

// list writes three counts and milliseconds, the latter with as many digits as a bucket knows.
func list(requests, refused, failed uint32, ms ...float32) []byte {
	b := append(make([]byte, 0, 40), '[')
	for i, n := range [...]uint32{requests, refused, failed} {
		if i > 0 {
			b = append(b, ',')
		}
		b = strconv.AppendUint(b, uint64(n), 10)
	}
	for _, f := range ms {
		b = strconv.AppendFloat(append(b, ','), float64(f), 'g', 3, 32)
	}
	return append(b, ']')
}
