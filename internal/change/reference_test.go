package change_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/change"
)

// reference runs a chain on maps, in the order of time, with numbers as they are spelt.
type reference struct {
	chain []*change.Change
	held  string // where order holds line, newest shape
	own   string // where line holds line, "" for nowhere
}

type object = map[string]any

// spelt is a number that was the text of a string.
type spelt string

func (s spelt) MarshalJSON() ([]byte, error) { return []byte(s), nil }

func decode(doc []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(doc))
	d.UseNumber()
	return v, d.Decode(&v)
}

// run carries doc as the engine does; strict is as in one.
func (r reference) run(doc []byte, up, strict bool) ([]byte, error) {
	root, err := decode(doc)
	if err != nil {
		return nil, err
	}
	type timed struct {
		change.Operation
		on string
	}
	var ops []timed
	for _, ch := range r.chain {
		for _, o := range ch.Operations {
			ops = append(ops, timed{o, ch.On})
		}
	}
	// ways[i] is where line stands in order, in the shape before operation i, and owns[i] where it does in line; nil
	// where there is none.
	ways, owns := make([][]string, len(ops)+1), make([][]string, len(ops)+1)
	ways[len(ops)], owns[len(ops)] = tokens(r.held), tokens(r.own)
	for i := len(ops) - 1; i >= 0; i-- {
		ways[i], owns[i] = ways[i+1], owns[i+1]
		if ops[i].on == "order" {
			ways[i] = before(ways[i], ops[i].Operation)
		} else {
			owns[i] = before(owns[i], ops[i].Operation)
		}
	}
	// lines gives all lines of a shape.
	lines := func(i int) ([]object, error) {
		all, err := places(root, ways[i])
		for k := 0; k < len(all) && err == nil; k++ {
			var more []object
			more, err = places(all[k], owns[i])
			all = append(all, more...)
		}
		return all, inHeld(err)
	}
	line := slices.ContainsFunc(ops, func(o timed) bool { return o.on == "line" })
	empty := make(map[uintptr]bool)
	remember(root, empty)
	if up {
		for i := 0; i < len(ops) && err == nil; i++ {
			if ops[i].on == "order" {
				err = one(root.(object), ops[i].Operation, up, true, empty)
				continue
			}
			var all []object
			all, err = lines(i)
			for _, l := range all {
				err = errors.Join(err, inHeld(one(l, ops[i].Operation, up, true, empty)))
			}
		}
		if line && err == nil {
			_, err = lines(len(ops))
		}
	} else {
		// What is held stands where the newest shape says, wherever the operations take it from there.
		var held []object
		if line {
			held, err = lines(len(ops))
		}
		for i := len(ops) - 1; i >= 0 && err == nil; i-- {
			if ops[i].on == "order" {
				err = one(root.(object), ops[i].Operation, up, strict, empty)
				continue
			}
			for _, l := range held {
				err = errors.Join(err, inHeld(one(l, ops[i].Operation, up, strict, empty)))
			}
		}
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(root)
}

// tokens splits a held path; each list is an item of its own.
func tokens(path string) []string {
	if path == "" {
		return nil
	}
	return strings.Split(strings.ReplaceAll(path, "[*]", ".*"), ".")
}

// before says where what stands at way after an operation stood before it; nil for nowhere.
func before(way []string, o change.Operation) []string {
	path := strings.Split(o.Path, ".")
	swap := func(to, from []string) []string {
		if len(way) >= len(to) && slices.Equal(way[:len(to)], to) {
			return append(slices.Clone(from), way[len(to):]...)
		}
		return way
	}
	inside, item := append(slices.Clone(path), o.Member), append(slices.Clone(path), "*")
	switch o.Kind {
	case change.Rename, change.Move:
		return swap(target(o), path)
	case change.Wrap:
		if slices.Equal(way, path) {
			return nil
		}
		return swap(inside, path)
	case change.Unwrap:
		return swap(path, inside)
	case change.List:
		return swap(item, path)
	case change.Unlist:
		return swap(path, item)
	case change.Add:
		if len(way) >= len(path) && slices.Equal(way[:len(path)], path) {
			return nil
		}
	}
	return way
}

// places gives the objects that stand at way; none where there is none on the way, or null.
func places(v any, way []string) ([]object, error) {
	if way == nil {
		return nil, nil
	}
	all := []any{v}
	for _, name := range way {
		var next []any
		for _, v := range all {
			switch v := v.(type) {
			case nil:
			case object:
				if inner, ok := v[name]; name == "*" {
					return nil, errShape
				} else if ok {
					next = append(next, inner)
				}
			case []any:
				if name != "*" {
					return nil, errShape
				}
				next = append(next, v...)
			default:
				return nil, errShape
			}
		}
		all = next
	}
	var objects []object
	for _, v := range all {
		if o, ok := v.(object); ok {
			objects = append(objects, o)
		} else if v != nil {
			return nil, errShape
		}
	}
	return objects, nil
}

func inHeld(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%w: %w", errHeld, err)
}

func target(o change.Operation) []string {
	to := strings.Split(o.To, ".")
	if o.Kind == change.Rename {
		from := strings.Split(o.Path, ".")
		to = append(from[:len(from)-1:len(from)-1], to...)
	}
	return to
}

var (
	errShape = errors.New("wrong shape")
	errHeld  = errors.New("in what is held")
)

// taken says whether some operation takes members away.
func taken(c []*change.Change) bool {
	return slices.ContainsFunc(c, func(ch *change.Change) bool {
		return slices.ContainsFunc(ch.Operations, func(o change.Operation) bool { return o.Kind == change.Add || o.Kind == change.Drop })
	})
}

// reach gives the object that path's last name belongs to; nil where it is not there.
func reach(o object, path []string) (object, error) {
	for _, name := range path[:len(path)-1] {
		v, ok := o[name]
		if !ok || v == nil {
			return nil, nil
		}
		if o, ok = v.(object); !ok {
			return nil, errShape
		}
	}
	return o, nil
}

// remember notes the empty objects of a message.
func remember(v any, empty map[uintptr]bool) {
	switch v := v.(type) {
	case object:
		if len(v) == 0 {
			empty[reflect.ValueOf(v).Pointer()] = true
		}
		for _, inner := range v {
			remember(inner, empty)
		}
	case []any:
		for _, inner := range v {
			remember(inner, empty)
		}
	}
}

// one runs one operation on one object. empty are the objects that the message had empty and nothing was put into.
// strict demands that nothing stands where something will be, as all that goes up must.
func one(o object, op change.Operation, up, strict bool, empty map[uintptr]bool) error {
	path := strings.Split(op.Path, ".")
	present := errors.New("present")
	vacant := func(path []string) error {
		if !strict {
			return nil
		}
		p, err := reach(o, path)
		if err == nil && p != nil {
			if _, there := p[path[len(path)-1]]; there {
				err = present
			}
		}
		return err
	}
	last := path[len(path)-1]
	if op.Kind == change.Rename || op.Kind == change.Move {
		from, to := path, target(op)
		if !up {
			from, to = to, from
		}
		p, err := reach(o, from)
		if err != nil {
			return err
		}
		if err := vacant(to); err != nil {
			return err
		}
		v, ok := p[from[len(from)-1]]
		if !ok {
			return nil
		}
		q := o
		for _, name := range to[:len(to)-1] {
			inner, ok := q[name]
			if !ok {
				inner = object{}
				q[name] = inner
				delete(empty, reflect.ValueOf(q).Pointer())
			} else if m, ok := inner.(object); !ok || strict && len(m) == 0 && empty[reflect.ValueOf(m).Pointer()] {
				return errShape
			}
			q = inner.(object)
		}
		q[to[len(to)-1]] = v
		delete(empty, reflect.ValueOf(q).Pointer())
		for n := len(from); n > 0; n-- {
			p, _ := reach(o, from[:n])
			delete(p, from[n-1])
			if len(p) > 0 {
				break
			}
		}
		return nil
	}
	p, err := reach(o, path)
	if err != nil {
		return err
	}
	switch {
	case op.Kind == change.Add && up, op.Kind == change.Drop && !up:
		if err := vacant(path); err != nil || p == nil {
			return err
		}
		p[last] = plain(op.Value)
		delete(empty, reflect.ValueOf(p).Pointer())
		return nil
	case op.Kind == change.Add, op.Kind == change.Drop:
		delete(p, last)
		return nil
	case op.Kind == change.Split && up, op.Kind == change.Join && !up:
		return divide(p, last, op, strict)
	case op.Kind == change.Split, op.Kind == change.Join:
		return unite(p, last, op, strict)
	}
	v, ok := p[last]
	if !ok {
		return nil
	}
	switch op.Kind {
	case change.Enum:
		p[last], err = paired(v, op.Pairs, up)
	case change.Wrap, change.Unwrap:
		if (op.Kind == change.Wrap) == up {
			p[last] = object{op.Member: v}
			return nil
		}
		inner, _ := v.(object)
		value, ok := inner[op.Member]
		if !ok || len(inner) != 1 {
			return errShape
		}
		p[last] = value
	case change.List, change.Unlist:
		if (op.Kind == change.List) == up {
			p[last] = []any{v}
			return nil
		}
		inner, _ := v.([]any)
		if len(inner) != 1 {
			return errShape
		}
		p[last] = inner[0]
	case change.Scale:
		if v != nil {
			p[last], err = scaled(v, op, (op.Decimals > 0) == up)
		}
	case change.Cast:
		from, to := op.From, op.As
		if !up {
			from, to = to, from
		}
		if v != nil {
			p[last], err = casted(v, from, to)
		}
	}
	return err
}
