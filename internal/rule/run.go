package rule

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

var (
	errTime   = errors.New("the expression took longer than 50 ms")
	errText   = errors.New("the expression makes more than 4 MiB of strings")
	errMemory = errors.New("the expression makes lists of more than a million members")
)

// Failure is why an expression had no result: never a yes. It names the place for the log; clients are not told.
type Failure struct {
	Range   hcl.Range
	Message string
	cause   error
}

// Error gives file:line:column and the reason.
func (f *Failure) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.Range.Filename, f.Range.Start.Line, f.Range.Start.Column, f.Message)
}

// Unwrap gives the error of a look-up.
func (f *Failure) Unwrap() error { return f.cause }

// run is what one evaluation needs. It is used again by later ones.
type run struct {
	program  *Program
	vm       vm.VM
	env      map[string]any
	x        *exchange.Exchange
	values   []any  // of the slots
	known    []bool // which of them
	ticks    uint
	text     int // bytes of strings made
	members  int // of lists made by our own functions
	deadline time.Time
}

func newRun(p *Program) *run {
	r := &run{program: p, values: make([]any, len(p.slots)), known: make([]bool, len(p.slots))}
	r.vm.MemoryBudget = maxMemory
	r.env = map[string]any{
		fnTick:    func() any { r.tick(); return nil },
		fnAdd:     r.add,
		fnInt:     r.integer,
		fnFloat:   r.float,
		fnString:  r.string,
		fnLower:   func(v any) string { return strings.ToLower(r.made(v.(string))) },
		fnUpper:   func(v any) string { return strings.ToUpper(r.made(v.(string))) },
		fnTrim:    func(v any) string { return strings.TrimSpace(v.(string)) },
		fnTrimSet: func(v, set any) string { return strings.Trim(v.(string), set.(string)) },
		fnKeys:    func(v any) []any { keys, _ := r.pairs(v); return keys },
		fnValues:  func(v any) []any { _, values := r.pairs(v); return values },
	}
	for i := range p.slots {
		r.env[slotName(i)] = func() any { return r.look(i) }
	}
	for i := range p.sets {
		r.env[setName(i)] = p.sets[i].has
	}
	return r
}

// Value evaluates the expression. Its error is a *Failure.
func (p *Program) Value(x *exchange.Exchange) (any, error) {
	r := p.pool.Get().(*run)
	r.x = x
	v, err := r.vm.Run(p.code, r.env)
	r.forget()
	p.pool.Put(r)
	if err == nil {
		return v, nil
	}
	f := &Failure{Range: p.at.whole(), Message: "the expression failed"}
	var e *file.Error
	if errors.As(err, &e) {
		f.Range, f.Message, f.cause = p.at.place(e.Location), reason(e.Message), e.Prev
	}
	return nil, f
}

// reason is what the VM says of a failure, without values of the request, which may be secret.
func reason(message string) string {
	message = goTypes.Replace(message)
	switch {
	case strings.HasPrefix(message, "cannot fetch "):
		return "there is no such member in" + message[strings.LastIndexByte(message, ' '):]
	case strings.HasPrefix(message, "cannot slice "):
		return "only a string or a list can be sliced"
	}
	return message
}

// Bool evaluates an expression compiled for Bool. Only true is yes; null, an error and a value of another type are
// not. Its error is a *Failure.
func (p *Program) Bool(x *exchange.Exchange) (bool, error) {
	v, err := p.Value(x)
	yes, _ := v.(bool)
	return yes && err == nil, err
}

// String evaluates an expression compiled for String: numbers and truth values are written out; null, a list and an
// object are failures. Its error is a *Failure.
func (p *Program) String(x *exchange.Exchange) (string, error) {
	v, err := p.Value(x)
	if err != nil {
		return "", err
	}
	return p.written(v)
}

// StringOrNull evaluates an expression compiled for String as String does, but for null, which is no failure and gives
// the empty text.
func (p *Program) StringOrNull(x *exchange.Exchange) (string, error) {
	v, err := p.Value(x)
	if v == nil || err != nil {
		return "", err
	}
	return p.written(v)
}

// Integer evaluates an expression compiled for Integer: a number with a fraction, null and everything else is a failure.
// Its error is a *Failure.
func (p *Program) Integer(x *exchange.Exchange) (int64, error) {
	v, err := p.Value(x)
	if err != nil {
		return 0, err
	}
	switch v := v.(type) {
	case int:
		return int64(v), nil
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<53 {
			return int64(v), nil
		}
	}
	return 0, &Failure{Range: p.at.whole(), Message: fmt.Sprintf("expected a whole number, got %s", goTypes.Replace(fmt.Sprintf("%T", v)))}
}

// Key evaluates an expression compiled for Key: as String does, and a list into one text that no list of other parts has.
// A list without parts, and a part that is empty, are failures. Its error is a *Failure.
func (p *Program) Key(x *exchange.Exchange) (string, error) {
	v, err := p.Value(x)
	if err != nil {
		return "", err
	}
	var parts []any
	switch v := v.(type) {
	case []any:
		parts = v
	case []string:
		for _, s := range v {
			parts = append(parts, s)
		}
	default:
		return p.written(v)
	}
	var key []byte
	for _, part := range parts {
		s, err := p.written(part)
		if err != nil {
			return "", err
		}
		if s == "" {
			return "", &Failure{Range: p.at.whole(), Message: "a part of the key is empty"}
		}
		key = append(append(strconv.AppendInt(key, int64(len(s)), 10), ':'), s...)
	}
	if key == nil {
		return "", &Failure{Range: p.at.whole(), Message: "the key has no parts"}
	}
	return string(key), nil
}

// written is a result as String gives it.
func (p *Program) written(v any) (string, error) {
	s, ok := text(v)
	if !ok {
		return "", &Failure{Range: p.at.whole(), Message: fmt.Sprintf("expected a string, a number or a truth value, got %s", goTypes.Replace(fmt.Sprintf("%T", v)))}
	}
	return s, nil
}

// Text writes out a value that an expression gave, as Program.String does; false for null, a list and an object.
func Text(v any) (string, bool) { return text(v) }

// forget drops all that belongs to the request.
func (r *run) forget() {
	clear(r.values)
	clear(r.known)
	clear(r.vm.Stack[:cap(r.vm.Stack)])
	clear(r.vm.Variables)
	r.x, r.ticks, r.text, r.members, r.deadline = nil, 0, 0, 0, time.Time{}
}

func (r *run) look(i int) any {
	r.tick()
	if !r.known[i] {
		s := &r.program.slots[i]
		r.values[i] = s.get(r, s)
		r.known[i] = true
	}
	return r.values[i]
}

// tick ends an evaluation that goes on for too long. The clock is read at every 8th, so that short ones hardly read it.
func (r *run) tick() {
	if r.ticks++; r.ticks%8 != 0 {
		return
	}
	now := r.program.now()
	if r.deadline.IsZero() {
		r.deadline = now.Add(maxTime)
	} else if now.After(r.deadline) {
		panic(errTime)
	}
}
