package identity

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/wicketgate/wicketgate/internal/exchange"
)

// Bounds of what is told of one user. A token is bounded too, so that few meet them.
const (
	maxUserFacts = 100     // of one user: more claims are left out
	maxUserFact  = 4 << 10 // bytes of one: a longer one is left out
)

// UserFact is what is known of a consumer under a name, as a text: id, name, method, scopes (divided by blanks), groups
// (by commas), plan, version, expires (RFC 3339), and claims.x, where x may go on into objects: claims.org.id. Lists
// of texts, numbers and truth values are divided by commas, any other value is JSON. What there is not is empty; ok is
// false for any other name.
func UserFact(c *exchange.Consumer, name string) (text string, ok bool) {
	switch name {
	case "id":
		text = c.ID
	case "name":
		text = c.Name
	case "method":
		text = c.Method
	case "scopes":
		text = strings.Join(c.Scopes, " ")
	case "groups":
		text = strings.Join(c.Groups, ",")
	case "plan":
		text = c.Plan
	case "version":
		text = c.Version
	case "expires":
		if !c.Expires.IsZero() {
			text = c.Expires.UTC().Format(time.RFC3339)
		}
	default:
		path, isClaim := strings.CutPrefix(name, "claims.")
		if !isClaim {
			return "", false
		}
		if value, there := claimAt(c.Claims, path); there {
			text, _ = claimText(value)
		}
	}
	return text, true
}

// UserFacts are all that UserFact would tell, but for the id and what is too much: at most 100, each of at most 4 KiB.
func UserFacts(c *exchange.Consumer) map[string]string {
	facts := make(map[string]string, 8+len(c.Claims))
	for _, name := range [...]string{"name", "method", "scopes", "groups", "plan", "version", "expires"} {
		facts[name], _ = UserFact(c, name)
	}
	addClaims(facts, "claims", c.Claims)
	return facts
}

func addClaims(facts map[string]string, prefix string, claims map[string]any) {
	for name, value := range claims {
		name = prefix + "." + name
		if object, ok := value.(map[string]any); ok {
			addClaims(facts, name, object)
			continue
		}
		if text, ok := claimText(value); ok && len(facts) < maxUserFacts {
			facts[name] = text
		}
	}
}

// claimAt finds a claim by its name, which may have dots, or by a path of names.
func claimAt(claims map[string]any, path string) (any, bool) {
	if value, ok := claims[path]; ok {
		return value, true
	}
	for i := 0; i < len(path); i++ {
		if path[i] != '.' {
			continue
		}
		if object, ok := claims[path[:i]].(map[string]any); ok {
			if value, ok := claimAt(object, path[i+1:]); ok {
				return value, true
			}
		}
	}
	return nil, false
}

// claimText writes a claim; not ok where it is null or too long.
func claimText(value any) (string, bool) {
	text := ""
	switch v := value.(type) {
	case nil:
		return "", false
	case []any:
		items := make([]string, len(v))
		for i, item := range v {
			switch item.(type) {
			case map[string]any, []any, nil:
				return asJSON(v)
			}
			items[i], _ = claimText(item)
		}
		text = strings.Join(items, ",")
	case map[string]any:
		return asJSON(v)
	case string:
		text = v
	case float64:
		return asJSON(v) // as JSON spells it: 1.5, 1e+21
	default: // bool, int, json.Number
		text = fmt.Sprint(v)
	}
	if len(text) > maxUserFact {
		return "", false
	}
	return text, true
}

func asJSON(value any) (string, bool) {
	text, err := json.Marshal(value)
	if err != nil || len(text) > maxUserFact {
		return "", false
	}
	return string(text), true
}
