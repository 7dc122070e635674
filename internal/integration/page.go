package integration

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/rule"
)

// Page says where the other pages of a list are.
type Page struct {
	Parameter string        // in which callers name a page
	Next      *rule.Program // its value for the next page; nil for none
	Previous  *rule.Program
	Link      string // the parameter of the third party's own links; "" for none
}

const (
	maxLinks  = 8 << 10 // bytes of the third party's Link fields that are looked at
	maxCursor = 2 << 10 // bytes of a page's name
)

// relations are the links that go on.
var relations = []string{"next", "prev", "first", "last"}

// link says, in Link fields (RFC 8288), where the other pages are, on the address that the caller asked for.
func (p *Page) link(x *exchange.Exchange, h http.Header) error {
	if p == nil {
		return nil
	}
	cursors := make(map[string]string)
	if p.Link != "" {
		cursors = p.linked(x.Received.Header["Link"])
	}
	if x.Received.Valid {
		for _, one := range []struct {
			relation string
			program  *rule.Program
		}{{"next", p.Next}, {"prev", p.Previous}} {
			if one.program == nil {
				continue
			}
			v, err := one.program.Value(x)
			if err != nil {
				return err
			}
			if text, ok := rule.Text(v); ok && text != "" {
				cursors[one.relation] = text
			}
		}
	}
	for _, relation := range relations {
		cursor, ok := cursors[relation]
		if !ok {
			continue
		}
		if len(cursor) > maxCursor {
			return fmt.Errorf("the name of its page %q is too long", relation)
		}
		h["Link"] = append(h["Link"], "<"+p.address(x, cursor)+`>; rel="`+relation+`"`)
	}
	return nil
}

// address is that of the caller's request, for another page.
func (p *Page) address(x *exchange.Exchange, cursor string) string {
	var kept []string
	for part := range strings.SplitSeq(x.Query.Raw, "&") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); part != "" && err == nil && decoded != p.Parameter {
			kept = append(kept, part)
		}
	}
	kept = append(kept, url.QueryEscape(p.Parameter)+"="+url.QueryEscape(cursor))
	return x.Path.Escaped + "?" + strings.Join(kept, "&")
}

// linked reads what the third party's own links say of pages.
func (p *Page) linked(lines []string) map[string]string {
	cursors := make(map[string]string)
	text := strings.Join(lines, ", ")
	if len(text) > maxLinks {
		return cursors
	}
	for text != "" {
		_, rest, ok := strings.Cut(text, "<")
		if !ok {
			break
		}
		target, rest, ok := strings.Cut(rest, ">")
		if !ok {
			break
		}
		parameters, rest := split(rest)
		text = rest
		u, err := url.Parse(target)
		if err != nil {
			continue
		}
		values, err := url.ParseQuery(u.RawQuery)
		if err != nil || len(values[p.Link]) != 1 {
			continue
		}
		for _, relation := range relationsOf(parameters) {
			if _, twice := cursors[relation]; !twice {
				cursors[relation] = values[p.Link][0]
			}
		}
	}
	return cursors
}

// split divides the parameters of a link from the links after it; commas may stand in quotes.
func split(text string) (parameters, rest string) {
	quoted := false
	for i := 0; i < len(text); i++ {
		switch {
		case quoted && text[i] == '\\':
			i++
		case text[i] == '"':
			quoted = !quoted
		case text[i] == ',' && !quoted:
			return text[:i], text[i+1:]
		}
	}
	return text, ""
}

// relationsOf gives the relation types among a link's parameters, those that go on.
func relationsOf(parameters string) []string {
	for part := range strings.SplitSeq(parameters, ";") {
		name, value, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || !strings.EqualFold(strings.TrimSpace(name), "rel") {
			continue
		}
		var all []string
		for one := range strings.FieldsSeq(strings.Trim(strings.TrimSpace(value), `"`)) {
			one = strings.ToLower(one)
			if one == "previous" {
				one = "prev"
			}
			for _, known := range relations {
				if one == known {
					all = append(all, one)
				}
			}
		}
		return all // the first counts (RFC 8288, section 3.3)
	}
	return nil
}
