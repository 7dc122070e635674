package integration

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
)

func program(t testing.TB, text string) *rule.Program {
	t.Helper()
	p, diags := rule.CompileText(text, hcl.Range{}, rule.Environment{Roots: rule.All | rule.Response}, rule.Any)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return p
}

// TestPages tells where the other pages are, however the third party does, on the caller's own address.
func TestPages(t *testing.T) {
	next := program(t, `response.body.has_more ? response.body.data[-1].id : nil`)
	cursor := program(t, `response.body.next`)
	number := program(t, `response.body.page < response.body.pages ? response.body.page + 1 : nil`)
	before := program(t, `response.body.page > 1 ? response.body.page - 1 : nil`)
	for _, test := range []struct {
		name  string
		page  *Page
		query string
		body  string
		link  []string
		want  []string
	}{
		{"the last id", &Page{Parameter: "after", Next: next}, "limit=2&after=a", `{"has_more":true,"data":[{"id":"a"},{"id":"b"}]}`, nil, []string{`</charges?limit=2&after=b>; rel="next"`}},
		{"the end", &Page{Parameter: "after", Next: next}, "", `{"has_more":false,"data":[]}`, nil, nil},
		{"a cursor that has to be escaped", &Page{Parameter: "a b", Next: cursor}, "%61+b=old&x=1", `{"next":"=>\"&c\r\n"}`, nil, []string{`</charges?x=1&a+b=%3D%3E%22%26c%0D%0A>; rel="next"`}},
		{"null", &Page{Parameter: "after", Next: cursor}, "", `{"next":null}`, nil, nil},
		{"an empty text", &Page{Parameter: "after", Next: cursor}, "", `{"next":""}`, nil, nil},
		{"an object", &Page{Parameter: "after", Next: cursor}, "", `{"next":{}}`, nil, nil},
		{"numbers", &Page{Parameter: "page", Next: number, Previous: before}, "page=2", `{"page":2,"pages":3}`, nil, []string{`</charges?page=3>; rel="next"`, `</charges?page=1>; rel="prev"`}},
		{"links", &Page{Parameter: "p", Link: "page"}, "q=x", `{}`,
			[]string{`<https://api.example/x?page=3&key=SECRET>; rel="next", <https://api.example/x?page=9>; title="a, b"; rel="last"`, `</x?page=1>;rel=first`},
			[]string{`</charges?q=x&p=3>; rel="next"`, `</charges?q=x&p=1>; rel="first"`, `</charges?q=x&p=9>; rel="last"`}},
		{"a link with several relations", &Page{Parameter: "p", Link: "page"}, "", `{}`, []string{`<?page=1>; rel="previous first other"`}, []string{`</charges?p=1>; rel="prev"`, `</charges?p=1>; rel="first"`}},
		{"links of other kinds", &Page{Parameter: "p", Link: "page"}, "", `{}`, []string{`<https://x.example/?page=2>; rel="preload"`, `<https://x.example/?no=2>; rel="next"`, `<?page=1&page=2>; rel=next`}, nil},
		{"broken links", &Page{Parameter: "p", Link: "page"}, "", `{}`, []string{`<?page=1`, `;;rel=next`, `<%zz?page=1>;rel=next`, `<?page=1>;rel`}, nil},
		{"links of megabytes", &Page{Parameter: "p", Link: "page"}, "", `{}`, []string{`<?page=1>; rel=next; x="` + strings.Repeat("a", 10<<10) + `"`}, nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			x := &exchange.Exchange{Path: exchange.Path{Escaped: "/charges"}, Query: exchange.Query{Raw: test.query},
				Received: &exchange.Received{Status: 200, Header: http.Header{"Link": test.link}, Body: []byte(test.body), Valid: true}}
			h := http.Header{}
			if err := test.page.link(x, h); err != nil || !slices.Equal(h["Link"], test.want) {
				t.Errorf("got %q, %v; want %q", h["Link"], err, test.want)
			}
		})
	}
	x := &exchange.Exchange{Received: &exchange.Received{Body: []byte(`{"next":"` + strings.Repeat("a", 3000) + `"}`), Valid: true}}
	if err := (&Page{Parameter: "after", Next: cursor}).link(x, http.Header{}); err == nil {
		t.Error("a cursor of 3,000 bytes is told")
	}
}

// Whatever the third party says of pages, what is told is made of the caller's own address.
func FuzzLinks(f *testing.F) {
	f.Add(`<https://api.example/x?page=3>; rel="next", </x?page=1>;rel=first`)
	f.Add(`<?page=%0d%0a>; rel="next`)
	f.Fuzz(func(t *testing.T, text string) {
		p := &Page{Parameter: "p", Link: "page"}
		x := &exchange.Exchange{Path: exchange.Path{Escaped: "/charges"}, Received: &exchange.Received{Header: http.Header{"Link": {text}}}}
		h := http.Header{}
		if p.link(x, h) != nil {
			return
		}
		for _, link := range h["Link"] {
			if !strings.HasPrefix(link, "</charges?p=") || strings.Count(link, "<") != 1 || strings.Count(link, ">") != 1 || strings.ContainsAny(link, "\r\n") {
				t.Fatalf("%q: told %q", text, link)
			}
		}
	})
}
