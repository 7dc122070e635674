package change

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// maxOperations bounds the operations of a JSON Patch.
const maxOperations = 1_000

// FormError says that a document is not what its media type says. The caller is to blame (400).
type FormError struct {
	Pointer string // a JSON pointer into the document
	Detail  string
}

func (e *FormError) Error() string {
	if e.Pointer == "" {
		return e.Detail
	}
	return e.Pointer + ": " + e.Detail
}

// edit is one operation of a JSON Patch (RFC 6902, section 4), as it is spelt.
type edit struct {
	op, path, from string
	value          []byte
	changed        bool
}

// JSON carries a JSON Patch (RFC 6902) up. It demands and gives what Merge does; an error may be a *FormError too,
// where doc is no JSON Patch. An operation that a service cannot do, because the object that the newest version has
// around a member is not there, is carried all the same, and fails there.
func (p *Patch) JSON(doc []byte) ([]byte, error) {
	raw, ok := jsonspan.Get(doc)
	if !ok || raw[0] != '[' {
		return nil, &FormError{Detail: "a JSON Patch is a list of operations"}
	}
	out := append(make([]byte, 0, len(doc)+len(doc)/16+64), '[')
	changed := false
	n := 0
	for item := range jsonspan.Items(raw) {
		if n == maxOperations {
			return nil, &Error{Detail: "a JSON Patch may have at most " + strconv.Itoa(maxOperations) + " operations"}
		}
		at := "/" + strconv.Itoa(n)
		if n++; n > 1 {
			out = append(out, ',')
		}
		e, err := parseEdit(item, at)
		if err != nil {
			return nil, err
		}
		if p.Empty() {
			continue
		}
		if err := p.carry(e, at); err != nil {
			return nil, err
		}
		if e.changed {
			changed = true
			out = e.append(out)
		} else {
			out = append(out, item...)
		}
	}
	if !changed {
		return doc, nil
	}
	return append(out, ']'), nil
}

// members are those that RFC 6902 defines.
var members = [...]string{"op", "path", "from", "value"}

// parseEdit reads one operation. Members that RFC 6902 does not define are ignored, as section 4 demands.
func parseEdit(raw []byte, at string) (*edit, error) {
	wrong := func(name, detail string) (*edit, error) { return nil, &FormError{Pointer: at + name, Detail: detail} }
	if raw[0] != '{' {
		return wrong("", "an operation of a JSON Patch is an object")
	}
	e := &edit{}
	var has [4]bool // of members
	for quoted, value := range jsonspan.Members(raw) {
		name := jsonspan.Text(quoted)
		k := slices.Index(members[:], name)
		if k < 0 {
			continue
		}
		has[k] = true
		if name == "value" {
			e.value = value
			continue
		}
		if value[0] != '"' {
			return wrong("/"+name, "must be a string")
		}
		*[]*string{&e.op, &e.path, &e.from}[k] = jsonspan.Text(value)
	}
	if !slices.Contains([]string{"add", "remove", "replace", "move", "copy", "test"}, e.op) {
		return wrong("/op", "must be one of add, remove, replace, move, copy and test")
	}
	needs := []string{"path"}
	switch e.op {
	case "add", "replace", "test":
		needs = append(needs, "value")
		e.from = ""
	case "move", "copy":
		needs = append(needs, "from")
		e.value = nil
	default:
		e.from, e.value = "", nil
	}
	for _, name := range needs {
		if !has[slices.Index(members[:], name)] {
			return wrong("/"+name, "is missing; the operation "+e.op+" needs it")
		}
	}
	if !isPointer(e.path) {
		return wrong("/path", "must be a JSON pointer")
	}
	if !isPointer(e.from) {
		return wrong("/from", "must be a JSON pointer")
	}
	if e.op == "move" && strings.HasPrefix(e.path, e.from+"/") {
		return wrong("/path", "must not lie in what is moved there")
	}
	return e, nil
}

// append writes the operation.
func (e *edit) append(out []byte) []byte {
	out = append(append(append(out, `{"op":"`...), e.op...), '"')
	if e.op == "move" || e.op == "copy" {
		out = jsonspan.AppendQuote(append(out, `,"from":`...), e.from)
	}
	out = jsonspan.AppendQuote(append(out, `,"path":`...), e.path)
	if e.value != nil {
		out = append(append(out, `,"value":`...), e.value...)
	}
	return append(out, '}')
}

// carry brings the operation at the place at of the patch to the newest shape.
func (p *Patch) carry(e *edit, at string) error {
	to, err := p.target(e.path, at+"/path", e.op == "add" || e.op == "move" || e.op == "copy")
	if err != nil {
		return err
	}
	switch e.op {
	case "remove":
		if err := p.removable(&to, at+"/path"); err != nil {
			return err
		}
	case "add", "replace", "test":
		if to.spot.plain() {
			break
		}
		value, err := to.up(e, at+"/value")
		if err != nil {
			return err
		}
		if !bytes.Equal(value, e.value) {
			e.value, e.changed = value, true
		}
	case "move", "copy":
		from, err := p.target(e.from, at+"/from", false)
		if err != nil {
			return err
		}
		if e.op == "move" {
			if err := p.removable(&from, at+"/from"); err != nil {
				return err
			}
		}
		if from.spot != to.spot && !(from.spot.plain() && to.spot.plain()) {
			return &Error{Pointer: at + "/path", Detail: "is another kind of value in the newest version than that at from; give the value instead"}
		}
		if now := from.pointer(); now != e.from {
			e.from, e.changed = now, true
		}
	}
	if now := to.pointer(); now != e.path {
		e.path, e.changed = now, true
	}
	return nil
}

// target finds what a pointer leads to, which must be one value in the newest shape too. at is where the pointer
// stands in the patch; adds says that a new item may come behind the last of a list.
func (p *Patch) target(pointer, at string, adds bool) (target, error) {
	t, op, reason := p.find(jsonspan.Split(pointer))
	switch {
	case reason != "":
	case t.behind && !(adds && strings.HasSuffix(pointer, "/-")):
		reason = "has no value behind the last item"
	case t.spot != nil && !t.spot.whole():
		op, reason = t.spot.reached, "is not one value in the newest version, which has members of it elsewhere, or others in it; name its members one by one"
	default:
		return t, nil
	}
	return t, fail(op, at, reason)
}

// removable says whether a removal of t is one in the newest shape.
func (p *Patch) removable(t *target, at string) error {
	switch s := t.spot; {
	case s == p.root && len(t.base) == 0:
		return fail(nil, at, "cannot be removed: it is the whole document")
	case s != nil && s.lone():
		return fail(s.parent.sole, at, "cannot be removed but with the object around it")
	}
	return nil
}

// up carries the value that an operation gives for t. at is where it stands in the patch.
func (t *target) up(e *edit, at string) ([]byte, error) {
	if e.op == "test" && (t.patch.refused != "" || t.spot.loses(nil)) {
		return nil, fail(nil, at, "cannot be tested in this version: it tells other values apart than the newest does")
	}
	value, err := t.patch.up(t.spot, e.value, t.spot.seat.top())
	var inside *Error
	if errors.As(err, &inside) {
		rest, _ := strings.CutPrefix(inside.Pointer, t.spot.pointer())
		inside.Pointer = at + rest
	}
	return value, err
}

// loses says whether going up and down again may change what is here, or lose something. seen are the patches of
// lists' items that have been asked.
func (s *spot) loses(seen []*Patch) bool {
	if p := s.items; p != nil && !slices.Contains(seen, p) && (p.refused != "" || p.root.loses(append(seen, p))) {
		return true
	}
	return s.lossy || slices.ContainsFunc(s.members, func(m *spot) bool { return m.loses(seen) })
}
