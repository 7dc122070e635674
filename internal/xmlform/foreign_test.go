package xmlform_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

func TestForeign(t *testing.T) {
	lists := []string{"items.item", "tags", "items.item.sku"}
	soap := `<?xml version="1.0" encoding="utf-8"?><?xml-stylesheet href="a.xsl"?><!-- c -->
<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/" xmlns="urn:x" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x x.xsd">
  <soap:Body><Rate xml:lang="en" currency="EUR">12.30</Rate><None xsi:nil="true"/><b:Rate xmlns:b="urn:b" b:kind="x">1</b:Rate></soap:Body>
</soap:Envelope>`
	for _, test := range []struct{ name, root, doc, want string }{
		{"a text", "", `<a>x &amp; &#x1F600;<![CDATA[<b>]]></a>`, `"x & 😀<b>"`},
		{"an empty one", "", `<a/>`, `{"tags":[]}`},
		{"white space of a text is kept", "", `<a><b> 1 </b></a>`, `{"b":" 1 ","tags":[]}`},
		{"what is there once, and more often", "a", `<a><b>1</b><c/><b>2</b></a>`, `{"b":["1","2"],"c":"","tags":[]}`},
		{"lists, however many", "", `<a><items><item><sku>1</sku></item></items><tags>x</tags></a>`, `{"items":{"item":[{"sku":["1"]}]},"tags":["x"]}`},
		{"a list on the way, and empty ones", "", `<a><items><item/><item>` + "\n" + `</item></items><items/></a>`, `{"items":[{"item":[{"sku":[]},{"sku":[]}]},{"item":[]}],"tags":[]}`},
		{"text beside others", "", `<a x="1&#10;2">t<b/>u<!-- c -->v<?p i?>w</a>`, `{"@x":"1\n2","b":"","#text":"tuvw","tags":[]}`},
		{"namespaces", "Envelope", soap, `{"Body":{"Rate":[{"@currency":"EUR","#text":"12.30"},{"@kind":"x","#text":"1"}],"None":null},"tags":[]}`},
	} {
		doc, err := xmlform.NewForeign(test.root, lists).Decode([]byte("~"), []byte(test.doc), 1<<20)
		if err != nil || string(doc) != "~"+test.want {
			t.Errorf("%s: got %s, %v", test.name, doc, err)
		}
	}
	deep := func(n int) string { return strings.Repeat("<a>", n) + strings.Repeat("</a>", n) }
	for _, test := range []struct{ name, doc, want string }{
		{"nothing", "", "an element was expected"},
		{"JSON", `{"a":1}`, "an element was expected"},
		{"a document type", `<!DOCTYPE a [<!ENTITY x "SECRET">]><a>&x;</a>`, "a DOCTYPE"},
		{"an entity", `<a>&SECRET;</a>`, "& begins an entity"},
		{"two roots", `<a/><b/>`, "something stands after"},
		{"another root", `<SECRET/>`, "the root element has another name"},
		{"cut off", `<a><b>1</b>`, "ends in the middle"},
		{"crossed", `<a><b></a></b>`, "does not fit"},
		{"ended with another prefix", `<a xmlns:x="urn:x" xmlns:y="urn:x"><x:b></y:b></a>`, "does not fit"},
		{"a prefix of none", `<a><x:b/></a>`, "stands for no namespace"},
		{"a prefix of none on an attribute", `<a x:b="1"/>`, "stands for no namespace"},
		{"a prefix that has ended", `<a><b xmlns:x="urn:x"/><x:c/></a>`, "stands for no namespace"},
		{"an attribute twice", `<a b="1" b="2"/>`, "stands twice"},
		{"Latin-1", "<a>\xe4</a>", "not UTF-8"},
		{"Latin-1 that says so", `<?xml version="1.0" encoding="ISO-8859-1"?><a/>`, "must be in UTF-8"},
		{"a declaration inside", `<a><?xml version="1.0"?></a>`, "processing instruction"},
		{"deep", deep(65), "64 deep"},
		{"deep in lists", strings.Repeat("<a><a/>", 40) + strings.Repeat("</a>", 40), "nested too deep"},
		{"many", "<a>" + strings.Repeat("<b/>", 100_000) + "</a>", "100000 elements"},
		{"many attributes", "<a" + strings.Repeat(" b='1'", 129) + "/>", "stands twice"},
	} {
		doc, err := xmlform.NewForeign("a", nil).Decode(nil, []byte(test.doc), 1<<24)
		var e *xmlform.Error
		if !errors.As(err, &e) || !strings.Contains(e.Detail, test.want) || e.Line < 1 || strings.Contains(err.Error(), "SECRET") || doc != nil {
			t.Errorf("%s: got %s, %v", test.name, doc, err)
		}
	}
	if _, err := xmlform.NewForeign("", nil).Decode(nil, []byte(deep(64)), 1<<20); err != nil {
		t.Errorf("64 deep: %v", err)
	}
	// Lists that are not there are much more than what is.
	var many []string
	for i := range 64 {
		many = append(many, "b."+strings.Repeat("x", i+1))
	}
	src := "<a>" + strings.Repeat("<b/>", 90_000) + "</a>"
	if doc, err := xmlform.NewForeign("", many).Decode(nil, []byte(src), 1<<20); !errors.Is(err, xmlform.ErrTooLarge) || doc != nil {
		t.Errorf("got %v", err)
	}
}

// FuzzForeign reads whatever bytes there are. What is taken is well-formed to encoding/xml too, and becomes strict JSON.
func FuzzForeign(f *testing.F) {
	for _, s := range []string{``, `<a/>`, header + `<a b="1"><c>1</c>t<c/></a>`, `<x:a xmlns:x="urn:x" x:b="1"><?p i?><x:c xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/></x:a>`, `<a><![CDATA[]]]]></a>`} {
		f.Add([]byte(s))
	}
	r := xmlform.NewForeign("", []string{"c", "a.b.c"})
	f.Fuzz(func(t *testing.T, doc []byte) {
		const limit = 1 << 16
		got, err := r.Decode(nil, doc, limit)
		if err != nil {
			var e *xmlform.Error
			if !errors.Is(err, xmlform.ErrTooLarge) && (!errors.As(err, &e) || e.Line < 1 || e.Column < 1 || e.Detail == "") {
				t.Fatalf("%q: %#v", doc, err)
			}
			return
		}
		if err := wellFormed(doc); err != nil {
			t.Fatalf("accepted %q: %v", doc, err)
		}
		if err := jsonspan.Check(got, jsonspan.Bounds{}); err != nil || len(got) > limit {
			t.Fatalf("%q became %s: %v", doc, got, err)
		}
	})
}
