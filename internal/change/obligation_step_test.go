package change

import (
	"encoding/json"
	"testing"
)

// What obligations hide one by one is what they hide together.
func TestSteps(t *testing.T) {
	o, err := NewObligations([]string{"/data/*/note", "/next"}, []string{"/data/*/customer/email"},
		[]Filter{{List: "/data", Equals: []Condition{{Member: "owner", Value: json.RawMessage(`"bob"`)}, {Member: "/customer/tier", Value: json.RawMessage(`2`)}}}})
	if err != nil {
		t.Fatal(err)
	}
	doc := []byte(`{"data":[{"owner":"bob","note":1,"customer":{"tier":2,"email":"b@x"}},{"owner":"ada","customer":{"tier":2,"email":"a@x"}}],"next":"/2"}`)
	together, err := o.alone.Down(doc)
	if err != nil {
		t.Fatal(err)
	}
	want := []struct{ what, at, where, after string }{
		{"drop", "/data/*/note", "", `{"data":[{"owner":"bob","customer":{"tier":2,"email":"b@x"}},{"owner":"ada","customer":{"tier":2,"email":"a@x"}}],"next":"/2"}`},
		{"drop", "/next", "", `{"data":[{"owner":"bob","customer":{"tier":2,"email":"b@x"}},{"owner":"ada","customer":{"tier":2,"email":"a@x"}}]}`},
		{"mask", "/data/*/customer/email", "", `{"data":[{"owner":"bob","customer":{"tier":2,"email":"***"}},{"owner":"ada","customer":{"tier":2,"email":"***"}}]}`},
		{"filter", "/data", `/owner = "bob", /customer/tier = 2`, `{"data":[{"owner":"bob","customer":{"tier":2,"email":"***"}}]}`},
	}
	steps := o.Steps()
	if len(steps) != len(want) {
		t.Fatalf("there are %d steps", len(steps))
	}
	for i, s := range steps {
		if s.What != want[i].what || s.At != want[i].at || s.Where != want[i].where {
			t.Errorf("got %s %s %s, want %+v", s.What, s.At, s.Where, want[i])
		}
		if doc, err = s.Hide(doc); err != nil || string(doc) != want[i].after {
			t.Errorf("%s %s: %v\n%s\nwant\n%s", s.What, s.At, err, doc, want[i].after)
		}
	}
	if string(doc) != string(together) {
		t.Errorf("one by one\n%s\ntogether\n%s", doc, together)
	}
	if (*Obligations)(nil).Steps() != nil {
		t.Error("nothing obliges to something")
	}
}
