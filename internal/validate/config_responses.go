package validate

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/drift"
	"github.com/wicketgate/wicketgate/internal/schema"
)

// maxAnswer bounds what an operator may have held of an answer: 1 GiB.
const maxAnswer = 1 << 30

// ResponsesConfig is what api_validate holds answers against.
type ResponsesConfig struct {
	// What becomes of an answer that differs: "report" counts it for caddy gateway drift and lets it pass as it arrives,
	// "enforce" answers 502 instead.
	Mode string `json:"mode"`
	// The largest answer, in bytes: a larger one is not looked at, or answered 502 where mode is enforce. Default: 1 MiB, or
	// 8 MiB where mode is enforce. Bound: 1 GiB.
	Max int64 `json:"max,omitempty"`
	// The schemas, each with the statuses it is for. An answer of another status is not looked at. At least one, at most 32.
	Schemas []ResponseSchema `json:"schemas,omitempty"`
}

// ResponseSchema is the schema of some answers.
type ResponseSchema struct {
	// The file of the JSON Schema 2020-12, at most 1 MiB. It may refer to files in its folder and below.
	File string `json:"file"`
	// The statuses of answers, "200", or classes of them, "4xx". Default: "2xx".
	Statuses []string `json:"statuses,omitempty"`
}

// maxSchemas is how many schemas of answers there may be.
const maxSchemas = 32

// Check tells what is wrong without a look at the files.
func (c *ResponsesConfig) Check(at hcl.Range) (diags hcl.Diagnostics) {
	if c.Mode != "report" && c.Mode != "enforce" {
		diags = append(diags, mistake(at, "Unknown mode", fmt.Sprintf("Expected report or enforce, not %q.", c.Mode)))
	}
	if c.Max < 0 || c.Max > maxAnswer {
		diags = append(diags, mistake(at, "Invalid bound", "The largest answer has 1 byte to 1 GiB."))
	}
	if len(c.Schemas) == 0 || len(c.Schemas) > maxSchemas {
		diags = append(diags, mistake(at, "Nothing to hold answers against", fmt.Sprintf("Name 1 to %d schemas of answers.", maxSchemas)))
	}
	seen := map[string]bool{}
	for _, s := range c.Schemas {
		for _, status := range s.statuses() {
			switch {
			case !Status(status):
				diags = append(diags, mistake(at, "Invalid status", fmt.Sprintf("Expected a status such as 200 or a class of them such as 4xx, not %q.", status)))
			case seen[status]:
				diags = append(diags, mistake(at, "Written twice", fmt.Sprintf("Answers of status %s have a schema already.", status)))
			}
			seen[status] = true
		}
	}
	return diags
}

func (s *ResponseSchema) statuses() []string {
	if len(s.Statuses) == 0 {
		return []string{"2xx"}
	}
	return s.Statuses
}

// Answers makes the stage that holds answers against the schemas of Responses; nil where there are none. keeper gives who
// keeps what is found on a route. files are the schemas' files, so that they can be watched.
func (c Config) Answers(read func(string) ([]byte, error), keeper func(drift.Key) *drift.Route) (a *Answers, files []string, diags hcl.Diagnostics) {
	if c.Responses == nil {
		return nil, nil, nil
	}
	at := hcl.Range{Filename: "api_validate responses", Start: hcl.InitialPos, End: hcl.InitialPos}
	if diags = c.Responses.Check(at); diags.HasErrors() {
		return nil, nil, diags
	}
	to := AnswersConfig{Enforce: c.Responses.Mode == "enforce", Max: c.Responses.Max}
	for _, from := range c.Responses.Schemas {
		s, more, d := schema.Load(from.File, filepath.Dir(from.File), read)
		diags, files = append(diags, d...), append(files, more...)
		to.Forms = append(to.Forms, AnswerForm{Statuses: from.statuses(), Parts: []AnswerPart{{Schema: s}}})
	}
	if diags.HasErrors() {
		return nil, files, diags
	}
	var names []string
	for _, from := range c.Responses.Schemas {
		names = append(names, from.File)
	}
	to.Drift = keeper(drift.Key{Route: strings.Join(names, ", "), Enforced: to.Enforce})
	return NewAnswers(to), files, diags
}
