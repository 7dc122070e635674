package schema

import (
	"cmp"
	"encoding/json"
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// Failure is one thing wrong with a document, in words for the client who sent it.
type Failure struct {
	Pointer string // to the value that is wrong, to the member that is missing or to the one that may not be there
	Keyword string // of the schema
	Message string // follows the name of the value: "must be at least 1"
	Where   string // points to the member because of which another is needed, whose name is in Message; "" for none
}

// Needed is the message for a member that is missing, but needed where one of that name is given.
func Needed(name string) string {
	return "is missing, but needed where " + quote(name) + " is given"
}

// found is a failure with the way to it, by which failures are put in order.
type found struct {
	way []string
	Failure
}

// failures flattens what the library found in doc. A document may have as many failures as values; the library's own order
// follows Go's maps, so all of them are put in order before the first twenty are taken.
func failures(err error, doc any) []Failure {
	var e *jsonschema.ValidationError
	if !errors.As(err, &e) {
		return []Failure{{Message: "cannot be validated"}}
	}
	c := collector{doc: doc}
	c.collect(e)
	all := c.all
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(compareWays(a.way, b.way), strings.Compare(a.Keyword, b.Keyword), strings.Compare(a.Message, b.Message))
	})
	all = slices.CompactFunc(all, func(a, b found) bool { return a.Failure == b.Failure })
	told := make([]Failure, 0, min(len(all), maxFailures))
	for _, f := range all[:min(len(all), maxFailures)] {
		told = append(told, f.Failure)
	}
	return told
}

// compareWays orders items by their index and members by their name.
func compareWays(a, b []string) int {
	return slices.CompareFunc(a, b, func(a, b string) int {
		if a == b || a == "" || b == "" || a[0]-'0' > 9 || b[0]-'0' > 9 {
			return strings.Compare(a, b)
		}
		i, err1 := strconv.Atoi(a)
		j, err2 := strconv.Atoi(b)
		if err1 == nil && err2 == nil {
			return cmp.Or(cmp.Compare(i, j), strings.Compare(a, b))
		}
		return strings.Compare(a, b)
	})
}

type collector struct {
	doc    any
	all    []found
	owners owners // once they are needed
}

func (c *collector) add(way []string, keyword, message string) {
	c.all = append(c.all, found{way, Failure{Pointer: pointer(way), Keyword: keyword, Message: message}})
}

func (c *collector) collect(e *jsonschema.ValidationError) {
	way := e.InstanceLocation
	below := func(name string) []string { return append(slices.Clone(way), name) }
	keyword := ""
	if path := e.ErrorKind.KeywordPath(); len(path) > 0 {
		keyword = path[0]
	}
	switch k := e.ErrorKind.(type) {
	case *kind.Required:
		for _, name := range k.Missing {
			c.add(below(name), keyword, "is missing")
		}
	case *kind.DependentRequired:
		for _, name := range k.Missing {
			c.add(below(name), keyword, Needed(k.Prop))
			c.all[len(c.all)-1].Where = pointer(below(k.Prop))
		}
	case *kind.Dependency:
		for _, name := range k.Missing {
			c.add(below(name), "dependencies", Needed(k.Prop))
			c.all[len(c.all)-1].Where = pointer(below(k.Prop))
		}
	case *kind.AdditionalProperties:
		for _, name := range k.Properties {
			c.add(below(name), keyword, "is not a known member")
		}
	case *kind.PropertyNames:
		c.add(append(c.owner(len(way), k.Property), k.Property), keyword, "has a name that is not allowed")
	case *kind.AnyOf, *kind.OneOf:
		c.alternatives(e, keyword)
	case *kind.Not:
		c.add(way, "not", message(k))
	case *kind.Contains, *kind.MinContains: // its causes are what is wrong with every item
		c.add(way, keyword, message(k))
	case *kind.FalseSchema:
		c.add(way, forbidden(e.SchemaURL), "is not allowed")
	default:
		if len(e.Causes) == 0 {
			c.add(way, keyword, message(k))
		}
		for _, cause := range e.Causes {
			c.collect(cause)
		}
	}
}

// alternatives tells what is wrong with the one alternative that the document was meant to be, if it can be known:
// one is not meant if the value is not of its type, or differs from it in a constant.
func (c *collector) alternatives(e *jsonschema.ValidationError, keyword string) {
	if k, ok := e.ErrorKind.(*kind.OneOf); ok && len(k.Subschemas) > 0 {
		c.add(e.InstanceLocation, keyword, "matches more than one of the allowed forms")
		return
	}
	var meant []*jsonschema.ValidationError
	for _, cause := range e.Causes {
		if !excludes(cause, len(e.InstanceLocation)) {
			meant = append(meant, cause)
		}
	}
	if len(meant) == 1 {
		c.collect(meant[0])
		return
	}
	c.add(e.InstanceLocation, keyword, "matches none of the allowed forms")
}

// excludes says whether a failure shows that the value, at depth, was not meant to be this form of it.
func excludes(e *jsonschema.ValidationError, depth int) bool {
	switch e.ErrorKind.(type) {
	case *kind.Type:
		return len(e.InstanceLocation) == depth
	case *kind.Const:
		return len(e.InstanceLocation) <= depth+1
	}
	return slices.ContainsFunc(e.Causes, func(c *jsonschema.ValidationError) bool { return excludes(c, depth) })
}

// forbidden is the keyword whose false refuses a value.
func forbidden(schema string) string {
	_, fragment := split(schema)
	for _, token := range slices.Backward(jsonspan.Split(fragment)) {
		switch token {
		case "unevaluatedProperties", "unevaluatedItems", "items", "prefixItems", "properties", "patternProperties":
			return token
		}
	}
	return ""
}

// message says in a client's words what the schema asks for. Of the document it quotes nothing.
func message(k jsonschema.ErrorKind) string {
	switch k := k.(type) {
	case *kind.Type:
		return "must be of type " + strings.Join(k.Want, " or ")
	case *kind.Enum:
		return "must be one of " + values(k.Want)
	case *kind.Const:
		return "must be " + values([]any{k.Want})
	case *kind.Format:
		return "must be a valid " + k.Want
	case *kind.Pattern:
		return "must match the pattern " + quote(k.Want)
	case *kind.MinLength:
		return "must have at least " + plural(k.Want, "character")
	case *kind.MaxLength:
		return "must have at most " + plural(k.Want, "character")
	case *kind.MinItems:
		return "must have at least " + plural(k.Want, "item")
	case *kind.MaxItems:
		return "must have at most " + plural(k.Want, "item")
	case *kind.MinProperties:
		return "must have at least " + plural(k.Want, "member")
	case *kind.MaxProperties:
		return "must have at most " + plural(k.Want, "member")
	case *kind.Minimum:
		return "must be at least " + number(k.Want)
	case *kind.Maximum:
		return "must be at most " + number(k.Want)
	case *kind.ExclusiveMinimum:
		return "must be more than " + number(k.Want)
	case *kind.ExclusiveMaximum:
		return "must be less than " + number(k.Want)
	case *kind.MultipleOf:
		return "must be a multiple of " + number(k.Want)
	case *kind.UniqueItems:
		return "has the same item twice, at " + itoa(k.Duplicates[0]) + " and " + itoa(k.Duplicates[1])
	case *kind.Contains:
		return "has no item of the form it must have"
	case *kind.MinContains:
		return "must have at least " + plural(k.Want, "item") + " of the form asked for"
	case *kind.MaxContains:
		return "must have at most " + plural(k.Want, "item") + " of the form asked for"
	case *kind.Not:
		return "has a form that is not allowed"
	case *kind.RefCycle:
		return "cannot be validated: the schema refers to itself without end"
	}
	return "is not valid"
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return itoa(n) + " " + noun + "s"
}

// number writes a bound as people write it: exactly, where it has a finite decimal expansion of reasonable length.
func number(r *big.Rat) string {
	if r.IsInt() && r.Num().BitLen() < 128 {
		return r.Num().String()
	}
	if digits, exact := r.FloatPrec(); exact && digits <= 20 && r.Num().BitLen() < 128 {
		return r.FloatString(digits)
	}
	f, _ := r.Float64()
	return strconv.FormatFloat(f, 'g', -1, 64)
}

// values writes constants of the schema as JSON.
func values(all []any) string {
	var b strings.Builder
	for i, v := range all {
		text, err := json.Marshal(v)
		if err != nil || b.Len()+len(text) > maxQuoted {
			b.WriteString(" …")
			break
		}
		if i > 0 {
			b.WriteString(", ")
		}
		b.Write(text)
	}
	return strings.TrimSpace(b.String())
}

func quote(s string) string {
	return string(jsonspan.AppendQuote(nil, short(s)))
}

// pointer shortens the names of members, which are the client's and may be as long as the document.
func pointer(way []string) string {
	if !slices.ContainsFunc(way, func(s string) bool { return len(s) > maxQuoted }) {
		return jsonspan.Join(way)
	}
	tokens := make([]string, len(way))
	for i, token := range way {
		tokens[i] = short(token)
	}
	return jsonspan.Join(tokens)
}

func short(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	end := maxQuoted
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "…"
}

func itoa(n int) string { return strconv.Itoa(n) }
