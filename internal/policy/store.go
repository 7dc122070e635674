package policy

import (
	"context"
	"hash/maphash"
	"sync/atomic"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/storage"
	"github.com/open-policy-agent/opa/v1/storage/inmem"
	"github.com/open-policy-agent/opa/v1/util"
)

// The data of a bundle may be large, and each decision reads little of it. As values that policies compute with it takes
// six times its text, in millions of pieces that every collection of garbage walks through while requests wait. So it is
// kept as the text of its files, and a value is made where a policy reads one.

const (
	// little is how many bytes of text are made into values while a request waits, at most, but for what nobody foresaw:
	// that takes half a millisecond.
	little = 16 << 10
	// worthwhile is how many bytes of text data must have for it to be kept as text.
	worthwhile = 1 << 20

	// What is remembered of values made since the policies are in force: some 50 MiB of values at most.
	maxRemembered = 8 << 20 // bytes of text that they are made of
	rememberedFor = 1 << 14 // places
)

// store is the data of a bundle, for OPA to read. It never changes, and any number of decisions read it at once.
type store struct {
	storage.PolicyNotSupported
	storage.TriggersNotSupported
	storage.WritesNotSupported

	root datum
	made map[datum]ast.Value // before the policies are in force

	seed       maphash.Seed
	remembered []atomic.Pointer[made] // by the hash of the place; a later one takes an earlier one's place
	text       atomic.Int64           // bytes of text that they are made of
}

// made is a value that was made when it was read.
type made struct {
	of    datum
	value ast.Value
	size  int
}

// newStore gives a store of data of which policies have such reads. Of what they may read at once, all that takes long is
// made now. Where that is most of the data, it is made as a whole and its text let go.
func newStore(root datum, reads *reads) storage.Store {
	planned := plan{sizes: map[datum]int{}}
	planned.add(root, reads)
	size, whole := root.size(), 0
	for _, n := range planned.sizes {
		whole += n
	}
	if size < worthwhile || whole > size/2 {
		return inmem.NewFromASTObject(newTree().datum(root).Value.(ast.Object))
	}
	return textStore(root, planned)
}

// textStore gives a store of data that is kept as text, but for what is planned.
func textStore(root datum, planned plan) *store {
	s := &store{root: root, made: make(map[datum]ast.Value, len(planned.sizes)), seed: maphash.MakeSeed(), remembered: make([]atomic.Pointer[made], rememberedFor)}
	t := newTree()
	for p := range planned.sizes {
		s.made[p] = t.datum(p).Value
	}
	return s
}

// plan is what is to be made, and how many bytes of text it has.
type plan struct{ sizes map[datum]int }

// add plans what reads say of a place and of what is below it.
func (l *plan) add(p datum, r *reads) {
	size := p.size()
	if size <= little {
		return
	}
	if r.whole {
		l.sizes[p] = size
		return
	}
	for name, below := range r.members {
		if next, _, ok := step(p, name); ok {
			l.add(next, below)
		}
	}
	if r.any == nil || p.longest() <= little {
		return
	}
	if p.isObject() {
		for _, member := range p.members() {
			l.add(member, r.any)
		}
		return
	}
	for item := range p.value.Items() {
		l.add(datum{value: item}, r.any)
	}
}

// What OPA's own store says of paths at which there is nothing.
const (
	notThere  = "document does not exist"
	noIndex   = "array index must be integer"
	noSuchOne = "array index out of range"
)

// step goes from a place to one of its members or items; if there is none, it says why.
func step(p datum, name string) (next datum, why string, ok bool) {
	if p.isObject() {
		next, ok = p.member(name)
		return next, notThere, ok
	}
	if p.value.Kind() != '[' {
		return datum{}, notThere, false
	}
	number, whole := util.Atoi(name)
	if !whole {
		return datum{}, noIndex, false
	}
	next.value, ok = p.value.Item(number)
	return next, noSuchOne, ok
}

// Read implements storage.Store.
func (s *store) Read(_ context.Context, _ storage.Transaction, path storage.Path) (any, error) {
	p := s.root
	for i, name := range path {
		if value := s.made[p]; value != nil {
			return find(value, path, i)
		}
		next, why, ok := step(p, name)
		if !ok {
			return nil, missing(path, why)
		}
		p = next
	}
	return s.value(p), nil
}

func missing(path storage.Path, why string) error {
	if why != notThere {
		why = path.String() + ": " + why
	}
	return &storage.Error{Code: storage.NotFoundErr, Message: why}
}

// find gives what is in a value at the part of a path from i on.
func find(value ast.Value, path storage.Path, i int) (any, error) {
	for _, name := range path[i:] {
		var next *ast.Term
		why := notThere
		switch v := value.(type) {
		case ast.Object:
			next = v.Get(ast.StringTerm(name))
		case *ast.Array:
			why = noIndex
			if number, whole := util.Atoi(name); whole {
				why = noSuchOne
				if number >= 0 && number < v.Len() {
					next = v.Elem(number)
				}
			}
		}
		if next == nil {
			return nil, missing(path, why)
		}
		value = next.Value
	}
	return value, nil
}

// value gives the value at a place. It is made once where it is worth remembering, and there is room.
func (s *store) value(p datum) ast.Value {
	if p.joint == nil {
		switch p.value.Kind() {
		case '{', '[':
		default:
			return new(tree).datum(p).Value
		}
	}
	if value := s.made[p]; value != nil {
		return value
	}
	slot := &s.remembered[maphash.Comparable(s.seed, p)%rememberedFor]
	if m := slot.Load(); m != nil && m.of == p {
		return m.value
	}
	m := &made{of: p, value: new(tree).datum(p).Value, size: p.size()}
	if old := slot.Load(); old != nil {
		if slot.CompareAndSwap(old, nil) {
			s.text.Add(int64(-old.size))
		}
	}
	if s.text.Add(int64(m.size)) > maxRemembered || !slot.CompareAndSwap(nil, m) {
		s.text.Add(int64(-m.size))
	}
	return m.value
}

// transaction is one of a store that never changes.
type transaction struct{}

// ID implements storage.Transaction.
func (transaction) ID() uint64 { return 1 }

// NewTransaction implements storage.Store.
func (s *store) NewTransaction(context.Context, ...storage.TransactionParams) (storage.Transaction, error) {
	return transaction{}, nil
}

// Commit implements storage.Store.
func (s *store) Commit(context.Context, storage.Transaction) error { return nil }

// Abort implements storage.Store.
func (s *store) Abort(context.Context, storage.Transaction) {}

// Truncate implements storage.Store.
func (s *store) Truncate(ctx context.Context, txn storage.Transaction, _ storage.TransactionParams, _ storage.Iterator) error {
	return s.Write(ctx, txn, storage.ReplaceOp, storage.RootPath, nil)
}

var _ storage.Store = (*store)(nil)
