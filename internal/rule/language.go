package rule

import (
	"slices"
	"strings"
)

// builtin says of one of expr-lang's functions how rules may use it.
type builtin struct {
	allowed   bool
	predicate bool   // its second argument is run for each member of a list
	wrap      string // our own function that takes its place and counts what it makes
}

// builtins are the functions of expr-lang that rules may use: those whose work and result are bounded by what they
// are given. reduce, repeat and the like are not among them.
var builtins = map[string]builtin{
	"all":    {allowed: true, predicate: true},
	"any":    {allowed: true, predicate: true},
	"none":   {allowed: true, predicate: true},
	"one":    {allowed: true, predicate: true},
	"filter": {allowed: true, predicate: true},
	"map":    {allowed: true, predicate: true},
	"count":  {allowed: true, predicate: true},
	"sum":    {allowed: true},
	"len":    {allowed: true},
	"abs":    {allowed: true},
	"min":    {allowed: true},
	"max":    {allowed: true},
	"int":    {allowed: true, wrap: fnInt},
	"float":  {allowed: true, wrap: fnFloat},
	"string": {allowed: true, wrap: fnString},
	"lower":  {allowed: true, wrap: fnLower},
	"upper":  {allowed: true, wrap: fnUpper},
	"trim":   {allowed: true, wrap: fnTrim},
	"keys":   {allowed: true, wrap: fnKeys},
	"values": {allowed: true, wrap: fnValues},
}

// operators are the words that HCL's syntax calls as functions and expr-lang writes between its operands.
var operators = map[string]bool{"matches": true, "startsWith": true, "endsWith": true}

// functions lists what may be called, for suggestions. list gives all values of a query parameter or header field.
func functions(hcl bool) []string {
	names := []string{"list"}
	for name := range builtins {
		names = append(names, name)
	}
	if hcl {
		names = append(names, "contains", "expr")
		for name := range operators {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// wording says an error of expr-lang's without Go's words for types.
func wording(message string) string {
	message = strings.TrimSpace(goTypes.Replace(message))
	if message == "" {
		return "The expression cannot be understood."
	}
	message = strings.ToUpper(message[:1]) + message[1:]
	if !strings.HasSuffix(message, ".") {
		message += "."
	}
	return message
}

var goTypes = strings.NewReplacer(
	"map[string]interface {}", "object", "map[string]any", "object",
	"[]interface {}", "list", "[]any", "list", "[]string", "list of strings", "[]int", "list of integers",
	"interface {}", "any value", "*string", "string", "float64", "number", "<nil>", "null",
	"token EOF", "end of the expression",
	"compilation failed: expression exceeds maximum allowed nodes", "the expression may have at most 1,000 names, values and operators",
)
