package change_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// The properties below are tried on more than 100,000 chains and documents in all, and under the race detector on a part
// of them, unless all are asked for:
//
//	WICKETGATE_PROPERTIES=full go test -race -run 'TestLaw|TestAgainst' ./internal/change

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

// Kinds that keep a law; enums are made to keep both.
var (
	keepR = append(without(change.Drop, change.Split), change.Split)
	keepS = without(change.Add, change.Split)
)

func without(kinds ...change.Kind) []change.Kind {
	return slices.DeleteFunc(slices.Clone(change.Kinds), func(k change.Kind) bool { return slices.Contains(kinds, k) })
}

func (g generator) operation(kinds []change.Kind) change.Operation {
	k := kinds[g.IntN(len(kinds))]
	if g.IntN(8) == 0 { // texts of parts are the rarest documents
		k = kinds[len(kinds)-1-g.IntN(2)]
	}
	switch k {
	case change.Rename:
		return rename(g.path(), g.name())
	case change.Move:
		return move(g.path(), g.path())
	case change.Enum:
		words := []string{`1`, `2`, `"x"`, `"y"`, `null`, `true`, `12.5`, `"1.50"`}
		g.Shuffle(len(words), func(i, k int) { words[i], words[k] = words[k], words[i] })
		return enum(g.path(), words[0], words[1], words[1], words[2], words[3], words[0], words[4], words[5])
	case change.Add:
		return add(g.path(), g.pick(`1`, `"x y"`, `{}`, `{"a":{"b":1}}`, `null`, `["2.50"]`))
	case change.Drop:
		return drop(g.path(), g.pick(`1`, `{}`, `{"a":1}`, `"1.5"`))
	case change.Wrap:
		return wrap(g.path(), g.name())
	case change.Unwrap:
		return unwrap(g.path(), g.name())
	case change.List:
		return list(g.path())
	case change.Unlist:
		return unlist(g.path())
	case change.Scale:
		return scale(g.path(), []int{-3, -2, -1, 1, 2, 3}[g.IntN(6)], g.pick("string", "number"))
	case change.Cast:
		if g.IntN(2) == 0 {
			return cast(g.path(), g.pick("number", "number", "boolean"), "string")
		}
		return cast(g.path(), "string", g.pick("number", "number", "boolean"))
	case change.Split:
		return split(g.path(), g.pick(" ", "--", "."), g.names()...)
	default:
		return join(g.path(), g.pick(" ", "--", "."), g.names()...)
	}
}

// names are some, in any order.
func (g generator) names() []string {
	names := []string{"a", "b", "c", "d"}
	g.Shuffle(len(names), func(i, k int) { names[i], names[k] = names[k], names[i] })
	return names[:2+g.IntN(2)]
}

// chain makes changes of order and line that Validate accepts, of all kinds or of those that keep law R.
func (g generator) chain(objects map[string]*change.Object, lossy bool) []*change.Change {
	if lossy {
		return g.chainOf(objects, change.Kinds)
	}
	return g.chainOf(objects, keepR)
}

func (g generator) chainOf(objects map[string]*change.Object, kinds []change.Kind) []*change.Change {
	for {
		var c []*change.Change
		for range 1 + g.IntN(4) {
			on := on(g.pick("order", "order", "line"))
			for range 1 + g.IntN(3) {
				// Each is tried, so that long chains are found as soon as short ones.
				on.Operations = append(on.Operations, g.operation(kinds))
				if change.Validate(append(c, on), objects).HasErrors() {
					on.Operations = on.Operations[:len(on.Operations)-1]
				}
			}
			c = append(c, on)
		}
		if !change.Validate(c, objects).HasErrors() {
			return c
		}
	}
}

// held are places where order may hold line, and own where line may hold itself, if not nowhere.
func (g generator) places() (held, own string, o map[string]*change.Object) {
	held, own = g.pick("c", "c[*]", "a.c", "d.b[*]", "c[*].a[*]"), g.pick("", "", "d", "d[*]", "b.c")
	if own == "" {
		return held, own, objects("order", held, "line")
	}
	return held, own, objects("order", held, "line", "line", own, "line")
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
		b.WriteString(g.pick(`1`, `1`, `2`, `1.0e+0`, `0.2E1`, `"x"`, `"y"`, `"\u0078"`, `null`, `true`, `"a,}]\"{"`, `1.0e+2`,
			`"1.50"`, `"12.5"`, `-0.0`, `"x y"`, `"false"`, `12.50`))
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

// fit carries a document, and where the program does not take it, one in which what it complains of has been put right,
// mostly; nil if that leads to nothing. So documents are found that long chains accept.
func (g generator) fit(run func([]byte) ([]byte, error), doc []byte) (from, to []byte) {
	for range 6 {
		to, err := run(doc)
		if err == nil {
			return doc, to
		}
		var e *change.Error
		if !errors.As(err, &e) || e.Pointer == "" {
			return nil, nil
		}
		old, ok := jsonspan.Get(doc, jsonspan.Split(e.Pointer)...)
		if !ok {
			return nil, nil
		}
		at := cap(doc) - cap(old)
		doc = slices.Concat(doc[:at], g.instead(e.Detail, old), doc[at+len(old):])
	}
	return nil, nil
}

var inWords = regexp.MustCompile(`must be one of (.*)|the member "(.*)" and|decimals as in "12(.*)"`)

// instead is a value that an error asks for in the place of old.
func (g generator) instead(detail string, old []byte) []byte {
	words := inWords.FindStringSubmatch(detail)
	number := g.pick(`1.50`, `7`, `0.0`, `-0.5`, `2e1`, `-0`, `123456789012345678901234567890`, `1`)
	switch {
	case words != nil && words[1] != "":
		return []byte(g.pick(strings.Split(words[1], ", ")...))
	case words != nil && words[2] != "":
		return fmt.Appendf(nil, `{"%s":%s}`, words[2], old)
	case words != nil:
		return fmt.Appendf(nil, `"%s%s"`, g.pick("0", "-1", "12", "98765432109876543210"), strings.ReplaceAll(words[3], "0", g.pick("0", "5")))
	case strings.HasPrefix(detail, "must be a list"):
		return fmt.Appendf(nil, "[%s]", old)
	case detail == "must be an integer":
		return []byte(g.pick(`1`, `-7`, `0`, `1.5e1`, `20.0`, `123456789012345678901234567890`))
	case strings.HasPrefix(detail, "must be a string that spells a"):
		return fmt.Appendf(nil, "%q", number)
	case strings.HasPrefix(detail, "must be a number"), strings.HasPrefix(detail, "must be spelt"):
		return []byte(number)
	case strings.HasPrefix(detail, "must be the string"):
		return []byte(g.pick(`"true"`, `"false"`))
	case strings.HasPrefix(detail, "must be true"):
		return []byte(g.pick(`true`, `false`))
	case detail == "must be a string":
		return []byte(g.pick(`"x y"`, `"x--y--z"`, `"1.50"`, `"x"`, `"\u0078 y z"`, `""`))
	case strings.HasPrefix(detail, "must not contain"):
		return []byte(`"x"`)
	case strings.HasPrefix(detail, "needs the members"):
		return []byte(`null`)
	case strings.HasPrefix(detail, "must be an object"):
		return []byte(g.pick(`{"x":1}`, `{"a":"x"}`, `null`))
	}
	return []byte(g.pick(`null`, `1`, `"x"`, `{}`))
}

func equal(t *testing.T, a, b []byte) bool {
	t.Helper()
	va, errA := decode(a)
	vb, errB := decode(b)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	return same(va, vb)
}

// untouched gives the members of an object that no operation knows, as they are spelt.
func untouched(doc []byte) []string {
	var all []string
	for name, value := range jsonspan.Members(doc) {
		if !slices.Contains([]string{"a", "b", "c", "d"}, jsonspan.Text(name)) {
			all = append(all, string(name)+string(value))
		}
	}
	return all
}

// rounds is how many chains a property is tried on, of n in full.
func rounds(n int) int {
	if raceDetector && os.Getenv("WICKETGATE_PROPERTIES") != "full" {
		return n / 5
	}
	return n
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
			if o.Member != "" {
				s.WriteString(" " + o.Member)
			}
			if o.Decimals != 0 {
				fmt.Fprintf(&s, " %d", o.Decimals)
			}
			if o.As != "" {
				s.WriteString(" " + o.From + "→" + o.As)
			}
			if o.Parts != nil {
				fmt.Fprintf(&s, " %q %q", o.Parts, o.Separator)
			}
			if o.Value != nil {
				fmt.Fprintf(&s, " %s", o.Value)
			}
			s.WriteByte(';')
		}
	}
	return s.String()
}

// Law R: what comes up goes down to what it was, for every chain of operations that keep it and every document that may
// go up. Members that no operation knows keep their order and their spelling.
func TestLawR(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(1, 2))}
	changed := make(map[change.Kind]int)
	all := rounds(4_000)
	for range all {
		_, _, o := g.places()
		c := g.chainOf(o, keepR)
		p := compile(t, c, o, "")
		for range 10 {
			x, up := g.fit(p.Up, g.document(4))
			if x == nil {
				continue
			}
			check(t, x)
			checkDeep(t, up)
			down, err := p.Down(up)
			if err != nil {
				t.Fatalf("%s\n%s\nbecame %s\nand does not come down: %v", describe(c), x, up, err)
			}
			checkDeep(t, down)
			if !equal(t, down, x) {
				t.Fatalf("%s\n%s\nbecame %s\nand came down as %s", describe(c), x, up, down)
			}
			if want := untouched(x); !slices.Equal(untouched(up), want) || !slices.Equal(untouched(down), want) {
				t.Fatalf("%s\n%s\nbecame %s\nand came down as %s", describe(c), x, up, down)
			}
			again, err := p.Up(down)
			if err != nil || !equal(t, again, up) {
				t.Fatalf("%s\n%s\nbecame %s\nand at the second time %s, %v", describe(c), x, up, again, err)
			}
			count(changed, c, x, up)
		}
	}
	enough(t, changed, keepR, all)
}

// Law S: what comes down goes up to what it was, for every chain of operations that keep it and every document of the
// newest shape that may come down. One that has members of older names is not of that shape: they would be lost, for
// the mapped value wins.
func TestLawS(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(5, 6))}
	changed := make(map[change.Kind]int)
	all := rounds(4_000)
	for range all {
		held, own, o := g.places()
		c := g.chainOf(o, keepS)
		p := compile(t, c, o, "")
		for range 10 {
			y, down := g.fit(p.Down, g.document(4))
			if y == nil {
				continue
			}
			check(t, y)
			checkDeep(t, down)
			if _, err := (reference{c, held, own}).run(y, false, true); err != nil {
				continue
			}
			up, err := p.Up(down)
			if err != nil {
				t.Fatalf("%s\n%s\ncame down as %s\nand does not go up: %v", describe(c), y, down, err)
			}
			if !equal(t, up, y) {
				t.Fatalf("%s\n%s\ncame down as %s\nand went up as %s", describe(c), y, down, up)
			}
			if want := untouched(y); !slices.Equal(untouched(down), want) || !slices.Equal(untouched(up), want) {
				t.Fatalf("%s\n%s\ncame down as %s\nand went up as %s", describe(c), y, down, up)
			}
			count(changed, c, y, down)
		}
	}
	enough(t, changed, keepS, all)
}

// count counts a document that a chain changed, for each kind that the chain has.
func count(changed map[change.Kind]int, c []*change.Change, from, to []byte) {
	if bytes.Equal(from, to) {
		return
	}
	seen := make(map[change.Kind]bool)
	for _, ch := range c {
		for _, o := range ch.Operations {
			seen[o.Kind] = true
		}
	}
	for k := range seen {
		changed[k]++
	}
}

func enough(t *testing.T, changed map[change.Kind]int, kinds []change.Kind, all int) {
	t.Helper()
	t.Log(changed)
	for _, k := range kinds {
		if changed[k] < all/10 {
			t.Errorf("only %d documents that changed had to do with %s", changed[k], k)
		}
	}
}

// The engine, which runs a holder's operations and those of what it holds one after the other, unopened objects moving
// as spans, does what the operations do on maps, each in the order it was written.
func TestAgainstMaps(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(3, 4))}
	done, refused, all := 0, 0, rounds(3_000)
	for range all {
		held, own, o := g.places()
		c := g.chain(o, true)
		p := compile(t, c, o, "")
		for i := range 14 {
			up, x := i%2 == 0, g.document(4)
			run := p.Down
			if up {
				run = p.Up
			}
			if i < 8 {
				if fit, _ := g.fit(run, x); fit != nil {
					x = fit
				}
			}
			got, err := run(x)
			want, wantErr := reference{c, held, own}.run(x, up, up)
			if err == nil && errors.Is(wantErr, errHeld) && taken(c) {
				continue // nobody looks into what an operation of its holder takes away
			}
			if (err == nil) != (wantErr == nil) {
				t.Fatalf("%s\nholds %s, itself %s\n%s up: %v\nbecame %s, %v\nwant   %s, %v", describe(c), held, own, x, up, got, err, want, wantErr)
			}
			if err != nil {
				refused++
				continue
			}
			checkDeep(t, got)
			if !equal(t, got, want) {
				t.Fatalf("%s\nholds %s, itself %s\n%s up: %v\nbecame %s\nwant   %s", describe(c), held, own, x, up, got, want)
			}
			done++
		}
	}
	t.Log(done, "done", refused, "refused")
	if done < 3*all || refused < all {
		t.Errorf("%d done, %d refused", done, refused)
	}
}
