package exchange

import (
	"bytes"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/wicketgate/wicketgate/internal/problem"
)

func TestReadAll(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	for _, c := range []struct {
		name   string
		stream io.Reader
		length int64
		limit  int64
		want   string
		typ    *problem.Type
	}{
		{name: "no body", limit: 10},
		{name: "an empty one", stream: strings.NewReader(""), length: -1, limit: 10},
		{name: "announced", stream: strings.NewReader("body"), length: 4, limit: 10, want: "body"},
		{name: "of unknown length", stream: strings.NewReader("body"), length: -1, limit: 10, want: "body"},
		{name: "byte by byte", stream: iotest.OneByteReader(strings.NewReader(long)), length: -1, limit: 1 << 20, want: long},
		{name: "the last bytes with the end", stream: iotest.DataErrReader(strings.NewReader(long)), length: 100_000, limit: 100_000, want: long},
		{name: "exactly the bound", stream: strings.NewReader("0123456789"), length: -1, limit: 10, want: "0123456789"},
		{name: "announced over the bound", stream: iotest.ErrReader(errors.New("read nevertheless")), length: 11, limit: 10, typ: problem.ContentTooLarge},
		{name: "over the bound", stream: strings.NewReader("0123456789a"), length: -1, limit: 10, typ: problem.ContentTooLarge},
		{name: "over the bound, announced within", stream: strings.NewReader("0123456789a"), length: 10, limit: 10, typ: problem.ContentTooLarge},
		{name: "broken off", stream: io.MultiReader(strings.NewReader("bo"), iotest.ErrReader(io.ErrUnexpectedEOF)), length: 4, limit: 10, typ: problem.BadRequest},
		{name: "shorter than announced", stream: strings.NewReader("bod"), length: 4, limit: 10, typ: problem.BadRequest},
		{name: "nothing, though announced", stream: strings.NewReader(""), length: 4, limit: 10, typ: problem.BadRequest},
		{name: "too slow", stream: iotest.ErrReader(os.ErrDeadlineExceeded), length: 4, limit: 10, typ: problem.RequestTimeout},
		{name: "bounded by the server", stream: http.MaxBytesReader(httptest.NewRecorder(), io.NopCloser(strings.NewReader("0123456789")), 5), length: -1, limit: 10, typ: problem.ContentTooLarge},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := Body{Stream: c.stream, Length: c.length}
			p := b.ReadAll(c.limit)
			if c.typ != nil {
				if p == nil || p.Type != c.typ {
					t.Fatalf("%v, want %s", p, c.typ.URI)
				}
				if b.Read || b.Bytes != nil {
					t.Errorf("a part is taken for the whole: %q", b.Bytes)
				}
				return
			}
			if p != nil {
				t.Fatal(p)
			}
			if !b.Read || string(b.Bytes) != c.want || b.Length != int64(len(c.want)) {
				t.Errorf("read %v, %d bytes of length %d, want %d", b.Read, len(b.Bytes), b.Length, len(c.want))
			}
			if p := b.ReadAll(c.limit); p != nil || string(b.Bytes) != c.want {
				t.Errorf("read again: %v", p)
			}
		})
	}
}

// A stage that only reports lets a request go on. The rest of a stream of which a part was read is not its body.
func TestABodyThatFailedStaysFailed(t *testing.T) {
	b := Body{Stream: strings.NewReader("0123456789abcdef"), Length: -1}
	first := b.ReadAll(10)
	if again := b.ReadAll(100); first == nil || again != first {
		t.Errorf("%v, then %v", first, again)
	}
	if rest, err := io.ReadAll(b.Stream); len(rest) > 0 || !errors.Is(err, error(first)) {
		t.Errorf("the upstream would get %q, %v", rest, err)
	}
}

func TestABodyReadUnderALargerBoundMeetsTheSmallerOne(t *testing.T) {
	b := Body{Stream: strings.NewReader("0123456789"), Length: -1}
	if p := b.ReadAll(10); p != nil {
		t.Fatal(p)
	}
	if p := b.ReadAll(9); p == nil || p.Type != problem.ContentTooLarge {
		t.Errorf("%v, want 413", p)
	}
}

// A client that announces much and sends nothing is not believed.
func TestAnAnnouncedLengthSetsNothingAside(t *testing.T) {
	var asked int
	b := Body{Stream: readerFunc(func(p []byte) (int, error) {
		asked = max(asked, len(p))
		return 0, io.EOF
	}), Length: 25 << 20}
	if p := b.ReadAll(25 << 20); p == nil || p.Type != problem.BadRequest {
		t.Fatal(p)
	}
	if asked > firstRead+1 {
		t.Errorf("%d bytes set aside", asked)
	}
}

func TestReplace(t *testing.T) {
	b := Body{Stream: strings.NewReader("old"), Length: 3}
	if p := b.ReadAll(10); p != nil {
		t.Fatal(p)
	}
	b.Replace([]byte("newer"))
	if p := b.ReadAll(10); p != nil || string(b.Bytes) != "newer" || b.Length != 5 || !b.Changed {
		t.Errorf("%v, %q, length %d, changed %v", p, b.Bytes, b.Length, b.Changed)
	}
}

func BenchmarkReadAll(b *testing.B) {
	body := bytes.Repeat([]byte("x"), 1<<10)
	r := bytes.NewReader(body)
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(body)
		x := Body{Stream: r, Length: int64(len(body))}
		if p := x.ReadAll(DefaultMaxBody); p != nil {
			b.Fatal(p)
		}
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
