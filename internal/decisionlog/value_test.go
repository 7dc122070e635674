package decisionlog

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/open-policy-agent/opa/v1/ast"
)

// written gives a value as an event has it.
func written(v ast.Value, m *mask) (string, []string) {
	e := newEvent()
	defer e.release()
	e.path = append(e.path, "/input"...)
	if err := e.value(v, m); err != nil {
		return err.Error(), nil
	}
	return string(e.buf), append([]string(nil), e.erased...)
}

func TestValue(t *testing.T) {
	for _, c := range []struct{ rego, want string }{
		{`null`, `null`},
		{`true`, `true`},
		{`1e1000`, `1e1000`},
		{`0.10`, `0.10`},
		{`-12345678901234567890`, `-12345678901234567890`},
		{`""`, `""`},
		{`"a\"b\\c\n\r\t\u0001é漢\u2028"`, `"a\"b\\c\n\r\t\u0001é漢` + "\u2028" + `"`},
		{`"<&>"`, `"<&>"`},
		{`[]`, `[]`},
		{`[1, [2], {}]`, `[1,[2],{}]`},
		{`{"b": 1, "a": {"d": [], "c": null}}`, `{"a":{"c":null,"d":[]},"b":1}`},
		{`{"z", "a", "m"}`, `["a","m","z"]`},
		{`set()`, `[]`},
		{`{1: "a", [true]: "b", null: "c"}`, `{"null":"c","1":"a","[true]":"b"}`},
	} {
		if got, _ := written(ast.MustParseTerm(c.rego).Value, nil); got != c.want {
			t.Errorf("%s is written %s, want %s", c.rego, got, c.want)
		}
	}
	for number, want := range map[string]string{"0x10": `"0x10"`, "Inf": `"Inf"`, "+1": `"+1"`, "01": `"01"`, "1.": `"1."`, ".5": `".5"`, "1e": `"1e"`, "-": `"-"`, "": `""`, "-0.0E+1": `-0.0E+1`} {
		if got, _ := written(ast.Number(number), nil); got != want {
			t.Errorf("the number %q is written %s, want %s", number, got, want)
		}
	}
	if got, _ := written(ast.String("a\xff\xc3b"), nil); got != "\"a\ufffd\ufffdb\"" {
		t.Errorf("what is no UTF-8 is written %s", got)
	}
}

func TestAValueThatIsTooLarge(t *testing.T) {
	long := ast.StringTerm(strings.Repeat("x", maxEvent/4))
	e := newEvent()
	defer e.release()
	if err := e.value(ast.NewArray(long, long, long), nil); err != nil {
		t.Error(err)
	}
	e.reset()
	if err := e.value(ast.NewObject(ast.Item(ast.StringTerm("a"), ast.ArrayTerm(long, long, long, long, long))), nil); err == nil {
		t.Errorf("%d bytes are written", len(e.buf))
	}
}

// What is written says what the JSON said that the value was made of.
func FuzzValue(f *testing.F) {
	for _, seed := range []string{`null`, `{"a":[1,2.50,"x\u2028\ud800é"],"b":{"c":true}}`, `[1e400,-0,0.1]`, `"\u0000\u001f\u007f"`, `{"":{"":[]}}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if !json.Valid(text) {
			if s, _ := written(ast.String(text), nil); !json.Valid([]byte(s)) {
				t.Fatalf("no JSON: %q", s)
			}
			if s, _ := written(ast.Number(text), nil); !json.Valid([]byte(s)) {
				t.Fatalf("no JSON: %q", s)
			}
			return
		}
		v, err := ast.ValueFromReader(bytes.NewReader(text))
		if err != nil || len(text) > maxEvent/8 {
			return
		}
		got, _ := written(v, nil)
		var said, says any
		for _, d := range []struct {
			text string
			to   *any
		}{{string(text), &said}, {got, &says}} {
			decoder := json.NewDecoder(strings.NewReader(d.text))
			decoder.UseNumber()
			if err := decoder.Decode(d.to); err != nil {
				t.Fatalf("%q: %v", d.text, err)
			}
		}
		if !reflect.DeepEqual(said, says) {
			t.Errorf("%s became %s", text, got)
		}
		// What a mask leaves out is nowhere, and the rest is JSON still.
		masked, _ := written(v, &mask{any: &mask{fields: map[string]struct{}{"a": {}}, members: map[string]*mask{"0": everything}}})
		if !json.Valid([]byte(masked)) {
			t.Errorf("%s became %s", text, masked)
		}
	})
}
