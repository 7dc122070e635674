package change_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func TestLocal(t *testing.T) {
	o := objects("order", "lines[*]", "line", "line", "taxes[*]", "tax")
	orders, lines, taxes := on("order", rename("a", "b")), on("line", rename("a", "b")), on("tax", rename("a", "b"))
	for _, test := range []struct {
		name    string
		changes []*change.Change
		roots   []string
		want    bool
	}{
		{"nothing to do", nil, []string{"data[*]"}, false},
		{"the message itself", chain(orders), []string{""}, false},
		{"a member", chain(orders), []string{"data"}, false},
		{"a list that is the message", chain(orders), []string{"[*]"}, true},
		{"a list in a member", chain(orders), []string{"data[*]"}, true},
		{"two lists", chain(orders), []string{"data[*]", "old.data[*]"}, true},
		{"lists in a list", chain(orders), []string{"groups[*].data[*]"}, true},
		{"a member of items", chain(orders), []string{"data[*].order"}, true},
		{"a list and a member", chain(orders), []string{"data[*]", "first"}, false},
		{"in an object that stays, a list of others", chain(lines), []string{""}, true},
		{"in an object that stays, lists in lists", chain(taxes), []string{""}, true},
		{"in an object that changes, a list of others", chain(orders, lines), []string{""}, false},
	} {
		if got := compile(t, test.changes, o, test.roots...).Local(); got != test.want {
			t.Errorf("%s: got %t", test.name, got)
		}
	}
}

// pieces gives what it reads in pieces of random lengths, sometimes none, and sometimes its end with the last of them.
type pieces struct {
	rand *rand.Rand
	rest []byte
}

func (p *pieces) Read(b []byte) (int, error) {
	n := min(len(b), len(p.rest), p.rand.IntN(1+p.rand.IntN(200)))
	copy(b, p.rest[:n])
	p.rest = p.rest[n:]
	if len(p.rest) == 0 && p.rand.IntN(2) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// streamed carries doc as it arrives.
func streamed(p *change.Program, src io.Reader, up bool) ([]byte, error) {
	s := p.DownStream(io.NopCloser(src), 1<<20)
	if up {
		s = p.UpStream(io.NopCloser(src), 1<<20)
	}
	defer s.Close() //nolint:errcheck // of a source without an end of its own
	out, err := io.ReadAll(s)
	return out, err
}

// likewise demands of the streaming form what the whole one gives, the same bytes or the same mistake, and says whether
// it was carried.
func likewise(t *testing.T, p *change.Program, doc []byte, up bool, r *rand.Rand, what func() string) bool {
	t.Helper()
	broken := jsonspan.Check(doc, jsonspan.Bounds{})
	run := p.Down
	if up {
		run = p.Up
	}
	want, wantErr := run(doc)
	if broken != nil {
		wantErr = broken
	}
	for i, src := range []io.Reader{bytes.NewReader(doc), iotest.OneByteReader(bytes.NewReader(doc)), iotest.DataErrReader(bytes.NewReader(doc)), &pieces{r, doc}} {
		got, err := streamed(p, src, up)
		if wantErr == nil {
			if err != nil || !bytes.Equal(got, want) {
				t.Fatalf("%s\n%s, source %d\nbecame  %s, %v\nand not %s", what(), doc, i, got, err, want)
			}
			continue
		}
		// Of two mistakes in a message, the streaming form meets the first, the whole one that in the grammar.
		e, whole := (*change.Error)(nil), (*change.Error)(nil)
		if errors.As(err, &e) && broken != nil {
			continue
		}
		// Of a constant, which has no place in the message, the streaming form tells the item it was put into.
		if e != nil && errors.As(wantErr, &whole) && whole.Pointer == "" {
			there := *whole
			there.Pointer = e.Pointer
			wantErr = &there
		}
		if !reflect.DeepEqual(err, wantErr) {
			t.Fatalf("%s\n%s, source %d\nfailed with %+v\nand not     %+v", what(), doc, i, err, wantErr)
		}
	}
	return wantErr == nil
}

// streamable makes a program that carries messages as they arrive.
func (g generator) streamable(t *testing.T) (p *change.Program, what string) {
	for {
		o := objects("order", g.pick("c", "c[*]", "a.c", "d.b[*]"), "line")
		c := g.chain(o, true)
		roots := [][]string{{"[*]"}, {"a[*]"}, {"[*].a[*]"}, {"a.b[*]", "c[*]"}, {"b[*]", "a[*].c"}, {"[*][*]"}, {""}, {"c[*].d[*]", "a[*]"}}[g.IntN(8)]
		if p = compile(t, c, o, roots...); p.Local() {
			return p, fmt.Sprint(describe(c), "\nat ", roots)
		}
	}
}

// message writes a document, mostly one with lists where those programs look for them.
func (g generator) message() []byte {
	var b bytes.Buffer
	list := func() {
		b.WriteByte('[')
		for i := range g.IntN(5) {
			if i > 0 {
				b.WriteString(g.pick(",", " , "))
			}
			if g.IntN(8) > 0 {
				b.Write(g.document(3))
			} else {
				g.value(&b, 3)
			}
		}
		b.WriteByte(']')
	}
	switch g.IntN(6) {
	case 0, 1:
		list()
	case 2:
		g.value(&b, 5)
	default:
		b.WriteByte('{')
		for i, name := range []string{`"x"`, g.pick(`"a"`, `"\u0061"`), `"b"`, `"c"`, g.pick(`"d"`, `"d"`, `"d"`, `"a"`)} {
			if i > 0 {
				b.WriteByte(',')
			}
			b.WriteString(name + g.pick(":", " :\t"))
			if g.IntN(6) > 0 {
				list()
			} else {
				g.value(&b, 4)
			}
		}
		b.WriteByte('}')
	}
	doc := b.Bytes()
	switch g.IntN(8) {
	case 0:
		return doc[:g.IntN(len(doc))]
	case 1:
		doc[g.IntN(len(doc))] = `{}[],:"\ue1tx`[g.IntN(13)]
	}
	return doc
}

// The streaming form does what the whole one does, for every message in whatever pieces it arrives.
func TestStreamed(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(11, 12))}
	done, refused := 0, 0
	all := rounds(1_500)
	for range all {
		p, what := g.streamable(t)
		for range 10 {
			doc, up := g.message(), g.IntN(2) == 0
			run := p.Down
			if up {
				run = p.Up
			}
			if fit, _ := g.fit(run, doc); fit != nil {
				doc = fit
			}
			if likewise(t, p, doc, up, g.Rand, func() string { return what }) {
				done++
			} else {
				refused++
			}
		}
	}
	if done < all || refused < all {
		t.Errorf("%d done, %d refused", done, refused)
	}
}

// The same, of messages and items that are larger than the window.
func TestStreamedBeyondTheWindow(t *testing.T) {
	p := compile(t, five, objects(), "data[*]")
	r := rand.New(rand.NewPCG(13, 14))
	text := strings.Repeat(`a long note, \"quoted\" and é, `, 3_000)
	for _, doc := range []string{
		string(orders(200)),
		`{"note":"` + text + `","data":[{"verified":true,"note":"` + text + `"},{"verified":false}],"more":["` + text + `"]}`,
		`{"data":[{"verified":true},` + strings.Repeat(" ", 70_000) + `{"verified":false}` + strings.Repeat("\n", 70_000) + `]}`,
		`{"data":[{"verified":true,"note":"` + text + `"},{"verified":1}]}`,
		`{"data":[{"verified":true,"note":"` + text + `"},{"verified":true}`,
		`{"data":[{"verified":true,"note":"` + text,
		`{"data":[{"verified":true}],"note":{"text":"` + text + `","text":1}}`,
	} {
		likewise(t, p, []byte(doc), true, r, func() string { return "" })
	}
	if _, err := streamed(p, strings.NewReader(`{"data":[{"note":"`+strings.Repeat(text, 20)+`"}]}`), true); err == nil || !strings.Contains(err.Error(), "more than 1048576 bytes") {
		t.Errorf("an item beyond the limit: %v", err)
	}
}

// An item is carried as soon as it has arrived, and a reader that has nothing yet is not waited for.
func TestStreamedAtOnce(t *testing.T) {
	p := compile(t, five, objects(), "data[*]")
	in, write := io.Pipe()
	s := p.UpStream(in, 1<<20)
	b := make([]byte, 4096)
	for _, test := range [][2]string{{`{"data":[{"verified":true},{"ver`, `{"data":[{"status":"verified"},`}, {`ified":false}`, `{"status":"unverified"}`}, {`]} `, `]} `}} {
		go io.WriteString(write, test[0]) //nolint:errcheck // it is read
		if n, err := s.Read(b); err != nil || string(b[:n]) != test[1] {
			t.Fatalf("%s became %q, %v", test[0], b[:n], err)
		}
	}
	go write.CloseWithError(io.ErrUnexpectedEOF) //nolint:errcheck // it never fails
	if n, err := s.Read(b); n > 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a message that broke off: %q, %v", b[:n], err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.Read(b); err == nil {
		t.Error("it is read after it was closed")
	}
	s = p.UpStream(io.NopCloser(iotest.DataErrReader(strings.NewReader(""))), 1<<20)
	if err := s.Begin(); err == nil {
		t.Error("an empty message begins well")
	}
}

// tenMB gives a list of about 10 MB, without holding it.
func tenMB() io.Reader {
	item := append([]byte{','}, order(3)...)
	readers := []io.Reader{strings.NewReader(`{"data":[`), bytes.NewReader(item[1:])}
	for range 10_000_000 / len(item) {
		readers = append(readers, bytes.NewReader(item))
	}
	return io.MultiReader(append(readers, strings.NewReader(`]}`))...)
}

// A list of 10 MB is carried in less than 1 MiB beyond the window.
func TestStreamedInConstantMemory(t *testing.T) {
	p := compile(t, five, objects(), "data[*]")
	var before, now runtime.MemStats
	src := tenMB()
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := p.UpStream(io.NopCloser(src), 1<<20)
	b := make([]byte, 32<<10)
	most, read := uint64(0), 0
	for next := 0; ; {
		n, err := s.Read(b)
		if read += n; errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if read >= next {
			next += 1 << 20
			runtime.GC()
			runtime.ReadMemStats(&now)
			most = max(most, now.HeapAlloc-min(before.HeapAlloc, now.HeapAlloc))
		}
	}
	if read < 9<<20 || most > 1<<20 {
		t.Errorf("carried %d bytes with %d live", read, most)
	}
}

func BenchmarkStream(b *testing.B) {
	whole, err := io.ReadAll(tenMB())
	if err != nil {
		b.Fatal(err)
	}
	p := compile(b, five, objects(), "data[*]")
	b.Run("10MB-streamed", func(b *testing.B) {
		b.SetBytes(int64(len(whole)))
		b.ReportAllocs()
		for b.Loop() {
			s := p.UpStream(io.NopCloser(bytes.NewReader(whole)), 1<<20)
			if _, err := io.Copy(io.Discard, struct{ io.Reader }{s}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("10MB-whole", func(b *testing.B) {
		b.SetBytes(int64(len(whole)))
		b.ReportAllocs()
		for b.Loop() {
			if err := jsonspan.Check(whole, jsonspan.Bounds{}); err != nil {
				b.Fatal(err)
			}
			if _, err := p.Up(whole); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// FuzzStream holds the streaming form against the whole one.
func FuzzStream(f *testing.F) {
	for i := range uint64(20) {
		f.Add(i, generator{rand.New(rand.NewPCG(i, 2))}.message())
	}
	f.Fuzz(func(t *testing.T, seed uint64, doc []byte) {
		if bytes.Count(doc, []byte(`"`)) > 32 && jsonspan.Check(doc, jsonspan.Bounds{}) != nil {
			return // of more than a few names, Check finds two alike later than other mistakes
		}
		g := generator{rand.New(rand.NewPCG(seed, 3))}
		p, what := g.streamable(t)
		likewise(t, p, doc, seed%2 == 0, g.Rand, func() string { return what })
	})
}
