package change

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// tryExamples runs the examples of a change both ways, through this change alone.
func tryExamples(ch *Change) hcl.Diagnostics {
	var diags hcl.Diagnostics
	for i := range ch.Examples {
		diags = append(diags, TryExample(ch, i)...)
	}
	return diags
}

// TryExample runs the i-th example of a change both ways, through this change alone.
func TryExample(ch *Change, i int) hcl.Diagnostics {
	// What the object holds is left alone: other changes may have moved it.
	object := map[string]*Object{ch.On: {Name: ch.On}}
	p, diags := Compile([]*Change{ch}, object, []Held{{Object: ch.On}})
	if diags.HasErrors() {
		return diags
	}
	ex := &ch.Examples[i]
	for _, way := range []struct {
		run        func([]byte) ([]byte, error)
		from, to   string
		give, want json.RawMessage
	}{
		{p.Up, "old", "new", ex.Old, ex.New},
		{p.Down, "new", "old", ex.New, ex.Old},
	} {
		detail := ""
		if err := jsonspan.Check(way.give, jsonspan.Bounds{}); err != nil {
			detail = fmt.Sprintf("The %s value is not valid: %s.", way.from, err)
		} else if got, err := way.run(way.give); err != nil {
			e := &Error{Detail: err.Error()}
			errors.As(err, &e)
			detail = fmt.Sprintf("The %s value cannot be carried to the other version: %s %s.", way.from, at(e.Pointer), e.Detail)
		} else if pointer, a, b := difference(got, way.want, ""); a != nil || b != nil {
			detail = fmt.Sprintf("The %s value becomes %s, which is not the %s value: %s it has %s where %s was expected.",
				way.from, brief(got), way.to, at(pointer), word(a), word(b))
		}
		if detail != "" {
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Example does not hold",
				Detail: detail, Subject: ex.Range.Ptr(), Context: ch.Range.Ptr()})
		}
	}
	return diags
}

func at(pointer string) string {
	if pointer == "" {
		return "as a whole,"
	}
	return "at " + pointer
}

func word(raw []byte) string {
	if len(raw) == 0 {
		return "nothing"
	}
	return brief(raw)
}

// difference gives the first place where two JSON values differ and what stands there in each, empty but not nil for
// nothing; both are nil where they are equal. The order of members does not count, and numbers are compared as
// decimals. It is quadratic in the members of an object.
func difference(a, b []byte, pointer string) (where string, inA, inB []byte) {
	a, okA := jsonspan.Get(a)
	b, okB := jsonspan.Get(b)
	if !okA || !okB {
		return pointer, append([]byte{}, a...), append([]byte{}, b...)
	}
	switch {
	case a[0] == '{' && b[0] == '{':
		for name, value := range jsonspan.Members(a) {
			text := jsonspan.Text(name)
			inside := pointer + "/" + jsonspan.Escape(text)
			other, ok := jsonspan.Get(b, text)
			if !ok {
				return inside, value, []byte{}
			}
			if where, inA, inB = difference(value, other, inside); inA != nil {
				return where, inA, inB
			}
		}
		for name, value := range jsonspan.Members(b) {
			text := jsonspan.Text(name)
			if _, ok := jsonspan.Get(a, text); !ok {
				return pointer + "/" + jsonspan.Escape(text), []byte{}, value
			}
		}
	case a[0] == '[' && b[0] == '[':
		var others [][]byte
		for value := range jsonspan.Items(b) {
			others = append(others, value)
		}
		n := 0
		for value := range jsonspan.Items(a) {
			inside := fmt.Sprintf("%s/%d", pointer, n)
			if n >= len(others) {
				return inside, value, []byte{}
			}
			if where, inA, inB = difference(value, others[n], inside); inA != nil {
				return where, inA, inB
			}
			n++
		}
		if n < len(others) {
			return fmt.Sprintf("%s/%d", pointer, n), []byte{}, others[n]
		}
	case a[0] == '{' || b[0] == '{' || a[0] == '[' || b[0] == '[' || scalar(a) != scalar(b):
		return pointer, a, b
	}
	return "", nil, nil
}
