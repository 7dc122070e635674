package xmlform_test

import (
	"bytes"
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// The page's schema makes its document of its XML, and the other way round.
func TestThePagesExample(t *testing.T) {
	page, err := os.ReadFile("../../docs/xml.md")
	if err != nil {
		t.Fatal(err)
	}
	var blocks []string
	for _, m := range regexp.MustCompile("(?s)```(?:json|xml)\n(.*?)```").FindAllSubmatch(page, -1) {
		blocks = append(blocks, string(m[1]))
	}
	if len(blocks) != 3 {
		t.Fatalf("%d blocks", len(blocks))
	}
	var doc bytes.Buffer
	if err := json.Compact(&doc, []byte(blocks[1])); err != nil {
		t.Fatal(err)
	}
	got, err := reader(t, "order", blocks[0]).Decode(nil, []byte(blocks[2]), 1<<20)
	if err != nil || string(got) != doc.String() {
		t.Errorf("got  %s, %v\nwant %s", got, err, &doc)
	}
	flat := regexp.MustCompile(`\n *`).ReplaceAllString(strings.Replace(blocks[2], "?>\n", "?>", 1), "")
	got, err = writer(t, "response", xmlform.Part{Name: "order", Schema: []byte(blocks[0])}).Encode(nil, doc.Bytes(), 1<<20)
	if err != nil || strings.Replace(string(got), "?>\n", "?>", 1) != flat {
		t.Errorf("got  %s, %v\nwant %s", got, err, flat)
	}
}
