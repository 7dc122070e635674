package exchange

import (
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/problem"
)

// DefaultMaxBody is the largest body a stage may ask for unless a route says otherwise: 1 MiB.
const DefaultMaxBody = 1 << 20

// Body is a request's body. It streams past the stages until one of them needs it; then it is read whole, once.
type Body struct {
	// Stream is where the body comes from, nil for none; Length is what the client announced, -1 for unknown.
	Stream io.Reader
	Length int64

	// Read says that Bytes holds the whole body; from then on Bytes is what travels on. Changed says that a stage
	// put other bytes in the place of those received.
	Read    bool
	Changed bool
	Bytes   []byte

	// Received is how many bytes the body had when it was read. Came are those bytes where they are few, whatever has become
	// of Bytes: for whoever is to explain what was refused.
	Received int
	Came     []byte

	// Valid says that Bytes was found to be strict JSON (RFC 7493), so that nobody checks it again.
	Valid bool

	// Index says where each value of Bytes is, for whoever reads single values of it; nil where nobody made it. It saves
	// time and nothing else: see Parsed.
	Index *jsonspan.Index

	// Reported says that what is wrong with the body as such has been told by a stage that only reports, so that nobody who
	// cannot read it tells so again.
	Reported bool

	// Form, where set, is how the body goes on: Bytes are JSON for the stages, whatever came.
	Form Form

	// failed is why reading ended before the body did. What is left of the stream is no body, so nobody gets it.
	failed *problem.Problem
}

// Form writes the JSON that stages see of a body in the form in which it goes on.
type Form interface {
	Write(doc []byte) ([]byte, error)
}

// Outgoing is what goes on of a body that has been read: Bytes, or the form that these are of.
func (b *Body) Outgoing() ([]byte, *problem.Problem) {
	if b.Form == nil {
		return b.Bytes, nil
	}
	out, err := b.Form.Write(b.Bytes)
	if err != nil {
		return nil, problem.New(problem.Internal, "").Because(fmt.Errorf("writing the body in the form in which it goes on: %w", err))
	}
	return out, nil
}

// Leave puts what goes on in the place of Bytes, once no stage looks at them any more.
func (b *Body) Leave() *problem.Problem {
	out, prob := b.Outgoing()
	if prob != nil || b.Form == nil {
		return prob
	}
	b.Replace(out)
	b.Form, b.Valid = nil, false
	return nil
}

// fewBytes is how long a body is at most that Came has: 16 KiB.
const fewBytes = 16 << 10

// firstRead bounds what is set aside for a body before any of it has arrived, in bytes: a client's word about the
// length costs nothing.
const firstRead = 64 << 10

// Replace puts other bytes in the place of those received. They must be as valid as the ones they replace.
func (b *Body) Replace(bytes []byte) {
	b.Bytes, b.Changed, b.Length, b.Index = bytes, true, int64(len(bytes)), nil
}

// Parsed is the index of Bytes as they are now; nil where there is none.
func (b *Body) Parsed() *jsonspan.Index {
	if b.Index.Of(b.Bytes) {
		return b.Index
	}
	return nil
}

// Release gives the index back once nobody is going to look single values up.
func (b *Body) Release() {
	if b.Index != nil {
		b.Index.Release()
		b.Index = nil
	}
}

// ReadAll reads the body if nobody has yet. A body over limit bytes is a 413, never cut; one that breaks off is a 400,
// one that does not arrive in time a 408. A body that failed once fails for every later
// stage and for the upstream alike.
func (b *Body) ReadAll(limit int64) *problem.Problem {
	if b.Read {
		if int64(len(b.Bytes)) > limit {
			return tooLarge(limit)
		}
		return nil
	}
	if b.failed != nil {
		return b.failed
	}
	if b.Length > limit {
		return tooLarge(limit)
	}
	if b.Stream == nil {
		b.Read = true
		return nil
	}
	buf := make([]byte, 0, min(limit, firstRead, max(b.Length, 512))+1)
	for {
		n, err := b.Stream.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if int64(len(buf)) > limit {
			return b.fail(tooLarge(limit))
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return b.fail(broken(err, limit))
		}
		if len(buf) == cap(buf) {
			buf = append(buf, 0)[:len(buf)]
		}
	}
	// net/http sees to it that a body is as long as it says; quic-go lets a stream end before that.
	if b.Length > 0 && int64(len(buf)) != b.Length {
		return b.fail(problem.New(problem.BadRequest, "the body is not as long as Content-Length says"))
	}
	b.Bytes, b.Read, b.Length, b.Received = buf, true, int64(len(buf)), len(buf)
	if len(buf) <= fewBytes {
		b.Came = buf[:len(buf):len(buf)]
	}
	return nil
}

// fail keeps p and makes it the end of the stream.
func (b *Body) fail(p *problem.Problem) *problem.Problem {
	b.failed, b.Stream = p, failedStream{p}
	return p
}

type failedStream struct{ error }

func (s failedStream) Read([]byte) (int, error) { return 0, s.error }

// Broken is what the caller is told of a body that cannot be read to its end.
func Broken(err error) *problem.Problem { return broken(err, math.MaxInt64) }

func broken(err error, limit int64) *problem.Problem {
	var over *http.MaxBytesError
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, &over):
		return tooLarge(min(over.Limit, limit))
	case errors.As(err, &timeout) && timeout.Timeout():
		return problem.New(problem.RequestTimeout, "the body did not arrive in time").Because(err)
	}
	return problem.New(problem.BadRequest, "the body broke off").Because(err)
}

func tooLarge(limit int64) *problem.Problem {
	return problem.New(problem.ContentTooLarge, "the body may have at most "+strconv.FormatInt(limit, 10)+" bytes")
}
