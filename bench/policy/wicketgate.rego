# A role of the caller's must grant the request's action.
package bench.items

allow if {
	some role in input.consumer.claims.roles
	some grant in data.grants[role]
	grant.action == action
	grant.api == input.api.name
}

action := "read" if input.request.method in {"GET", "HEAD"}

action := "write" if input.request.method == "POST"
