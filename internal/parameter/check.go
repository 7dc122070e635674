package parameter

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/wicketgate/wicketgate/internal/diagnostic"
	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/webform"
)

// check is one request being looked at.
type check struct {
	*Set
	x      *exchange.Exchange
	values []values // of the query, by the index of their parameter
	found  Found
	doc    []byte
}

// values are those of one query parameter, decoded.
type values struct {
	first string
	raw   string // of first, as it is spelt
	more  []string
	n     int
	pairs *webform.Pairs // of what is deep
	wrong bool           // with them
}

// Check tells what is wrong with the parameters of a request, and notes on it what they say: x.Typed. What is wrong is
// in no part of that.
func (s *Set) Check(x *exchange.Exchange) Found {
	c := check{Set: s, x: x, doc: make([]byte, 0, 256)}
	if s.needs.Query && x.Query.Raw != "" {
		c.values = make([]values, len(s.list))
		c.read()
	}
	c.doc = append(c.doc, '{')
	var in In
	members := false
	for i := range s.list {
		p := &s.list[i]
		if p.In != in {
			if in != "" {
				c.doc = append(c.doc, '}', ',')
			}
			in, members = p.In, false
			c.doc = append(jsonspan.AppendQuote(c.doc, string(in)), ':', '{')
		}
		before := len(c.doc)
		if members {
			c.doc = append(c.doc, ',')
		}
		c.doc = append(jsonspan.AppendQuote(c.doc, p.Name), ':')
		if c.value(p, i) {
			members = true
		} else {
			c.doc = c.doc[:before]
		}
	}
	if in != "" {
		c.doc = append(c.doc, '}')
	}
	x.Typed = append(c.doc, '}')
	c.judge()
	return c.found
}

// wrong notes a mistake.
func (c *check) wrong(p *known, keyword, detail string) {
	if len(c.found.Errors) < maxErrors {
		c.found.Errors = append(c.found.Errors, Error{p.In, p.told, keyword, detail})
	}
}

// value appends what a parameter says, and gives whether it is there and well spelt.
func (c *check) value(p *known, index int) bool {
	text, there := "", false
	var items []string
	switch p.In {
	case Path:
		text, there = c.pathValue(p)
	case Header:
		lines := c.x.Header[p.Name]
		if there = len(lines) > 0; !there {
			break
		}
		text = lines[0]
		switch {
		case p.List != "":
			text = strings.Join(lines, ",")
		case len(lines) > 1:
			return c.repeated(p, len(lines))
		}
		if !utf8.ValidString(text) {
			c.wrong(p, "type", "must be UTF-8")
			return false
		}
	case Query:
		if c.values == nil || c.values[index].n == 0 {
			break
		}
		v := &c.values[index]
		if p.Deep {
			return c.object(p, v)
		}
		text, there = v.first, true
		switch {
		case p.List == Repeat:
			items = append([]string{v.first}, v.more...)
		case v.n > 1:
			return c.repeated(p, v.n)
		case p.List == Comma && strings.Contains(v.raw, ",") && strings.Contains(strings.ToUpper(v.raw), "%2C"):
			c.wrong(p, "separator", "has commas that are encoded and commas that are not; write all of them alike")
			return false
		}
		if p.Empty && text == "" && v.n == 1 {
			return false
		}
	}
	switch {
	case !there:
		if p.Required {
			c.wrong(p, "required", "is missing")
		}
		return false
	case p.List != "":
		if items == nil {
			items = strings.Split(text, separators[p.List])
		}
		return c.items(p, items)
	}
	var ok bool
	if c.doc, ok = p.Types.append(c.doc, text); !ok {
		c.wrong(p, "type", "must be of type "+p.Types.names())
	}
	return ok
}

// Separator is what stands between the items of a list in one value, decoded; "" where each has a value of its own.
func (l List) Separator() string { return separators[l] }

// separators are what stands between the items of a list in one value, decoded.
var separators = map[List]string{Comma: ",", Space: " ", Pipe: "|"}

func (c *check) pathValue(p *known) (string, bool) {
	for i := range c.x.Parameters {
		if c.x.Parameters[i].Name == p.Name {
			return c.x.Parameters[i].Value, true
		}
	}
	return "", false
}

// repeated refuses what was sent several times and takes one value.
func (c *check) repeated(p *known, n int) bool {
	c.found.Repeated = p.In
	c.wrong(p, "repeated", "is there "+strconv.Itoa(n)+" times and takes one value")
	return false
}

func (c *check) items(p *known, items []string) bool {
	c.doc = append(c.doc, '[')
	whole := true
	for i, item := range items {
		if i > 0 {
			c.doc = append(c.doc, ',')
		}
		if p.In == Header {
			item = strings.Trim(item, " \t")
		}
		var ok bool
		if c.doc, ok = p.Types.append(c.doc, item); !ok {
			whole = false
			c.wrong(p, "type", "item "+strconv.Itoa(i+1)+" must be of type "+p.Types.names())
		}
	}
	c.doc = append(c.doc, ']')
	return whole
}

// judge holds the document to the schema.
func (c *check) judge() {
	if c.schema == nil {
		return
	}
	for _, f := range c.schema.Validate(c.x.Typed) {
		tokens := jsonspan.Split(f.Pointer)
		if len(tokens) < 2 {
			continue // the document itself is ours
		}
		for i := range c.Set.list {
			p := &c.Set.list[i]
			if string(p.In) != tokens[0] || p.Name != tokens[1] {
				continue
			}
			detail := f.Message
			if len(tokens) > 2 && p.Deep {
				detail = "[" + strings.Join(tokens[2:], "][") + "] " + detail
			} else if len(tokens) > 2 {
				if n, err := strconv.Atoi(tokens[2]); err == nil {
					detail = "item " + strconv.Itoa(n+1) + " " + detail
				}
			}
			c.wrong(p, f.Keyword, detail)
			break
		}
	}
}

// stranger deals with a query parameter that the route does not have.
func (c *check) stranger(name string) {
	if c.unknown != Report && c.unknown != Refuse || c.others[name] {
		return
	}
	for _, open := range c.open {
		if strings.HasPrefix(name, open) {
			return
		}
	}
	if len(name) > maxQuoted {
		name = name[:maxQuoted]
		for !utf8.ValidString(name) {
			name = name[:len(name)-1]
		}
		name += "…"
	}
	if c.unknown == Report {
		if len(c.found.Unknown) < maxTold {
			c.found.Unknown = append(c.found.Unknown, name)
		}
		return
	}
	if len(c.found.Errors) < maxErrors {
		detail := "is not a parameter of this resource"
		var names []string
		for i := range c.Set.list {
			if p := &c.Set.list[i]; p.In == Query {
				names = append(names, p.told)
			}
		}
		if near := diagnostic.Suggest(name, names); near != "" {
			detail += "; did you mean " + near + "?"
		}
		c.found.Errors = append(c.found.Errors, Error{Query, name, "unknown", detail})
	}
}
