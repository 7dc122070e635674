package policy

import (
	"encoding/json"
	"fmt"

	"github.com/open-policy-agent/opa/v1/ast"

	"github.com/wicketgate/wicketgate/internal/change"
)

// What obligations may hold. How many pointers there may be, and how long and deep they are, package change bounds.
const (
	maxLimits        = 8       // limits whose quotas are overridden, as many as a route has
	maxQuotas        = 4       // of a limit, as many as it has
	maxRequests      = 1 << 53 // of a quota, before it is held against its window: what every JSON number can say
	maxMetadataBytes = 8 << 10 // of dynamic_metadata, as Rego spells it
)

// readPointers reads a set or list of JSON pointers.
func readPointers(value ast.Value) ([]string, error) {
	list, err := readStrings(value)
	if err != nil {
		return nil, fmt.Errorf("JSON pointers: %w", err)
	}
	return list, nil
}

// readFilters reads, by pointers to lists, which members the items that stay have.
func readFilters(value ast.Value) ([]change.Filter, error) {
	var filters []change.Filter
	err := each(value, "JSON pointers to lists", func(list string, value ast.Value) error {
		f := change.Filter{List: list}
		err := each(value, "names of members", func(member string, value ast.Value) error {
			switch value.(type) {
			case ast.String, ast.Number, ast.Boolean, ast.Null:
			default:
				return fmt.Errorf("%s: expected a string, number, boolean or null, not %s", member, ast.ValueName(value))
			}
			plain, err := ast.JSON(value)
			if err != nil {
				return err
			}
			text, err := json.Marshal(plain)
			f.Equals = append(f.Equals, change.Condition{Member: member, Value: text})
			return err
		})
		filters = append(filters, f)
		return err
	})
	return filters, err
}

// readLimits reads requests by the names of limits and quotas.
func readLimits(value ast.Value) (map[string]map[string]int64, error) {
	limits := map[string]map[string]int64{}
	err := each(value, "names of limits", func(limit string, value ast.Value) error {
		quotas := map[string]int64{}
		err := each(value, "names of quotas", func(quota string, value ast.Value) error {
			n, _ := value.(ast.Number)
			requests, whole := n.Int64()
			if !whole || requests < 0 || requests > maxRequests {
				return fmt.Errorf("%s of %s: expected a number of requests, 0 or more, not %.40s", quota, limit, value)
			}
			quotas[quota] = requests
			return nil
		})
		if err == nil && len(quotas) > maxQuotas {
			err = fmt.Errorf("%s: a limit has at most %d quotas", limit, maxQuotas)
		}
		limits[limit] = quotas
		return err
	})
	if err == nil && len(limits) > maxLimits {
		err = fmt.Errorf("there may be at most %d limits", maxLimits)
	}
	if len(limits) == 0 {
		return nil, err
	}
	return limits, err
}

// checkMetadata checks what is for the decision log alone, which has all that the policy said.
func checkMetadata(value ast.Value) error {
	if _, ok := value.(ast.Object); !ok {
		return fmt.Errorf("expected an object, not %s", ast.ValueName(value))
	}
	if value.StringLength() > maxMetadataBytes {
		return fmt.Errorf("there may be at most %d bytes", maxMetadataBytes)
	}
	return nil
}

// each calls f for the members of an object whose keys are strings. what says of what, for messages.
func each(value ast.Value, what string, f func(key string, value ast.Value) error) error {
	object, ok := value.(ast.Object)
	if !ok {
		return fmt.Errorf("expected an object by %s, not %s", what, ast.ValueName(value))
	}
	return object.Iter(func(key, value *ast.Term) error {
		name, ok := key.Value.(ast.String)
		if !ok {
			return fmt.Errorf("expected %s as keys, not %s", what, ast.ValueName(key.Value))
		}
		return f(string(name), value.Value)
	})
}
