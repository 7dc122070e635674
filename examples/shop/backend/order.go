package backend

import (
	"errors"
	"fmt"
	"regexp"
	"time"
	"unicode/utf8"
)

// Order is one order in the newest shape of the shop's API.
type Order struct {
	ID       string    `json:"id"`       // <owner>-<number>, given by the store
	Owner    string    `json:"owner"`    // the consumer the order belongs to
	Customer Customer  `json:"customer"` // who gets the goods
	Status   string    `json:"status"`   // verified or unverified; unverified if absent
	Currency string    `json:"currency"` // three capital letters (ISO 4217)
	Total    Total     `json:"total"`
	Lines    []Line    `json:"lines"`          // 1 to 100
	Created  time.Time `json:"created"`        // whole seconds in UTC, given by the store
	Note     *string   `json:"note,omitempty"` // for whoever packs the goods: 1 to 200 characters; null and absent are none
}

// Customer is the person an order is for.
type Customer struct {
	Name  string `json:"name"`  // 1 to 200 characters
	Email string `json:"email"` // 1 to 200 characters with an @
}

// Total is what an order costs.
type Total struct {
	Amount int64 `json:"amount"` // in the currency's minor unit, not negative
}

// Line is one article of an order.
type Line struct {
	SKU string `json:"sku"` // 1 to 64 characters
	Qty int    `json:"qty"` // 1 to 1,000,000
}

// The bounds of one order; together with maxBody they bound what the store can hold.
const (
	maxLines = 100
	maxText  = 200
	maxSKU   = 64
	maxQty   = 1_000_000
)

var (
	currency = regexp.MustCompile(`^[A-Z]{3}$`)
	email    = regexp.MustCompile(`^[^@\s]+@[^@\s]+$`)
)

// check says everything that is wrong with what a caller may set in an order.
func (o Order) check() error {
	var wrong []error
	must := func(ok bool, format string, args ...any) {
		if !ok {
			wrong = append(wrong, fmt.Errorf(format, args...))
		}
	}
	must(within(o.Customer.Name, maxText), "customer.name must have 1 to %d characters", maxText)
	must(within(o.Customer.Email, maxText) && email.MatchString(o.Customer.Email), "customer.email must be an e-mail address of at most %d characters", maxText)
	must(o.Status == "verified" || o.Status == "unverified", `status must be "verified" or "unverified"`)
	must(o.Note == nil || within(*o.Note, maxText), "note must have 1 to %d characters", maxText)
	must(currency.MatchString(o.Currency), "currency must be three capital letters")
	must(o.Total.Amount >= 0, "total.amount must not be negative")
	must(len(o.Lines) >= 1 && len(o.Lines) <= maxLines, "lines must have 1 to %d elements", maxLines)
	for i, line := range o.Lines[:min(len(o.Lines), maxLines)] {
		must(within(line.SKU, maxSKU), "lines[%d].sku must have 1 to %d characters", i, maxSKU)
		must(line.Qty >= 1 && line.Qty <= maxQty, "lines[%d].qty must be 1 to %d", i, maxQty)
	}
	return errors.Join(wrong...)
}

// within reports whether s has 1 to limit characters.
func within(s string, limit int) bool {
	n := utf8.RuneCountInString(s)
	return n >= 1 && n <= limit
}
