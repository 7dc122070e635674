package catalogue

import (
	"regexp"
	"slices"
	"strings"
)

// The parameters of a route. What they say is made a JSON Schema of, so that parameters and bodies are judged alike.
var (
	queryBlock = parameterBlock("query",
		&label{"the name of a query parameter: 1 to 64 printable characters of ASCII, none of them a space, &, =, #, +, % or ;", queryParameter, true, nil},
		"A query parameter, as the newest version has it; older versions have those that `param` renames under their own names. One that takes one value may not be repeated.",
		mandatory, sometimes,
		[]attribute{
			{name: "empty", kind: truth{}, def: false, doc: "Whether the parameter may stand there without a value, whatever its type is."},
			{name: "sanitize", kind: each{of: choice{of: textSteps}, min: 1, max: 5}, absent: "nothing",
				doc: "What is done to the texts of the parameter, in this order, before they are looked at; the service gets what was looked at. The steps are those of [sanitize](#api--route--sanitize)."},
			{name: "list", kind: choice{of: []string{"repeat", "comma", "space", "pipe"}}, absent: "the parameter takes one value",
				doc: "How the items of a list are written: each by itself, `a=1&a=2`, or in one value between commas, spaces or bars. A comma divides them encoded or not; a value with both is refused."},
		})
	headerBlock = parameterBlock("header",
		&label{"the name of a header field of letters, digits and -, none that HTTP or the gateway uses itself", headerName, true, nil},
		"A header field.",
		mandatory, sometimes, []attribute{commaList})
	pathBlock = parameterBlock("path",
		&label{"the name of one of the route's {parameters}", parameterPattern.MatchString, true, nil},
		"A parameter of the route's path, which is a text unless this says more.",
		[]attribute{commaList})
)

var (
	mandatory = []attribute{{name: "required", kind: truth{}, def: false, doc: "Whether it must be there."}}
	sometimes = []attribute{
		{name: "since", kind: reference{to: "version"}, absent: "the first", doc: "The first version that has this parameter."},
		{name: "until", kind: reference{to: "version"}, absent: "none", doc: "The first version that no longer has this parameter."},
	}
	commaList = attribute{name: "list", kind: choice{of: []string{"comma"}}, absent: "it takes one value", doc: "How the items of a list are written: in one value between commas."}
)

// queryParameter says whether a text may name a query parameter: as it is once it is decoded, so that frameworks' names
// such as a[] and page[size] are among them.
func queryParameter(s string) bool {
	return len(s) <= 64 && !strings.ContainsAny(s, "&=#+%;") && s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// parameterBlock makes a row of the table for one place of parameters.
func parameterBlock(name string, l *label, doc string, own ...[]attribute) *block {
	return &block{name: name, label: l, max: 64, doc: doc, attributes: slices.Concat([]attribute{
		{name: "type", kind: choice{of: []string{"string", "integer", "number", "boolean"}}, def: "string",
			doc: "What a value is, or each item of a list. Whole numbers are spelt in digits alone, numbers as in JSON, truth values `true` and `false`. Rules see numbers, not texts."},
		{name: "format", kind: choice{of: []string{"date", "date-time", "time", "duration", "email", "hostname", "ipv4", "ipv6", "uri", "uuid"}}, absent: "any", doc: "What a text must be."},
		{name: "enum", kind: constants{}, absent: "any", doc: "The values there are, of the type."},
		{name: "pattern", kind: word{"a regular expression in Go's syntax (RE2)", regularExpression}, absent: "any", doc: "What a text must match, anywhere in it unless the pattern says ^ and $."},
		{name: "min_length", kind: integer{0, 8192}, absent: "0", doc: "The least number of characters of a text."},
		{name: "max_length", kind: integer{0, 8192}, absent: "any", doc: "The greatest number of characters of a text."},
		{name: "minimum", kind: numeric{}, absent: "any", doc: "The least number."},
		{name: "maximum", kind: numeric{}, absent: "any", doc: "The greatest number."},
		{name: "min_items", kind: integer{0, 256}, absent: "0", doc: "The least number of items of a list."},
		{name: "max_items", kind: integer{0, 256}, absent: "any", doc: "The greatest number of items of a list."},
		{name: "unique", kind: truth{}, def: false, doc: "Whether no item of a list may be there twice."},
		{name: "description", kind: anyText, absent: "none", doc: "What the parameter is for, in the API's description."},
	}, slices.Concat(own...))}
}

func regularExpression(s string) bool {
	_, err := regexp.Compile(s)
	return err == nil
}
