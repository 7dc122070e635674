package rule

import "strings"

// operators are the words that HCL's syntax calls as functions and expr-lang writes between its operands.
var operators = map[string]bool{"matches": true, "startsWith": true, "endsWith": true}

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
	"time.Time", "time", "time.Duration", "duration",
	"token EOF", "end of the expression",
	"compilation failed: expression exceeds maximum allowed nodes", "the expression may have at most 1,000 names, values and operators",
)
