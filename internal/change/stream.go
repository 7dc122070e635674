package change

import (
	"errors"
	"io"
	"math"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Local says that messages can be carried as they arrive: everything there is to do is done to the items of lists, each
// by itself, and nothing outside of them.
func (p *Program) Local() bool { return p.root != nil && p.root.passes }

// Sifts says that obligations leave items of lists out on the way down.
func (p *Program) Sifts() bool { return p.sifts }

// passable notes, of places, those whose values need not be whole, because all there is to do in them is done to items of
// lists. An object that holds itself is passable unless some place in it is not.
func passable(places []*place) {
	for _, at := range places {
		at.passes = true
	}
	for again := true; again; {
		again = false
		for _, at := range places {
			if at.passes && !at.passable() {
				at.passes, again = false, true
			}
		}
	}
}

func (at *place) passable() bool {
	switch way := at.way(); {
	case way == nil, at.sifts():
		return false
	case way.items != nil:
		return true
	default:
		for i := range way.fields {
			if !way.fields[i].place.passes {
				return false
			}
		}
		return true
	}
}

// way is at, or where nothing is done to the object there what is done in it; nil where something is.
func (at *place) way() *place {
	for at != nil && at.plan != nil {
		if len(at.plan.up) > 0 {
			return nil
		}
		at = at.plan.held
	}
	return at
}

// Stream is a message on its way between two versions, carried as it arrives. It gives the very bytes that the whole
// message would become, or an error: of the source, a *jsonspan.Error where the message is not strict JSON, or an
// *Error. What came before the error has been given by then and is no message.
//
// It holds a window of 16 KiB and as much of what becomes of it, both as much larger as the largest item is, and knows
// the names of the objects around the lists.
type Stream struct {
	program *Program
	src     io.ReadCloser
	in      *jsonspan.Reader
	run     *run // nil once the message has ended
	open    []opening
	gap     []byte // what lies before an item of a list that is sifted: at most a window
	out     []byte // what the message becomes, given up to given
	given   int
	err     error
}

// opening is an open object or list.
type opening struct {
	at    *place
	began bool // of a list that is sifted: an item has been given
}

// sifted says that it is a list of which items may be left out.
func (o *opening) sifted() bool { return o.at.items != nil && o.at.items.sifts() }

// UpStream carries a message up as src gives it. The program must be Local. Each item, and each value beside the lists,
// may have limit bytes.
func (p *Program) UpStream(src io.ReadCloser, limit int) *Stream { return p.stream(src, limit, true) }

// DownStream carries a message down as src gives it. The program must be Local. Each item, and each value beside the
// lists, may have limit bytes.
func (p *Program) DownStream(src io.ReadCloser, limit int) *Stream {
	return p.stream(src, limit, false)
}

func (p *Program) stream(src io.ReadCloser, limit int, up bool) *Stream {
	if up && p.newest != nil {
		p = p.newest
	}
	r := runs.Get().(*run)
	r.program, r.up = p, up
	limit = min(limit, math.MaxInt32/2) // as in run
	return &Stream{program: p, src: src, run: r, in: jsonspan.NewReader(src, limit, jsonspan.Bounds{}),
		out: make([]byte, 0, jsonspan.Window+jsonspan.Window/4)}
}

// Begin reads once from the source and carries what that gave, so that the first mistakes are known before anything of
// the message is given.
func (s *Stream) Begin() error {
	s.fill()
	if s.err == nil {
		s.carry()
	}
	if s.err == io.EOF { //nolint:errorlint // what a source calls so besides is no end
		return nil
	}
	return s.err
}

// Read implements io.Reader. It gives nothing, and no error, where the source did.
func (s *Stream) Read(b []byte) (int, error) {
	for s.given == len(s.out) && s.err == nil {
		s.out, s.given = s.out[:0], 0
		if s.carry(); len(s.out) == 0 && s.err == nil && !s.fill() && s.err == nil {
			return 0, nil
		}
	}
	n := copy(b, s.out[s.given:])
	s.given += n
	if s.given < len(s.out) {
		return n, nil
	}
	return n, s.err
}

// fill reads from the source, and says whether that changed anything.
func (s *Stream) fill() bool {
	n, err := s.in.Fill()
	if err != nil {
		s.finish(err)
	}
	return n > 0 || s.in.Final()
}

// carry goes on until nothing is left that has arrived whole, or a window is full of what it became.
func (s *Stream) carry() {
	for len(s.out) < jsonspan.Window {
		more, err := s.step()
		if err != nil {
			s.finish(err)
		}
		if !more || err != nil {
			return
		}
	}
}

// finish keeps the error and gives back what carries items.
func (s *Stream) finish(err error) {
	s.err = err
	if s.run != nil {
		s.run.release()
		s.run = nil
	}
}

// step carries the next value, or goes into it. It says false where that has not arrived.
func (s *Stream) step() (more bool, err error) {
	var token jsonspan.Token
	var list *opening // that is sifted
	if len(s.open) > 0 && s.open[len(s.open)-1].sifted() {
		list = &s.open[len(s.open)-1]
		s.gap, token, err = s.in.Next(s.gap[:0])
	} else {
		s.out, token, err = s.in.Next(s.out)
	}
	switch {
	case err != nil || token == jsonspan.Wait:
		return false, err
	case token == jsonspan.Ended:
		return false, io.EOF
	case token == jsonspan.Closed:
		if list != nil {
			s.out = append(s.out, ']')
		}
		s.open = s.open[:len(s.open)-1]
		return true, nil
	}
	at := s.at()
	if at != nil && at.passes {
		way := at.way()
		if kind := s.in.Kind(); kind == '[' && way.items != nil || kind == '{' && way.items == nil {
			s.open = append(s.open, opening{at: way})
			s.out, err = s.in.Open(s.out)
			return true, err
		}
	}
	raw, err := s.in.Take()
	if raw == nil {
		return false, err
	}
	if at == nil {
		s.out = append(s.out, raw...)
		return true, nil
	}
	if list == nil {
		s.out, _, err = s.run.item(s.out, raw, at)
	} else {
		err = s.sift(list, raw)
	}
	if err != nil {
		if e := (*Error)(nil); errors.As(err, &e) {
			e.Pointer = s.in.Pointer() + e.Pointer
		}
	}
	return true, err
}

// at is what is to be done with the value that comes next; nil for nothing.
func (s *Stream) at() *place {
	if len(s.open) == 0 {
		return s.program.root
	}
	in := s.open[len(s.open)-1].at
	if in.items != nil {
		return in.items
	}
	name := s.in.Name()
	for i := range in.fields {
		if jsonspan.Is(name, s.program.symbols.names[in.fields[i].sym]) {
			return in.fields[i].place
		}
	}
	return nil
}

// sift carries an item of a list that is sifted, unless it goes.
func (s *Stream) sift(list *opening, raw []byte) error {
	from := len(s.out)
	if list.began {
		s.out = append(s.out, ',')
	}
	out, goes, err := s.run.item(s.out, raw, list.at.items)
	if s.out = out; goes {
		s.out = s.out[:from]
	}
	list.began = list.began || !goes
	return err
}

// Close closes the source.
func (s *Stream) Close() error {
	if s.err == nil {
		s.finish(io.ErrClosedPipe)
	}
	return s.src.Close()
}

// item does with the value raw what is to be done at its place, and appends what it becomes to dst, unless it goes.
func (r *run) item(dst, raw []byte, at *place) (out []byte, goes bool, err error) {
	r.doc, r.out = raw, dst
	r.begin(0, int32(len(raw)), at)
	r.waiting = waiting{from: -1, to: -1}
	if goes, err = r.hide(1, at); goes || err != nil {
		return dst, goes, err
	}
	if err := r.render(1); err != nil {
		return dst, false, err
	}
	r.flush()
	return r.out, false, nil
}
