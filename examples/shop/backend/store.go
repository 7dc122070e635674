package backend

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// maxOrders bounds the store: an order more is refused with errFull, none is ever dropped to make room.
const maxOrders = 10_000

var (
	errAbsent  = errors.New("there is no such order")
	errFull    = fmt.Errorf("the store holds %d orders and takes no more", maxOrders)
	errChanged = errors.New("the order has changed since it was read")
)

// Store keeps orders in memory, in the order of their making, for as long as the process runs. Its methods may
// be called from several goroutines.
type Store struct {
	now func() time.Time

	mu     sync.RWMutex
	orders []Order // at most maxOrders; an element's Lines and Note are never written to
	last   int     // the number of the newest order; numbers are not given twice
}

// NewStore returns a store with one order of each partner: acme-1001 and globex-1001.
func NewStore(now func() time.Time) *Store {
	return &Store{
		now:  now,
		last: 1001,
		orders: []Order{{
			ID: "acme-1001", Owner: "acme",
			Customer: Customer{Name: "Ada", Email: "ada@example.org"},
			Status:   "verified", Currency: "EUR", Total: Total{Amount: 1230},
			Lines:   []Line{{SKU: "A-1", Qty: 2}},
			Created: time.Date(2026, time.October, 1, 9, 30, 0, 0, time.UTC),
		}, {
			ID: "globex-1001", Owner: "globex",
			Customer: Customer{Name: "Grace", Email: "grace@example.org"},
			Status:   "unverified", Currency: "USD", Total: Total{Amount: 99900},
			Lines:   []Line{{SKU: "B-7", Qty: 1}, {SKU: "C-2", Qty: 12}},
			Created: time.Date(2026, time.October, 2, 14, 0, 0, 0, time.UTC),
		}},
	}
}

// List returns the orders that want accepts, oldest first; never nil, so that none is written as an empty list.
func (s *Store) List(want func(Order) bool) []Order {
	s.mu.RLock()
	defer s.mu.RUnlock()
	found := []Order{}
	for _, order := range s.orders {
		if want(order) {
			found = append(found, order)
		}
	}
	return found
}

// Get returns the order with this id, or errAbsent.
func (s *Store) Get(id string) (Order, error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	i := s.find(id)
	if i < 0 {
		return Order{}, errAbsent
	}
	return s.orders[i], nil
}

// Add stores a new order, gives it its id and time, and returns it, or errFull.
func (s *Store) Add(order Order) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.orders) >= maxOrders {
		return Order{}, errFull
	}
	s.last++
	order.ID = fmt.Sprintf("%s-%d", order.Owner, s.last)
	order.Created = s.now().UTC().Truncate(time.Second)
	s.orders = append(s.orders, order)
	return order, nil
}

// Replace writes order over the one with its id if allow accepts that one, keeps who owns it and when it was
// made, and returns it. The errors are errAbsent and whatever allow returns.
func (s *Store) Replace(order Order, allow func(old Order) error) (Order, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(order.ID)
	if i < 0 {
		return Order{}, errAbsent
	}
	if err := allow(s.orders[i]); err != nil {
		return Order{}, err
	}
	order.Owner, order.Created = s.orders[i].Owner, s.orders[i].Created
	s.orders[i] = order
	return order, nil
}

// Delete removes the order with this id if allow accepts it. The errors are errAbsent and whatever allow returns.
func (s *Store) Delete(id string, allow func(old Order) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(id)
	if i < 0 {
		return errAbsent
	}
	if err := allow(s.orders[i]); err != nil {
		return err
	}
	s.orders = slices.Delete(s.orders, i, i+1)
	return nil
}

// find returns the index of the order with this id, or -1. The caller holds the lock.
func (s *Store) find(id string) int {
	return slices.IndexFunc(s.orders, func(o Order) bool { return o.ID == id })
}

// Destruct drops the store; Caddy calls it when the last configuration that uses the store is gone.
func (s *Store) Destruct() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders = nil
	return nil
}
