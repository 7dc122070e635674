package webform

import (
	"errors"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

const person = `{
  "type": "object",
  "required": ["name"],
  "additionalProperties": false,
  "properties": {
    "name": {"type": "string"},
    "age": {"type": "integer"},
    "weight": {"type": ["number", "null"]},
    "member": {"type": "boolean"},
    "until": {"type": ["integer", "string"]},
    "tags": {"type": "array", "items": {"type": "string"}},
    "codes[]": {"type": "array", "items": {"type": "integer"}},
    "home": {"$ref": "#/$defs/address"},
    "lines": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}, "qty": {"type": "integer"}}}},
    "photo": {"type": "string"},
    "files": {"type": "array", "items": {"type": "object"}},
    "note": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    "never": false
  },
  "$defs": {"address": {"type": "object", "properties": {"city": {"type": "string"}, "zip": {"type": "integer"}, "within": {"$ref": "#/$defs/address"}}}}
}`

func shape(t testing.TB) *Shape {
	t.Helper()
	s, err := NewShape("person", []byte(person))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestDecode shows forms and what they are in JSON, as whom they go on, or why they are refused.
func TestDecode(t *testing.T) {
	s := shape(t)
	for _, c := range []struct{ name, form, doc, on, wrong string }{
		{"texts and numbers", "name=Ada+Lovelace&age=36&weight=1.50&member=true", `{"name":"Ada Lovelace","age":36,"weight":1.50,"member":true}`, "name=Ada+Lovelace&age=36&weight=1.50&member=true", ""},
		{"escapes", "n%61me=%C3%84da%26%3D", `{"name":"Äda&="}`, "name=%C3%84da%26%3D", ""},
		{"no sign of equality", "name", `{"name":""}`, "name=", ""},
		{"a null", "weight=", `{"weight":null}`, "weight=", ""},
		{"one of two types", "until=5", `{"until":5}`, "until=5", ""},
		{"the other", "until=now", `{"until":"now"}`, "until=now", ""},
		{"one of a list", "tags=a", `{"tags":["a"]}`, "tags=a", ""},
		{"a list", "tags=a&name=x&tags=b", `{"tags":["a","b"],"name":"x"}`, "tags=a&tags=b&name=x", ""},
		{"a list in brackets", "tags[]=a&tags%5b%5d=b", `{"tags":["a","b"]}`, "tags%5B%5D=a&tags%5B%5D=b", ""},
		{"a numbered list", "tags[0]=a&tags[1]=b", `{"tags":["a","b"]}`, "tags%5B0%5D=a&tags%5B1%5D=b", ""},
		{"brackets in the schema", "codes[]=1&codes[]=2", `{"codes[]":[1,2]}`, "codes%5B%5D=1&codes%5B%5D=2", ""},
		{"an object", "home[city]=Paris&home[zip]=75001&home[within][city]=x", `{"home":{"city":"Paris","zip":75001,"within":{"city":"x"}}}`,
			"home%5Bcity%5D=Paris&home%5Bzip%5D=75001&home%5Bwithin%5D%5Bcity%5D=x", ""},
		{"objects in a list", "lines[0][sku]=a&lines[0][qty]=1&lines[1][sku]=b", `{"lines":[{"sku":"a","qty":1},{"sku":"b"}]}`,
			"lines%5B0%5D%5Bsku%5D=a&lines%5B0%5D%5Bqty%5D=1&lines%5B1%5D%5Bsku%5D=b", ""},
		{"a text or an object", "note=x", `{"note":"x"}`, "note=x", ""},
		{"an object or a text", "note[a]=x", `{"note":{"a":"x"}}`, "note%5Ba%5D=x", ""},
		{"what the schema does not have", "nmae=x", `{"nmae":"x"}`, "nmae=x", ""}, // the schema tells
		{"the charset", "_charset_=UTF-8", `{"_charset_":"UTF-8"}`, "_charset_=UTF-8", ""},

		{"twice", "name=a&name=b", "", "", "/name: is there 2 times and takes one value"},
		{"twice, escaped", "name=a&n%61me=b", "", "", "/name: is there 2 times and takes one value"},
		{"twice, with brackets", "name=a&name[]=b", "", "", "/name: has no such part in brackets"},
		{"in two ways", "tags=a&tags[]=b", "", "", "/tags: is written in several ways; write all of it alike"},
		{"in two other ways", "tags[0]=a&tags=b", "", "", "/tags: is written in several ways; write all of it alike"},
		{"an object and a text", "note[a]=x&note=y", "", "", "/note: is written in several ways; write all of it alike"},
		{"a text and an object", "note=y&note[a]=x", "", "", "/note: is written in several ways; write all of it alike"},
		{"an object's text", "home=Paris", "", "", "/home: is an object, whose members are written with brackets: name[member]"},
		{"a list with a gap", "tags[0]=a&tags[2]=b", "", "", "/tags: has items that are numbered from 0 on, in their order"},
		{"a list from one", "tags[1]=a", "", "", "/tags: has items that are numbered from 0 on, in their order"},
		{"a list with a name", "tags[a]=a", "", "", "/tags: has no such part in brackets"},
		{"a number in words", "age=many", "", "", "/age: must be a number, in digits"},
		{"a number with an exponent", "age=1e3", "", "", "/age: must be a number, in digits"},
		{"a number of eight", "age=010", "", "", "/age: must be a number, in digits"},
		{"a number with a sign", "age=%2B10", "", "", "/age: must be a number, in digits"},
		{"a number with a blank", "age=10+", "", "", "/age: must be a number, in digits"},
		{"no number", "age=", "", "", "/age: must be a number, in digits"},
		{"a truth in words", "member=on", "", "", "/member: must be true or false"},
		{"what may not be", "never=1", "", "", "/never: may not be there"},
		{"unknown brackets", "x[y]=1", "", "", ": " + brackets},
		{"broken brackets", "home[city=1", "", "", ": " + brackets},
		{"more brackets", "home[city]]=1", "", "", ": " + brackets},
		{"text behind brackets", "home[city]x=1", "", "", ": " + brackets},
		{"brackets before a name", "[home]=1", "", "", ": " + brackets},
		{"deep", "home" + strings.Repeat("[within]", 9) + "=1", "", "", ": " + brackets},
		{"no name", "=1", "", "", ": a field needs a name"},
		{"two ampersands", "name=a&&age=1", "", "", ": something is missing before or after &"},
		{"an ampersand at the end", "name=a&", "", "", ": something is missing before or after &"},
		{"a semicolon", "name=a;age=1", "", "", ": blanks, control characters, semicolons and what is not ASCII are written with a percent sign"},
		{"a blank", "name=a b", "", "", ": blanks, control characters, semicolons and what is not ASCII are written with a percent sign"},
		{"a line end", "name=a\r\n", "", "", ": blanks, control characters, semicolons and what is not ASCII are written with a percent sign"},
		{"half an escape", "name=%4", "", "", ": a percent sign is followed by two hexadecimal digits"},
		{"no escape", "name=%zz", "", "", ": a percent sign is followed by two hexadecimal digits"},
		{"invalid UTF-8", "name=%ff", "", "", "/name: must be valid UTF-8"},
		{"overlong UTF-8", "name=%c0%af", "", "", "/name: must be valid UTF-8"},
		{"a control character in a name", "na%00me=a", "", "", ": a field's name has at most 256 bytes, in UTF-8 and without control characters"},
		{"a long name", strings.Repeat("a", 257) + "=a", "", "", ": a field's name has at most 256 bytes, in UTF-8 and without control characters"},
		{"no character", "name=%EF%BF%BE", "", "", "/name: a string may not contain a Unicode noncharacter"},
		{"another charset", "_charset_=utf-7", "", "", ": a form is UTF-8, whatever its field _charset_ says"},
		{"many fields", strings.Repeat("tags=a&", 1000) + "tags=a", "", "", ": a form may have 1000 fields at most"},
	} {
		doc, form, err := s.Decode([]byte(c.form), 1<<20)
		var wrong *Error
		if errors.As(err, &wrong) {
			if got := wrong.Pointer + ": " + wrong.Detail; got != c.wrong {
				t.Errorf("%s: %s, want %s", c.name, got, c.wrong)
			}
			continue
		}
		if err != nil || string(doc) != c.doc {
			t.Errorf("%s: %s %v, want %s%s", c.name, doc, err, c.doc, c.wrong)
			continue
		}
		if on, err := form.Write(doc); err != nil || string(on) != c.on {
			t.Errorf("%s: goes on as %s %v, want %s", c.name, on, err, c.on)
		}
	}
	if _, _, err := s.Decode([]byte("name="+strings.Repeat("%22", 100)), 150); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a form whose JSON is too large: %v", err)
	}
}

// TestShapes shows schemas that are no forms.
func TestShapes(t *testing.T) {
	for _, c := range []struct{ schema, want string }{
		{`{"type":"array"}`, "x at the top: a form is an object, and this is none"},
		{`{"type":"object","patternProperties":{"^a":{}}}`, "x at /patternProperties: patternProperties has no form that could be read"},
		{`{"type":"object","properties":{"a":{"$ref":"b.json"}}}`, "x at /properties/a/$ref: a reference that is no JSON pointer into the schema itself is not followed"},
	} {
		if _, err := NewShape("x", []byte(c.schema)); err == nil || err.Error() != c.want {
			t.Errorf("%s: %v", c.schema, err)
		}
	}
	if _, err := NewShape("x", []byte(`{`)); err == nil {
		t.Error("a broken schema makes a shape")
	}
}

// TestChanged writes documents that stages have changed.
func TestChanged(t *testing.T) {
	s := shape(t)
	_, form, err := s.Decode([]byte("tags[]=a&lines[0][sku]=x"), 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	for doc, want := range map[string]string{
		`{"tags":["b","c"],"lines":[{"sku":"y"}]}`: "tags%5B%5D=b&tags%5B%5D=c&lines%5B0%5D%5Bsku%5D=y",
		`{"labels":["b"],"a":{"b":[1,2]}}`:         "labels=b&a%5Bb%5D%5B%5D=1&a%5Bb%5D%5B%5D=2",
		`{"a":{"b[]":1}}`:                          "",
		`{"a":[[1]]}`:                              "a%5B0%5D%5B%5D=1",
	} {
		out, err := form.Write([]byte(doc))
		if string(out) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s %v", doc, out, err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	s := shape(b)
	form := []byte("name=Ada+Lovelace&age=36&weight=1.50&member=true&tags=a&tags=b&home[city]=Paris&home[zip]=75001&note=" + strings.Repeat("something+to+read+", 50))
	b.SetBytes(int64(len(form)))
	b.ReportAllocs()
	for b.Loop() {
		doc, _, err := s.Decode(form, 1<<20)
		if err != nil || jsonspan.Check(doc, jsonspan.Bounds{}) != nil {
			b.Fatal(err)
		}
	}
}
