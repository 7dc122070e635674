package change_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/wicketgate/wicketgate/internal/change"
)

// reference runs a chain on maps, in the order of time.
type reference struct {
	chain []*change.Change
	held  string // where order holds line, newest shape
}

type object = map[string]any

func (r reference) run(doc []byte, up bool) ([]byte, error) {
	var root any
	if err := json.Unmarshal(doc, &root); err != nil {
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
	line := slices.ContainsFunc(ops, func(o timed) bool { return o.on == "line" })
	way, list := strings.CutSuffix(r.held, "[*]")
	// ways[i] is where line stands in the shape before operation i.
	ways := make([][]string, len(ops)+1)
	ways[len(ops)] = strings.Split(way, ".")
	for i := len(ops) - 1; i >= 0; i-- {
		ways[i] = ways[i+1]
		if o := ops[i]; o.on == "order" && o.To != "" {
			from, to := strings.Split(o.Path, "."), target(o.Operation)
			if len(ways[i]) >= len(to) && slices.Equal(ways[i][:len(to)], to) {
				ways[i] = append(slices.Clone(from), ways[i][len(to):]...)
			}
		}
	}
	empty := make(map[uintptr]bool)
	remember(root, empty)
	var err error
	if up {
		for i := 0; i < len(ops) && err == nil; i++ {
			o := ops[i].Operation
			if ops[i].on == "order" {
				err = one(root.(object), o, up, empty)
			} else {
				err = inHeld(lines(root, ways[i], list, func(l object) error { return one(l, o, up, empty) }))
			}
		}
		if line && err == nil {
			err = inHeld(lines(root, ways[len(ops)], list, func(object) error { return nil }))
		}
	} else {
		// What is held stands where the newest shape says, wherever the operations take it from there.
		var held []object
		if line {
			err = inHeld(lines(root, ways[len(ops)], list, func(l object) error { held = append(held, l); return nil }))
		}
		for i := len(ops) - 1; i >= 0 && err == nil; i-- {
			o := ops[i].Operation
			if ops[i].on == "order" {
				err = one(root.(object), o, up, empty)
				continue
			}
			for _, l := range held {
				err = errors.Join(err, one(l, o, up, empty))
			}
			err = inHeld(err)
		}
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(root)
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

// taken says whether some operation of order takes members away.
func taken(c []*change.Change) bool {
	return slices.ContainsFunc(c, func(ch *change.Change) bool {
		return ch.On == "order" && slices.ContainsFunc(ch.Operations, func(o change.Operation) bool { return o.Kind == change.Add || o.Kind == change.Drop })
	})
}

// lines does something with each line that stands at way.
func lines(v any, way []string, list bool, do func(object) error) error {
	for _, name := range way {
		if v == nil {
			return nil
		}
		o, ok := v.(object)
		if !ok {
			return errShape
		}
		if v, ok = o[name]; !ok {
			return nil
		}
	}
	all := []any{v}
	if list {
		l, ok := v.([]any)
		if !ok && v != nil {
			return errShape
		}
		all = l
	}
	for _, v := range all {
		if v == nil {
			continue
		}
		o, ok := v.(object)
		if !ok {
			return errShape
		}
		if err := do(o); err != nil {
			return err
		}
	}
	return nil
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
func one(o object, op change.Operation, up bool, empty map[uintptr]bool) error {
	path := strings.Split(op.Path, ".")
	vacant := func(path []string) error {
		p, err := reach(o, path)
		if err == nil && p != nil {
			if _, there := p[path[len(path)-1]]; there {
				err = errors.New("present")
			}
		}
		return err
	}
	last := path[len(path)-1]
	switch {
	case op.Kind == change.Rename || op.Kind == change.Move:
		from, to := path, target(op)
		if !up {
			from, to = to, from
		}
		p, err := reach(o, from)
		if err != nil {
			return err
		}
		if up {
			if err := vacant(to); err != nil {
				return err
			}
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
			} else if m, ok := inner.(object); !ok || up && len(m) == 0 && empty[reflect.ValueOf(m).Pointer()] {
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
	case op.Kind == change.Enum:
		p, err := reach(o, path)
		if err != nil || p == nil {
			return err
		}
		v, ok := p[last]
		if !ok {
			return nil
		}
		for _, pair := range op.Pairs {
			from, to := plain(pair.Old), plain(pair.New)
			if !up {
				from, to = to, from
			}
			if reflect.DeepEqual(v, from) {
				p[last] = to
				return nil
			}
		}
		return errors.New("no pair")
	case (op.Kind == change.Add) == up:
		if up {
			if err := vacant(path); err != nil {
				return err
			}
		}
		p, err := reach(o, path)
		if err == nil && p != nil {
			p[last] = plain(op.Value)
			delete(empty, reflect.ValueOf(p).Pointer())
		}
		return err
	default:
		p, err := reach(o, path)
		if err == nil {
			delete(p, last)
		}
		return err
	}
	return nil
}

func plain(raw json.RawMessage) (v any) {
	if err := json.Unmarshal(raw, &v); err != nil {
		panic(err)
	}
	return v
}
