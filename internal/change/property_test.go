package change_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
)

// generator makes chains and documents that have much to do with each other: few names, and shallow.
type generator struct{ *rand.Rand }

func (g generator) pick(of ...string) string { return of[g.IntN(len(of))] }

func (g generator) name() string { return g.pick("a", "b", "c", "d") }

func (g generator) path() string {
	p := g.name()
	for g.IntN(3) == 0 {
		p += "." + g.name()
	}
	return p
}

func (g generator) operation(lossy bool) change.Operation {
	kinds := 4
	if lossy {
		kinds = 5
	}
	switch g.IntN(kinds) {
	case 0:
		return rename(g.path(), g.name())
	case 1:
		return move(g.path(), g.path())
	case 2:
		words := []string{`1`, `2`, `"x"`, `"y"`, `null`, `true`}
		g.Shuffle(len(words), func(i, k int) { words[i], words[k] = words[k], words[i] })
		return enum(g.path(), words[0], words[1], words[1], words[2], words[3], words[0])
	case 3:
		return add(g.path(), g.pick(`1`, `"x"`, `{}`, `{"a":{"b":1}}`, `null`))
	}
	return drop(g.path(), g.pick(`1`, `{}`, `{"a":1}`))
}

// chain makes changes of order and line that Validate accepts.
func (g generator) chain(objects map[string]*change.Object, lossy bool) []*change.Change {
	for {
		var c []*change.Change
		for range 1 + g.IntN(4) {
			var ops []change.Operation
			for range 1 + g.IntN(3) {
				ops = append(ops, g.operation(lossy))
			}
			c = append(c, on(g.pick("order", "order", "line"), ops...))
		}
		if !change.Validate(c, objects).HasErrors() {
			return c
		}
	}
}

// value writes a document as clients do: odd spellings, white space, escapes.
func (g generator) value(b *bytes.Buffer, depth int) {
	space := func() { b.WriteString(g.pick("", "", "", " ", "\n\t")) }
	switch k := g.IntN(8); {
	case k < 4 && depth > 0:
		b.WriteByte('{')
		names := []string{`"a"`, `"b"`, `"c"`, `"d"`, `"\u0061b"`, `"x"`, `"y\"/"`, `""`}
		if g.IntN(4) == 0 {
			names[0] = `"\u0061"`
		}
		g.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
		for i, name := range names[:g.IntN(4)] {
			if i > 0 {
				b.WriteByte(',')
			}
			space()
			b.WriteString(name)
			space()
			b.WriteByte(':')
			space()
			g.value(b, depth-1)
			space()
		}
		b.WriteByte('}')
	case k == 4 && depth > 0:
		b.WriteByte('[')
		for i := range g.IntN(3) {
			if i > 0 {
				b.WriteByte(',')
			}
			space()
			g.value(b, depth-1)
			space()
		}
		b.WriteByte(']')
	default:
		b.WriteString(g.pick(`1`, `1`, `2`, `1.0e+0`, `0.2E1`, `"x"`, `"y"`, `"\u0078"`, `null`, `true`, `"a,}]\"{"`, `1.0e+2`))
	}
}

func (g generator) document(depth int) []byte {
	var b bytes.Buffer
	for {
		b.Reset()
		g.value(&b, depth)
		if b.Bytes()[0] == '{' {
			return b.Bytes()
		}
	}
}

func equal(t *testing.T, a, b []byte) bool {
	t.Helper()
	var va, vb any
	if err := errors.Join(json.Unmarshal(a, &va), json.Unmarshal(b, &vb)); err != nil {
		t.Fatal(err)
	}
	return reflect.DeepEqual(va, vb)
}

func describe(c []*change.Change) string {
	var s strings.Builder
	for _, ch := range c {
		fmt.Fprintf(&s, "\n%s:", ch.On)
		for _, o := range ch.Operations {
			fmt.Fprintf(&s, " %s %s", o.Kind, o.Path)
			if o.To != "" {
				fmt.Fprintf(&s, "→%s", o.To)
			}
			for _, p := range o.Pairs {
				fmt.Fprintf(&s, " %s=%s", p.Old, p.New)
			}
			if o.Value != nil {
				fmt.Fprintf(&s, " %s", o.Value)
			}
			s.WriteByte(';')
		}
	}
	return s.String()
}

// Law R: what comes up goes down to what it was, for every chain without drop and every document that may go up.
func TestLawR(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	o := objects("order", "c", "line")
	changed := 0
	for range 3_000 {
		c := g.chain(o, false)
		p := compile(t, c, o, g.pick("", "a[*]", "b"))
		for range 10 {
			x := g.document(4)
			check(t, x)
			up, err := p.Up(x)
			if err != nil {
				continue
			}
			check(t, up)
			down, err := p.Down(up)
			if err != nil {
				t.Fatalf("%s\n%s\nbecame %s\nand does not come down: %v", describe(c), x, up, err)
			}
			check(t, down)
			if !equal(t, down, x) {
				t.Fatalf("%s\n%s\nbecame %s\nand came down as %s", describe(c), x, up, down)
			}
			again, err := p.Up(down)
			if err != nil || !equal(t, again, up) {
				t.Fatalf("%s\n%s\nbecame %s\nand at the second time %s, %v", describe(c), x, up, again, err)
			}
			if !equal(t, up, x) {
				changed++
			}
		}
	}
	if changed < 1_500 {
		t.Errorf("only %d documents had anything to do with their chains", changed)
	}
}

// The engine, which runs a holder's operations and those of what it holds one after the other, unopened objects moving
// as spans, does what the operations do on maps, each in the order it was written.
func TestAgainstMaps(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(3, 4))}
	done, refused := 0, 0
	for range 3_000 {
		at := g.pick("c", "c[*]", "a.c", "d.b[*]")
		o := objects("order", at, "line")
		c := g.chain(o, true)
		p := compile(t, c, o, "")
		for range 10 {
			x := g.document(4)
			for _, up := range []bool{true, false} {
				run := p.Down
				if up {
					run = p.Up
				}
				got, err := run(x)
				want, wantErr := reference{c, at}.run(x, up)
				if err == nil && errors.Is(wantErr, errHeld) && taken(c) {
					continue // nobody looks into what an operation of its holder takes away
				}
				if (err == nil) != (wantErr == nil) {
					t.Fatalf("%s\nholds %s\n%s up: %v\nbecame %s, %v\nwant   %s, %v", describe(c), at, x, up, got, err, want, wantErr)
				}
				if err != nil {
					refused++
					continue
				}
				check(t, got)
				if !equal(t, got, want) {
					t.Fatalf("%s\nholds %s\n%s up: %v\nbecame %s\nwant   %s", describe(c), at, x, up, got, want)
				}
				done++
			}
		}
	}
	if done < 10_000 || refused < 1_000 {
		t.Errorf("%d done, %d refused", done, refused)
	}
}
