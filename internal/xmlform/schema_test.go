package xmlform_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// TestSchemas shows how types are found in schemas of many spellings.
func TestSchemas(t *testing.T) {
	for _, c := range []struct{ name, schema, xml, json string }{
		{"a constant", `{"properties":{"a":{"const":true}}}`, `<x><a>true</a></x>`, `{"a":true}`},
		{"words with null", `{"properties":{"a":{"enum":["v","w",null]}}}`, `<x><a>v</a></x>`, `{"a":"v"}`},
		{"a type by what is asked of it", `{"properties":{"a":{"minimum":1},"b":{"minLength":1},"c":{"items":{"type":"number"}},"d":{"required":["e"]}}}`,
			`<x><a>1</a><b>1</b><c>1</c><d/></x>`, `{"a":1,"b":"1","c":[1],"d":{}}`},
		{"references", `{"$ref":"#/$defs/y","$defs":{"y":{"properties":{"a":{"$ref":"#/$defs/a%20z"}}},"a z":{"type":"integer"}}}`, `<x><a>1</a></x>`, `{"a":1}`},
		{"a reference beside other keywords", `{"properties":{"a":{"$ref":"#/$defs/n","maximum":3}},"$defs":{"n":{"type":["integer","null"]}}}`, `<x><a>1</a></x>`, `{"a":1}`},
		{"allOf", `{"allOf":[{"properties":{"a":{"type":"integer"}}},{"properties":{"b":{"type":"boolean"}}}]}`, `<x><b>true</b><a>1</a></x>`, `{"b":true,"a":1}`},
		{"allOf of one member", `{"allOf":[{"properties":{"a":{"type":["integer","string"]}}},{"properties":{"a":{"type":["integer","null"]}}}]}`, `<x><a>1</a></x>`, `{"a":1}`},
		{"oneOf of objects", `{"oneOf":[{"properties":{"k":{"const":"card"},"no":{"type":"string"}}},{"properties":{"k":{"const":"cash"},"sum":{"type":"integer"}}}]}`,
			`<x><k>cash</k><sum>1</sum></x>`, `{"k":"cash","sum":1}`},
		{"anyOf with null", `{"properties":{"a":{"anyOf":[{"type":"number"},{"type":"null"}]}}}`, `<x><a>1</a></x>`, `{"a":1}`},
		{"if and then", `{"type":"object","if":{"properties":{"k":{"const":"a"}}},"then":{"properties":{"n":{"type":"integer"}}},"else":{"required":["m"]}}`,
			`<x><k>a</k><n>1</n></x>`, `{"k":"a","n":1}`},
		{"dependentSchemas", `{"type":"object","properties":{"k":{"type":"string"}},"dependentSchemas":{"k":{"properties":{"n":{"type":"integer"}}}}}`,
			`<x><k>a</k><n>1</n></x>`, `{"k":"a","n":1}`},
		{"a map of lists", `{"type":"object","additionalProperties":{"type":"array","items":{"type":"integer"}}}`, `<x><a>1</a><a>2</a><b>3</b></x>`, `{"a":[1,2],"b":[3]}`},
		{"a list as root", `{"type":"array","items":{"type":"integer","xml":{"name":"n"}}}`, `<x><n>1</n></x>`, `[1]`},
		{"a list as root without a name for items", `{"type":"array","items":{"type":"integer"}}`, `<x><x>1</x><x>2</x></x>`, `[1,2]`},
		{"a text as root", `{"type":"string"}`, `<x> a </x>`, `" a "`},
		{"a root with a name", `{"type":"object","xml":{"name":"y"}}`, `<y/>`, `{}`},
		{"a list both around and inside of the same name", `{"properties":{"a":{"type":"array","items":{"type":"integer"},"xml":{"wrapped":true}}}}`, `<x><a><a>1</a></a></x>`, `{"a":[1]}`},
		{"a list around with a name", `{"properties":{"a":{"type":"array","items":{"type":"integer"},"xml":{"wrapped":true,"name":"b"}}}}`, `<x><b><b>1</b></b></x>`, `{"a":[1]}`},
		{"a member that is no name", `{"properties":{"a b":{"type":"integer","xml":{"name":"ab"}}}}`, `<x><ab>1</ab></x>`, `{"a b":1}`},
		{"objects that hold each other", `{"$ref":"#/$defs/a","$defs":{"a":{"properties":{"b":{"$ref":"#/$defs/b"}}},"b":{"allOf":[{"$ref":"#/$defs/a"},{"properties":{"a":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/b"}]}}}]}}}`,
			`<x><b><a><a><b/></a></a></b></x>`, `{"b":{"a":{"a":{"b":{}}}}}`},
		{"a schema that refers to itself", `{"properties":{"a":{"$ref":"#/properties/a"}}}`, `<x><a>1</a></x>`, `{"a":"1"}`},
		{"a list required in all branches", `{"anyOf":[{"properties":{"a":{"type":"array"}},"required":["a"]},{"required":["a","b"]}]}`, `<x/>`, `{"a":[]}`},
		{"a list required in one branch", `{"anyOf":[{"properties":{"a":{"type":"array"}},"required":["a"]},{"required":["b"]}]}`, `<x/>`, `{}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := reader(t, "x", c.schema).Decode(nil, []byte(c.xml), 1<<20)
			if err != nil || string(got) != c.json {
				t.Errorf("got %s, %v, want %s", got, err, c.json)
			}
		})
	}
}

// TestMistakes shows the schemas that have no XML form.
func TestMistakes(t *testing.T) {
	for _, c := range []struct{ name, schema, want string }{
		{"two types", `{"properties":{"a":{"type":["string","integer"]}}}`, "x at /properties/a: XML does not tell numbers and strings from each other; only null may stand beside a type"},
		{"branches of two types", `{"properties":{"a":{"oneOf":[{"type":"string"},{"properties":{"b":true}}]}}}`, "x at /properties/a: XML does not tell objects and strings from each other; only null may stand beside a type"},
		{"constants of two types", `{"properties":{"a":{"enum":[true,"b"]}}}`, "x at /properties/a: XML does not tell booleans and strings from each other; only null may stand beside a type"},
		{"a list or its item", `{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"array"}]}}}`, "x at /properties/a: XML does not tell arrays and strings from each other; only null may stand beside a type"},
		{"a tuple", `{"properties":{"a":{"type":"array","prefixItems":[{"type":"string"}]}}}`, "x at /properties/a/prefixItems: prefixItems has no XML form that could be read"},
		{"members by pattern", `{"type":"object","patternProperties":{"^a":{"type":"string"}}}`, "x at /patternProperties: patternProperties has no XML form that could be read"},
		{"a dynamic reference", `{"type":"object","properties":{"a":{"$dynamicRef":"#a"}}}`, "x at /properties/a/$dynamicRef: $dynamicRef has no XML form that could be read"},
		{"a reference elsewhere", `{"properties":{"a":{"$ref":"other.json"}}}`, "x at /properties/a/$ref: a reference that is no JSON pointer into the schema itself is not followed"},
		{"a reference to nothing", `{"properties":{"a":{"$ref":"#/$defs/a"}}}`, "x at /properties/a/$ref: there is nothing at /$defs/a"},
		{"no name", `{"properties":{"a b":{"type":"string"}}}`, `x at /properties/a b: "a b" is no name of an element; give it another with the keyword xml`},
		{"a bad name", `{"properties":{"a":{"type":"string","xml":{"name":"1"}}}}`, `x at /properties/a/xml: "1" is no name of an element`},
		{"the same name", `{"properties":{"a":{"type":"string"},"b":{"type":"string","xml":{"name":"a"}}}}`, `x at /properties/b: two members have the name "a" in XML`},
		{"a namespace", `{"properties":{"a":{"type":"string","xml":{"prefix":"p","namespace":"urn:x"}}}}`, "x at /properties/a/xml: elements in a namespace are not supported by this version"},
		{"an unknown word", `{"properties":{"a":{"type":"string","xml":{"wraped":true}}}}`, `x at /properties/a/xml: "wraped" is not known; an xml object has name, attribute and wrapped`},
		{"an attribute that is an object", `{"properties":{"a":{"type":"object","xml":{"attribute":true}}}}`, "x at /properties/a: only a string, a number or a boolean, and never null, can be an attribute"},
		{"an attribute that may be null", `{"properties":{"a":{"type":["string","null"],"xml":{"attribute":true}}}}`, "x at /properties/a: only a string, a number or a boolean, and never null, can be an attribute"},
		{"null or a list of null", `{"properties":{"a":{"type":["array","null"],"items":{"type":["string","null"]}}}}`, "x at /properties/a: XML does not tell a list that is null from a list of one null; give the list an element of its own with the keyword xml: wrapped"},
		{"all mistakes at once", `{"properties":{"a":{"enum":[1,"b"]},"b":{"enum":[1,"b"]}}}`, "x at /properties/a: XML does not tell numbers and strings from each other; only null may stand beside a type; x at /properties/b: XML does not tell numbers and strings from each other; only null may stand beside a type"},
		{"no JSON", `{`, "reading the schema x: the document ends in the middle of a value at byte 1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := xmlform.NewReader("x", []byte(c.schema))
			if err == nil || err.Error() != c.want {
				t.Errorf("got  %v\nwant %s", err, c.want)
			}
		})
	}
}

// TestSchemasWithoutEnd are over a bound, and end there.
func TestSchemasWithoutEnd(t *testing.T) {
	var wide strings.Builder
	wide.WriteString(`{"$defs":{"d0":{"type":"object"}`)
	for i := range 20 { // 2^20 ways
		d := "d" + strconv.Itoa(i)
		wide.WriteString(`,"d` + strconv.Itoa(i+1) + `":{"allOf":[{"$ref":"#/$defs/` + d + `"},{"$ref":"#/$defs/` + d + `"}]}`)
	}
	wide.WriteString(`},"$ref":"#/$defs/d20"}`)
	_, err := xmlform.NewReader("x", []byte(wide.String()))
	var mistakes xmlform.Mistakes
	if !errors.As(err, &mistakes) || !strings.Contains(err.Error(), "refers to more than 1000 others") {
		t.Error(err)
	}
}

func TestWriter(t *testing.T) {
	object := []byte(order)
	for _, c := range []struct {
		name, root string
		parts      []xmlform.Part
		json, xml  string
	}{
		{"a list of objects", "response", []xmlform.Part{{Path: "data[*]", Name: "order", Schema: object}},
			`{"data":[{"id":"1","tags":["a"]}],"next":null,"total":2}`,
			`<response` + xsi + `><data id="1"><tags><tag>a</tag></tags></data><next xsi:nil="true"/><total>2</total></response>`},
		{"a list as the whole", "items", []xmlform.Part{{Path: "[*]", Name: "order", Schema: object}},
			`[{"id":"1"},{"id":"2"}]`, `<items><order id="1"></order><order id="2"></order></items>`},
		{"deeper, and two", "response", []xmlform.Part{{Path: "a.b[*].c", Name: "order", Schema: object}, {Path: "a.d", Name: "order", Schema: object}},
			`{"a":{"b":[{"c":{"id":"1"}},{"x":1}],"d":{"id":"2"}}}`, `<response><a><b><c id="1"></c></b><b><x>1</x></b><d id="2"></d></a></response>`},
		{"lists in lists", "response", []xmlform.Part{{Path: "a[*][*]", Name: "order", Schema: object}},
			`{"a":[[{"id":"1"}],[]]}`, `<response><a><order id="1"></order></a><a></a></response>`},
		{"one part in another", "response", []xmlform.Part{{Path: "a.parent", Name: "order", Schema: object}, {Path: "a", Name: "order", Schema: object}},
			`{"a":{"id":"1","parent":{"id":"2"}}}`, `<response><a id="1"><parent id="2"></parent></a></response>`},
		{"what the schema does not tell", "response", []xmlform.Part{{Name: "order", Schema: object}},
			`{"a b":1,"list":[1,"x",[2,3],{"y":true}],"empty":[],"o":{}}`,
			`<order><a_x0020_b>1</a_x0020_b><list>1</list><list>x</list><list><list>2</list><list>3</list></list><list><y>true</y></list><o></o></order>`},
		{"what contradicts it", "response", []xmlform.Part{{Name: "order", Schema: object}},
			`{"total":"x","customer":[1],"lines":"none","tags":{"a":1}}`,
			`<order><total>x</total><customer>1</customer><lines>none</lines><tags><a>1</a></tags></order>`},
		{"names with escapes", "response", []xmlform.Part{{Name: "order", Schema: object}}, `{"\u0069d":"1","\u0074otal":2}`, `<order id="1"><total>2</total></order>`},
		{"a text as the whole", "response", nil, `"a<b"`, `<response>a&lt;b</response>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := writer(t, c.root, c.parts...).Encode([]byte("kept "), []byte(c.json), 1<<20)
			if err != nil || string(got) != "kept "+header+c.xml {
				t.Errorf("got\n%s, %v, want\n%s", got, err, c.xml)
			}
		})
	}
}

// TestEncodeRefused shows what no XML can be written of.
func TestEncodeRefused(t *testing.T) {
	w := writer(t, "response", xmlform.Part{Name: "order", Schema: []byte(order)})
	for _, c := range []struct {
		name, json string
		limit      int
		want       string
	}{
		{"a control character", `{"status":"a\u0000"}`, 1000, "a text has a control character that XML 1.0 does not have"},
		{"one in an attribute", `{"id":"\u001f"}`, 1000, "a text has a control character that XML 1.0 does not have"},
		{"an attribute that is null", `{"id":null}`, 1000, "the attribute id would be null, an object or a list"},
		{"two members of one name", `{"code":1,"codes":[2]}`, 1000, "two members have the name code in XML"},
		{"more than asked for", `{"status":"` + strings.Repeat("<", 100) + `"}`, 400, "the document's other form is too large"},
		{"no JSON", ``, 400, "the document is no JSON"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := w.Encode(nil, []byte(c.json), c.limit)
			if err == nil || err.Error() != c.want || got != nil {
				t.Errorf("got %s, %v", got, err)
			}
		})
	}
}

func TestProblemWriter(t *testing.T) {
	got, err := xmlform.NewProblemWriter().Encode(nil, []byte(`{"type":"about:blank","status":422,"errors":[{"pointer":"/a","detail":"<"}],"violated-policies":["a","b"]}`), 1<<20)
	want := header + `<problem xmlns="urn:ietf:rfc:7807"><type>about:blank</type><status>422</status><errors><i><pointer>/a</pointer><detail>&lt;</detail></i></errors>` +
		`<violated-policies><i>a</i><i>b</i></violated-policies></problem>`
	if err != nil || string(got) != want {
		t.Errorf("got %s, %v", got, err)
	}
}

// A line end is one byte in XML and two in JSON: the JSON form has a bound of its own.
func TestDecodeBounded(t *testing.T) {
	r := reader(t, "order", order)
	if _, err := r.Decode(nil, []byte("<order><status>"+strings.Repeat("\n", 100)+"</status></order>"), 150); !errors.Is(err, xmlform.ErrTooLarge) {
		t.Error(err)
	}
}
