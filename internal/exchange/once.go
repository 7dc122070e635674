package exchange

import "crypto/sha256"

// Once is what is known of a request that is not to be carried out twice: one with an idempotency key.
type Once struct {
	Of     string            // the caller, in the ledger
	Name   string            // of the caller's key on this route, in the ledger: it begins with Of and a dot
	Print  [sha256.Size]byte // of what the caller asks for: another request has another
	Answer *Response         // as who answered the last try gave it, before any stage saw it; nil until then
	Over   bool              // the answer is longer than what is kept of one
	Result string            // what came of it, for the metrics and the access log; "" until that is known
}

// Trying says that the request is about to be sent to who answers it, again perhaps: whatever was answered before is not
// the answer.
func (x *Exchange) Trying() {
	x.Said = 0
	x.Tries++
	if x.Once != nil {
		x.Once.Answer, x.Once.Over = nil, false
	}
}

// Reached says that the request may have arrived, and which status was answered to it; 0 for none.
func (x *Exchange) Reached(status int) { x.Sent, x.Said = true, status }
