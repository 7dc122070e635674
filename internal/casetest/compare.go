package casetest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/catalogue"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/merge"
)

const (
	// maxDifferences bounds the differences of two documents that are told.
	maxDifferences = 20
	// maxShown bounds what is shown of a value, in bytes.
	maxShown = 400
)

// differentBody tells how a body differs from the one expected; nil where it does not.
func differentBody(want *catalogue.Content, got []byte, whose string) *hcl.Diagnostic {
	if !want.JSON {
		if bytes.Equal(want.Bytes, got) {
			return nil
		}
		return fault(want.Range, "Unexpected body", "%s is %s, where %s was expected.", whose, shownText(got), shownText(want.Bytes))
	}
	return different(want.Range, want.Bytes, got, false, whose)
}

// lacking tells which members a body lacks of those expected; nil where it has them all.
func lacking(at hcl.Range, want json.RawMessage, got []byte, whose string) *hcl.Diagnostic {
	return different(at, want, got, true, whose)
}

func different(at hcl.Range, want, got []byte, partly bool, whose string) *hcl.Diagnostic {
	if len(got) == 0 {
		return fault(at, "Unexpected body", "%s is empty.", whose)
	}
	if err := jsonspan.Check(got, jsonspan.Bounds{}); err != nil {
		return fault(at, "Unexpected body", "%s is no JSON (%v): %s", whose, err, shownText(got))
	}
	c := comparison{partly: partly}
	c.compare(want, got, "")
	if len(c.found) == 0 {
		return nil
	}
	if len(c.found) > maxDifferences {
		c.found = append(c.found[:maxDifferences], "and more")
	}
	return fault(at, "Unexpected body", "%s differs:\n%s", whose, strings.Join(c.found, "\n"))
}

// comparison collects the differences of two JSON documents. The order of members does not count, and numbers are
// compared as decimals.
type comparison struct {
	partly bool // the second may have more members than the first
	found  []string
}

func (c *comparison) tell(pointer, want, got string) {
	if pointer == "" {
		pointer = "as a whole"
	}
	switch nothing {
	case got:
		c.found = append(c.found, fmt.Sprintf("%s: %s is missing", pointer, want))
	case want:
		c.found = append(c.found, fmt.Sprintf("%s: %s was not expected", pointer, got))
	default:
		c.found = append(c.found, fmt.Sprintf("%s: expected %s, not %s", pointer, want, got))
	}
}

// nothing stands in the place of a value that is not there.
const nothing = ""

func (c *comparison) compare(want, got []byte, pointer string) {
	if len(c.found) > maxDifferences || merge.Equal(want, got) {
		return
	}
	want, got = bytes.TrimSpace(want), bytes.TrimSpace(got)
	switch {
	case want[0] == '{' && got[0] == '{':
		c.members(want, got, pointer)
	case want[0] == '[' && got[0] == '[':
		c.items(want, got, pointer)
	default:
		c.tell(pointer, brief(want), brief(got))
	}
}

func (c *comparison) members(want, got []byte, pointer string) {
	there := make(map[string][]byte)
	for name, value := range jsonspan.Members(got) {
		there[jsonspan.Text(name)] = value
	}
	for name, value := range jsonspan.Members(want) {
		text := jsonspan.Text(name)
		inside := pointer + "/" + jsonspan.Escape(text)
		has, ok := there[text]
		delete(there, text)
		if !ok {
			c.tell(inside, brief(value), nothing)
			continue
		}
		c.compare(value, has, inside)
	}
	if c.partly {
		return
	}
	var extra []string
	for name := range there {
		extra = append(extra, name)
	}
	slices.Sort(extra)
	for _, name := range extra {
		c.tell(pointer+"/"+jsonspan.Escape(name), nothing, brief(there[name]))
	}
}

func (c *comparison) items(want, got []byte, pointer string) {
	there := slices.Collect(jsonspan.Items(got))
	n := 0
	for value := range jsonspan.Items(want) {
		inside := fmt.Sprintf("%s/%d", pointer, n)
		if n < len(there) {
			c.compare(value, there[n], inside)
		} else {
			c.tell(inside, brief(value), nothing)
		}
		n++
	}
	for ; n < len(there); n++ {
		c.tell(fmt.Sprintf("%s/%d", pointer, n), nothing, brief(there[n]))
	}
}

// brief is a JSON value on one line, cut where it is long.
func brief(raw []byte) string {
	var b bytes.Buffer
	if json.Compact(&b, raw) != nil {
		b.Reset()
		b.Write(raw)
	}
	return shortened(b.String())
}

func shownText(b []byte) string {
	if len(b) == 0 {
		return "empty"
	}
	return shortened(fmt.Sprintf("%q", b[:min(len(b), maxShown+1)]))
}

func shortened(s string) string {
	if len(s) <= maxShown {
		return s
	}
	return strings.ToValidUTF8(s[:maxShown], "") + "…"
}
