package parameter

import (
	"errors"
	"fmt"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
	"github.com/wicketgate/wicketgate/internal/webform"
	"github.com/wicketgate/wicketgate/internal/xmlform"
)

// maxDeep bounds what the members of one parameter say together, in bytes of JSON. The query itself has been bounded at
// admission.
const maxDeep = 64 << 10

// deep makes the shape of the members of a parameter, below its name; nil with a warning where its schema has none.
func deep(p *Parameter) (*webform.Shape, hcl.Diagnostics) {
	whole := append(append(jsonspan.AppendQuote([]byte(`{"type":"object","properties":{`), p.Name), ':'), p.Schema...)
	shape, err := webform.NewShape("parameter", append(whole, "}}"...))
	if err == nil {
		return shape, nil
	}
	detail := err.Error()
	var mistakes xmlform.Mistakes
	if errors.As(err, &mistakes) {
		detail = mistakes[0].Detail
	}
	return nil, hcl.Diagnostics{{Severity: hcl.DiagWarning, Summary: "Not checked", Subject: p.Range.Ptr(),
		Detail: fmt.Sprintf("What the query parameter %q says is not looked at: %s.", p.Name, detail)}}
}

// member says whether a name is of a deep parameter, and notes its value.
func (c *check) member(name, text string) bool {
	for _, i := range c.deep {
		p := &c.Set.list[i]
		if name != p.Name && !strings.HasPrefix(name, p.Name+"[") {
			continue
		}
		v := &c.values[i]
		if v.n++; v.wrong {
			return true
		}
		if v.pairs == nil {
			v.pairs = p.shape.Pairs()
		}
		if err := v.pairs.Add(name, text); err != nil {
			v.wrong = true
			c.misread(p, err)
		}
		return true
	}
	return false
}

// misread tells what is wrong with the members of a deep parameter.
func (c *check) misread(p *known, err *webform.Error) {
	keyword := "type"
	if err.Twice {
		keyword, c.found.Repeated = "repeated", Query
	}
	detail := err.Detail
	if tokens := jsonspan.Split(err.Pointer); len(tokens) > 1 && len(err.Pointer) <= maxQuoted {
		detail = "[" + strings.Join(tokens[1:], "][") + "] " + detail
	}
	c.wrong(p, keyword, detail)
}

// object appends what the members of a deep parameter say together, and gives whether it is there and well spelt.
func (c *check) object(p *known, v *values) bool {
	if v.wrong {
		return false
	}
	doc, err := v.pairs.Document(maxDeep)
	if err != nil {
		c.misread(p, err)
		return false
	}
	for _, value := range jsonspan.Members(doc) {
		c.doc = append(c.doc, value...)
		return true
	}
	return false
}
