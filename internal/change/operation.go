package change

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/jsonspan"
)

// operation is an Operation understood, and its place in the chain.
type operation struct {
	*Operation
	change   *Change
	path, to []string
	at       int // counted over all operations of the chain, oldest first
}

// understand checks an operation on its own.
func understand(ch *Change, o *Operation) (*operation, hcl.Diagnostics) {
	var diags hcl.Diagnostics
	complain := func(summary, detail string, args ...any) {
		diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: summary,
			Detail: fmt.Sprintf(detail, args...), Subject: o.Range.Ptr()})
	}
	op := &operation{Operation: o, change: ch}
	var wrong string
	if op.path, wrong = parsePath(o.Path); wrong != "" {
		complain("Malformed path", "%s", wrong)
		return nil, diags
	}
	switch o.Kind {
	case Rename:
		if strings.Contains(o.To, ".") {
			complain("Malformed name", "rename gives a member another name beside the old one, so to is a name without dots; write move to bring %q to %q.", o.Path, o.To)
			break
		}
		to, wrong := parsePath(o.To)
		if wrong != "" {
			complain("Malformed name", "rename needs to, the new name of %q.", o.Path)
			break
		}
		op.to = append(slices.Clone(op.path[:len(op.path)-1]), to...)
		if slices.Equal(op.path, op.to) {
			complain("Rename to the same name", "%q has this name already.", o.Path)
		}
	case Move:
		if op.to, wrong = parsePath(o.To); wrong != "" {
			complain("Malformed path", "move needs to, the path that %q moves to. %s", o.Path, wrong)
			break
		}
		switch {
		case slices.Equal(op.path, op.to):
			complain("Move to the same place", "%q is there already.", o.Path)
		case within(op.to, op.path), within(op.path, op.to):
			complain("Move into itself", "%q and %q lie in each other, so neither can take the other's place.", o.Path, o.To)
		}
	case Drop, Add:
		what := "value, the constant that requests of older versions get"
		if o.Kind == Drop {
			what = "restore, the constant that responses to older versions get"
		}
		if len(o.Value) == 0 {
			complain("No inverse", "%s %q needs %s.", o.Kind, o.Path, what)
		} else if err := jsonspan.Check(o.Value, jsonspan.Bounds{}); err != nil {
			complain("Malformed constant", "%s %q needs %s, as JSON: %s.", o.Kind, o.Path, what, err)
		}
		if r, _ := o.Laws(); !r && o.Accept == "" {
			complain("The old value is lost", "%s %q loses what callers of older versions send: they read back the constant. If that is right, say why with accept = \"…\".", o.Kind, o.Path)
		}
	case Enum:
		if len(o.Pairs) == 0 {
			complain("No pairs", "enum %q needs pairs = [[old, new], …].", o.Path)
		}
		for _, p := range o.Pairs {
			for _, v := range []json.RawMessage{p.Old, p.New} {
				if !isScalar(v) {
					complain("Malformed pair", "enum %q pairs strings, numbers, booleans and null; %s is none of them.", o.Path, brief(v))
				}
			}
		}
		if diags.HasErrors() || o.Accept != "" {
			break
		}
		if r, s := o.Laws(); !r {
			complain("The old value is lost", "In enum %q two old values have the same new one, so the way back is not known. If the first of them is right for both, say why with accept = \"…\".", o.Path)
		} else if !s {
			complain("The new value is lost", "In enum %q an old value has two new ones, so the way up is not known. If the first of them is right, say why with accept = \"…\".", o.Path)
		}
	default:
		if slices.Contains(Kinds, o.Kind) {
			complain("Not supported", "%s %q is not supported by this version; it runs rename, move, drop, add and enum.", o.Kind, o.Path)
			break
		}
		words := make([]string, len(Kinds))
		for i, k := range Kinds {
			words[i] = string(k)
		}
		complain("Unknown operation", "There is no operation %q.%s", o.Kind, meant(string(o.Kind), words))
	}
	if diags.HasErrors() {
		return nil, diags
	}
	return op, nil
}

func isScalar(v json.RawMessage) bool {
	return jsonspan.Check(v, jsonspan.Bounds{}) == nil && v[0] != '{' && v[0] != '[' && len(bytes.TrimSpace(v)) == len(v)
}

// brief is raw, cut where it is long.
func brief(raw []byte) string {
	const most = 200
	if len(raw) <= most {
		return string(raw)
	}
	return strings.ToValidUTF8(string(raw[:most]), "") + "…"
}

// order checks what the operations of one change say of each other: a member that one has taken away is not there for
// the next.
func order(ops []*operation) hcl.Diagnostics {
	var diags hcl.Diagnostics
	var gone []*operation
	for _, op := range ops {
		for _, g := range gone {
			if op.Kind == Add || !within(op.path, g.path) {
				continue
			}
			now := "it is gone then"
			if g.to != nil {
				now = fmt.Sprintf("it is %q then", strings.Join(append(slices.Clone(g.to), op.path[len(g.path):]...), "."))
			}
			diags = append(diags, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Member is no longer there",
				Detail:  fmt.Sprintf("Operations run in written order, and %s %q above takes %q away: %s.", g.Kind, g.Path, op.Path, now),
				Subject: op.Range.Ptr(), Context: op.change.Range.Ptr()})
		}
		into := op.to
		if op.Kind == Add {
			into = op.path
		}
		if into != nil {
			gone = slices.DeleteFunc(gone, func(g *operation) bool { return within(into, g.path) || within(g.path, into) })
		}
		if op.to != nil || op.Kind == Drop {
			gone = append(gone, op)
		}
	}
	return diags
}
