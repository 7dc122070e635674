package policy

import (
	"errors"
	"strings"

	"github.com/open-policy-agent/opa/v1/util"
	"go.yaml.in/yaml/v3" // OPA's own, which says what OPA lets pass: that a member is there twice
)

// readYAML reads a data file as OPA does, but for a member that is there twice: of two lists of a role's members, OPA
// takes the last, and who wrote the first would never hear of it.
func readYAML(src []byte, content *any) error {
	if err := util.Unmarshal(src, content); err != nil {
		return err
	}
	var (
		again    any
		mistakes *yaml.TypeError
	)
	if err := yaml.Unmarshal(src, &again); errors.As(err, &mistakes) {
		for _, mistake := range mistakes.Errors {
			if strings.Contains(mistake, "already defined") {
				return errors.New("yaml: " + mistake)
			}
		}
	}
	return nil
}
