package shadow

import (
	"slices"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Result is what became of a decision in the shadow.
type Result string

// Results. The last four are of decisions about which the candidate was not asked.
const (
	Agreed     Result = "agreed"
	WouldDeny  Result = "would_deny"  // what passes now
	WouldAllow Result = "would_allow" // what is denied now
	Differs    Result = "differs"     // in something else than the verdict
	Failed     Result = "failed"      // the candidate has no answer: an error, a time-out, a panic

	Dropped    Result = "dropped"    // too much was waiting
	NoBody     Result = "no_body"    // the candidate reads the body, which nobody else needs here, or which is not JSON
	Unreadable Result = "unreadable" // the request does not become an input
	Mistaken   Result = "mistaken"   // the candidate has mistakes
)

// judge says what the answers come to, which differ in rules.
func judge(live, would *exchange.Verdict, rules []string) Result {
	switch {
	case live.Allow && !would.Allow:
		return WouldDeny
	case !live.Allow && would.Allow:
		return WouldAllow
	case len(rules) > 0:
		return Differs
	}
	return Agreed
}

// differing gives the keys of the answer in which two differ, in order: allow for the verdict, whatever the answers call
// it. Undefined and an answer of true or false have no other keys. Both answers have been read, so that there are no
// keys but those an answer may have.
func differing(live *exchange.Verdict, liveResult ast.Value, would *exchange.Verdict, wouldResult ast.Value) []string {
	var rules []string
	if live.Allow != would.Allow {
		rules = append(rules, "allow")
	}
	one, other := members(liveResult), members(wouldResult)
	each := func(of, with map[string]ast.Value) {
		for name, value := range of {
			if there, ok := with[name]; (!ok || ast.Compare(value, there) != 0) && !slices.Contains(rules, name) {
				rules = append(rules, name)
			}
		}
	}
	each(one, other)
	each(other, one)
	slices.Sort(rules)
	return rules
}

// members are those of an answer, but for the verdict.
func members(result ast.Value) map[string]ast.Value {
	object, ok := result.(ast.Object)
	if !ok {
		return nil
	}
	all := make(map[string]ast.Value, object.Len())
	object.Foreach(func(k, v *ast.Term) {
		if name, ok := k.Value.(ast.String); ok && name != "allow" && name != "allowed" && !empty(v.Value) {
			all[string(name)] = v.Value
		}
	})
	return all
}

// empty says whether a value says nothing: the rules of a package that gather something are empty rather than undefined.
func empty(value ast.Value) bool {
	switch value := value.(type) {
	case ast.Set:
		return value.Len() == 0
	case ast.Object:
		return value.Len() == 0
	case *ast.Array:
		return value.Len() == 0
	}
	return false
}
