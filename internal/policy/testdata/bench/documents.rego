# METADATA
# title: Documents of many tenants
# description: |
#   The policy of BenchmarkRealistic. Members of tenants work with documents: by the permissions of their roles, in
#   their own tenant and those below it, on their own documents or, with a wider permission, on all of the tenant's;
#   from known networks, and to change something only in office hours; they see the fields that their scopes let them
#   see. The data, data.bench, is made by the benchmark: 1,000 roles, 10,000 users, 2,000 tenants.
package bench.documents

import data.wicketgate.networks
import data.wicketgate.obligations
import data.wicketgate.ownership
import data.wicketgate.roles
import data.wicketgate.scopes
import data.wicketgate.tenants
import data.wicketgate.windows

# METADATA
# title: The decision
# entrypoint: true
decision := {
	"allow": true,
	"reasons": caller_roles,
	"headers": {"x-tenant": tenant},
	"drop": obligations.hidden(data.bench.fields, input.consumer.scopes),
	"filter": visible,
} if {
	count(objections) == 0
}

else := {
	"allow": false,
	"reasons": objections,
	"problem": {"detail": concat(", ", objections)},
}

action := {
	"GET /tenants/{tenant}/documents": "list",
	"GET /tenants/{tenant}/documents/{id}": "read",
	"POST /tenants/{tenant}/documents": "create",
	"PUT /tenants/{tenant}/documents/{id}": "replace",
	"DELETE /tenants/{tenant}/documents/{id}": "delete",
}[input.api.route]

tenant := input.api.parameters.tenant

changes if action in {"create", "replace", "delete"}

caller_roles := roles.with_inherited(data.bench.inherits, data.bench.users[input.consumer.id].roles)

granted if {
	some permission in wanted
	roles.grants(data.bench.roles, caller_roles, permission)
}

wanted contains concat(":", ["documents", action])

wanted contains concat(":", ["documents", action, "own"]) if own

own if {
	owner := ownership.owner_of(input.api.parameters.id, "-")
	ownership.owns({"id": input.consumer.id, "groups": input.consumer.groups}, {"owner": owner})
}

default visible := {}

visible := obligations.tenant_items("/data", tenant) if action == "list"

caller_tenants := tenants.with_below(data.bench.tenants, {data.bench.users[input.consumer.id].tenant})

objections contains "unknown-action" if not action

objections contains "unknown-user" if not data.bench.users[input.consumer.id]

objections contains "no-permission" if not granted

objections contains "other-tenant" if not tenants.holds(caller_tenants, {"tenant": tenant})

objections contains "scope-missing" if not scopes.allows_route(data.bench.scopes, {"scopes": input.consumer.scopes}, input.api.route)

objections contains "unknown-network" if not networks.has(data.bench.networks, input.request.address)

objections contains "out-of-hours" if {
	changes
	not windows.open(data.bench.office, input.time)
}
