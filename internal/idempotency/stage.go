package idempotency

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// Field is the header field that carries a caller's key, in canonical form.
const Field = "Idempotency-Key"

// MaxAnswer bounds the body of an answer that is kept, in bytes: 1 MiB. A longer one is passed on and not kept.
const MaxAnswer = 1 << 20

// Taking is the stage that finds out which request this is. It stands behind those that find who calls, and before any
// that changes the body.
type Taking struct {
	API, Route string
	Required   bool
	MaxBody    int64
	// End is the version at whose service the request ends, "" on an API without versions: what another service did is
	// no answer to it.
	End string
}

// Name implements pipeline.Stage.
func (*Taking) Name() string { return "idempotency" }

// Needs implements pipeline.Stage.
func (t *Taking) Needs() exchange.Needs {
	return exchange.Needs{Header: []string{Field}, Query: true, Body: exchange.Whole, MaxBody: t.MaxBody}
}

// Handle implements pipeline.Stage.
func (t *Taking) Handle(x *exchange.Exchange) *problem.Problem {
	field, there := x.Header[Field]
	switch {
	case !there && t.Required:
		return problem.New(problem.IdempotencyKeyRequired, "requests to this address need an Idempotency-Key")
	case !there:
		return nil
	case len(field) != 1:
		return problem.New(problem.InvalidIdempotencyKey, "")
	}
	key, ok := parseKey(field[0])
	if !ok {
		return problem.New(problem.InvalidIdempotencyKey, "")
	}
	of := whose(x)
	x.Once = &exchange.Once{Of: of, Name: of + "." + t.name(x, key), Print: t.print(x)}
	return nil
}

// name is that of a key of a caller on the route. Callers are told apart by all that says who they are, so that none gets
// what another was answered: by the kind of credential, the consumer and, of a token, its issuer and subject; those who
// are nobody by their address.
func (t *Taking) name(x *exchange.Exchange, key string) string {
	b := add(make([]byte, 0, 512), "wicketgate key 1", t.API, t.Route, key)
	if c := x.Consumer; c != nil {
		issuer, _ := c.Claims["iss"].(string)
		subject, _ := c.Claims["sub"].(string)
		b = add(b, "consumer", c.Method, c.ID, issuer, subject)
	} else {
		b = add(b, "anonymous", x.Client.String())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// whose names the caller whose share of the ledger a key takes from: the consumer, with all its users, or all that are anonymous at an address, of
// IPv6 at the 64 bits of it that one subscriber has at least.
func whose(x *exchange.Exchange) string {
	b := make([]byte, 0, 256)
	if c := x.Consumer; c != nil {
		issuer, _ := c.Claims["iss"].(string)
		b = add(b, "wicketgate caller 1", c.Method, c.ID, issuer)
	} else {
		address := x.Client.Unmap()
		if address.Is6() {
			p, _ := address.WithZone("").Prefix(64) // which every address of IPv6 has
			address = p.Addr()
		}
		b = add(b, "wicketgate address 1", address.String())
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:16])
}

// print is the fingerprint of a request: what the caller sent, but for what names a version or a credential. The same
// bytes are the same request, whichever version the caller is pinned to by now.
func (t *Taking) print(x *exchange.Exchange) [sha256.Size]byte {
	b := add(make([]byte, 0, 512), "wicketgate request 1", x.Method, t.End, x.Query.Raw)
	for _, p := range x.Parameters {
		b = add(b, p.Value)
	}
	body := sha256.Sum256(x.Body.Bytes)
	return sha256.Sum256(append(b, body[:]...))
}

// add adds texts to what is hashed so that no other list of texts hashes alike.
func add(b []byte, texts ...string) []byte {
	for _, text := range texts {
		b = binary.BigEndian.AppendUint64(b, uint64(len(text)))
		b = append(b, text...)
	}
	return b
}

// Catching is the stage that catches the answer. It is the first on the way back, so that what is kept is what the
// service said: when it is given again, it goes all the way back, in the shape of the version and with what the policy
// lets the caller see by then.
type Catching struct{}

// Name implements pipeline.Stage.
func (Catching) Name() string { return "idempotency" }

// Needs implements pipeline.Stage.
func (Catching) Needs() exchange.Needs { return exchange.Needs{} }

// Handle implements pipeline.Stage.
func (Catching) Handle(*exchange.Exchange) *problem.Problem { return nil }

// Reads implements pipeline.Returner.
func (Catching) Reads(x *exchange.Exchange) exchange.Reads {
	return exchange.Reads{Body: x.Once != nil}
}

// Return implements pipeline.Returner.
func (Catching) Return(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if x.Once == nil || x.Once.Result != "" { // an answer that is given again
		return nil
	}
	if prob := whole(x, r); prob != nil {
		return prob
	}
	x.Once.Answer = &exchange.Response{Status: r.Status, Header: kept(r.Header)}
	if r.Read && !x.Once.Over {
		x.Once.Answer.Read, x.Once.Answer.Bytes = true, bytes.Clone(r.Bytes)
	}
	return nil
}

// whole reads an answer to its end if it is short enough to be kept.
func whole(x *exchange.Exchange, r *exchange.Response) *problem.Problem {
	if r.Read {
		x.Once.Over = len(r.Bytes) > MaxAnswer
		return nil
	}
	if r.Stream == nil {
		return nil
	}
	b, err := io.ReadAll(io.LimitReader(r.Stream, MaxAnswer+1))
	if err != nil {
		kind := problem.BadGateway
		if late := interface{ Timeout() bool }(nil); errors.As(err, &late) && late.Timeout() {
			kind = problem.GatewayTimeout
		}
		return problem.New(kind, "").Because(fmt.Errorf("reading the answer: %w", err))
	}
	if x.Once.Over = len(b) > MaxAnswer; x.Once.Over {
		r.Stream = &begun{io.MultiReader(bytes.NewReader(b), r.Stream), r.Stream}
		return nil
	}
	r.Bytes, r.Read = b, true
	return nil
}

// begun is a body of which a part has been read.
type begun struct {
	io.Reader
	io.Closer
}

// passing are the fields that belong to one connection (RFC 9110, section 7.6.1) or to one answer of many.
var passing = []string{"Connection", "Keep-Alive", "Proxy-Authenticate", "Proxy-Authentication-Info", "Proxy-Connection", "Te", "Trailer",
	"Transfer-Encoding", "Upgrade", "Content-Length", "Date"}

// kept are the fields of an answer that are kept.
func kept(from http.Header) http.Header {
	h := from.Clone()
	for _, line := range from["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	maps.DeleteFunc(h, func(name string, _ []string) bool { return slices.Contains(passing, name) })
	return h
}
