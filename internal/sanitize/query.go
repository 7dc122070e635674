package sanitize

import (
	"net/url"
	"strings"
)

// QueryField is what is done to the values of a query parameter.
type QueryField struct {
	Name      string // decoded
	Steps     []Step
	Separator string // between the items of a list in one value; "" for one item
}

// Query is what is done to queries. It is immutable and serves many requests at once.
type Query struct {
	fields map[string]QueryField
}

// NewQuery makes a program. Of two fields of a name, the later holds.
func NewQuery(fields ...QueryField) *Query {
	q := &Query{make(map[string]QueryField, len(fields))}
	for _, f := range fields {
		q.fields[f.Name] = f
	}
	return q
}

// Apply tidies a query that is well formed, and says whether there was anything to do. Only the values that change are spelt
// anew.
func (q *Query) Apply(raw string) (tidied string, changed bool) {
	var out strings.Builder
	for i, rest, more := 0, raw, true; more; i++ {
		var part string
		part, rest, more = strings.Cut(rest, "&")
		if i > 0 {
			out.WriteByte('&')
		}
		name, written, _ := strings.Cut(part, "=")
		if value, ok := q.value(name, written); ok {
			part, changed = name+"="+value, true
		}
		out.WriteString(part)
	}
	if !changed {
		return raw, false
	}
	return out.String(), true
}

// value gives a value as it is to be spelt, and whether that is another one.
func (q *Query) value(name, written string) (string, bool) {
	decoded, err := url.QueryUnescape(name)
	if err != nil {
		return "", false
	}
	f, ok := q.fields[decoded]
	if !ok {
		return "", false
	}
	was, err := url.QueryUnescape(written)
	if err != nil {
		return "", false
	}
	if f.Separator == "" {
		is := Text(was, f.Steps...)
		return url.QueryEscape(is), is != was
	}
	items := strings.Split(was, f.Separator)
	for i, item := range items {
		items[i] = Text(item, f.Steps...)
	}
	if strings.Join(items, f.Separator) == was {
		return "", false
	}
	for i, item := range items {
		items[i] = url.QueryEscape(item)
	}
	separator := f.Separator
	if separator != "," { // which need not be escaped
		separator = url.QueryEscape(separator)
	}
	return strings.Join(items, separator), true
}
