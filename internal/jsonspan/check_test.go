package jsonspan_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

func TestCheckAccepts(t *testing.T) {
	for _, doc := range []string{
		`{}`, `[]`, `0`, `-0`, `""`, `null`, `true`, `false`, " \t\r\n{ } \n",
		`{"a":1,"b":[1,2,{"a":3}],"A":2}`,
		`[0.5,-1.25e+3]`,
		`[1e308,-1e-300,0e999999999,0.0e-5]`,
		`"\"\\\/\b\f\n\r\té\uD83D\uDE00 é 😀 �"`,
		`{"":1,"\u0000":2}`,
		`{"a":{"a":{"a":1}},"b":{"a":1}}`,
		strings.Repeat("[", 64) + strings.Repeat("]", 64),
		strings.Repeat("9", 100),
		"\"\x7f\"",
	} {
		if err := jsonspan.Check([]byte(doc), jsonspan.Bounds{}); err != nil {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, test := range []struct {
		doc     string
		offset  int
		pointer string
		detail  string
	}{
		{"", 0, "", "the document is empty"},
		{" \n", 2, "", "the document is empty"},
		{"\ufeff{}", 0, "", "a byte order mark may not stand before the value"},
		{"{}{}", 2, "", "something stands after the value"},
		{"1 2", 2, "", "something stands after the value"},
		{"[1,2", 4, "/1", "the document ends in the middle of a value"},
		{`{"a`, 3, "", "a string is not closed"},
		{`{"a"`, 4, "/a", "the document ends in the middle of a value"},
		{`{"a":`, 5, "/a", "the document ends in the middle of a value"},
		{`{"a":1,`, 7, "", "the document ends in the middle of a value"},
		{`[1,]`, 3, "", "a value was expected"},
		{`[,1]`, 1, "/0", "a value was expected"},
		{`[1 2]`, 3, "/0", "a comma or a closing bracket was expected"},
		{`{"a":1 "b":2}`, 7, "/a", "a comma or a closing brace was expected"},
		{`{"a":1,}`, 7, "", "a member's name in double quotes was expected"},
		{`{a:1}`, 1, "", "a member's name in double quotes was expected"},
		{`{'a':1}`, 1, "", "a member's name in double quotes was expected"},
		{`{"a" 1}`, 5, "/a", "a colon was expected after a member's name"},
		{`{"a":1]`, 6, "", "a comma or a closing brace was expected"},
		{`]`, 0, "", "a value was expected"},
		{`nul`, 0, "", "a value was expected"},
		{`[True]`, 1, "/0", "a value was expected"},
		{`NaN`, 0, "", "a value was expected"},
		{`[+1]`, 1, "/0", "a value was expected"},
		{`[.5]`, 1, "/0", "a value was expected"},
		{`[01]`, 1, "/0", "a number is not spelt as JSON demands"},
		{`[1.]`, 1, "/0", "a number is not spelt as JSON demands"},
		{`[1e]`, 1, "/0", "a number is not spelt as JSON demands"},
		{`[-]`, 1, "/0", "a number is not spelt as JSON demands"},
		{`[0x1]`, 2, "/0", "a comma or a closing bracket was expected"},
		{`{"n":1e1000000}`, 5, "/n", "a number is out of the range of IEEE 754 binary64"},
		{`{"n":-1e309}`, 5, "/n", "a number is out of the range of IEEE 754 binary64"},
		{`{"n":1e-1000000}`, 5, "/n", "a number is out of the range of IEEE 754 binary64"},
		{strings.Repeat("9", 101), 0, "", "a number may have 100 characters at most"},
		{`{"role":1,"role":2}`, 10, "/role", "an object has two members of the same name"},
		{`{"role":1,"rol\u0065":2}`, 10, "/role", "an object has two members of the same name"},
		{`{"\u00e9":1,"é":2}`, 12, "/é", "an object has two members of the same name"},
		{`[{"a/b":{"~":1,"~":1}}]`, 15, "/0/a~1b/~0", "an object has two members of the same name"},
		{`["\ud800"]`, 2, "/0", "a surrogate stands alone in a string"},
		{`["\udc00"]`, 2, "/0", "a surrogate stands alone in a string"},
		{`["\ud800\u0041"]`, 2, "/0", "a surrogate stands alone in a string"},
		{`["\uffff"]`, 2, "/0", "a string may not contain a Unicode noncharacter"},
		{`["\ud83f\udffe"]`, 2, "/0", "a string may not contain a Unicode noncharacter"},
		{"[\"\ufdd0\"]", 2, "/0", "a string may not contain a Unicode noncharacter"},
		{`["\x"]`, 2, "/0", "an escape in a string is not one of JSON's"},
		{`["\u12g4"]`, 2, "/0", "an escape in a string is not one of JSON's"},
		{`["\u12`, 2, "/0", "an escape in a string is not one of JSON's"},
		{"[\"a\nb\"]", 3, "/0", "a control byte in a string must be written as an escape"},
		{"[\"\x00\"]", 2, "/0", "a control byte in a string must be written as an escape"},
		{"[\"long enough for words \xff\"]", 24, "/0", "the bytes are not UTF-8"},
		{"[\"\xed\xa0\x80\"]", 2, "/0", "the bytes are not UTF-8"},
		{"[\"\xc0\xaf\"]", 2, "/0", "the bytes are not UTF-8"},
		{"{\"\xff\":1}", 2, "", "the bytes are not UTF-8"},
		{strings.Repeat("[", 10_001), 64, strings.Repeat("/0", 64), "objects and arrays may be nested 64 deep at most"},
		{strings.Repeat(`{"a":`, 10_001), 320, strings.Repeat("/a", 64), "objects and arrays may be nested 64 deep at most"},
		{"// comment\n1", 0, "", "a value was expected"},
	} {
		err := jsonspan.Check([]byte(test.doc), jsonspan.Bounds{})
		var e *jsonspan.Error
		if !errors.As(err, &e) {
			t.Errorf("%.40s: got %v, want %s", test.doc, err, test.detail)
			continue
		}
		if *e != (jsonspan.Error{Offset: test.offset, Pointer: test.pointer, Detail: test.detail}) {
			t.Errorf("%.40s: got %+v, want %d %q %s", test.doc, *e, test.offset, test.pointer, test.detail)
		}
	}
}

func TestBoundsCanBeSet(t *testing.T) {
	for _, test := range []struct {
		doc string
		b   jsonspan.Bounds
		ok  bool
	}{
		{`[[1]]`, jsonspan.Bounds{Depth: 2}, true},
		{`[[[]]]`, jsonspan.Bounds{Depth: 2}, false},
		{`12345`, jsonspan.Bounds{Number: 5}, true},
		{`123456`, jsonspan.Bounds{Number: 5}, false},
		{strings.Repeat("[", 5000) + strings.Repeat("]", 5000), jsonspan.Bounds{Depth: 5000}, true},
	} {
		if err := jsonspan.Check([]byte(test.doc), test.b); (err == nil) != test.ok {
			t.Errorf("%.20s within %+v: %v", test.doc, test.b, err)
		}
	}
}

// members writes an object of n different names, every third of them with an escape.
func members(n int) []byte {
	var b bytes.Buffer
	b.WriteByte('{')
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if i%3 == 0 {
			fmt.Fprintf(&b, `"\u0061%07d":0`, i)
		} else {
			fmt.Fprintf(&b, `"a%07d":0`, i)
		}
	}
	b.WriteByte('}')
	return b.Bytes()
}

// A million members would take hours if each were compared with each.
func TestManyMembers(t *testing.T) {
	doc := members(1_000_000)
	if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
		t.Fatal(err)
	}
	again := append(doc[:len(doc)-1:len(doc)-1], `,"a0500000":1}`...)
	var e *jsonspan.Error
	if err := jsonspan.Check(again, jsonspan.Bounds{}); !errors.As(err, &e) || e.Pointer != "/a0500000" {
		t.Fatalf("the same name far apart: %v", err)
	}
}

// Around the size where the way of comparing changes, a name is found again wherever it stands.
func TestEveryDuplicateIsFound(t *testing.T) {
	for n := 1; n <= 40; n++ {
		for k := range n {
			doc := members(n)
			doc = append(doc[:len(doc)-1], fmt.Sprintf(`,"in":{"a0000000":1,"x":{}},"a%07d":1}`, k)...)
			if err := jsonspan.Check(doc, jsonspan.Bounds{}); err == nil {
				t.Fatalf("%d members, number %d twice: accepted", n, k)
			}
		}
	}
}

// kilobyte is an order of about 1 KB as a shop would send it.
func kilobyte() []byte {
	return []byte(`{"id":"0198c1d4-7a53-7b9e-a3f1-0d9f1c2b3a4d","created_at":"2026-03-14T15:09:26.535Z","currency":"EUR",
 "customer":{"name":"Ada Lovelace","email":"ada@example.org","phone":"+44 20 7946 0000","vat":null},
 "status":"verified","total":{"amount":12930},"discount":0.15,"express":false,
 "shipping":{"street":"12 St James's Square","city":"London","zip":"SW1Y 4JH","country":"GB"},
 "lines":[{"sku":"KB-104-UK","qty":1,"price":8900,"title":"Keyboard, mechanical, UK layout"},
 {"sku":"MS-2-BLK","qty":2,"price":1500,"title":"Mouse, two buttons, black"},
 {"sku":"CB-USB-C-1M","qty":3,"price":343,"title":"Cable, USB-C to USB-C, one metre"}],
 "payment":{"method":"card","last4":"4242","captured":true,"attempts":1,"fee":1.0e+2},
 "notes":"Please leave it with the porter if nobody answers the bell; he is there from seven to seven.",
 "tags":["gift","returning","newsletter"],"metadata":{"campaign":"spring-26","source":"web","ab":"B","session":"f81d4fae7dec"}}`)
}

func BenchmarkCheck1K(b *testing.B) {
	doc := kilobyte()
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse1K(b *testing.B) {
	doc := kilobyte()
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		index, err := jsonspan.Parse(doc, jsonspan.Bounds{})
		if err != nil {
			b.Fatal(err)
		}
		index.Release()
	}
}

func BenchmarkCheck100K(b *testing.B) {
	doc := append([]byte{'['}, bytes.Repeat(append(kilobyte(), ','), 100)...)
	doc[len(doc)-1] = ']'
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkCheckManyMembers(b *testing.B) {
	doc := members(50_000)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := jsonspan.Check(doc, jsonspan.Bounds{}); err != nil {
			b.Fatal(err)
		}
	}
}
