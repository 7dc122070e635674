package gateway

import (
	"fmt"
	"slices"

	"github.com/hashicorp/hcl/v2"

	"github.com/wicketgate/wicketgate/internal/admit"
)

// reserved are the header fields of a configuration in which services are told who calls, and those in which callers
// send credentials.
type reserved struct{ told, credentials []string }

// Admission admits requests that come to a stage of its own before any other. What clients send in fields in which some
// service is told who calls ends there, whichever directive it is that tells it.
func (a *App) Admission() *admit.Admit { return a.admission.Load() }

// reserves adds what a load says of such fields to what others before it said, and tells of a field that is both: what the
// one has taken off, the other waits for.
func (l *Load) reserves(before reserved) reserved {
	all := reserved{told: slices.Concat(before.told, l.Told), credentials: slices.Concat(before.credentials, l.Credentials)}
	for _, list := range []*[]string{&all.told, &all.credentials} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	for _, field := range all.told {
		if field != authorization && slices.Contains(all.credentials, field) {
			l.Diagnostics = append(l.Diagnostics, &hcl.Diagnostic{Severity: hcl.DiagError, Summary: "Credential and consumer in one field",
				Detail: fmt.Sprintf("The header field %s carries a credential, so that no service can be told in it who calls.", field)})
		}
	}
	return all
}

const authorization = "Authorization"

// fields are those that clients' fields end in.
func (r reserved) fields() []string {
	return slices.DeleteFunc(slices.Clone(r.told), func(f string) bool { return f == authorization })
}

// reserving commits a load with clients' fields that end at admission: those of the new state from before any request can
// come to it, and those of the old one until none can any more.
func (a *App) reserving(all reserved, commits ...func()) {
	fields, before := all.fields(), a.reserved.fields()
	if a.gateway != nil {
		a.gateway.reserve(fields)
	}
	a.admission.Store(admit.New(admit.Config{Reserved: slices.Concat(before, fields)}))
	for _, commit := range commits {
		commit()
	}
	a.reserved = all
	a.admission.Store(admit.New(admit.Config{Reserved: fields}))
}
