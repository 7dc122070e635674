package validate

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/exchange"
	"github.com/wicketgate/wicketgate/internal/inflate"
	"github.com/wicketgate/wicketgate/internal/pipeline"
	"github.com/wicketgate/wicketgate/internal/rule"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// Config is what api_validate is told, in a Caddyfile or in JSON.
type Config struct {
	// What the body is: "json"; "xml", by the schema; "form", application/x-www-form-urlencoded; "multipart",
	// multipart/form-data. Schema, rules and policies see JSON, and the body goes on as what it was, written anew. Default:
	// "json" where a schema or a rule reads the body; otherwise the body streams past.
	Body string `json:"body,omitempty"`
	// What the parts of a body may be that is "multipart". Default: no files, and the bounds that are said there.
	Parts *PartsConfig `json:"parts,omitempty"`
	// The largest body, in bytes. Default: 1 MiB. A larger one is answered with 413, even if report_only is set.
	Max int64 `json:"max,omitempty"`
	// Content codings that bodies may have: "gzip", "zstd". They are taken off, so that the service gets the body without:
	// at most so many bytes as max says, and 100 times those that came. Default: none; a body with one is answered 415.
	Compressed []string `json:"compressed,omitempty"`
	// The file of the JSON Schema 2020-12 that bodies must be valid by, at most 1 MiB. It may refer to files in its
	// folder and below. Default: none.
	Schema string `json:"schema,omitempty"`
	// What is done to texts of the body before schema and rules see it; the service gets what they saw. At most 64 places.
	// Default: nothing.
	Sanitize []SanitizeConfig `json:"sanitize,omitempty"`
	// The same of query parameters, by their names. At most 64. Default: nothing.
	SanitizeQuery []SanitizeQueryConfig `json:"sanitize_query,omitempty"`
	// What must be true of a request; all of them are tried, and all that are not met are told. Default: none.
	Rules []RuleConfig `json:"rules,omitempty"`
	// What the service answers is held against these schemas. Default: answers pass unseen.
	Responses *ResponsesConfig `json:"responses,omitempty"`
	// Refuse nothing, but log and count what would have been refused. Default: false.
	ReportOnly bool `json:"report_only,omitempty"`
}

// RuleConfig is one rule of api_validate.
type RuleConfig struct {
	// The condition in expr-lang, at most 4 KiB, over body, query, header, consumer, claims, client and request: body.total > 0.
	Expr string `json:"expr"`
	// What the caller of a request that does not meet it is told. It may quote the request: "the total ${body.total} is not
	// positive", each value cut to 128 bytes.
	Detail string `json:"detail"`
	// A JSON pointer to the part of the body that the rule is about. Default: the one member of the body that the rule
	// names, and of a list of which all or none must meet a condition the item that fails it; otherwise the whole body.
	At string `json:"at,omitempty"`
	// The rule's name in answers and metrics. Default: its number, "rule 1".
	Name string `json:"name,omitempty"`
}

// environment is what a rule can name where there is no catalogue: no API, no route and no parameters.
var environment = rule.Environment{Roots: rule.All &^ rule.API &^ rule.Path}

// Compile makes the rule ready. at is where its expression is written, for diagnostics; body is what is known of the body,
// nil for nothing.
func (c RuleConfig) Compile(at hcl.Range, body *rule.Shape) (Rule, hcl.Diagnostics) {
	env := environment
	env.Body = body
	r := Rule{Name: c.Name, Detail: c.Detail, At: c.At}
	var diags hcl.Diagnostics
	r.Program, diags = rule.CompileText(c.Expr, at, env, rule.Bool)
	if c.Detail == "" {
		diags = append(diags, mistake(at, "Rule without a detail", "Say what the caller is told when the rule is not met."))
	} else {
		quotes, more := rule.ParseTemplate(c.Detail, at, env)
		if diags = append(diags, more...); !more.HasErrors() {
			if text, constant := quotes.Constant(); constant {
				r.Detail = text
			} else {
				r.Quotes = quotes
			}
		}
	}
	if c.At != "" && c.At[0] != '/' {
		diags = append(diags, mistake(at, "Invalid pointer", fmt.Sprintf("Expected a JSON pointer such as %q.", "/"+strings.ReplaceAll(c.At, ".", "/"))))
	}
	return r, diags
}

// Shape is what the schema says of bodies, by which rules are checked; nil where there is none, or it has mistakes, which
// whoever loads it tells.
func (c Config) Shape(read func(string) ([]byte, error)) *rule.Shape {
	if c.Schema == "" {
		return nil
	}
	text := contained(c.Schema, read)
	if text == nil {
		return nil
	}
	return rule.ShapeOf(text)
}

// Stages makes the stages that the configuration asks for. read reads a file by its path. report is told what would
// have been refused if report_only is set. files are the schema's files, so that they can be watched.
func (c Config) Stages(read func(string) ([]byte, error), report Report) (stages []pipeline.Stage, files []string, diags hcl.Diagnostics) {
	place := func(field string) hcl.Range {
		return hcl.Range{Filename: "api_validate " + field, Start: hcl.InitialPos, End: hcl.InitialPos}
	}
	if c.Max < 0 {
		diags = append(diags, mistake(place("max"), "Invalid bound", "The largest body has a size of 1 byte or more."))
	}
	for _, coding := range c.Compressed {
		if !slices.Contains(inflate.Codings(), coding) {
			diags = append(diags, mistake(place("compressed"), "Unknown content coding", fmt.Sprintf("Expected %s, not %q.", strings.Join(inflate.Codings(), " or "), coding)))
		}
	}
	if !c.ReportOnly {
		report = nil
	}
	checks := Checks{MaxBody: c.Max, Report: report}
	var body *rule.Shape
	var text []byte
	if c.Schema != "" {
		var d hcl.Diagnostics
		checks.Schema, files, d = schema.Load(c.Schema, filepath.Dir(c.Schema), read)
		if diags = append(diags, d...); !d.HasErrors() {
			if text = contained(c.Schema, read); text != nil {
				body = rule.ShapeOf(text)
			}
		}
	}
	content := ContentConfig{Named: c.Body != "", MaxBody: c.Max, Compressed: c.Compressed, Report: report}
	diags = append(diags, c.format(&content, text, diags.HasErrors(), place)...)
	for i, from := range c.Rules {
		if from.Name == "" {
			from.Name = fmt.Sprintf("rule %d", i+1)
		}
		r, d := from.Compile(place(from.Name), body)
		diags = append(diags, d...)
		checks.Rules = append(checks.Rules, r)
	}
	sanitizing, d := c.sanitizing(place("sanitize"), body)
	diags = append(diags, d...)
	query, d := c.sanitizingQuery(place("sanitize_query"))
	if diags = append(diags, d...); diags.HasErrors() {
		return nil, files, diags
	}
	stage := New(checks)
	if c.Compressed != nil && c.Body == "" && stage.Needs().Body == exchange.None && sanitizing == nil {
		return nil, files, append(diags, mistake(place("compressed"), "Nothing reads the body", "A content coding is taken off where the body is read: name body too."))
	}
	if c.Body != "" || stage.Needs().Body == exchange.JSON || sanitizing != nil {
		content.Indexed = stage.Indexed() && sanitizing == nil
		if c.Schema != "" {
			content.Required = []string{"POST", "PUT", "PATCH"}
		}
		stages = append(stages, NewContent(content))
	}
	if sanitizing != nil {
		stages = append(stages, sanitizing)
	}
	if query != nil {
		stages = append(stages, query)
	}
	if checks.Schema != nil || checks.Rules != nil {
		stages = append(stages, stage)
	}
	return stages, files, diags
}

func mistake(at hcl.Range, summary, detail string) *hcl.Diagnostic {
	return &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary, Detail: detail, Subject: &at}
}
