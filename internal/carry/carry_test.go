package carry

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/change"
	"github.com/wicketgate/wicketgate/internal/exchange"
)

// answer makes what becomes of answers in which an order stands at a path; what was called status is called state.
func answer(t testing.TB, path string) *Answer {
	t.Helper()
	orders := map[string]*change.Object{"order": {Name: "order"}}
	c := []*change.Change{{Name: "state", On: "order", Operations: []change.Operation{
		{Kind: change.Enum, Path: "status", Pairs: []change.Pair{{Old: json.RawMessage(`"o"`), New: json.RawMessage(`"open"`)}}, Range: hcl.Range{Filename: "a.hcl"}},
		{Kind: change.Rename, Path: "status", To: "state"}}}}
	p, diags := change.Compile(c, orders, []change.Held{{Path: path, Object: "order"}})
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return &Answer{Program: p, Mark: ";v1", Max: 1000}
}

func TestReads(t *testing.T) {
	nothing, diags := change.Compile(nil, nil, nil)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	for _, test := range []struct {
		name   string
		answer *Answer
		want   exchange.Reads
	}{
		{"nothing to do", &Answer{Program: nothing}, exchange.Reads{}},
		{"an object", answer(t, ""), exchange.Reads{Body: true, Whole: 1000}},
		{"a list", answer(t, "data[*]"), exchange.Reads{Body: true}},
	} {
		if got := test.answer.Reads(); got != test.want {
			t.Errorf("%s: got %+v", test.name, got)
		}
	}
}

// An answer becomes the same whether it has been read or arrives; and what says that it is not what was asked for, or
// not what it should be, is refused.
func TestReturn(t *testing.T) {
	of := func(field, value string) http.Header {
		return http.Header{"Content-Type": {"application/json"}, field: {value}}
	}
	list := `{"data":[{"state":"open"}]}`
	for _, test := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   string // "" for a refusal
	}{
		{"a list", 200, nil, list, `{"data":[{"status":"o"}]}`},
		{"JSON by suffix", 200, of("Content-Type", "application/vnd.shop+json; charset=utf-8"), list, `{"data":[{"status":"o"}]}`},
		{"what was made", 201, nil, list, `{"data":[{"status":"o"}]}`},
		{"an error, which has a shape of its own", 404, of("Content-Type", "text/plain"), "gone", "gone"},
		{"a part, though none was asked for", 206, nil, list, ""},
		{"parts, though none were asked for", 206, of("Content-Type", "multipart/byteranges; boundary=x"), list, ""},
		{"a difference, though none was asked for", 226, nil, list, ""},
		{"a content coding, though none was asked for", 200, of("Content-Encoding", "gzip"), list, ""},
		{"identity, which is none", 200, of("Content-Encoding", "identity"), list, `{"data":[{"status":"o"}]}`},
		{"another type", 200, of("Content-Type", "text/html"), list, ""},
		{"no type", 200, http.Header{}, list, ""},
		{"two types", 200, http.Header{"Content-Type": {"application/json", "text/html"}}, list, ""},
		{"not JSON", 200, nil, `{"data":[{"state":"open"}`, ""},
		{"two members of one name", 200, nil, `{"data":[{"state":"open"}],"data":[]}`, ""},
		{"a state that the version has no word for", 200, nil, `{"data":[{"state":"shut"}]}`, ""},
		{"something else in the list's place", 200, nil, `{"data":{}}`, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if test.header == nil {
				test.header = of("Etag", `"7"`)
			}
			for _, read := range []bool{true, false} {
				r := &exchange.Response{Status: test.status, Header: test.header.Clone(), Read: read}
				if read {
					r.Bytes = []byte(test.body)
				} else {
					r.Stream = io.NopCloser(strings.NewReader(test.body))
				}
				err := answer(t, "data[*]").Return(r)
				got := string(r.Bytes)
				if err == nil && !read {
					var b []byte
					b, err = io.ReadAll(r.Stream)
					got = string(b)
				}
				switch {
				case test.want == "" && err == nil:
					t.Errorf("read %t: passed as %s", read, got)
				case test.want != "" && (err != nil || got != test.want):
					t.Errorf("read %t: got %s, %v", read, got, err)
				}
				if tag := r.Header.Get("Etag"); test.status == 200 && test.header.Get("Etag") != "" && tag != `"7;v1"` {
					t.Errorf("read %t: the tag is %s", read, tag)
				}
			}
		})
	}
}

// Answers without a body have the fields of the form that the one with a body has.
func TestReturnWithoutABody(t *testing.T) {
	for _, status := range []int{200, 204, 304} {
		for _, read := range []bool{true, false} {
			r := &exchange.Response{Status: status, Read: read, Header: http.Header{"Etag": {`W/"7"`}, "Repr-Digest": {"sha-256=:AA==:"}, "Accept-Ranges": {"bytes"}}}
			if err := answer(t, "data[*]").Return(r); err != nil || len(r.Header) != 1 || r.Header.Get("Etag") != `W/"7;v1"` {
				t.Errorf("%d, read %t: %v, %v", status, read, r.Header, err)
			}
		}
	}
}

// What is wrong at the start of a long answer is known before it goes out; what is wrong later breaks it off.
func TestReturnOfALongAnswer(t *testing.T) {
	const rest = `,{"state":"open"}`
	long := func(first, last string) io.ReadCloser {
		return io.NopCloser(strings.NewReader(`{"data":[` + first + strings.Repeat(rest, 5_000) + last + `]}`))
	}
	for _, test := range []struct{ name, first, last, refused, broken string }{
		{"a good one", `{}`, ``, "", ""},
		{"a first item that does not fit", `{"state":"shut"}`, ``, "/data/0/state", ""},
		{"a last one", `{}`, `,{"state":"shut"}`, "", "/data/5001/state"},
		{"a last one that is none", `{}`, `,{"state":`, "", "/data/5001"},
		{"an item over the bound", `{}`, `,"` + strings.Repeat("x", 1000) + `"`, "", "/data/5001"},
	} {
		r := &exchange.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Stream: long(test.first, test.last)}
		err := answer(t, "data[*]").Return(r)
		if (err == nil) != (test.refused == "") || err != nil && !strings.Contains(err.Error(), test.refused) {
			t.Errorf("%s: refused with %v", test.name, err)
		}
		if err != nil {
			continue
		}
		got, err := io.ReadAll(r.Stream)
		if (err == nil) != (test.broken == "") || err != nil && !strings.Contains(fmt.Sprint(err), test.broken) {
			t.Errorf("%s: broke off with %v", test.name, err)
		}
		if len(got) < 5_000 || !r.Replaced {
			t.Errorf("%s: %d bytes came of it", test.name, len(got))
		}
	}
	r := &exchange.Response{Status: 200, Header: http.Header{"Content-Type": {"application/json"}}, Stream: long(`{}`, ``)}
	if err := answer(t, "").Return(r); !errors.Is(err, errNotRead) {
		t.Errorf("an answer that is needed whole and was not read: %v", err)
	}
}

func BenchmarkReturn(b *testing.B) {
	a := answer(b, "data[*]")
	body := []byte(`{"data":[` + strings.Repeat(`{"id":"0198c1d4-7a53-7b9e-a3f1-0d9f1c2b3a4d","state":"open","total":{"amount":12930}},`, 12) + `{}]}`)
	header := http.Header{"Content-Type": {"application/json"}}
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if err := a.Return(&exchange.Response{Status: 200, Header: header, Read: true, Bytes: body}); err != nil {
			b.Fatal(err)
		}
	}
}
