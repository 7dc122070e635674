package xmlform_test

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// order has one of everything.
const order = `{
  "type": "object",
  "properties": {
    "id": {"type": "string", "xml": {"attribute": true}},
    "rev": {"type": "integer", "xml": {"attribute": true, "name": "revision"}},
    "customer": {"type": "object", "properties": {
      "name": {"type": "string"},
      "email": {"type": ["string", "null"]},
      "vip": {"type": "boolean"}
    }, "required": ["name"]},
    "total": {"type": ["number", "null"]},
    "status": {"enum": ["open", "paid"]},
    "lines": {"type": "array", "items": {"$ref": "#/$defs/line"}},
    "tags": {"type": "array", "items": {"type": "string", "xml": {"name": "tag"}}, "xml": {"wrapped": true}},
    "codes": {"type": "array", "items": {"type": "integer", "xml": {"name": "code"}}, "xml": {"name": "ignored"}},
    "grid": {"type": "array", "items": {"type": "array", "items": {"type": "number"}}},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
    "parent": {"$ref": "#"},
    "note": {},
    "maybe": {"type": ["array", "null"], "items": {"type": "string"}},
    "holes": {"type": "array", "items": {"type": ["string", "null"]}}
  },
  "required": ["lines"],
  "additionalProperties": false,
  "$defs": {"line": {"type": "object", "properties": {"sku": {"type": "string"}, "qty": {"type": "integer"}}}}
}`

func reader(t testing.TB, name, schema string) *xmlform.Reader {
	t.Helper()
	r, err := xmlform.NewReader(name, []byte(schema))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func writer(t testing.TB, root string, parts ...xmlform.Part) *xmlform.Writer {
	t.Helper()
	w, err := xmlform.NewWriter(root, parts...)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

const (
	header = `<?xml version="1.0" encoding="UTF-8"?>` + "\n"
	xsi    = ` xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
)

// TestForms shows each document's two forms, and that one gives the other back.
func TestForms(t *testing.T) {
	r, w := reader(t, "order", order), writer(t, "response", xmlform.Part{Name: "order", Schema: []byte(order)})
	for _, c := range []struct{ name, json, xml string }{
		{"one line is a list, for the schema says so", `{"lines":[{"sku":"A","qty":1}]}`,
			`<order><lines><sku>A</sku><qty>1</qty></lines></order>`},
		{"several", `{"lines":[{"sku":"A"},{"sku":"B"}]}`, `<order><lines><sku>A</sku></lines><lines><sku>B</sku></lines></order>`},
		{"a list that must be there has no element when it is empty", `{"lines":[]}`, `<order></order>`},
		{"other lists are absent then", `{"total":1,"lines":[]}`, `<order><total>1</total></order>`},
		{"a number keeps its spelling", `{"total":12.3400e+1,"lines":[]}`, `<order><total>12.3400e+1</total></order>`},
		{"a number of any size", `{"total":123456789012345678901234567890,"lines":[]}`, `<order><total>123456789012345678901234567890</total></order>`},
		{"a string that looks like a number", `{"customer":{"name":"007"},"lines":[]}`, `<order><customer><name>007</name></customer></order>`},
		{"a boolean, an empty string and null", `{"customer":{"name":"","email":null,"vip":true},"lines":[]}`,
			`<order` + xsi + `><customer><name></name><email xsi:nil="true"/><vip>true</vip></customer></order>`},
		{"the number null", `{"total":null,"lines":[]}`, `<order` + xsi + `><total xsi:nil="true"/></order>`},
		{"attributes", `{"id":"a\"<\t7","rev":3,"lines":[]}`, `<order id="a&quot;&lt;&#9;7" revision="3"></order>`},
		{"markup, white space and line ends in a text", `{"status":"  <a> & \"b\"\r\n\t]]>  ","lines":[]}`,
			"<order><status>  &lt;a&gt; &amp; \"b\"&#13;\n\t]]&gt;  </status></order>"},
		{"beyond the basic plane", `{"status":"😀 é","lines":[]}`, `<order><status>😀 é</status></order>`},
		{"a list with an element around", `{"tags":["a","b"],"lines":[]}`, `<order><tags><tag>a</tag><tag>b</tag></tags></order>`},
		{"an empty one stays", `{"tags":[],"lines":[]}`, `<order><tags></tags></order>`},
		{"items with a name", `{"codes":[1],"lines":[]}`, `<order><code>1</code></order>`},
		{"lists in lists", `{"grid":[[1,2],[],[3]],"lines":[]}`,
			`<order><grid><grid>1</grid><grid>2</grid></grid><grid></grid><grid><grid>3</grid></grid></order>`},
		{"members of any name", `{"labels":{"a b":"1","":"2","_x0041_":"3","1":"4","x:y":"5"},"lines":[]}`,
			`<order><labels><a_x0020_b>1</a_x0020_b><_xFFFF_>2</_xFFFF_><_x005F_x0041_>3</_x005F_x0041_><_x0031_>4</_x0031_><x_x003A_y>5</x_x003A_y></labels></order>`},
		{"an object in itself", `{"parent":{"parent":{"lines":[]},"lines":[]},"lines":[]}`, `<order><parent><parent></parent></parent></order>`},
		{"a list that is null", `{"maybe":null,"lines":[]}`, `<order` + xsi + `><maybe xsi:nil="true"/></order>`},
		{"a list of null", `{"holes":[null,"a",null],"lines":[]}`, `<order` + xsi + `><holes xsi:nil="true"/><holes>a</holes><holes xsi:nil="true"/></order>`},
		{"no type is a string", `{"note":"1","lines":[]}`, `<order><note>1</note></order>`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := w.Encode(nil, []byte(c.json), 1<<20)
			if err != nil || string(got) != header+c.xml {
				t.Errorf("XML is\n%s, %v, want\n%s", got, err, header+c.xml)
			}
			back, err := r.Decode(nil, []byte(header+c.xml), 1<<20)
			if err != nil || !same(string(back), c.json) {
				t.Errorf("JSON is\n%s, %v, want\n%s", back, err, c.json)
			}
			if err == nil {
				if err := jsonspan.Check(back, jsonspan.Bounds{}); err != nil {
					t.Errorf("JSON is not strict: %v", err)
				}
			}
		})
	}
}

// same compares documents whose strings may be escaped differently.
func same(a, b string) bool {
	u := strings.NewReplacer(`\"`, `"`, `\u000d`, `\r`)
	return u.Replace(a) == u.Replace(b)
}

// TestDecode shows other spellings that are taken.
func TestDecode(t *testing.T) {
	r := reader(t, "order", order)
	for _, c := range []struct{ name, xml, json string }{
		{"nothing before the root", `<order/>`, `{"lines":[]}`},
		{"a byte order mark", "\ufeff<order/>", `{"lines":[]}`},
		{"a declaration, comments and white space around", "<?xml version='1.0'  encoding = \"utf-8\" standalone='yes' ?>\r\n<!-- a -->\n<order/>\n<!-- b -->\n", `{"lines":[]}`},
		{"white space between elements", "<order >\n\t<total> 1\n</total >\r\n</order>", `{"total":1,"lines":[]}`},
		{"CDATA is text", `<order><status><![CDATA[<a>&amp;]]>b<![CDATA[]]></status></order>`, `{"status":"<a>&amp;b","lines":[]}`},
		{"comments in a text say nothing", `<order><total>1<!-- 5 -->2</total></order>`, `{"total":12,"lines":[]}`},
		{"line ends become one", "<order><status>a\r\nb\rc</status></order>", `{"status":"a\nb\nc","lines":[]}`},
		{"entities and characters by number", `<order><status>&lt;&gt;&amp;&apos;&quot;&#65;&#x1F600;</status></order>`, `{"status":"<>&'\"A😀","lines":[]}`},
		{"white space in an attribute", "<order id='a\r\n b\t&#10;'/>", `{"id":"a  b \n","lines":[]}`},
		{"tools that declare more than they use", `<order xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xsd="http://www.w3.org/2001/XMLSchema" xsi:nil="false"><total xsi:nil='1'></total></order>`, `{"total":null,"lines":[]}`},
		{"any prefix, declared where it is used", `<order><total i:nil="true" xmlns:i="http://www.w3.org/2001/XMLSchema-instance"/></order>`, `{"total":null,"lines":[]}`},
		{"a list first", `<order><lines/><total>1</total></order>`, `{"lines":[{}],"total":1}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := r.Decode([]byte("kept "), []byte(c.xml), 1<<20)
			if err != nil || string(got) != "kept "+c.json {
				t.Errorf("got %s, %v, want %s", got, err, c.json)
			}
		})
	}
}

// TestRefused shows what is refused, where, and why.
func TestRefused(t *testing.T) {
	r := reader(t, "order", order)
	const laughs = `<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;">]><order><status>&lol2;</status></order>`
	for _, c := range []struct{ name, xml, want string }{
		{"nothing", "", "1:1: an element was expected"},
		{"JSON", `{"lines":[]}`, "1:1: an element was expected"},
		{"a DOCTYPE", `<!DOCTYPE order><order/>`, "1:1: a DOCTYPE or another declaration is not taken"},
		{"a DOCTYPE behind the declaration", `<?xml version="1.0"?> <!DOCTYPE order SYSTEM "file:///etc/passwd"><order/>`, "1:23: a DOCTYPE or another declaration is not taken"},
		{"a DOCTYPE inside", `<order><!DOCTYPE order></order>`, "1:8: a DOCTYPE or another declaration is not taken"},
		{"billion laughs", laughs, "1:22: a DOCTYPE or another declaration is not taken"},
		{"an entity", `<order><status>a&lol;</status></order>`, "1:17: & begins an entity; XML's own five and characters by number are taken /status"},
		{"a bare ampersand", `<order><status>a & b</status></order>`, "1:18: & begins an entity; XML's own five and characters by number are taken /status"},
		{"a control character by number", `<order><status>&#0;</status></order>`, "1:16: & begins an entity; XML's own five and characters by number are taken /status"},
		{"a surrogate by number", `<order><status>&#xD800;</status></order>`, "1:16: & begins an entity; XML's own five and characters by number are taken /status"},
		{"a noncharacter", "<order><status>\uffff</status></order>", "1:16: a text may not contain a Unicode noncharacter"},
		{"a control byte", "<order>\x00</order>", "1:8: a control byte may not stand in XML"},
		{"bytes that are not UTF-8", "<order><status>\xff</status></order>", "1:16: the bytes are not UTF-8"},
		{"UTF-16", "\xfe\xff\x00<\x00o", "1:1: the bytes are not UTF-8"},
		{"another encoding declared", `<?xml version="1.0" encoding="utf-7"?><order/>`, "1:1: the document must be in UTF-8"},
		{"UTF-16 declared", `<?xml version="1.0" encoding="UTF-16"?><order/>`, "1:1: the document must be in UTF-8"},
		{"XML 1.1", `<?xml version="1.1"?><order/>`, "1:1: only XML 1.0 is taken"},
		{"a declaration behind white space", ` <?xml version="1.0"?><order/>`, "1:2: processing instructions are not taken"},
		{"a processing instruction", `<?php echo 1 ?><order/>`, "1:1: processing instructions are not taken"},
		{"one inside", `<order><?x?></order>`, "1:8: processing instructions are not taken"},
		{"one behind", `<order/><?x?>`, "1:9: processing instructions are not taken"},
		{"two roots", `<order/><order/>`, "1:9: something stands after the root element"},
		{"text behind the root", "<order/>\nx", "2:1: something stands after the root element"},
		{"text before it", `x<order/>`, "1:1: an element was expected"},
		{"another root", `<orders/>`, "1:1: the root element must be order (shape)"},
		{"an open root", `<order>`, "1:8: the document ends in the middle of an element"},
		{"an open element", `<order><total>1`, "1:16: the document ends in the middle of an element /total"},
		{"a wrong end tag", `<order><total>1</totals></order>`, "1:16: an end tag does not fit the element that is open /total"},
		{"an unknown element", "<order>\n  <é/><role>admin</role></order>", "2:3: there may be no such element (shape)"},
		{"another case", `<order><Total>1</Total></order>`, "1:8: there may be no such element (shape)"},
		{"an attribute's name as an element", `<order><id>1</id></order>`, "1:8: there may be no such element (shape)"},
		{"an element twice", `<order><total>1</total><total>2</total></order>`, "1:24: this element may be there but once /total (shape)"},
		{"a list in two places", `<order><lines/><total>1</total><lines/></order>`, "1:32: the elements of a list must stand together /lines (shape)"},
		{"a name of a map twice", `<order><labels><a>1</a><b>2</b><a>3</a></labels></order>`, "1:32: this element may be there but once /labels/a (shape)"},
		{"an escape that is none", `<order><labels><_x0061_>1</_x0061_></labels></order>`, "1:16: there may be no such element /labels (shape)"},
		{"an unknown attribute", `<order><total currency="EUR">1</total></order>`, "1:15: there may be no such attribute /total (shape)"},
		{"an attribute twice", `<order id="1" id="2"/>`, "1:15: an attribute stands twice"},
		{"xml:space", `<order xml:space="preserve"/>`, "1:8: of attributes in namespaces only xsi:nil is taken"},
		{"a default namespace", `<order xmlns="urn:x"/>`, "1:8: names in namespaces are not taken"},
		{"a namespace", `<order xmlns:x="urn:x"/>`, "1:8: names in namespaces are not taken"},
		{"an element in one", `<x:order xmlns:x="urn:x"/>`, "1:3: names in namespaces are not taken"},
		{"a prefix that is not declared", `<order><total xsi:nil="true"/></order>`, "1:15: of attributes in namespaces only xsi:nil is taken"},
		{"a prefix declared elsewhere", `<order><customer xmlns:i="http://www.w3.org/2001/XMLSchema-instance"/><total i:nil="true"/></order>`, "1:78: of attributes in namespaces only xsi:nil is taken"},
		{"null where there is none", `<order` + xsi + `><status xsi:nil="true"/></order>`, "1:62: null is not allowed /status (shape)"},
		{"null that says something", `<order` + xsi + `><total xsi:nil="true">1</total></order>`, "1:84: an element with xsi:nil must be empty /total (shape)"},
		{"text among elements", `<order>x<total>1</total></order>`, "1:8: there may be no text beside elements (shape)"},
		{"CDATA among elements", `<order><![CDATA[ ]]></order>`, "1:8: there may be no text beside elements (shape)"},
		{"an element in a text", `<order><lines/><lines><sku>a<b/></sku></lines></order>`, "1:29: text was expected, not an element /lines/1/sku (shape)"},
		{"a number that is none", `<order><total>1,5</total></order>`, "1:8: a number was expected, spelt as in JSON /total (shape)"},
		{"an empty number", `<order><total/></order>`, "1:8: a number was expected, spelt as in JSON /total (shape)"},
		{"a hexadecimal number", `<order><total>0x10</total></order>`, "1:8: a number was expected, spelt as in JSON /total (shape)"},
		{"a leading zero", `<order><total>010</total></order>`, "1:8: a number was expected, spelt as in JSON /total (shape)"},
		{"infinity", `<order><total>INF</total></order>`, "1:8: a number was expected, spelt as in JSON /total (shape)"},
		{"a number that is a string in JSON", `<order><total>"1"</total></order>`, "1:8: a number was expected, spelt as in JSON /total (shape)"},
		{"a huge number", `<order><total>1e1000000</total></order>`, "1:8: a number was expected, spelt as in JSON /total (shape)"},
		{"a boolean that is none", `<order><customer><vip>1</vip></customer></order>`, "1:18: true or false was expected /customer/vip (shape)"},
		{"a wrong item", `<order><tags><tag>a</tag><tags>b</tags></tags></order>`, "1:26: the elements of this list are named tag /tags (shape)"},
		{"a comment with hyphens", `<order><!-- a -- b --></order>`, "1:8: a comment is not closed, or has two hyphens in it"},
		{"]]> in a text", `<order><status>]]></status></order>`, "1:16: a text may not contain ]]> /status"},
		{"< in an attribute", `<order id="<"/>`, "1:12: the value of an attribute may not have a <"},
		{"an attribute without quotes", `<order id=1/>`, "1:11: the value of an attribute stands in quotes"},
		{"no space between attributes", `<order id="1"revision="1"/>`, "1:14: a tag is malformed"},
		{"deeper than the bound", "<order>" + strings.Repeat("<parent>", 64), "1:512: elements may be nested 64 deep at most " + strings.Repeat("/parent", 64)},
		{"10,001 open elements", strings.Repeat("<order>", 10_001), "1:8: there may be no such element (shape)"},
		{"more elements than the bound", `<order>` + strings.Repeat("<lines/>", 100_000), "1:800000: a document may have 100000 elements at most /lines/99999"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := r.Decode(nil, []byte(c.xml), 64<<20)
			var e *xmlform.Error
			if !errors.As(err, &e) {
				t.Fatalf("%s, %v", got, err)
			}
			text := strings.Join([]string{strconv.Itoa(e.Line) + ":" + strconv.Itoa(e.Column) + ": " + e.Detail, e.Pointer}, " ")
			text = strings.TrimSuffix(text, " ")
			if e.Shape {
				text += " (shape)"
			}
			if text != c.want {
				t.Errorf("got  %s\nwant %s", text, c.want)
			}
			if got != nil {
				t.Errorf("something is left: %s", got)
			}
		})
	}
}
