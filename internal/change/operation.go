package change

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

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

// beside is the path of a member that stands beside the one the operation works on.
func (op *operation) beside(name string) []string {
	return append(slices.Clone(op.path[:len(op.path)-1]), name)
}

// inside is the path of the member that has the value in the object around it.
func (op *operation) inside() []string { return append(slices.Clone(op.path), op.Member) }

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
	case Wrap, Unwrap:
		if wrong := wrongName(o.Member); wrong != "" {
			complain("Malformed name", "%s %q needs the name of the only member of the object around the value: %s.", o.Kind, o.Path, wrong)
		}
	case List, Unlist:
	case Scale:
		if o.Decimals == 0 || o.Decimals < -maxDecimals || o.Decimals > maxDecimals {
			complain("Unsuitable decimals", "scale %q needs decimals, by how many digits the decimal point moves to the right: %d to %d, not 0.", o.Path, -maxDecimals, maxDecimals)
		}
		if o.As != "" && o.As != "string" && o.As != "number" {
			complain("Unknown type", `In scale %q the side with the decimal point is a "string" or a "number", not %q.`, o.Path, o.As)
		}
	case Cast:
		for _, as := range []string{o.From, o.As} {
			if as != "string" && as != "number" && as != "boolean" {
				complain("Unknown type", `cast %q is from a "string" to a "number" or "boolean", or the other way round, not from %q to %q.`, o.Path, o.From, o.As)
				return nil, diags
			}
		}
		if (o.From == "string") == (o.As == "string") {
			complain("Unsuitable types", `cast %q is from %q to %q, but one of both must be "string".`, o.Path, o.From, o.As)
		}
	case Split, Join:
		if len(o.Parts) < 2 || len(o.Parts) > maxParts {
			complain("Unsuitable parts", "%s %q needs the names of 2 to %d members.", o.Kind, o.Path, maxParts)
		}
		for i, part := range o.Parts {
			if wrong := wrongName(part); wrong != "" {
				complain("Malformed name", "The parts of %s %q are names: %s.", o.Kind, o.Path, wrong)
			} else if slices.Contains(o.Parts[:i], part) {
				complain("Duplicate part", "%s %q has %q twice.", o.Kind, o.Path, part)
			} else if part == op.path[len(op.path)-1] {
				complain("Text among its parts", "In %s %q one of the parts has the name of the text; rename the text, in an operation of its own.", o.Kind, o.Path)
			}
		}
		if o.Separator == "" || !utf8.ValidString(o.Separator) {
			complain("Unsuitable separator", "%s %q needs separator, what stands between the parts: a text that is not empty.", o.Kind, o.Path)
		}
	default:
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

const maxDecimals = 18

// wrongName gives what is wrong with the name of a single member, or "".
func wrongName(name string) string {
	if names, wrong := parsePath(name); wrong != "" || len(names) != 1 {
		return fmt.Sprintf("%q is no name without dots and brackets", name)
	}
	return ""
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
