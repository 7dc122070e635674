package usage

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

// Board is where gateways write what they have counted, each beside the others, and read what the others have. Nothing of
// it is waited for by a request.
type Board interface {
	// Write sets fields of the place of a gateway, of which a field is written over each time: what is written twice counts
	// once. The place goes at expires. It notes that the gateway has been there, and says whether it was before; a list of
	// gateways that have not been there for keep forgets them. No place "" means none.
	Write(ctx context.Context, gateway, place string, fields []Field, expires time.Time, keep time.Duration) (known bool, err error)

	// Gateways are those that have been there, at most so many.
	Gateways(ctx context.Context, most int) ([]string, error)

	// Read gives the fields of places of a gateway.
	Read(ctx context.Context, gateway string, places []string, each func(place string, f Field)) error
}

// Field is what a gateway has counted of a key, in a form of its own.
type Field struct{ Name, Value []byte }

// Bounds of sharing.
const (
	// maxGateways bounds the gateways whose counts are added: 128, the others of a list are left out.
	maxGateways = 128
	// maxGathered bounds the keys of others' counts that a report adds: 200,000. Those of others count as Other.
	maxGathered = 200_000
	// batch bounds the fields written at once: 500, since Redis does nothing else meanwhile.
	batch = 500
	// readAtOnce bounds the places read at once: 32.
	readAtOnce = 32
	// sharing bounds the time in which the counts of a round are written: 20 s, less than between two.
	sharing = 20 * time.Second
	// gathering bounds the time for which a report waits for the others' counts: 10 s.
	gathering = 10 * time.Second
	// leaving bounds the time for which a gateway that ends shares its last counts: 2 s.
	leaving = 2 * time.Second
)

// The buckets of what the board has not got yet, and of the gateway's own name.
var (
	unsent = []byte("unsent")
	about  = []byte("about")
)

// Name is what this file's gateway is called among others. It comes with the file: whoever has a new file is another, and
// what the old one counted stays counted.
func (s *Store) Name() (name string, err error) {
	err = s.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(about)
		if err != nil {
			return err
		}
		if known := b.Get([]byte("name")); len(known) == 8 {
			name = hex.EncodeToString(known)
			return nil
		}
		id := make([]byte, 8)
		rand.Read(id) //nolint:errcheck // it never fails
		name = hex.EncodeToString(id)
		return b.Put([]byte("name"), id)
	})
	if err != nil {
		return "", fmt.Errorf("naming the gateway: %w", err)
	}
	return name, nil
}

// marked stands in the bucket about while each row was marked that the board may not have.
var marked = []byte("marked")

// forget notes that rows have been counted on without a mark.
func forget(tx *bbolt.Tx) error {
	if b := tx.Bucket(about); b != nil && b.Get(marked) != nil {
		return b.Delete(marked)
	}
	return nil
}

// Marked says whether each row has been marked that the board may not have.
func (s *Store) Marked() (is bool, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(about)
		is = b != nil && b.Get(marked) != nil
		return nil
	})
	return is, err
}

// mark notes that the board has not got a row. The number tells marks apart: one that is set anew while a row is under way
// stays.
func mark(tx *bbolt.Tx, span int, row []byte) error {
	b, err := tx.CreateBucketIfNotExists(unsent)
	if err != nil {
		return err
	}
	n, err := b.NextSequence()
	if err != nil {
		return err
	}
	return b.Put(append([]byte{byte(span)}, row...), binary.BigEndian.AppendUint64(nil, n))
}

// row is one that the board has not got.
type row struct {
	mark, number []byte
	span         int
	period       [8]byte
	Field        // its name without the period
}

// waiting gives rows that the board has not got, of one period, at most so many; none where it has all.
func (s *Store) waiting(most int) (rows []row, err error) {
	err = s.db.View(func(tx *bbolt.Tx) error {
		b := tx.Bucket(unsent)
		if b == nil {
			return nil
		}
		c := b.Cursor()
		for name, number := c.First(); name != nil && len(rows) < most; name, number = c.Next() {
			r := row{mark: bytes.Clone(name), number: bytes.Clone(number), span: int(name[0])}
			if len(name) > 9 && r.span < len(spans) {
				r.period = [8]byte(name[1:9])
				r.Field = Field{r.mark[9:], bytes.Clone(tx.Bucket([]byte(spans[r.span].name)).Get(name[1:]))} // no value: it is too old by now
			}
			if len(rows) > 0 && (rows[0].span != r.span || rows[0].period != r.period) {
				return nil
			}
			rows = append(rows, r)
		}
		return nil
	})
	return rows, err
}

// sent notes that the board has rows, but for those that have been counted on meanwhile.
func (s *Store) sent(rows []row) error {
	return s.db.Update(func(tx *bbolt.Tx) error {
		b := tx.Bucket(unsent)
		if b == nil {
			return nil
		}
		for _, r := range rows {
			if bytes.Equal(b.Get(r.mark), r.number) {
				if err := b.Delete(r.mark); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// Resend notes that the board has nothing of what is kept.
func (s *Store) Resend() error {
	const atOnce = 5000 // so that nobody waits for long who wants to write
	for i, span := range spans {
		for from := []byte(nil); ; {
			var names [][]byte
			err := s.db.View(func(tx *bbolt.Tx) error {
				c := tx.Bucket([]byte(span.name)).Cursor()
				name, _ := c.Seek(from)
				for ; name != nil && len(names) < atOnce; name, _ = c.Next() {
					names = append(names, bytes.Clone(name))
				}
				return nil
			})
			if err != nil {
				return err
			}
			if len(names) == 0 {
				break
			}
			err = s.db.Update(func(tx *bbolt.Tx) error {
				for _, name := range names {
					if err := mark(tx, i, name); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
			from = append(names[len(names)-1], 0) // the next in order
		}
	}
	return s.db.Update(func(tx *bbolt.Tx) error {
		b, err := tx.CreateBucketIfNotExists(about)
		if err != nil {
			return err
		}
		return b.Put(marked, []byte{1})
	})
}

// place is what a period is called on the board.
func place(span int, period [8]byte) string {
	return fmt.Sprintf("%s:%d", spans[span].name, binary.BigEndian.Uint64(period[:]))
}

// Share has what is counted written to a board that other gateways write to as well, and reports tell of all of them; nil
// for none. It may be called again.
func (k *Keeper) Share(b Board) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.board = b
	if k.shared.Store(nil); b != nil {
		k.shared.Store(&Shared{Gateways: 1})
	}
	k.tellBoard()
}

// Shared is how it stands with the board.
type Shared struct {
	Gateways int       // whose counts are added, this one included, as far as is known
	At       time.Time // when the board last had all that was counted; zero for never
	Err      error     // why it has not now
}

// Shared says how it stands with the board, nil where there is none.
func (k *Keeper) Shared() *Shared { return k.shared.Load() }

// tellBoard has the board told, beside whoever calls.
func (k *Keeper) tellBoard() {
	select {
	case k.due <- struct{}{}:
	default:
	}
}

// tell tells the board what it has not got, each time that something was counted.
func (k *Keeper) tell(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-k.due:
			k.share(ctx, sharing)
		}
	}
}

// share writes all that the board has not got, within a time. What could not be written is written the next time.
func (k *Keeper) share(ctx context.Context, within time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	k.mu.Lock()
	board, open := k.board, k.store != nil
	k.mu.Unlock()
	if board == nil || !open { // once the file is open, it is told
		return
	}
	err := k.send(ctx, board)
	now := &Shared{Err: err}
	if err == nil {
		now.At = k.now()
		var all []string
		if all, now.Err = board.Gateways(ctx, maxGateways); now.Err == nil {
			now.Gateways = max(len(all), 1)
		}
	}
	before := k.shared.Load()
	if before == nil { // there is no board any more
		return
	}
	if now.Err != nil {
		now.At, now.Gateways = before.At, before.Gateways
	}
	if !k.shared.CompareAndSwap(before, now) {
		return
	}
	switch {
	case now.Err != nil && before.Err == nil:
		// Nothing is lost: what is kept is shared once the board is back. Whoever counts with it says at ERROR that it is away.
		k.log.Warn("usage is kept, and not shared", "error", now.Err)
	case now.Err == nil && before.Err != nil:
		k.log.Info("usage is shared again")
	}
}

// errNoFile says that there is nothing to share yet.
var errNoFile = errors.New("the file is not open")

// withStore calls f with the file, and holds it for no longer.
func (k *Keeper) withStore(f func(*Store) error) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.store == nil {
		return errNoFile
	}
	return k.guarded(func() error { return f(k.store) })
}

// send writes what the board has not got.
func (k *Keeper) send(ctx context.Context, board Board) error {
	name, complete := "", false
	err := k.withStore(func(s *Store) (err error) {
		s.shares = true
		if name, err = s.Name(); err == nil {
			complete, err = s.Marked()
		}
		return err
	})
	if err != nil {
		return err
	}
	known, err := board.Write(ctx, name, "", nil, time.Time{}, KeepDays)
	if err != nil {
		return err
	}
	if !known || !complete { // a new board, one that has lost what it had, or we were without one
		if err := k.withStore((*Store).Resend); err != nil {
			return err
		}
	}
	for {
		var rows []row
		err := k.withStore(func(s *Store) (err error) { rows, err = s.waiting(batch); return err })
		if err != nil || len(rows) == 0 {
			return err
		}
		var fields []Field
		for _, r := range rows {
			if r.Value != nil {
				fields = append(fields, r.Field)
			}
		}
		first := rows[0]
		expires := timeOf(first.period[:]).Add(spans[first.span].long + spans[first.span].keep)
		if len(fields) > 0 {
			if _, err := board.Write(ctx, name, place(first.span, first.period), fields, expires, KeepDays); err != nil {
				return err
			}
		}
		if err := k.withStore(func(s *Store) error { return s.sent(rows) }); err != nil {
			return err
		}
	}
}

// gathered gives what the other gateways have counted since a time, of the rows that count; nothing where one of them
// cannot be read. gateways is how many there are, this one included, 0 where there is no board.
func (k *Keeper) gathered(since, now time.Time, counts func(k Key, sums *Sums) bool) (all map[Key]*Sums, gateways int, err error) {
	k.mu.Lock()
	board := k.board
	k.mu.Unlock()
	if board == nil {
		return nil, 0, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), gathering)
	defer cancel()
	own := ""
	if err := k.withStore(func(s *Store) (err error) { own, err = s.Name(); return err }); err != nil {
		return nil, 0, err
	}
	names, err := board.Gateways(ctx, maxGateways)
	if err != nil {
		return nil, 0, err
	}
	names = slices.DeleteFunc(names, func(name string) bool { return name == own })
	all = make(map[Key]*Sums)
	add := func(_ string, f Field) {
		key, ok := decodeKey(append(make([]byte, 8), f.Name...))
		sums, fits := decodeSums(f.Value)
		if !ok || !fits || !counts(key, &sums) {
			return // of a version to come, or not asked for
		}
		if all[key] == nil && len(all) >= maxGathered {
			key.Consumer = Other
		}
		if all[key] == nil {
			all[key] = &Sums{}
		}
		all[key].Add(&sums)
	}
	places := periods(since, now)
	for _, name := range names {
		for some := range slices.Chunk(places, readAtOnce) {
			if err := board.Read(ctx, name, some, add); err != nil {
				return nil, len(names) + 1, err
			}
		}
	}
	return all, len(names) + 1, nil
}

// periods are the places of all periods since a time, as far as they are kept: at most 401.
func periods(since, now time.Time) (places []string) {
	if oldest := now.Add(-KeepDays); since.Before(oldest) {
		since = oldest
	}
	i := spanOf(since, now)
	long := spans[i].long
	for at := since.UTC().Truncate(long); !at.After(now); at = at.Add(long) {
		places = append(places, place(i, periodOf(at, long)))
	}
	return places
}
