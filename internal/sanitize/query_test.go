package sanitize

import (
	"net/url"
	"strings"
	"testing"
)

var query = NewQuery(
	QueryField{Name: "q", Steps: []Step{Strip, NFC, Trim}},
	QueryField{Name: "e mail", Steps: []Step{Trim, Lower}},
	QueryField{Name: "ids", Steps: []Step{Trim, Lower}, Separator: ","},
	QueryField{Name: "bars", Steps: []Step{Lower}, Separator: "|"},
)

func TestQuery(t *testing.T) {
	for _, c := range []struct{ name, raw, want string }{
		{"nothing to do", "q=a+b&x=%20A", "q=a+b&x=%20A"},
		{"ends", "q=+a%20&x=+", "q=a&x=+"},
		{"an escaped name", "%71=+a", "%71=a"},
		{"a name with a blank", "e+mail=ADA%40Example.org", "e+mail=ada%40example.org"},
		{"twice", "q=+a&q=+b", "q=a&q=b"},
		{"control characters", "q=a%00%0Ab", "q=a%0Ab"},
		{"composed", "q=e%CC%81", "q=%C3%A9"},
		{"a list", "ids=A,+B,c", "ids=a,b,c"},
		{"a list that is well", "ids=a%2Cb", "ids=a%2Cb"},
		{"a list of bars", "bars=A%7CB", "bars=a%7Cb"},
		{"what looks like a parameter", "q=+%26x%3D1", "q=%26x%3D1"},
		{"nothing", "q&x&&q=", "q&x&&q="},
		{"no escape", "q=%zz", "q=%zz"},
	} {
		got, changed := query.Apply(c.raw)
		if got != c.want || changed != (c.raw != c.want) {
			t.Errorf("%s: %q %v, want %q", c.name, got, changed, c.want)
		}
	}
}

// FuzzQuery tidies whatever queries there are. What net/url reads of one afterwards is what it read before, tidied.
func FuzzQuery(f *testing.F) {
	for _, seed := range []string{"q=+a&x=1", "ids=A,B&bars=a%7CB", "e+mail=A&%71=%20", "q=%E2%80%AE&q", "q=a;b", "&&"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		was, err := url.ParseQuery(raw)
		if err != nil {
			return
		}
		tidied, _ := query.Apply(raw)
		is, err := url.ParseQuery(tidied)
		if err != nil || len(is) != len(was) {
			t.Fatalf("%q becomes %q: %v", raw, tidied, err)
		}
		for name, values := range was {
			f, known := query.fields[name]
			for i, v := range values {
				switch {
				case known && f.Separator == "":
					v = Text(v, f.Steps...)
				case known:
					items := strings.Split(v, f.Separator)
					for i := range items {
						items[i] = Text(items[i], f.Steps...)
					}
					v = strings.Join(items, f.Separator)
				}
				if is[name][i] != v {
					t.Fatalf("%q becomes %q: %s is %q, want %q", raw, tidied, name, is[name][i], v)
				}
			}
		}
	})
}
