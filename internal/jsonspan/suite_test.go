package jsonspan_test

import (
	"archive/zip"
	"io"
	"path"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// suite gives the documents of the JSONTestSuite by their names.
func suite(t testing.TB) map[string][]byte {
	t.Helper()
	archive, err := zip.OpenReader("testdata/suite/test_parsing.zip")
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	docs := make(map[string][]byte)
	for _, file := range archive.File {
		if !strings.HasSuffix(file.Name, ".json") {
			continue
		}
		f, err := file.Open()
		if err != nil {
			t.Fatal(err)
		}
		doc, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		docs[strings.TrimSuffix(path.Base(file.Name), ".json")] = doc
	}
	if len(docs) < 300 {
		t.Fatalf("only %d documents", len(docs))
	}
	return docs
}

// stricter are the documents that RFC 8259 allows and RFC 7493 does not, with what is said of them.
var stricter = map[string]string{
	"y_object_duplicated_key":               "an object has two members of the same name", // section 2.3
	"y_object_duplicated_key_and_value":     "an object has two members of the same name",
	"y_string_escaped_noncharacter":         "a string may not contain a Unicode noncharacter", // section 2.1
	"y_string_last_surrogates_1_and_2":      "a string may not contain a Unicode noncharacter",
	"y_string_nonCharacterInUTF-8_U+FFFF":   "a string may not contain a Unicode noncharacter",
	"y_string_nonCharacterInUTF-8_U+10FFFF": "a string may not contain a Unicode noncharacter",
	"y_string_unicode_U+10FFFE_nonchar":     "a string may not contain a Unicode noncharacter",
	"y_string_unicode_U+1FFFE_nonchar":      "a string may not contain a Unicode noncharacter",
	"y_string_unicode_U+FDD0_nonchar":       "a string may not contain a Unicode noncharacter",
	"y_string_unicode_U+FFFE_nonchar":       "a string may not contain a Unicode noncharacter",
}

// either are the documents that a parser may accept or not, and Check accepts. A number that binary64 rounds is read as
// it is spelt by whoever reads the span.
var either = map[string]bool{
	"i_number_too_big_neg_int":       true,
	"i_number_too_big_pos_int":       true,
	"i_number_very_big_negative_int": true,
}

// Whatever the JSONTestSuite takes for JSON is accepted, except what RFC 7493 forbids; and nothing that it does not take
// for JSON.
func TestSuite(t *testing.T) {
	docs := suite(t)
	for name, doc := range docs {
		err := jsonspan.Check(doc, jsonspan.Bounds{})
		want, refused := stricter[name]
		switch {
		case refused && (err == nil || err.(*jsonspan.Error).Detail != want):
			t.Errorf("%s: got %v, want %s", name, err, want)
		case !refused && strings.HasPrefix(name, "y_") && err != nil:
			t.Errorf("%s: refused: %v", name, err)
		case strings.HasPrefix(name, "n_") && err == nil:
			t.Errorf("%s: accepted", name)
		case strings.HasPrefix(name, "i_") && (err == nil) != either[name]:
			t.Errorf("%s: %v", name, err)
		}
	}
	for name := range stricter {
		if docs[name] == nil {
			t.Errorf("there is no %s", name)
		}
	}
}
