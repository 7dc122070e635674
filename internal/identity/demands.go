package identity

import "strings"

// demands are what is wanted of the claims of a token, wherever they come from, and what is computed of them.
type demands struct {
	method   string
	required []string
	scopes   []string // that must be granted
	scope    string   // the same, for a challenge
	compute  Computed
}

func newDemands(method string, required, scopes []string, compute Computed) demands {
	if compute.Consumer == nil {
		compute.Consumer = subject
	}
	return demands{method, required, scopes, strings.Join(scopes, " "), compute}
}
