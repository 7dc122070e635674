package jsonspan_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// read takes a document through a Reader, opening objects and arrays as deep as said, and gives what was handed out.
func read(src io.Reader, limit, deep int) ([]byte, error) {
	r := jsonspan.NewReader(src, limit, jsonspan.Bounds{})
	var out []byte
	for open := 0; ; {
		var token jsonspan.Token
		var err error
		if out, token, err = r.Next(out); err != nil {
			return out, err
		}
		switch token {
		case jsonspan.Ended:
			return out, nil
		case jsonspan.Closed:
			open--
			continue
		case jsonspan.Found:
			if kind := r.Kind(); (kind == '{' || kind == '[') && open < deep {
				if out, err = r.Open(out); err != nil {
					return out, err
				}
				open++
				continue
			}
			raw, err := r.Take()
			if err != nil {
				return out, err
			}
			out = append(out, raw...)
			if raw != nil {
				continue
			}
		}
		if _, err := r.Fill(); err != nil {
			return out, err
		}
	}
}

// pieces gives what it reads in pieces of random lengths, sometimes none, and sometimes its end with the last of them.
type pieces struct {
	rand *rand.Rand
	rest []byte
}

func (p *pieces) Read(b []byte) (int, error) {
	n := min(len(b), len(p.rest), p.rand.IntN(20))
	copy(b, p.rest[:n])
	p.rest = p.rest[n:]
	if len(p.rest) == 0 && p.rand.IntN(2) == 0 {
		return n, io.EOF
	}
	return n, nil
}

// compare demands of a Reader what Check finds: the same document or the same mistake, however it arrives.
func compare(t *testing.T, doc []byte, seed uint64) {
	t.Helper()
	want := jsonspan.Check(doc, jsonspan.Bounds{})
	for deep := range 4 {
		for i, src := range []io.Reader{bytes.NewReader(doc), iotest.OneByteReader(bytes.NewReader(doc)),
			iotest.DataErrReader(bytes.NewReader(doc)), &pieces{rand.New(rand.NewPCG(seed, 5)), doc}} {
			got, err := read(src, 1<<20, deep)
			if want == nil {
				if err != nil || !bytes.Equal(got, doc) {
					t.Fatalf("%q opened %d deep, source %d: got %q, %v", doc, deep, i, got, err)
				}
				continue
			}
			if !reflect.DeepEqual(err, want) {
				t.Fatalf("%q opened %d deep, source %d: got %+v, want %+v", doc, deep, i, err, want)
			}
			if !bytes.HasPrefix(doc, got) {
				t.Fatalf("%q opened %d deep, source %d: handed out %q", doc, deep, i, got)
			}
		}
	}
}

func TestReader(t *testing.T) {
	docs := append([]string{
		` [ 1 , {"a" : [ ] , "b":{ }} ,"x"] `, `{"a":1,}`, `{"x":{"a":1,}}`, `[1,]`, `[1 2]`, `{"a" 1}`, `{"a":1 "b":2}`, `[}`, `{]`, `]`, `[[1,2],[tru]]`, `{"a":{"b":[1,{"c":nul}]}}`,
		`{"a":"\ud83d\ude00`, `{"a":"\ud83d"}`, `["\x"]`, `{"a":[1,2,3}`, `{"a":12`, `[1.]`, `[-]`, `1`, `-1.5e3`, `12 13`, `truefalse`, "{\"\x01\":1}", `{"a":{"b":1},"a":2}`, "\xef\xbb", "\xef\xbb\xbf{}", " \ufeff{}",
		strings.Repeat("[", 70), strings.Repeat("[", 64) + strings.Repeat("]", 64), `[` + strings.Repeat("1", 101) + `.]`, `{"a":[` + strings.Repeat("1", 100) + `,` + strings.Repeat("9", 200),
		`{"a":[1,2,"` + strings.Repeat("long ", 8_000) + `",{"b":"` + strings.Repeat("é", 9_000) + `"}],"z":"` + strings.Repeat(`\"\\`, 9_000) + `"}`,
	}, seeds...)
	for i, doc := range docs {
		if !strings.Contains(doc, `"0":0`) { // of many names, Check finds the same one later
			compare(t, []byte(doc), uint64(i))
		}
	}
}

// What a Reader holds is bounded, and the bounds hold in whatever pieces the document arrives.
func TestReaderBounds(t *testing.T) {
	names := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"n%05d":0,`, i)
		}
		return `{"list":[` + strings.Repeat(`{},`, 10) + `0],` + b.String() + `"z":0}`
	}
	for _, test := range []struct{ name, doc, at, want string }{
		{"a value of the limit", `{"a":["` + strings.Repeat("x", 98) + `"]}`, "", ""},
		{"a value beyond it", `{"a":["` + strings.Repeat("x", 99) + `"]}`, "/a/0", "a value has more than 100 bytes"},
		{"a value without an end", `{"a":["` + strings.Repeat("x", 99_000), "/a/0", "a value has more than 100 bytes"},
		{"a number without an end", `{"a":[1,` + strings.Repeat("1", 99_000), "/a/1", "a number may have 100 characters at most"},
		{"an object without an end", `{"a":[{"b":"` + strings.Repeat("x", 99_000), "/a/0", "a value has more than 100 bytes"},
		{"many names", names(2_000), "", ""},
		{"more than are compared", names(3_000), "/n02978", "an object has more names than are compared as it passes, 64 KiB of them"},
		{"a long name", `{"` + strings.Repeat("n", 70_000) + `":0}`, "", "an object has more names than are compared as it passes, 64 KiB of them"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, src := range []io.Reader{strings.NewReader(test.doc), iotest.OneByteReader(strings.NewReader(test.doc))} {
				got, err := read(src, 100, 2)
				if test.want == "" {
					if err != nil || string(got) != test.doc {
						t.Errorf("got %.100s, %v", got, err)
					}
					continue
				}
				if e := (*jsonspan.Error)(nil); !errors.As(err, &e) || e.Detail != test.want || e.Pointer != test.at {
					t.Errorf("got %+v, want %s at %s", err, test.want, test.at)
				}
			}
		})
	}
}

// A document that breaks off is told from one that ends.
func TestReaderBreaksOff(t *testing.T) {
	reset := errors.New("connection reset")
	for doc, want := range map[string]string{`[1,2`: `[1,`, `[1,2]`: `[1,2]`} {
		for _, cause := range []error{reset, io.ErrUnexpectedEOF, fmt.Errorf("connection: %w", io.EOF)} {
			got, err := read(io.MultiReader(strings.NewReader(doc), iotest.ErrReader(cause)), 100, 1)
			if !errors.Is(err, cause) || string(got) != want {
				t.Errorf("got %q, %v", got, err)
			}
		}
	}
}

// FuzzReader holds the Reader against Check.
func FuzzReader(f *testing.F) {
	for i, s := range seeds {
		f.Add([]byte(s), uint64(i))
	}
	f.Fuzz(func(t *testing.T, doc []byte, seed uint64) {
		if jsonspan.Check(doc, jsonspan.Bounds{}) != nil && bytes.Count(doc, []byte(`"`)) > 32 {
			return // of more than a few names, Check finds two alike later than other mistakes
		}
		compare(t, doc, seed)
	})
}
