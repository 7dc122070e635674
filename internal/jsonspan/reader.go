package jsonspan

import (
	"io"
	"strconv"
)

// Window is how much of a document a Reader holds unless a value needs more: 16 KiB.
const Window = 16 << 10

// maxNames bounds the names that a Reader remembers of the objects it is in, in bytes: 64 KiB, where each name counts
// as nameCost more than it is long.
const (
	maxNames = 64 << 10
	nameCost = 16
)

// Token is what a Reader finds next.
type Token uint8

// What a Reader finds next.
const (
	Wait   Token = iota // nothing that has arrived whole: Fill
	Found               // a value begins: Open or Take it
	Closed              // the innermost open object or array has ended
	Ended               // the document has ended, and was strict JSON all through
)

// Reader reads a document while it arrives, and checks as it goes that it is what Check accepts. Whoever uses it opens
// the objects and arrays that may be larger than memory, and takes every other value whole. All that is passed on the
// way is handed out as it came. Reader never waits but in Fill, which reads once.
type Reader struct {
	src    io.Reader
	bounds Bounds
	limit  int // bytes of a value that is taken

	// buf is the window: what has arrived and not been handed out, from pos on. It grows to hold a value up to limit.
	buf  []byte
	pos  int
	base int // where buf begins in the document
	end  error

	expect expected
	frames []frame // the open objects and arrays, at most bounds.Depth
	names  int     // what their names cost

	tried bool // to take the value at pos, which had not arrived whole
	seeker
}

type expected uint8

const (
	expectStart   expected = iota // the document's value
	expectValue                   // a value
	expectFirst                   // a value or a member's name, or the end of an object or array that is empty
	expectName                    // a member's name
	expectColon                   // a colon
	expectDivider                 // a comma or a closing bracket, or the document's end
)

// frame is an open object or array.
type frame struct {
	index int                 // of the item in an array; -1 in an object
	name  []byte              // the member in an object, with its quotes; nil before there is one
	seen  map[string]struct{} // the names in the object so far
}

// NewReader makes a Reader of src. A value that is taken may have limit bytes at most.
func NewReader(src io.Reader, limit int, b Bounds) *Reader {
	if b.Depth <= 0 {
		b.Depth = DefaultDepth
	}
	if b.Number <= 0 {
		b.Number = DefaultNumber
	}
	return &Reader{src: src, bounds: b, limit: limit, buf: make([]byte, 0, Window)}
}

// Fill reads once from the source. It gives how many bytes have arrived, 0 without an error where the source had
// nothing yet or has ended.
func (r *Reader) Fill() (int, error) {
	if r.end != nil {
		if r.Final() {
			return 0, nil
		}
		return 0, r.end
	}
	if len(r.buf) == cap(r.buf) || r.pos == len(r.buf) {
		r.makeRoom()
	}
	n, err := r.src.Read(r.buf[len(r.buf):cap(r.buf)])
	r.buf = r.buf[:len(r.buf)+n]
	r.end = err
	if n > 0 || r.Final() {
		return n, nil
	}
	return n, err
}

// Final says that nothing follows what has arrived.
func (r *Reader) Final() bool { return r.end == io.EOF } //nolint:errorlint // whatever else may be called so, only this is the end

// makeRoom forgets what has been handed out, or makes the window larger where that is not enough.
func (r *Reader) makeRoom() {
	to := r.buf[:0]
	if rest := len(r.buf) - r.pos; rest > cap(r.buf)/2 {
		to = make([]byte, 0, max(rest+Window, min(2*cap(r.buf), r.limit+Window)))
	}
	r.base += r.pos
	r.buf, r.pos = append(to, r.buf[r.pos:]...), 0
}

// Next passes what lies before the next value, or before the end of the object or array that is open, and appends it
// to dst. It passes nothing where it finds a value that has neither been opened nor taken. The error is an *Error.
func (r *Reader) Next(dst []byte) ([]byte, Token, error) {
	for {
		from := r.pos
		r.pos = Space(r.buf, from)
		dst = append(dst, r.buf[from:r.pos]...)
		if r.pos == len(r.buf) {
			if !r.Final() {
				return dst, Wait, nil
			}
			return dst, Ended, r.ended()
		}
		switch ch := r.buf[r.pos]; r.expect {
		case expectStart:
			if ch == 0xEF {
				if len(r.buf)-r.pos < 3 && !r.Final() {
					return dst, Wait, nil
				}
				if r.base+r.pos == 0 && len(r.buf) >= 3 && r.buf[1] == 0xBB && r.buf[2] == 0xBF {
					return dst, Ended, r.mistake(orderMark)
				}
			}
			return dst, Found, nil
		case expectFirst:
			if ch == '}' || ch == ']' {
				if (r.top().index < 0) == (ch == '}') {
					return r.close(dst)
				}
			}
			r.expect = expectValue
			if r.top().index < 0 {
				r.expect = expectName
			}
		case expectValue:
			if ch == ']' || ch == '}' {
				return dst, Ended, r.mistake(noValue)
			}
			return dst, Found, nil
		case expectName:
			var arrived bool
			var err error
			if dst, arrived, err = r.readName(dst); err != nil {
				return dst, Ended, err
			} else if !arrived {
				return dst, Wait, nil
			}
		case expectColon:
			if ch != ':' {
				return dst, Ended, r.mistake(noColon)
			}
			dst = append(dst, ch)
			r.pos++
			r.expect = expectValue
		case expectDivider:
			if len(r.frames) == 0 {
				return dst, Ended, r.mistake(trailing)
			}
			top := r.top()
			switch {
			case ch == ',' && top.index < 0:
				top.name = top.name[:0]
				r.expect = expectName
			case ch == ',':
				top.index++
				r.expect = expectValue
			case ch == ']' && top.index >= 0, ch == '}' && top.index < 0:
				return r.close(dst)
			case top.index >= 0:
				return dst, Ended, r.mistake(noBracket)
			default:
				return dst, Ended, r.mistake(noBrace)
			}
			dst = append(dst, ch)
			r.pos++
		}
	}
}

// ended is what is wrong with a document that ends here; nil where it may.
func (r *Reader) ended() error {
	switch {
	case r.expect == expectDivider && len(r.frames) == 0:
		return nil
	case r.expect == expectStart:
		return r.mistake(empty)
	}
	return r.mistake(ended)
}

// readName passes a member's name and appends it to dst, once it has arrived.
func (r *Reader) readName(dst []byte) ([]byte, bool, error) {
	if r.buf[r.pos] != '"' {
		return dst, false, r.mistake(noName)
	}
	const crowded = "an object has more names than are compared as it passes, 64 KiB of them"
	raw, err := r.whole(maxNames, crowded)
	if raw == nil {
		return dst, false, err
	}
	top := r.top()
	top.name = append(top.name, raw...)
	text := Text(raw)
	if _, there := top.seen[text]; there {
		r.pos -= len(raw)
		return dst, false, r.mistake(twice)
	}
	if r.names += len(text) + nameCost; r.names > maxNames {
		r.pos -= len(raw)
		return dst, false, r.mistake(crowded)
	}
	if top.seen == nil {
		top.seen = make(map[string]struct{})
	}
	top.seen[text] = struct{}{}
	r.expect = expectColon
	return append(dst, raw...), true, nil
}

func (r *Reader) top() *frame { return &r.frames[len(r.frames)-1] }

// close passes the end of the innermost object or array.
func (r *Reader) close(dst []byte) ([]byte, Token, error) {
	dst = append(dst, r.buf[r.pos])
	r.pos++
	for name := range r.top().seen {
		r.names -= len(name) + nameCost
	}
	r.frames = r.frames[:len(r.frames)-1]
	r.expect = expectDivider
	return dst, Closed, nil
}

// Kind is the first byte of the value that Next found.
func (r *Reader) Kind() byte { return r.buf[r.pos] }

// Name is the name of the member that Next found, with its quotes; empty in an array and for the document's own value.
func (r *Reader) Name() []byte {
	if len(r.frames) == 0 {
		return nil
	}
	return r.top().name
}

// Open goes into the object or array that Next found, and appends its bracket to dst.
func (r *Reader) Open(dst []byte) ([]byte, error) {
	if len(r.frames) >= r.bounds.Depth {
		return dst, r.mistake(r.bounds.tooDeep())
	}
	index := 0
	if r.Kind() == '{' {
		index = -1
	}
	if len(r.frames) < cap(r.frames) {
		r.frames = r.frames[:len(r.frames)+1]
	} else {
		r.frames = append(r.frames, frame{})
	}
	top := r.top()
	top.index, top.name = index, top.name[:0]
	clear(top.seen)
	dst = append(dst, r.buf[r.pos])
	r.pos++
	r.expect = expectFirst
	return dst, nil
}

// Take passes the value that Next found. It gives the value, which is good until the next Fill; nil where it has not
// arrived whole. The error is an *Error.
func (r *Reader) Take() ([]byte, error) {
	raw, err := r.whole(r.limit, "")
	if raw != nil {
		r.expect = expectDivider
	}
	return raw, err
}

// whole passes the value at pos. Where it has not arrived, its end is sought until it has, so that each byte is looked
// at but a few times, in however many pieces it comes. over is what is said of a value beyond limit.
func (r *Reader) whole(limit int, over string) ([]byte, error) {
	part := r.buf[r.pos:]
	if r.tried && !r.seek(part) && !r.Final() && len(part) <= limit {
		return nil, nil
	}
	end, e := checkStart(part, len(r.frames), r.Final(), r.bounds)
	if e != nil {
		e.Offset += r.base + r.pos
		e.Pointer = r.Pointer() + e.Pointer
		return nil, e
	}
	if end > limit || end == 0 && len(part) > limit {
		if over == "" {
			over = "a value has more than " + strconv.Itoa(limit) + " bytes"
		}
		return nil, r.mistake(over)
	}
	if end == 0 {
		if !r.tried {
			r.tried, r.seeker = true, seeker{}
			r.seek(part)
		}
		return nil, nil
	}
	r.tried = false
	r.pos += end
	return part[:end], nil
}

// mistake is an error at pos.
func (r *Reader) mistake(detail string) *Error {
	if r.pos < len(r.buf) && (r.buf[r.pos] == '}' || r.buf[r.pos] == ']') && len(r.frames) > 0 {
		// As in Locate, what ends here is no longer what it lies in.
		r.frames = r.frames[:len(r.frames)-1]
	}
	return &Error{Offset: r.base + r.pos, Pointer: r.Pointer(), Detail: detail}
}

// Pointer is the JSON pointer (RFC 6901) of the value that Next found, or that was taken last.
func (r *Reader) Pointer() string {
	var tokens []string
	for i := range r.frames {
		if f := &r.frames[i]; f.index >= 0 {
			tokens = append(tokens, strconv.Itoa(f.index))
		} else if len(f.name) > 0 {
			tokens = append(tokens, Text(f.name))
		}
	}
	return Join(tokens)
}
