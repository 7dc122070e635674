package usage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"go.etcd.io/bbolt" // in every binary already, by way of Caddy's authority: a file that survives a crash at any byte
	bolterrors "go.etcd.io/bbolt/errors"
)

// How long what is kept: by the hour 7 days, by the day 400, so that this month can be held against that of a year ago.
const (
	KeepHours = 7 * 24 * time.Hour
	KeepDays  = 400 * 24 * time.Hour
)

const (
	// maxPeriod bounds the keys of an hour, and of a day: 20,000. Beyond it, a consumer that is new then is Other.
	maxPeriod = 20_000
	// maxFile bounds the file, in bytes: beyond it only what is there already is told apart.
	maxFile = 512 << 20
	// waitForFile is how long another process is waited for that has the file.
	waitForFile = time.Second
)

// spans are the two ways in which calls are rolled up.
var spans = [...]span{{"hours", time.Hour, KeepHours}, {"days", 24 * time.Hour, KeepDays}}

// span is the length of the periods of a bucket of the file, and for how long they are kept.
type span struct {
	name string
	long time.Duration
	keep time.Duration
}

// Store keeps counts in a file, by hour and by day in UTC. One process has the file.
type Store struct {
	db      *bbolt.DB
	limit   int                           // maxPeriod, but for tests
	periods [len(spans)]map[[8]byte]int   // how many keys those have that were written to
	full    func(bytes int64) (full bool) // whether the file may not grow
	shares  bool                          // rows that are counted on are marked for the board
}

// Open opens the file in a folder, and makes it where there is none. One that is broken is put aside, and aside says where.
func Open(folder string) (s *Store, aside string, err error) {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, "", fmt.Errorf("opening the usage: %w", err)
	}
	path := filepath.Join(folder, "usage.db")
	db, err := open(path)
	if errors.Is(err, bolterrors.ErrInvalid) || errors.Is(err, bolterrors.ErrVersionMismatch) || errors.Is(err, bolterrors.ErrChecksum) {
		aside = path + broken
		if err := os.Rename(path, aside); err != nil {
			return nil, "", fmt.Errorf("putting a broken file aside: %w", err)
		}
		db, err = open(path)
	}
	if err != nil {
		return nil, "", fmt.Errorf("opening %s: %w", path, err)
	}
	s = &Store{db: db, limit: maxPeriod, full: func(bytes int64) bool { return bytes > maxFile }}
	for i := range s.periods {
		s.periods[i] = make(map[[8]byte]int)
	}
	return s, aside, nil
}

func open(path string) (db *bbolt.DB, err error) {
	defer func() {
		if r := recover(); r != nil { // what is broken further inside
			err = fmt.Errorf("%w: %v", bolterrors.ErrInvalid, r)
		}
	}()
	db, err = bbolt.Open(path, 0o600, &bbolt.Options{Timeout: waitForFile, NoStatistics: true})
	if err != nil {
		return nil, err
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for _, s := range spans {
			if _, err := tx.CreateBucketIfNotExists([]byte(s.name)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// broken is behind the name of a file that was put aside.
const broken = ".broken"

// putAside closes a broken file and gives it another name, so that a new one takes its place.
func (s *Store) putAside() error {
	path := s.db.Path()
	return errors.Join(s.db.Close(), os.Rename(path, path+broken))
}

// Close closes the file.
func (s *Store) Close() error { return s.db.Close() }

// Add adds counts to the hour and the day of a time, all of them or none, and lets go of what is too old.
func (s *Store) Add(all map[Key]*Sums, at time.Time) error {
	err := s.db.Update(func(tx *bbolt.Tx) error {
		for i, span := range spans {
			b := tx.Bucket([]byte(span.name))
			if err := s.expire(b, i, at.Add(-span.keep)); err != nil {
				return err
			}
			period := periodOf(at, span.long)
			n, known := s.periods[i][period]
			if !known {
				n = count(b, period)
			}
			for k, sums := range all {
				name, added, err := s.put(b, period, k, sums, n >= s.limit || s.full(tx.Size()))
				if err == nil && s.shares {
					err = mark(tx, i, name)
				}
				if err != nil {
					return err
				}
				n += added
			}
			s.periods[i][period] = n
		}
		if !s.shares {
			return forget(tx)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("keeping the usage: %w", err)
	}
	return nil
}

// put adds the counts of a key to a period, and says what the row is called and how many keys there are more.
func (s *Store) put(b *bbolt.Bucket, period [8]byte, k Key, sums *Sums, crowded bool) (name []byte, added int, err error) {
	name = encodeKey(period, k)
	old := b.Get(name)
	if old == nil && crowded {
		k.Consumer = Other
		name = encodeKey(period, k)
		old = b.Get(name)
	}
	total := *sums
	if old == nil {
		added = 1
	} else if before, ok := decodeSums(old); ok {
		total.Add(&before)
	}
	return name, added, b.Put(name, encodeSums(&total))
}

// expire lets go of the periods before a time.
func (s *Store) expire(b *bbolt.Bucket, i int, before time.Time) error {
	oldest := periodOf(before, spans[i].long)
	c := b.Cursor()
	var gone [][]byte
	for name, _ := c.First(); len(name) >= 8 && less(name, oldest[:]); name, _ = c.Next() {
		gone = append(gone, append([]byte(nil), name...)) // a cursor that deletes may leave some out
	}
	for _, name := range gone {
		if err := b.Delete(name); err != nil {
			return err
		}
	}
	for period := range s.periods[i] {
		if less(period[:], oldest[:]) {
			delete(s.periods[i], period)
		}
	}
	return nil
}

func less(a, b []byte) bool { return binary.BigEndian.Uint64(a) < binary.BigEndian.Uint64(b) }

func count(b *bbolt.Bucket, period [8]byte) (n int) {
	c := b.Cursor()
	for name, _ := c.Seek(period[:]); len(name) >= 8 && [8]byte(name[:8]) == period; name, _ = c.Next() {
		n++
	}
	return n
}

// Each calls f for the counts of each key and hour since a time, or, where that is longer ago than hours are kept, each
// day. from is when the first period began that was looked at, and byDay which they are.
func (s *Store) Each(since, now time.Time, f func(at time.Time, k Key, sums *Sums)) (from time.Time, byDay bool, err error) {
	i := spanOf(since, now)
	span := spans[i]
	byDay = i == 1
	first := periodOf(since, span.long)
	err = s.db.View(func(tx *bbolt.Tx) error {
		c := tx.Bucket([]byte(span.name)).Cursor()
		for name, value := c.Seek(first[:]); name != nil; name, value = c.Next() {
			k, ok := decodeKey(name)
			sums, fits := decodeSums(value)
			if !ok || !fits {
				continue // of a version to come
			}
			f(timeOf(name), k, &sums)
		}
		return nil
	})
	if err != nil {
		return time.Time{}, false, fmt.Errorf("reading the usage: %w", err)
	}
	return timeOf(first[:]), byDay, nil
}

// spanOf says by which span counts are told since a time.
func spanOf(since, now time.Time) int {
	if now.Sub(since) > KeepHours {
		return 1
	}
	return 0
}

// periodOf is the beginning of the period of a time, so that the earlier sorts before the later.
func periodOf(at time.Time, long time.Duration) (p [8]byte) {
	binary.BigEndian.PutUint64(p[:], uint64(max(at.UTC().Truncate(long).Unix(), 0)))
	return p
}

func timeOf(name []byte) time.Time {
	return time.Unix(int64(binary.BigEndian.Uint64(name)), 0).UTC()
}

// encodeKey is the name of a key in a period: the period, and each part behind its length.
func encodeKey(period [8]byte, k Key) []byte {
	name := append(make([]byte, 0, 8+4*2+len(k.API)+len(k.Version)+len(k.Selected)+len(k.Consumer)), period[:]...)
	for _, part := range [...]string{k.API, k.Version, k.Selected, k.Consumer} {
		name = append(binary.AppendUvarint(name, uint64(len(part))), part...)
	}
	return name
}

func decodeKey(name []byte) (k Key, ok bool) {
	if len(name) < 8 {
		return k, false
	}
	rest := name[8:]
	for _, part := range [...]*string{&k.API, &k.Version, &k.Selected, &k.Consumer} {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(len(rest)-size) {
			return k, false
		}
		*part = string(rest[size : size+int(n)])
		rest = rest[size+int(n):]
	}
	return k, len(rest) == 0
}

// encodeSums writes the numbers one after the other.
func encodeSums(s *Sums) []byte {
	var b []byte
	for _, n := range [...]uint64{s.Requests, s.Denied, s.Errors, uint64(s.Took), uint64(s.Slowest), s.In, s.Out, uint64(s.Last.UnixMilli())} {
		b = binary.AppendUvarint(b, n)
	}
	return b
}

func decodeSums(b []byte) (s Sums, ok bool) {
	var n [8]uint64
	for i := range n {
		value, size := binary.Uvarint(b)
		if size <= 0 {
			return s, false
		}
		n[i], b = value, b[size:]
	}
	return Sums{n[0], n[1], n[2], time.Duration(n[3]), time.Duration(n[4]), n[5], n[6], time.UnixMilli(int64(n[7])).UTC()}, len(b) == 0
}
