# What the peers ask an OPA server, asked in the gateway: a user's roles grant an action on a type of thing.
package authz

allow if {
	some role in data.user_roles[input.request.headers["x-caller"][0]]
	some grant in data.role_grants[role]
	grant.action == action
	grant.type == input.request.segments[1]
}

action := "read" if input.request.method in {"GET", "HEAD"}

action := "write" if input.request.method in {"POST", "PUT", "PATCH"}

action := "delete" if input.request.method == "DELETE"
