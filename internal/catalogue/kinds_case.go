package catalogue

import (
	"encoding/json"
	"net/netip"
	"net/textproto"
	"regexp"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// anything is a text of any bytes, none included. It gives a string.
type anything struct{}

func (anything) String() string { return "a text" }

func (k anything) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, text, k)
	if !ok || !d.spend(c.size, e.Range()) {
		return nil, false
	}
	return c.text, true
}

// structure is an object of anything. It gives a json.RawMessage.
type structure struct{}

func (structure) String() string { return "an object" }

func (k structure) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, object, k)
	if !ok || !d.spend(c.size, e.Range()) {
		return nil, false
	}
	return c.JSON(), true
}

// values is a list of anything. It gives []json.RawMessage.
type values struct{}

func (values) String() string { return "a list" }

func (k values) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, list, k)
	if !ok || !d.spend(c.size, e.Range()) {
		return nil, false
	}
	items := make([]json.RawMessage, len(c.items))
	for i := range c.items {
		items[i] = c.items[i].JSON()
	}
	return items, true
}

// Field is a header field of a case.
type Field struct {
	Name   string   // in canonical form
	Values []string // none where there is no such field
	Range  hcl.Range
}

// headerFields is the fields of a message's header. It gives []Field.
type headerFields struct {
	absent bool // null stands for a field that is not there
}

func (k headerFields) String() string {
	what := `an object of header fields, each a text or a list of texts: { "Accept" = "application/json" }`
	if k.absent {
		what = `an object of header fields, each a text, a list of texts, or null for none: { "Content-Type" = "application/json" }`
	}
	return what
}

var fieldPattern = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}$")

// fieldValue says whether a text can be the value of a header field.
func fieldValue(s string) bool {
	for i := range len(s) {
		if c := s[i]; c < ' ' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return len(s) <= maxText
}

func (k headerFields) decode(d *decoder, e hclsyntax.Expression) (any, bool) {
	c, ok := d.expect(e, object, k)
	if !ok || !d.spend(c.size, e.Range()) {
		return nil, false
	}
	fields := make([]Field, 0, len(c.members))
	for _, m := range c.members {
		f := Field{Name: textproto.CanonicalMIMEHeaderKey(m.name), Range: hcl.RangeBetween(m.at, m.value.rng)}
		fits := fieldPattern.MatchString(m.name)
		switch {
		case m.value.kind == text:
			f.Values = []string{m.value.text}
		case m.value.kind == list && len(m.value.items) > 0:
			for _, it := range m.value.items {
				fits = fits && it.kind == text
				f.Values = append(f.Values, it.text)
			}
		default:
			fits = fits && k.absent && m.value.kind == null
		}
		for _, v := range f.Values {
			fits = fits && fieldValue(v)
		}
		if !fits {
			ok = d.unsuitable(f.Range, k)
		}
		fields = append(fields, f)
	}
	return fields, ok
}

var (
	anyHostPattern     = regexp.MustCompile(`^[^\x00-\x20\x7f/?#@]{1,255}$`)
	problemNamePattern = regexp.MustCompile(`^[A-Za-z0-9][\x21-\x7e]*$`)
	consumerPattern    = regexp.MustCompile(`^[\x21-\x7e]([\x20-\x7e]{0,254}[\x21-\x7e])?$`)
)

func anyHost(s string) bool      { return anyHostPattern.MatchString(s) }
func problemName(s string) bool  { return problemNamePattern.MatchString(s) }
func consumerName(s string) bool { return consumerPattern.MatchString(s) }

func ipAddress(s string) bool {
	a, err := netip.ParseAddr(s)
	return err == nil && a.Zone() == ""
}
