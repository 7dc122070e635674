package changelog

import (
	"fmt"
	"strings"

	"github.com/wicketgate/wicketgate/internal/change"
)

// words tells an operation as callers of the newer version see it.
func words(o *change.Operation) string {
	switch o.Kind {
	case change.Rename:
		return fmt.Sprintf("%s is called %s", o.Path, o.To)
	case change.Move:
		return fmt.Sprintf("%s moved to %s", o.Path, o.To)
	case change.Drop:
		return fmt.Sprintf("%s is gone; older versions are given %s", o.Path, o.Value)
	case change.Add:
		return fmt.Sprintf("%s is new; from older versions it is %s", o.Path, o.Value)
	case change.Enum:
		var pairs []string
		for _, p := range o.Pairs {
			pairs = append(pairs, fmt.Sprintf("%s became %s", p.Old, p.New))
		}
		return o.Path + ": " + strings.Join(pairs, ", ")
	case change.Wrap:
		return fmt.Sprintf("%s became an object with the member %s, which is what it was", o.Path, o.Member)
	case change.Unwrap:
		return fmt.Sprintf("%s became what its member %s was", o.Path, o.Member)
	case change.List:
		return fmt.Sprintf("%s became a list, whose one item is what it was", o.Path)
	case change.Unlist:
		return fmt.Sprintf("%s became what the one item of its list was", o.Path)
	case change.Scale:
		return fmt.Sprintf("%s: %s", o.Path, scaled(o))
	case change.Cast:
		return fmt.Sprintf("%s was a %s and is a %s", o.Path, o.From, o.As)
	case change.Split:
		return fmt.Sprintf("%s became %s, separated at %q", o.Path, strings.Join(o.Parts, ", "), o.Separator)
	case change.Join:
		return fmt.Sprintf("%s became %s, joined by %q", strings.Join(o.Parts, ", "), o.Path, o.Separator)
	}
	return fmt.Sprintf("%s %s", o.Kind, o.Path)
}

// scaled shows by an example where the decimal point goes.
func scaled(o *change.Operation) string {
	digits := max(o.Decimals, -o.Decimals)
	decimal := "1." + strings.Repeat("0", digits)
	if o.As == "string" {
		decimal = `"` + decimal + `"`
	}
	integer := "1" + strings.Repeat("0", digits)
	if o.Decimals < 0 {
		decimal, integer = integer, decimal
	}
	return fmt.Sprintf("%s became %s, and so on", decimal, integer)
}

// loss tells in words what an operation of a class loses; "" for nothing. resets says that there is a PUT by which older
// versions take away what they do not know.
func loss(kind change.Kind, class Class, resets bool) string {
	switch {
	case class == R && !resets && kind == change.Split:
		return "older versions do not see where"
	case class == R && !resets:
		return "older versions do not see it"
	case class == R && kind == change.Split:
		return "a PUT of an older version may separate it elsewhere"
	case class == R:
		return "a PUT of an older version resets it"
	case class == S:
		return "what older versions send is lost"
	case class == None:
		return "it is lost both ways"
	}
	return ""
}
